"""Sealing: its order, and that whatever does not hold leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts.parts import Parts
from pipeline.release.provenance.honest_stages import HonestStage, Reading
from pipeline.release.record.folder import folder_of
from pipeline.release.record.record import Kind
from pipeline.release.sealing import build as building
from pipeline.release.sealing import sealing
from pipeline.release.sealing.build import build_trial
from pipeline.technical_file import FileError
from requirements_spec.problem import Problem
from tests.pipeline.release.bench import PARTS

MODEL = {"version": "0.1.0", "weights_sha256": "1" * 64, "bundle_sha256": "2" * 64}


@dataclass
class World:
    """Everything around the sealing, in place of a run of an hour; each step says when it was taken, and can be told to do harm."""

    monkeypatch: pytest.MonkeyPatch
    taken: list[str] = field(default_factory=list)
    harm: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=lambda: {"phantom": "4" * 64})
    problems: tuple = ()

    def __post_init__(self):
        steps = {
            "lineage": lambda root: {},
            "environment": lambda root: Here(),
            "stages_of": lambda root, kind, here: {"cohort": HonestStage("cohort", *self.readings(), {})},
            "build_file": lambda root: None,
            "gather": lambda root, here, time, *, registry_owed: Parts(PARTS, MODEL, "3" * 64),
        }
        for name, work in steps.items():
            self.monkeypatch.setattr(sealing, name, self.step(name, work))
        self.monkeypatch.setattr(building, "verify_at", self.step("verify_at", self.verified))
        self.monkeypatch.setattr(sealing.gate, "check", self.step("gate", self.judged))
        self.monkeypatch.setattr(sealing.matrix, "write", lambda root, result: None)

    def readings(self):
        return (Reading(dict(self.inputs), {}),) * 2

    def verified(self, _root, commit, _report):
        self.commit = commit

    def judged(self, _, level):
        self.level = level
        return Judged(self.problems)

    def step(self, name, work):
        def taken(*arguments, **named):
            self.taken.append(name)
            result = work(*arguments, **named)
            self.harm.get(name, lambda: None)()
            return result

        return taken


class Here:
    def summary(self):
        return {"numeric_class": "9" * 64}


@dataclass
class Judged:
    problems: tuple

    def __bool__(self):
        return not self.problems


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def build(bench):
    return build_trial(bench.root, "0.1.0", ("DEMO-quality",), lambda *_: None)


def test_everything_is_read_before_the_gate_and_again_after_the_technical_file(bench, world):
    made = build(bench)
    assert world.taken == ["verify_at", "lineage", "environment", "stages_of", "gate", "build_file", "stages_of", "gather"]
    record = made.record()
    assert (record.kind, record.gate) == (Kind.TRIAL, {"level": "development", "problems": 0})
    assert record.stages["cohort"].before == record.stages["cohort"].after == {"phantom": "4" * 64}
    assert record.environment == {"numeric_class": "9" * 64}
    assert {each.name for each in record.subjects} == set(PARTS)
    assert (made.after / "cover_sheet.html").is_file()


def test_the_scenarios_of_a_trial_ran_at_the_commit_that_its_record_names(bench, world):
    assert build(bench).record().source.commit == world.commit


def test_the_same_state_gives_the_same_record(bench, world):
    assert build(bench).record().sha256 == build(bench).record().sha256


def test_a_trial_asks_the_gate_at_development_level_and_a_release_at_release_level(bench, world):
    build(bench)
    assert world.level == "development"
    order = sealing.Order("0.1.0", Kind.RELEASE)
    sealing.seal(bench.root, order, folder_of(bench.root, "0.1.0", Kind.RELEASE), lambda *_: None)
    assert world.level == "release"


def refused(bench, world, message):
    """Expect a refusal that leaves the trial of before as it lay."""
    harm, problems = world.harm, world.problems
    world.harm, world.problems = {}, ()
    before = build(bench).record_file.read_bytes()
    world.harm, world.problems = harm, problems
    with pytest.raises(ReleaseRefused, match=message):
        build(bench)
    assert (bench.root / "artifacts/releases/0.1.0/record.dsse.json").read_bytes() == before


def test_a_tree_with_changes_is_refused(bench, world):
    build(bench)
    (bench.root / "params.yaml").write_text("budget: mine\n", encoding="utf-8")
    world.taken.clear()
    with pytest.raises(ReleaseRefused, match=r"REL-DIRTY at the working tree: found params\.yaml changed"):
        build(bench)
    assert world.taken == []


def test_a_file_that_is_neither_committed_nor_ignored_is_refused(bench, world):
    (bench.root / "note.txt").write_bytes(b"")
    with pytest.raises(ReleaseRefused, match=r"REL-DIRTY.*note\.txt is neither committed nor ignored"):
        build(bench)


def test_a_closed_gate_is_refused_with_its_first_problems(bench, world):
    world.problems = (Problem("artifacts/verification/verdicts.json", "TRC-EVIDENCE-STALE", *"xxxxx"),)
    refused(bench, world, r"REL-GATE at \./qms check --level development: found 1 problems, first TRC-EVIDENCE-STALE artifacts/")
    assert "build_file" not in world.taken[-2:]


def test_a_stale_pipeline_is_refused_before_anything_is_judged(bench, world):
    def stale():
        raise ReleaseRefused("REL-LINEAGE-STALE", where="stage train", found="x", expected="y", repair="run it")

    world.harm["lineage"] = stale
    refused(bench, world, "REL-LINEAGE-STALE at stage train")


def test_an_input_that_changes_during_the_build_is_refused(bench, world):
    world.harm["build_file"] = lambda: world.inputs.update(phantom="5" * 64)
    refused(bench, world, "REL-MOVED at the build: found phantom changed while the stage ran")


def test_a_stage_that_comes_or_goes_during_the_build_is_refused(bench, world, monkeypatch):
    answers = iter([{"cohort": HonestStage("cohort", *world.readings(), {})}, {}])
    monkeypatch.setattr(sealing, "stages_of", lambda *_: next(answers))
    with pytest.raises(ReleaseRefused, match="REL-MOVED at the build: found 'cohort'"):
        build(bench)


def test_a_file_edited_during_the_build_is_refused(bench, world):
    world.harm["build_file"] = lambda: (bench.root / "params.yaml").write_text("edited: 1\n", encoding="utf-8")
    before = (bench.root / "params.yaml").read_bytes()
    with pytest.raises(ReleaseRefused, match=r"REL-DIRTY.*params\.yaml changed"):
        build(bench)
    (bench.root / "params.yaml").write_bytes(before)
    assert not (bench.root / "artifacts/releases").exists()


def test_a_commit_during_the_build_is_refused(bench, world):
    def commits():
        (bench.root / "new.txt").write_bytes(b"")
        bench.commit()

    world.harm["gate"] = commits
    with pytest.raises(ReleaseRefused, match="REL-MOVED at the build: found another commit is checked out"):
        build(bench)


def test_a_technical_file_that_cannot_be_built_is_refused(bench, world, monkeypatch):
    def fails(root):
        raise FileError("FILE-BUILD", "source", "1 line of complaint", "none", "mend it")

    monkeypatch.undo()
    monkeypatch.setattr(sealing.technical_file, "build", fails)
    with pytest.raises(ReleaseRefused, match=r"REL-FILE at technical file: found .*FILE-BUILD"):
        sealing.build_file(bench.root)


def test_the_record_lists_the_bytes_that_lie_there(bench, world):
    made = build(bench)
    for subject in made.record().subjects:
        assert len(made.place(subject.name).read_bytes()) == subject.size
    assert json.loads((made.path / "keys.json").read_bytes())["keys"][0]["name"] == "DEMO-quality"
