"""The rerun inside the sandbox: a step that fails ends the work and is told, and what a level takes from the release comes out as the pipeline left it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import pytest
import yaml

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import ReleaseFolder
from pipeline.release.record.record import Kind
from pipeline.release.reproduction.restoration import restore_model, restore_run
from pipeline.release.reproduction.verdict import Outcome, Verdict, judge
from pipeline.release.rerun import MADE_AGAIN, MATRIX, STARVED, Rerun, gather, memory_kills, showed_tools
from pipeline.release.sealing.sealing import Order
from pipeline.run import REPOSITORY, read_json, write_json
from tests.pipeline.release.records import record
from verification.trace.matrix_rows import NOT_TRIED

ARTIFACTS = REPOSITORY / "artifacts"


def refuse(_rerun):
    raise ReleaseRefused("REL-GATE", where="the gate", found="a problem", expected="none", repair="mend it")


def test_what_comes_after_a_failed_step_does_not_run(tmp_path):
    rerun, ran = Rerun(tmp_path, "eval", ReleaseFolder(tmp_path, tmp_path), tmp_path), []
    rerun.step("first", lambda _: "")
    rerun.step("second", refuse)
    rerun.step("third", lambda _: ran.append("third") or "")
    assert [(step["name"], step["failed"][:8]) for step in rerun.steps] == [("first", ""), ("second", "REL-GATE")]
    assert ran == []
    assert rerun.failed.startswith("REL-GATE at the gate")


def test_a_step_that_fails_while_the_machine_kills_for_memory_is_no_failure_of_the_release(tmp_path, monkeypatch):
    counted = iter([3, 3, 4, 5])
    monkeypatch.setattr("pipeline.release.rerun.memory_kills", lambda: next(counted))
    fed, starved = (Rerun(tmp_path, "eval", ReleaseFolder(tmp_path, tmp_path), tmp_path) for _ in range(2))
    fed.step("predict", lambda _: "stage predict ended with 255")
    starved.step("predict", lambda _: "stage predict ended with 255")
    assert (fed.starved, starved.starved) == (False, True)
    outcome = Outcome("eval", STARVED, {"failed": starved.failed}, ReleaseFolder(tmp_path, tmp_path))
    found = judge(record(), ReleaseFolder(tmp_path, tmp_path), outcome)
    assert (found.verdict, found.reasons[0][:10]) == (Verdict.INCONCLUSIVE, "REP-KILLED")


def test_a_step_that_succeeds_is_not_starved_whoever_else_was_killed(tmp_path, monkeypatch):
    counted = iter([3, 4])
    monkeypatch.setattr("pipeline.release.rerun.memory_kills", lambda: next(counted))
    rerun = Rerun(tmp_path, "eval", ReleaseFolder(tmp_path, tmp_path), tmp_path)
    rerun.step("predict", lambda _: "")
    assert not rerun.starved


@pytest.mark.parametrize(("text", "kills"), [("nr_free_pages 7\noom_kill 12\n", 12), ("nr_free_pages 7\n", 0), (None, 0)])
def test_kills_for_memory_are_counted_where_the_kernel_tells(tmp_path, text, kills):
    place = tmp_path / "vmstat"
    if text is not None:
        place.write_text(text, encoding="ascii")
    assert memory_kills(place) == kills


def test_a_defect_of_ours_is_no_failed_step(tmp_path):
    rerun = Rerun(tmp_path, "eval", ReleaseFolder(tmp_path, tmp_path), tmp_path)
    with pytest.raises(ZeroDivisionError, match="division"):
        rerun.step("first", lambda _: str(1 / 0))


def test_the_levels_run_the_stages_of_the_pipeline_in_its_order():
    stages = tuple(yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
    assert MADE_AGAIN["train"] == stages
    assert MADE_AGAIN["eval"] == tuple(name for name in stages if name not in {"train", "package"})


def test_what_is_made_again_is_judged_at_the_level_of_the_release_and_its_stages_are_read_as_they_lie():
    asked = Order("0.1.0", Kind.RELEASE, unwatched=True)
    assert (asked.kind, asked.read_as, Order("0.1.0", Kind.RELEASE).read_as) == (Kind.RELEASE, Kind.TRIAL, Kind.RELEASE)


@pytest.mark.parametrize(
    ("kind", "shown", "tried"),
    [
        (Kind.TRIAL, ["not run", "not run"], False),
        (Kind.TRIAL, ["not run", "shown"], True),
        (Kind.TRIAL, ["not shown"], True),
        (Kind.TRIAL, None, True),
        (Kind.RELEASE, ["not run"], True),
    ],
)
def test_seeded_defects_are_tried_again_where_they_were_tried_before_sealing(tmp_path, kind, shown, tried):
    class Sealed(ReleaseFolder):
        def record(self):
            return type("Record", (), {"kind": kind})()

    folder = Sealed(tmp_path, tmp_path / "archive")
    if shown is not None:
        write_json(folder.place(MATRIX), {"tables": {"seeded_defects": [{"id": "SD-001", "shown": each} for each in shown]}})
    assert showed_tools(folder) is tried


@pytest.mark.needs_run
def test_the_canonical_matrix_says_of_each_seeded_defect_whether_it_was_tried():
    rows = read_json(ARTIFACTS / "trace/matrix.json")["tables"]["seeded_defects"]
    assert rows
    assert {row["shown"] for row in rows} <= {"shown", "not shown", NOT_TRIED}


def test_what_was_made_before_a_failure_is_kept_for_the_comparison(tmp_path):
    for name in ("artifacts/validation/validation.json", "artifacts/validation/ap50.png", "params.yaml", "secret.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    gather(tmp_path, tmp_path / "made")
    found = {path.relative_to(tmp_path / "made").as_posix() for path in (tmp_path / "made").rglob("*") if path.is_file()}
    assert found == {"files/validation.json", "archive/validation/ap50.png", "files/params.yaml"}


def test_the_program_starts_before_any_library_that_reads_the_numeric_environment():
    code = "import sys, pipeline.release.rerun; print([m for m in ('numpy', 'torch', 'openvino') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@dataclass(frozen=True)
class Part:
    name: str


@dataclass(frozen=True)
class RunAsRelease(ReleaseFolder):
    """The canonical run in the place of a release's folder: each part where the run left it."""

    def place(self, subject):
        name = subject.removeprefix("files/")
        return (ARTIFACTS if name.startswith(("bundle/", "training/")) else REPOSITORY) / name

    def record(self):
        names = [f"bundle/{path.name}" for path in sorted((ARTIFACTS / "bundle").iterdir())]
        names += ["files/training/history.json", "files/training/training.json"]
        return type("Record", (), {"subjects": [Part(name) for name in names]})()


@pytest.mark.needs_run
def test_model_and_training_come_back_byte_for_byte_pictures_too(tmp_path):
    folder = RunAsRelease(tmp_path, tmp_path)
    restore_run(folder, tmp_path)
    restore_model(folder, tmp_path)
    for name in ("bundle", "training"):
        there = {path.name: path.read_bytes() for path in (ARTIFACTS / name).iterdir()}
        assert {path.name: path.read_bytes() for path in (tmp_path / "artifacts" / name).iterdir()} == there
    assert (tmp_path / "dvc.lock").read_bytes() == (REPOSITORY / "dvc.lock").read_bytes()


def test_without_the_records_of_the_training_level_eval_says_what_is_missing(tmp_path):
    class Empty(ReleaseFolder):
        def record(self):
            return type("Record", (), {"subjects": []})()

    with pytest.raises(ReleaseRefused, match=r"REL-MISSING at files/training/history\.json: .*Repair: make this .* level train"):
        restore_model(Empty(tmp_path, tmp_path), tmp_path)
