"""`./qms release verify`: which folder it hands to the verifier, with what, and that exit code and prints are the verifier's."""

import subprocess

import pytest
from typer.testing import CliRunner

from pipeline import release_cli
from pipeline.cli import app
from pipeline.release.errors import ReleaseRefused
from pipeline.release.verification import command
from tests.pipeline.release.sealed import QUALITY, Sealed


@pytest.fixture
def sealed(tmp_path, monkeypatch):
    monkeypatch.setattr(release_cli, "root", lambda: tmp_path)
    return Sealed(tmp_path)


def test_a_release_goes_before_a_trial_and_has_to_be_one(sealed, tmp_path):
    (tmp_path / "artifacts/releases/0.1.0/archive").mkdir(parents=True)
    found = command(tmp_path, "0.1.0", ("--json",))
    assert found[3:5] == [str(sealed.folder), "--release"]
    assert found[5:] == [
        "--archive",
        str(tmp_path / "artifacts/releases/0.1.0/archive"),
        "--repository",
        str(tmp_path),
        "--json",
    ]


def test_a_release_whose_record_is_gone_is_not_taken_for_its_trial(sealed, tmp_path):
    (sealed.folder / "record.dsse.json").unlink()
    (tmp_path / "artifacts/releases/0.1.0").mkdir(parents=True)
    done = subprocess.run(command(tmp_path, "0.1.0", repository=False), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "VER-MISSING at record.dsse.json" in done.stdout


def test_a_trial_is_found(tmp_path):
    (tmp_path / "artifacts/releases/0.1.0").mkdir(parents=True)
    assert command(tmp_path, "0.1.0", repository=False)[3:] == [str(tmp_path / "artifacts/releases/0.1.0")]


def test_no_folder_of_the_version_is_said(tmp_path):
    with pytest.raises(ReleaseRefused, match=r"REL-RECORD at 0\.9\.0: found no folder"):
        command(tmp_path, "0.9.0")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["0.1.0", "--no-repository"], 0),
        (["0.1.0", "--no-repository", "--pin", QUALITY.key, "--require-pin"], 0),
        (["0.1.0", "--no-repository", "--pin", "SHA256:" + "A" * 43], 1),
        (["0.1.0", "--no-repository", "--at-least", "0.2.0"], 1),
        (["0.1.0", "--no-repository", "--require-pin"], 3),
        (["0.9.0"], 3),
        (["first"], 2),
    ],
)
def test_the_exit_code_is_that_of_the_verifier(sealed, arguments, code):
    assert CliRunner().invoke(app, ["release", "verify", *arguments]).exit_code == code
