"""A defect is active exactly in processes whose environment names it, reaches what they start, and is never silently none."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from device_sw.launcher import MARKER, NUMERIC_ENVIRONMENT
from pipeline import verification_run
from verification.faults.activation import TRACE_VARIABLE, VARIABLE, activate
from verification.faults.alteration import replace, wrap
from verification.trace.seeded import read_faults

ROOT = Path(__file__).resolve().parents[3]
STARTUP = ROOT / "verification" / "faults" / "startup"


def fault_id(defect):
    return next(fault.id for fault in read_faults(ROOT)[0] if fault.defect == defect)


def python(*arguments, **variables):
    kept = {name: value for name, value in os.environ.items() if name not in {*NUMERIC_ENVIRONMENT, MARKER, VARIABLE}}
    environment = {**kept, "PYTHONPATH": f"{STARTUP}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


SAY = "from device_sw.report.content import STATEMENT; print(STATEMENT)"
SAY_IN_CHILD = (
    f"import subprocess, sys; print(subprocess.run([sys.executable, '-c', {SAY!r}], capture_output=True, text=True).stdout)"
)


def test_without_the_variable_nothing_changes():
    assert "not cleared" in python("-c", SAY).stdout


@pytest.mark.parametrize("program", [SAY, SAY_IN_CHILD], ids=["process", "process of the process"])
def test_a_defect_reaches_a_process_and_what_it_starts(program):
    said = python("-c", program, **{VARIABLE: fault_id("outputs.statement_without_status")}).stdout
    assert "reading the whole film" in said
    assert "not cleared" not in said


def test_a_defect_reaches_the_device_that_starts_itself_again(tmp_path):
    trace = tmp_path / "trace.txt"
    name = fault_id("outputs.info_without_status")
    done = python("-m", "device_sw", "--help", **{VARIABLE: name, TRACE_VARIABLE: str(trace)})
    assert done.returncode == 0, done.stderr
    assert trace.read_text(encoding="utf-8").splitlines() == [f"{name} device_sw.cli"] * 2


def test_an_unknown_defect_is_an_error():
    with pytest.raises(LookupError, match="no seeded defect 'SD-000'"):
        activate("SD-000")


def test_a_defect_that_comes_too_late_is_an_error():
    import device_sw.report.content  # noqa: F401

    with pytest.raises(LookupError, match=r"device_sw\.report\.content is loaded already"):
        activate(fault_id("outputs.statement_without_status"))


def test_a_defect_that_fits_nothing_is_an_error():
    module = ModuleType("module")
    module.there = 1
    with pytest.raises(AttributeError, match="absent"):
        replace(module, "absent", 2)
    with pytest.raises(AttributeError, match="absent"):
        wrap(module, "absent", print)
    replace(module, "there", 2)
    assert module.there == 2


def test_the_device_has_no_hook_for_defects():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "device_sw").rglob("*.py")]
    assert len(texts) > 20
    assert [text for text in texts if "SEEDED" in text or "verification" in text.split("import")[0].split()] == []


def test_this_process_has_no_defect():
    assert VARIABLE not in os.environ
    assert not any(type(finder).__name__ == "_AfterLoading" for finder in sys.meta_path)


def test_a_verification_run_does_not_start_under_a_defect(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "SD-001")
    run = verification_run.run(tmp_path, lambda *_: None)
    assert (run.record, run.executed) == (None, False)
    assert VARIABLE in run.reason
