"""`./qms matrix`: paths on stdout, exit code of the gate, one clear message for wrong input."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from pipeline import dvc_runs
from pipeline.cli import app
from verification.trace import gate, matrix

runner = CliRunner()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project in place of the repository; the gate's answer about it is far from open."""
    monkeypatch.setattr(dvc_runs, "canonical", lambda: SimpleNamespace(root=tmp_path))
    return tmp_path


def test_all_formats_are_written_and_named(project):
    done = runner.invoke(app, ["matrix"])
    assert done.exit_code == 1
    assert done.stdout.split() == [str(project / matrix.FOLDER / f"matrix.{name}") for name in matrix.FORMATS]
    assert all((project / matrix.FOLDER / f"matrix.{name}").is_file() for name in matrix.FORMATS)


def test_formats_and_level_can_be_chosen(project, monkeypatch):
    asked = []
    real = gate.check
    monkeypatch.setattr(gate, "check", lambda root, level: asked.append(level) or real(root, level))
    done = runner.invoke(app, ["matrix", "--format", "csv, json", "--level", "release"])
    assert done.stdout.split() == [str(project / matrix.FOLDER / "matrix.csv"), str(project / matrix.FOLDER / "matrix.json")]
    assert asked == [gate.Level.RELEASE]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "pdf"), "found 'pdf', expected one or more of html, csv, xlsx, json"),
        (("--format", "html,,csv"), "found '', expected one or more of"),
        (("--level", "beta"), "found 'beta', expected one of development, release, submission"),
    ],
)
def test_wrong_input_is_one_clear_message_and_writes_nothing(project, arguments, said):
    done = runner.invoke(app, ["matrix", *arguments])
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())
    assert list(project.iterdir()) == []
