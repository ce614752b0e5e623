"""`./qms change-package`: words, exit codes, and where the package lies."""

import json

import pytest
from typer.testing import CliRunner

from pipeline import run
from pipeline.cli import app


def called(*arguments):
    return CliRunner().invoke(app, ["change-package", *arguments])


@pytest.mark.parametrize(
    ("span", "code", "said"), [("HEAD", 2, "CPK-RANGE at change-package"), ("9.9.9", 1, "CPK-RELEASE at release 9.9.9")]
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(span, code, said, tmp_path):
    done = called(span, "--out", str(tmp_path / "out"))
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_package_is_made_and_its_place_is_printed(releases, monkeypatch, tmp_path):
    monkeypatch.setattr(run, "REPOSITORY", releases.root)
    releases.project.replace("risk/data/controls.toml", "under 18", "under 21")
    done = called("0.1.0")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "artifacts/change_packages/0.1.0..working-tree/index.html"
    assert (releases.root / done.stdout.splitlines()[-1]).is_file()
    done = called("0.1.0", "--json", "--out", str(tmp_path / "out"))
    assert json.loads(done.stdout)["schema"] == "thoratrace/change-package/1"
    assert done.stderr.strip() == str(tmp_path / "out" / "index.html")


def test_a_source_that_cannot_be_read_is_exit_1(releases, monkeypatch):
    monkeypatch.setattr(run, "REPOSITORY", releases.root)
    releases.project.replace("requirements_spec/data/user_needs.toml", 'title = "Adults only"', "title = 3")
    done = called("0.1.0")
    assert done.exit_code == 1
    assert "not compared: could not be read, after: requirements_spec/data/user_needs.toml" in done.stdout
