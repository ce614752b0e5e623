"""A batch: whatever becomes of one input, it is recorded whole and the others go on."""

from pathlib import Path

import pytest

from device_sw.audit import AuditTrail
from device_sw.batch import Batch
from device_sw.errors import InferenceFailed, OutputFailed
from device_sw.types import Policy
from tests.device_sw.stand_ins import FixedDetector, device
from verification.steps import films


@pytest.fixture
def folder(tmp_path):
    """A film and a text."""
    source = tmp_path / "source"
    source.mkdir()
    films.write(films.film(), source / "b.dcm")
    (source / "a.txt").write_text("no film")
    return source


def test_a_result_whose_audit_line_fails_does_not_appear(folder, tmp_path, monkeypatch):
    batch = Batch(device(), tmp_path / "out", print)

    def fail(self, entry):
        raise OutputFailed("OUT-AUDIT", where="audit.jsonl", found="full disk", expected="a line", repair="make room")

    monkeypatch.setattr(AuditTrail, "append", fail)
    with pytest.raises(OutputFailed, match="OUT-AUDIT at"):
        batch.take(folder / "b.dcm")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_a_result_that_cannot_be_written_leaves_no_part(folder, tmp_path, monkeypatch):
    batch = Batch(device(), tmp_path / "out", print)

    def fail(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputFailed, match=r"OUT-WRITE at 0001-.*: found OSError"):
        batch.take(folder / "b.dcm")
    assert {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} == {"audit.jsonl"}


def test_a_failed_inference_is_recorded_and_the_batch_goes_on(folder, tmp_path):
    class Broken(FixedDetector):
        def detect(self, _model_input):
            raise InferenceFailed("INF-NONFINITE", where="network output", found="NaN", expected="numbers", repair="self-test")

    batch = Batch(device(Broken(), Policy.RESEARCH), tmp_path / "out", print)
    for path in (folder / "b.dcm", folder / "a.txt"):
        batch.take(path)
    assert [outcome["status"] for outcome in batch.outcomes] == ["failed", "refused"]
    assert not batch.all_analysed
