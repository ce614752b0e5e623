"""`./qms exchange`: files and figures on stdout and stderr, differences as data, exit codes, and one clear message for wrong input."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pipeline import exchange_cli
from pipeline.cli import app
from pipeline.run import REPOSITORY
from verification.trace.exchange.edits import NEEDED

runner = CliRunner()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A copy of the shipped data in which the command may write."""
    import shutil

    for name in NEEDED:
        target = tmp_path / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy)(REPOSITORY / name, target)
    monkeypatch.setattr(exchange_cli, "_root", lambda: tmp_path / "project")
    return tmp_path / "project"


def run(*arguments):
    return runner.invoke(app, ["exchange", *map(str, arguments)])


@pytest.mark.parametrize("form", exchange_cli.FORMAT_NAMES)
def test_export_then_import_finds_no_difference(root, tmp_path, form):
    path = tmp_path / f"out.{form}"
    done = run("export", "--format", form, path)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == str(path)
    assert "items, " in done.stderr
    back = run("import", "--format", form, path)
    assert (back.exit_code, back.stdout) == (0, "")
    assert "0 differences" in back.stderr


def changed_file(tmp_path, old, new):
    path = tmp_path / "partner.json"
    assert run("export", "--format", "needs", path).exit_code == 0
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_change_is_shown_as_data_and_written_only_with_apply(root, tmp_path):
    path = changed_file(tmp_path, "A bundle is hashed before it is opened", "A bundle is hashed first")
    shown = run("import", "--format", "needs", path, "--json")
    assert shown.exit_code == 1
    (difference,) = json.loads(shown.stdout)["differences"]
    assert (difference["item"], difference["name"], difference["theirs"]) == ("SRS-031", "title", "A bundle is hashed first")
    applied = run("import", "--format", "needs", path, "--apply")
    assert applied.exit_code == 0
    assert "requirements_spec.changes record" in applied.stderr
    assert 'title = "A bundle is hashed first"' in (
        root / "requirements_spec/data/software_requirements/detector.toml"
    ).read_text(encoding="utf-8")
    assert run("import", "--format", "needs", path).exit_code == 0


def test_a_change_that_the_loaders_refuse_is_not_written(root, tmp_path):
    path = changed_file(tmp_path, '"severity": 4', '"severity": 9')
    before = (root / "risk/data/hazards.toml").read_bytes()
    done = run("import", "--format", "needs", path, "--apply")
    assert done.exit_code == 1
    assert "EXC-REFUSED" in done.stderr
    assert "nothing was written" in done.stderr
    assert (root / "risk/data/hazards.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("export", "--format", "doors", "x"), 2, "found 'doors', expected one of needs, reqif, xlsx"),
        (("import", "--format", "reqif", "no-such-file"), 2, "does not exist"),
        (("export", "--format", "reqif", "no-such-folder/x.reqif"), 1, "EXC-FILE"),
        (("import", "--format", "xlsx", str(REPOSITORY / "README.md")), 1, "EXC-XLSX"),
    ],
)
def test_wrong_input_is_one_clear_message(root, arguments, code, said):
    done = run(*arguments)
    assert done.exit_code == code
    assert said in " ".join(done.output.replace("│", " ").split())
    assert "Traceback" not in done.output
