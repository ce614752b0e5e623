"""The guiding commands as people call them: results on stdout, one clear line on stderr for wrong input, and the right exit code."""

import json

import pytest
from typer.testing import CliRunner

from pipeline import guide
from pipeline.cli import app
from tests.pipeline.test_tutorial import ROOT

runner = CliRunner()


def called(*arguments):
    return runner.invoke(app, list(arguments))


def flat(text):
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show"], 2, "Missing argument"),
        (["show", "SRS-9999"], 1, "SHOW-UNKNOWN: 'SRS-9999' is no item. Closest:"),
        (["show", "qqqq"], 1, "Nothing is similar; ./qms matrix lists all ids."),
        (["show", "device_sw"], 1, "is no item"),
        (["sample", "--n", "0"], 2, "--n"),
        (["sample", "--n", "many"], 2, "--n"),
        (["impact", "no-such-revision"], 2, "IMPACT-REVISION at impact: found 'no-such-revision', expected a commit"),
        (["impact", "HEAD..."], 2, "IMPACT-REVISION"),
        (["new"], 2, "Usage"),
        (["new", "feature"], 2, "No such command"),
        (["new", "requirement", "--item", "SWI-DICOM"], 2, "--title"),
        (
            ["new", "requirement", "--item", "SWI-NONE", "--title", "X"],
            2,
            "NEW-REFUSED at --item: found 'SWI-NONE', expected one of SWI-",
        ),
        (["new", "hazard", "--title", "=1+1"], 2, "NEW-REFUSED at --title"),
        (["new", "control", "--title", "a\x1bb"], 2, "a control character"),
        (["new", "scenario", "--feature", "polarity", "--title", "X"], 2, "at least one requirement"),
    ],
)
def test_wrong_input_is_one_clear_line_and_its_exit_code(arguments, code, said):
    done = called(*arguments)
    assert done.exit_code == code
    assert said in flat(done.output)
    assert "Traceback" not in done.output


def test_wrong_input_leaves_stdout_empty():
    assert called("show", "SRS-9999").stdout == ""


@pytest.mark.parametrize(
    "name", ["SRS-016", "RC-001", "UN-005", "HAZ-001", "labelling", "device_sw/dicom/reader.py", "TRC-REQ-SCENARIO", "ADR-0009"]
)
def test_show_prints_for_people_and_for_programs(name):
    text, data = called("show", name), called("show", name, "--json")
    assert (text.exit_code, data.exit_code) == (0, 0)
    assert json.loads(data.stdout)["id"].upper().startswith(name.split("/")[0].upper()[:3])
    assert text.stdout.strip()


def test_sample_is_the_same_twice_and_says_how_it_was_drawn():
    one, two = (called("sample", "--n", "6", "--seed", "2026", "--json").stdout for _ in range(2))
    assert one == two
    data = json.loads(one)
    assert len(data["drawn"]) == 6
    assert data["method"]
    assert "Audit sample of 6 chains, seed 2026" in called("sample", "--n", "6", "--seed", "2026").stdout


@pytest.mark.parametrize(
    ("kind", "options", "prefix"),
    [
        ("requirement", ["--item", "SWI-DEVICE", "--need", "UN-001"], "SRS-003"),
        ("hazard", [], "HAZ-002"),
        ("control", ["--situation", "HS-001", "--requirement", "SRS-001"], "RC-002"),
        ("scenario", ["--feature", "admission", "--tag", "SRS-001", "--then", "it is seen"], "TC:admission.feature::A new one"),
    ],
)
def test_new_prints_place_and_next_steps(kind, options, prefix, tmp_path, monkeypatch):
    for name in ("requirements_spec/data/software_requirements", "risk/data", "verification/features"):
        (tmp_path / name).mkdir(parents=True)
    files = {
        "requirements_spec/data/software_requirements/device.toml": 'item = "SWI-DEVICE"\n[[requirement]]\nid = "SRS-002"\n[[requirement]]\nid = "SRS-001"\n',
        "requirements_spec/data/user_needs.toml": '[[need]]\nid = "UN-001"\n',
        "risk/data/hazards.toml": '[[hazard]]\nid = "HAZ-001"\n[[hazard.situation]]\nid = "HS-001"\n',
        "risk/data/controls.toml": '[[control]]\nid = "RC-001"\n',
        "verification/features/admission.feature": "Feature: Admission\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(guide, "_root", lambda: tmp_path)
    done = called("new", kind, "--title", "A new one", *options)
    assert done.exit_code == 0
    assert done.stdout.startswith(prefix)
    assert "1. " in done.stdout


def test_impact_of_nothing_is_good():
    done = called("impact", "HEAD..HEAD", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["changed"] == []


def test_impact_is_asked_in_the_repository():
    assert guide._root() == ROOT
