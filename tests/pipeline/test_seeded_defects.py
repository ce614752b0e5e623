"""The runner of seeded defects: only an expectation that failed counts, a defect without effect is told, an interrupted run goes on."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import seeded_defects
from pipeline.seeded_defects import SeedingError, failed_expectation, judged, run
from verification.faults.execution import Order
from verification.trace.identity import Identity, digest
from verification.trace.outcomes import Outcome, Result
from verification.trace.seeded import FAULTS, SHOWN, Fault, FaultKind, FaultRecord, Trial, read_shown

ROOT = Path(__file__).resolve().parents[2]
CASE = "TC:a.feature::b"
FAULT = Fault("SD-001", "RC-001", FaultKind.SOFTWARE, "it were so", "device_sw.device:Device", "x.y", (CASE,), "faults.toml:1")
HEAD = 'schema = "thoratrace/faults/1"\nauthor = "DEMO-author"\nstatus = "draft"\n'
TAGS = "TC:polarity.feature::Two statements of polarity that contradict each other are refused"


def row(fault_id, where, defect, scenario):
    return (
        f'[[fault]]\nid = "{fault_id}"\ncontrol = "RC-001"\nkind = "software"\nwould_fail_if = "{defect}"\n'
        f'where = "{where}"\ndefect = "{defect}"\nscenarios = ["{scenario}"]\n'
    )


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def junit(steps, children, scenario="b", extra=""):
    listed = "".join(f'<property name="step" value="{step}"/>' for step in steps)
    named = f'<property name="feature" value="a.feature"/><property name="scenario" value="{scenario}"/><property name="row" value=""/>'
    attempts = '<property name="attempts" value="1"/>'
    case = f'<testcase classname="t" name="{scenario}"><properties>{named}{attempts}{listed}{extra}</properties>{children}</testcase>'
    return f"<testsuites><testsuite>{case}</testsuite></testsuites>"


THEN = ["passed: Given a film", "passed: When it is analysed", "failed: Then it is refused"]
FELL = '<failure message="AssertionError: expected refused, observed analysed">x</failure>'
NOTED = '<property name="broke" value="call"/>'


def trial(tmp_path, content, *, active=True):
    order = Order("SD-001", (("a.feature", "b"),), tmp_path)
    if content:
        order.junit.write_text(content, encoding="utf-8")
    if active:
        order.trace.write_text("SD-001 device_sw.device\n", encoding="utf-8")
    return judged(FAULT, order)


def test_an_expectation_that_failed_shows_the_defect(tmp_path):
    found = trial(tmp_path, junit(THEN, FELL))
    assert found.shown
    assert found.killed_by == (CASE,)
    assert (found.step, found.assertion) == ("Then it is refused", "AssertionError: expected refused, observed analysed")
    assert Trial.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("content", "active", "reason"),
    [
        (junit(["passed: Given a film", "passed: Then it is refused"], ""), True, "nothing failed in TC:a.feature::b"),
        (junit(["passed: Given a film", "failed: When it is analysed"], FELL), True, "nothing failed"),
        (junit(["broke: Given a film"], '<error message="failed on setup with x">x</error>'), True, "nothing failed"),
        (junit([*THEN[:2], "broke: Then it is refused"], FELL, extra=NOTED), True, "nothing failed"),
        (junit(THEN, FELL, scenario="another"), True, "nothing failed"),
        (junit(THEN, FELL), False, "never active"),
        ("", True, "left no record"),
        ("<testsuites>", True, "left no record"),
    ],
    ids=[
        "passed",
        "failed in When",
        "error in set-up",
        "broke",
        "another scenario",
        "never active",
        "no record",
        "half a record",
    ],
)
def test_anything_else_does_not(tmp_path, content, active, reason):
    found = trial(tmp_path, content, active=active)
    assert not found.shown
    assert reason in found.reason


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        (("passed: Given a", "failed: Then b"), True),
        (("passed: Given a", "passed: Then b", "failed: And c"), True),
        (("passed: Given a", "passed: And b", "failed: And c"), False),
        (("passed: Given a", "failed: When b"), False),
        ((), False),
    ],
)
def test_and_continues_the_step_before(steps, counts):
    result = Result(("a.feature", "b", ""), "n", (), Outcome.FAILED, "AssertionError: x", steps)
    assert failed_expectation(result) is counts


def test_a_record_that_claims_what_nothing_noticed_is_refused():
    with pytest.raises(ValueError, match="no case failed"):
        Trial.from_json({**Trial("SD-001", "RC-001", True, "", (), "", "", {}, (), ()).to_json()})


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A root with two declared defects, a fixed identity, and trials that end as told."""
    write(
        tmp_path,
        FAULTS,
        HEAD + "".join(row(f"SD-00{number}", "device_sw.device:Device", f"x.y{number}", CASE) for number in (1, 2)),
    )
    identity = Identity("verification", digest("verification", {"a": "1"}, {}), files={"a": "1"})
    monkeypatch.setattr(seeded_defects, "read_identity", lambda *_: identity)
    return tmp_path, identity


def ended(root, orders, stop_after=9):
    for number, order in enumerate(orders):
        if number == stop_after:
            raise KeyboardInterrupt("stopped")
        order.folder.mkdir(parents=True)
        order.junit.write_text(junit(THEN, FELL), encoding="utf-8")
        order.trace.write_text("active\n", encoding="utf-8")
        yield order.fault


def test_an_interrupted_run_goes_on_where_it_stopped(small, monkeypatch):
    root, identity = small
    monkeypatch.setattr(seeded_defects, "_ended", lambda root, orders: ended(root, orders, stop_after=1))
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        run(root, lambda *_: None)
    assert read_shown(root, identity) is None
    asked = []
    monkeypatch.setattr(
        seeded_defects, "_ended", lambda root, orders: asked.extend(o.fault for o in orders) or ended(root, orders)
    )
    record = run(root, lambda *_: None)
    assert asked == ["SD-002"]
    assert [each.shown for each in record.trials] == [True, True]
    assert read_shown(root, identity) == record


def test_verdicts_of_another_state_are_not_used_again(small, monkeypatch):
    root, identity = small
    monkeypatch.setattr(seeded_defects, "_ended", ended)
    run(root, lambda *_: None)
    other = Identity("verification", digest("verification", {"a": "2"}, {}), files={"a": "2"})
    assert read_shown(root, other) is None
    asked = []
    monkeypatch.setattr(seeded_defects, "read_identity", lambda *_: other)
    monkeypatch.setattr(
        seeded_defects, "_ended", lambda root, orders: asked.extend(o.fault for o in orders) or ended(root, orders)
    )
    run(root, lambda *_: None)
    assert asked == ["SD-001", "SD-002"]
    assert read_shown(root, identity) is None


def test_a_state_that_changes_during_the_run_has_no_record_that_counts(small, monkeypatch):
    root, identity = small
    other = Identity("verification", digest("verification", {"a": "2"}, {}), files={"a": "2"})
    states = iter([identity, other])
    monkeypatch.setattr(seeded_defects, "read_identity", lambda *_: next(states))
    monkeypatch.setattr(seeded_defects, "_ended", ended)
    record = run(root, lambda *_: None)
    assert record.identity.sha256 is None
    assert "changed during the run: a changed" in record.identity.reason
    assert read_shown(root, other) is None


def test_some_defects_can_be_tried_alone(small, monkeypatch):
    root, _ = small
    monkeypatch.setattr(seeded_defects, "_ended", ended)
    assert [each.fault for each in run(root, lambda *_: None, only=["SD-002"]).trials] == ["SD-002"]
    assert [each.fault for each in run(root, lambda *_: None).trials] == ["SD-001", "SD-002"]


def test_an_unknown_defect_is_refused(small):
    with pytest.raises(SeedingError, match="no seeded defect SD-777"):
        run(small[0], lambda *_: None, only=["SD-777"])


def test_a_declaration_that_does_not_hold_is_refused(small):
    root, _ = small
    write(root, FAULTS, HEAD + row("SD-1", "a:b", "x.y", CASE))
    with pytest.raises(SeedingError, match="SPC-VALUE"):
        run(root, lambda *_: None)


def test_a_record_that_was_edited_counts_for_nothing(small, monkeypatch):
    root, identity = small
    monkeypatch.setattr(seeded_defects, "_ended", ended)
    run(root, lambda *_: None)
    data = json.loads((root / SHOWN).read_text(encoding="utf-8"))
    data["faults"].pop()
    write(root, SHOWN, json.dumps(data))
    assert read_shown(root, identity) is None


def test_a_control_counts_as_shown_only_with_all_its_defects():
    good = Trial("SD-001", "RC-001", True, "", (CASE,), "", "", {}, (), ())
    bad = Trial("SD-002", "RC-001", False, "x", (), "", "", {}, (), ())
    other = Trial("SD-003", "RC-002", True, "", (CASE,), "", "", {}, (), ())
    record = FaultRecord(Identity("verification", None), (good, bad, other))
    assert record.controls_shown == {"RC-002"}
    assert record.survivors == (bad,)


PACKAGES = ("device_sw", "phantom", "requirements_spec", "verification", "pyproject.toml")


def test_a_real_defect_is_noticed_and_one_without_effect_is_told(tmp_path):
    """The whole way, on a copy of the project: the device with one real defect, and with one that changes nothing."""
    for name in PACKAGES:
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    real = row("SD-001", "device_sw.dicom.admission:RULES", "admission.polarity_tags_not_compared", TAGS)
    none = row("SD-002", "device_sw.dicom.admission:RULES", "alteration.nothing", TAGS)
    write(tmp_path, FAULTS, HEAD + real + none)
    told = []
    record = run(tmp_path, lambda done, total, text: told.append((done, total, text)))
    noticed, silent = record.trials
    assert noticed.shown
    assert noticed.step == "Then it is refused with ADM-POLARITY-TAGS"
    assert noticed.assertion == "AssertionError: expected ADM-POLARITY-TAGS, observed analysed: None"
    assert noticed.outcomes == {"failed": 2}
    assert len(noticed.sampled) == 2
    assert not silent.shown
    assert silent.reason == f"nothing failed in {TAGS}"
    assert silent.outcomes == {"passed": 2}
    assert record.identity.sha256 is None
    assert told[0] == (0, 2, "")
    assert {text for _, _, text in told[1:]} == {"", "SD-002 was not noticed"}
