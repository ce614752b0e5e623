"""The threat model answers every question that its elements raise, and says of each software item what the code does."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.flow_drawing import draw
from pipeline.dossier.threat_pages import ThreatPages
from pipeline.dossier.threats import APPLIES, THREATS, duties, load_threats
from pipeline.file_error import FileError
from risk.evaluation import evaluate
from tests.edits import edit

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def model(known):
    return load_threats(ROOT, *known)


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / THREATS, tmp_path / THREATS)
    (tmp_path / "docs/adr").symlink_to(ROOT / "docs/adr")
    shutil.copytree(ROOT / "device_sw", tmp_path / "device_sw", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('elements = ["E-4"]\nkind = "S"', 'elements = ["E-4"]\nkind = "R"', r"E-4: found nothing on spoofing"),
        (
            'kinds = ["S"]\nreason = "It is started',
            'kinds = ["S", "I"]\nreason = "It is started',
            r"P-3: found a threat and a reason why",
        ),
        (
            'kinds = ["R"]\nreason = "The device sends',
            'kinds = ["R", "E"]\nreason = "The device sends',
            r"E-5: found a reason for elevation",
        ),
        ('controls = ["RC-010", "RC-026"]', 'controls = ["RC-999"]', r"T-02: found no control RC-999"),
        ('gaps = ["GAP-006"]', 'gaps = ["GAP-999"]', r"T-06: found no gap GAP-999"),
        ('decisions = ["0033", "0034"]', 'decisions = ["9999"]', r"T-05: found no decision record 9999"),
        ('tests = ["ST-8"]', 'tests = ["ST-99"]', r"T-05: found no test ST-99"),
        ('"SWI-AUDIT", "SWI-REPLAY"]', '"SWI-AUDIT"]', r"element: found no process with SWI-REPLAY"),
        (
            'item = "SWI-PREPROCESSING"\ntouches = []',
            'item = "SWI-PREPROCESSING"\ntouches = ["reads"]',
            r"SWI-PREPROCESSING: found no code that reads",
        ),
    ],
)
def test_what_is_left_out_or_leads_nowhere_is_named(copy, known, old, new, said):
    with pytest.raises(FileError, match=said):
        load_threats(edit(copy, THREATS, old, new), *known)


def test_an_answer_of_nobody_needs_a_gap(copy, known):
    text = (copy / THREATS).read_text(encoding="utf-8")
    start = text.index('id = "T-35"')
    end = text.index("[[threat]]", start)
    (copy / THREATS).write_text(text[:start] + text[start:end].replace('gaps = ["GAP-019"]\n', "") + text[end:], encoding="utf-8")
    with pytest.raises(FileError, match=r"docs/threats\.toml T-35: found no answer and no gap"):
        load_threats(copy, *known)


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        (
            "preprocessing/geometry.py",
            "import socket",
            r"SWI-PREPROCESSING: found code that loads a library that opens connections at device_sw/preprocessing/geometry\.py:",
        ),
        (
            "explanation/saliency.py",
            "import os; HOME = os.environ",
            r"SWI-EXPLANATION: found code that reads or sets variables .* at device_sw/explanation/saliency\.py:",
        ),
        (
            "dicom/pixels.py",
            "from pathlib import Path; Path('x').write_text('y')",
            r"SWI-DICOM: found code that writes files at device_sw/dicom/pixels\.py:",
        ),
    ],
)
def test_a_new_way_in_or_out_of_the_code_is_named_with_its_line(copy, known, module, line, said):
    path = copy / "device_sw" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    with pytest.raises(FileError, match=rf"FILE-CONTENT at docs/threats\.toml {said}\d+"):
        load_threats(copy, *known)


def test_every_element_has_its_kinds_asked(model):
    asked = [kind for (name, kind), _ in duties(model) if name == "P-1"]
    assert "".join(asked) == APPLIES["process"]
    assert not [name for (name, _), _ in duties(model) if name == "F-7"]


def test_the_drawing_has_every_element_and_flow_and_is_the_same_twice(model):
    drawn = draw(model)
    assert drawn == draw(model)
    for each in (*model.elements, *model.flows):
        assert re.search(rf">{each.id}[ <]", drawn), each.id
    assert drawn.count("url(#over)") == sum(flow.crosses for flow in model.flows)


@pytest.fixture(scope="module")
def pages(model, known):
    specification, risk, _ = known
    evaluation = evaluate(risk, specification, {each.id for each in (*specification.requirements, *risk.controls)} - {"RC-012"})
    verification = SimpleNamespace(verdict=lambda item: f"verdict of {item}")
    return ThreatPages(ROOT, model, evaluation, verification, (), EvidenceBook(ROOT))


def test_a_control_that_is_not_shown_is_said(pages):
    (row,) = [row for row in pages.threats().split("* - ") if "**T-33**" in row]
    assert '[RC-012](#rc-012) <span class="failed">not shown in this build</span>' in row
    assert "[RC-013](#rc-013) shown in this build" in row


def test_a_test_that_does_not_hold_is_printed_as_failed(pages, monkeypatch):
    fuzzing = next(each for each in pages._model.tests if each.id == "ST-1")
    assert "expected" not in pages._test(fuzzing)[2]
    source = pages._book.source(fuzzing.file)
    monkeypatch.setitem(source.document, "uncaught", 3)
    assert '<span class="failed">expected 0</span>' in pages._test(fuzzing)[2]


def test_open_threats_are_those_with_gaps(pages, model):
    assert pages.open_threats().count("\n- ") + 1 == sum(bool(each.gaps) for each in model.threats)
