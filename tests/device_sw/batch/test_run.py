"""A batch: whatever becomes of one input, it is recorded whole and the others go on; a run can die at any moment and be continued."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device_sw import audit
from device_sw.audit import AuditTrail
from device_sw.batch.examination import InProcess
from device_sw.batch.inspection import inspect
from device_sw.batch.run import Batch
from device_sw.errors import InferenceFailed, OutputFailed
from device_sw.report.outputs import Wanted
from device_sw.types import Policy
from tests.device_sw.batch import dying
from tests.device_sw.stand_ins import FixedDetector, device
from verification.steps import films

WANTED = Wanted(run_time=datetime(2026, 1, 1, tzinfo=UTC))
SMALL = films.picture(520, 512)


def opened(out, made_by=None, say=print, **options):
    return Batch(InProcess(made_by or device(), WANTED), out, say, **options)


def ran(out, paths, made_by=None, say=print, **options):
    batch = opened(out, made_by, say, **options)
    try:
        batch.take(*paths)
    finally:
        batch.finish()
    return batch


def lines(out):
    return [json.loads(line) for line in (out / "audit.jsonl").read_text(encoding="utf-8").splitlines()]


def everything(out):
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path):
    """A film and a text."""
    source = tmp_path / "source"
    source.mkdir()
    films.write(films.film(), source / "b.dcm")
    (source / "a.txt").write_text("no film")
    return source


def test_a_result_whose_audit_line_fails_does_not_appear(folder, tmp_path, monkeypatch):
    batch = opened(tmp_path / "out")

    def fail(self, entry):
        raise OutputFailed("OUT-AUDIT", where="audit.jsonl", found="full disk", expected="a line", repair="make room")

    monkeypatch.setattr(AuditTrail, "append", fail)
    with pytest.raises(OutputFailed, match="OUT-AUDIT at"):
        batch.take(folder / "b.dcm")
    assert everything(tmp_path / "out") == {"audit.jsonl", ".index.jsonl"}
    batch.finish()
    assert json.loads((tmp_path / "out" / "index.json").read_text())["inputs"] == []


def test_a_result_that_cannot_be_staged_leaves_no_part(folder, tmp_path, monkeypatch):
    batch, real = opened(tmp_path / "out"), os.open

    def full(path, *arguments, **options):
        if str(path).endswith(".png.part"):
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OutputFailed, match=r"OUT-WRITE at overlays/0001-.*: found OSError \(No space left on device\)"):
        batch.take(folder / "b.dcm")
    assert everything(tmp_path / "out") == {"audit.jsonl", ".index.jsonl"}
    assert lines(tmp_path / "out") == []


def test_a_result_that_cannot_get_its_name_is_completed_by_the_next_run(folder, tmp_path, monkeypatch):
    batch = opened(tmp_path / "out")

    def fail(self, target):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OutputFailed, match=r"OUT-WRITE at 0001-.*: found OSError"):
            batch.take(folder / "b.dcm")
    batch.finish()
    said = []
    again = ran(tmp_path / "out", [folder / "b.dcm"], say=said.append)
    assert said == ["recovered: 5 files completed, 0 removed that a run which ended early had left"]
    assert [outcome["index"] for outcome in again.outcomes] == [1]
    assert inspect(tmp_path / "out").difference is None


def test_each_line_states_its_time_to_the_millisecond(folder, tmp_path):
    ran(tmp_path / "out", [folder])
    times = [line["time"] for line in lines(tmp_path / "out")]
    assert times == sorted(times)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", time) for time in times)


def test_a_failed_inference_is_recorded_and_the_batch_goes_on(folder, tmp_path):
    class Broken(FixedDetector):
        def detect(self, _model_input):
            raise InferenceFailed("INF-NONFINITE", where="network output", found="NaN", expected="numbers", repair="self-test")

    batch = ran(tmp_path / "out", [folder / "b.dcm", folder / "a.txt"], device(Broken(), Policy.RESEARCH))
    assert [outcome["status"] for outcome in batch.outcomes] == ["failed", "refused"]
    assert not batch.all_analysed
    assert all(line["content_sha256"] for line in lines(tmp_path / "out"))


def test_an_unforeseen_error_is_recorded_without_its_text_and_the_batch_goes_on(folder, tmp_path):
    class Broken(FixedDetector):
        def detect(self, _model_input):
            raise ZeroDivisionError("PLANTED^NAME")

    said = []
    batch = ran(tmp_path / "out", [folder / "b.dcm", folder / "a.txt"], device(Broken()), said.append)
    assert [outcome["code"] for outcome in batch.outcomes] == ["INF-UNEXPECTED", "IN-NOT-DICOM"]
    assert "found ZeroDivisionError at test_run.py:" in said[0]
    assert not any(b"PLANTED" in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())


def test_what_is_recorded_is_not_analysed_twice(folder, tmp_path):
    detector = FixedDetector()
    made_by = device(detector)
    paths = [folder / "b.dcm", folder / "a.txt"]
    first = ran(tmp_path / "out", paths, made_by)
    before = lines(tmp_path / "out")
    second = ran(tmp_path / "out", paths, made_by)
    assert detector.films == 1
    assert lines(tmp_path / "out") == before
    assert second.outcomes == [{**outcome, "earlier": True} for outcome in first.outcomes]
    assert second.summary()["recorded_earlier"] == 2
    assert second.summary()["merkle_root"] == first.summary()["merkle_root"]
    assert ran(tmp_path / "out", paths, made_by, again=True).outcomes[0]["index"] == 3


@pytest.mark.parametrize("other", [{"policy": Policy.RESEARCH}, {"wanted": Wanted(WANTED.run_time, secondary_capture=True)}])
def test_what_was_made_otherwise_is_analysed_again(folder, tmp_path, other):
    ran(tmp_path / "out", [folder / "b.dcm"])
    made_by = device(policy=other.get("policy", Policy.INTENDED_USE))
    batch = Batch(InProcess(made_by, other.get("wanted", WANTED)), tmp_path / "out", print)
    batch.take(folder / "b.dcm")
    assert [line["index"] for line in lines(tmp_path / "out")] == [1, 2]


def test_what_failed_is_tried_again(folder, tmp_path):
    class Once(FixedDetector):
        def detect(self, model_input):
            if self.films == 0:
                self.films += 1
                raise InferenceFailed("INF-NONFINITE", where="network", found="NaN", expected="numbers", repair="self-test")
            return super().detect(model_input)

    made_by = device(Once())
    statuses = [ran(tmp_path / "out", [folder / "b.dcm"], made_by).outcomes[0]["status"] for _ in range(2)]
    assert statuses == ["failed", "analysed"]


def test_the_same_bytes_twice_in_a_run_are_recorded_once(folder, tmp_path):
    copy = folder / "c.dcm"
    copy.write_bytes((folder / "b.dcm").read_bytes())
    batch = ran(tmp_path / "out", [folder / "b.dcm", folder / "a.txt", copy])
    assert [(outcome["index"], outcome.get("earlier", False)) for outcome in batch.outcomes] == [
        (1, False),
        (2, False),
        (1, True),
    ]
    assert len(lines(tmp_path / "out")) == 2


def test_another_picture_under_the_same_uid_is_refused(tmp_path):
    first = films.write(films.film(SMALL, name="twin"), tmp_path / "a.dcm")
    other = films.write(films.film(films.picture(520, 512, seed=9), name="twin"), tmp_path / "b.dcm")
    renamed = films.film(SMALL, name="twin")
    renamed.PatientName = "Corrected^Name"
    same = films.write(renamed, tmp_path / "c.dcm")
    batch = ran(tmp_path / "out", [first, other, same])
    assert [(outcome["status"], outcome["code"]) for outcome in batch.outcomes] == [
        ("analysed", None),
        ("refused", "ADM-DUPLICATE"),
        ("analysed", None),
    ]
    (refusal,) = (tmp_path / "out" / "refusals").iterdir()
    assert json.loads(refusal.read_text())["found"] == "the UID of input 0001, which shows another picture"
    assert ran(tmp_path / "out", [other]).outcomes[0]["code"] == "ADM-DUPLICATE"


def test_an_output_folder_that_vanishes_ends_the_run_and_says_so(folder, tmp_path):
    batch = opened(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    with pytest.raises(OutputFailed, match="OUT-WRITE at index: found FileNotFoundError"):
        batch.take(folder / "b.dcm")
    assert lines(tmp_path / "elsewhere") == []


def test_two_runs_cannot_write_to_one_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "LOCK_WAIT_S", 0.1)
    batch = opened(tmp_path / "out")
    with pytest.raises(OutputFailed, match="OUT-LOCKED at"):
        opened(tmp_path / "out")
    batch.finish()
    ran(tmp_path / "out", [folder / "b.dcm"])


def test_a_record_whose_line_is_gone_refuses_the_folder(folder, tmp_path):
    out = tmp_path / "out"
    ran(out, [folder / "a.txt", folder / "b.dcm"])
    first = (out / "audit.jsonl").read_bytes().splitlines(keepends=True)[0]
    (out / "audit.jsonl").write_bytes(first)
    with pytest.raises(OutputFailed, match="OUT-AUDIT-CHAIN at audit line of input 0002: found a record in results and no line"):
        opened(out)
    assert (out / "audit.jsonl").read_bytes() == first


def test_a_part_that_is_not_what_its_line_says_refuses_the_folder(folder, tmp_path):
    out = tmp_path / "out"
    ran(out, [folder / "a.txt"])
    (record,) = (out / "refusals").iterdir()
    record.rename(dying.part(record))
    dying.part(record).write_text("{}")
    with pytest.raises(OutputFailed, match=r"OUT-RECOVERY at refusals/0001-.*: found a part with SHA-256"):
        opened(out)


def test_a_run_may_die_at_any_call_and_is_continued(tmp_path):
    """Every call that changes the folder, in a process of its own that ends there; then the same run again."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_text(path.name)

    def record(out):
        batch = Batch(dying.QuickExaminer(), out, lambda _: None)
        batch.take(*paths)
        batch.finish()
        return batch

    def die(out, point):
        dying.Countdown(*point).install()
        record(out)

    points = dying.points_of(lambda: record(tmp_path / "whole"))
    expected = inspect(tmp_path / "whole").merkle_root
    assert len(points) > 40
    for at, moment in points:
        out = tmp_path / f"{at}-{moment}"
        code = dying.in_child(lambda out=out, point=(at, moment): die(out, point))
        assert code == dying.DIED, (at, moment)
        assert dying.faults_after_death(out) == [], (at, moment)
        batch, found = record(out), inspect(out)
        assert (found.difference, found.inputs, found.merkle_root) == (None, 2, expected), (at, moment)
        assert [outcome["index"] for outcome in batch.outcomes] == [1, 2]
        assert dying.parts(out) == []
        assert [entry["path"] for entry in json.loads((out / "index.json").read_text())["inputs"]] == list(map(str, paths))


def test_a_line_that_no_input_left_refuses_the_folder(tmp_path):
    (tmp_path / "out").mkdir()
    AuditTrail(tmp_path / "out" / "audit.jsonl").append({"note": "x"})
    with pytest.raises(OutputFailed, match="OUT-AUDIT-CHAIN at audit line 1: found a line that is no record of an input"):
        opened(tmp_path / "out")
