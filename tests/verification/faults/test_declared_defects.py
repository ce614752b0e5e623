"""The declared defects: each control has one, each changes something that is there, and names scenarios that are about its control."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from requirements_spec import loader as specification_loader
from risk import loader as risk_loader
from risk.model import ControlKind
from verification.trace import features
from verification.trace.seeded import FAULTS, FaultKind, read_faults

ROOT = Path(__file__).resolve().parents[3]
DECLARED, PROBLEMS = read_faults(ROOT)
SCENARIOS = {scenario.id: scenario for scenario in features.load(ROOT)[0]}
SPECIFICATION, _ = specification_loader.load(ROOT)
RISK, _ = risk_loader.load(ROOT, SPECIFICATION)


def test_the_table_holds():
    assert PROBLEMS == ()
    assert len(DECLARED) >= len(RISK.controls) == 39


@pytest.mark.parametrize("control", RISK.controls, ids=lambda control: control.id)
def test_each_control_has_a_defect(control):
    kinds = {fault.kind for fault in DECLARED if fault.control == control.id}
    assert kinds
    if control.kind is ControlKind.INFORMATION:
        assert FaultKind.SENTENCE in kinds


def test_no_two_defects_say_the_same():
    words = [(fault.control, fault.would_fail_if) for fault in DECLARED]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("fault", DECLARED, ids=lambda fault: fault.id)
def test_what_a_defect_changes_is_there(fault):
    module, _, name = fault.changes.partition(":")
    owner = import_module(module)
    for part in name.split("."):
        owner = getattr(owner, part)


@pytest.mark.parametrize("fault", DECLARED, ids=lambda fault: fault.id)
def test_a_defect_is_a_function_of_the_faults(fault):
    drawer, _, name = fault.defect.partition(".")
    assert callable(getattr(import_module(f"verification.faults.{drawer}"), name))


@pytest.mark.parametrize("fault", DECLARED, ids=lambda fault: fault.id)
def test_a_defect_names_scenarios_of_its_control(fault):
    assert set(fault.scenarios) <= set(SCENARIOS)
    assert any(fault.control in SCENARIOS[name].tags for name in fault.scenarios)


def test_each_defect_that_is_written_is_declared():
    """One defect may change several modules; none is declared twice for one place."""
    tried = {(fault.defect, fault.changes) for fault in DECLARED}
    assert len(tried) == len(DECLARED)


def test_sentences_of_the_scenarios_are_those_of_the_risk_file():
    text = (ROOT / "verification/features/labelling.feature").read_text(encoding="utf-8")
    written = dict(re.findall(r'their warnings say "(.+)", with the control (RC-\d+)', text))
    assert {control: sentence for sentence, control in written.items()} == {
        control.id: control.ifu_sentence for control in RISK.controls if control.ifu_sentence
    }


ROW = """
[[fault]]
id = "SD-001"
control = "RC-001"
kind = "software"
would_fail_if = "nothing were compared"
where = "device_sw.device:Device"
defect = "admission.first_reason_only"
scenarios = ["TC:a.feature::b"]
"""
HEAD = 'schema = "thoratrace/faults/1"\nauthor = "DEMO-author"\nstatus = "draft"\n'


def written(root, text):
    path = root / FAULTS
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return read_faults(root)


def test_a_sound_row_is_read(tmp_path):
    faults, problems = written(tmp_path, HEAD + ROW)
    assert problems == ()
    assert [(fault.id, fault.control, fault.where) for fault in faults] == [("SD-001", "RC-001", f"{FAULTS}:5")]


def test_no_table_is_no_defect(tmp_path):
    assert read_faults(tmp_path) == ((), ())


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('control = "RC-001"', 'control = "SRS-001"', "SPC-VALUE"),
        ('kind = "software"', 'kind = "hardware"', "SPC-VALUE"),
        ('where = "device_sw.device:Device"', 'where = "somewhere"', "SPC-VALUE"),
        ('scenarios = ["TC:a.feature::b"]', "scenarios = []", "SPC-VALUE"),
        ('defect = "admission.first_reason_only"', "", "SPC-MISSING-KEY"),
        ('kind = "software"', 'kind = "software"\nskip = true', "SPC-UNKNOWN-KEY"),
    ],
)
def test_a_row_that_does_not_hold_is_refused(tmp_path, old, new, code):
    faults, problems = written(tmp_path, HEAD + ROW.replace(old, new))
    assert faults == ()
    assert code in {problem.code for problem in problems}


def test_an_id_twice_is_refused(tmp_path):
    _, problems = written(tmp_path, HEAD + ROW + ROW)
    assert [problem.code for problem in problems] == ["SPC-DUPLICATE-ID"]
