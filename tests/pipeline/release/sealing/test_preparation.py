"""Preparation: its order, nothing done twice, and every refusal of a step is one of the release."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest

from pipeline.registry_store import RegistrationRefused
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.record import Kind, Model
from pipeline.release.sealing import preparation
from pipeline.seeded_defects import SeedingError
from tests.pipeline.release.bench import PARTS

GOOD = SimpleNamespace(passed=True, record=None, reason="", executed=True)


@pytest.fixture
def steps(monkeypatch):
    """The steps, which have tests of their own; says which were taken."""
    taken = []

    def step(name, result=None):
        return lambda *_, **__: taken.append(name) or result

    monkeypatch.setattr(preparation.registry, "register", step("candidate"))
    monkeypatch.setattr(preparation.verification_run, "run", step("verification", GOOD))
    monkeypatch.setattr(preparation.seeded_defects, "run", step("seeded defects"))
    monkeypatch.setattr(preparation, "read_state", lambda root: (None, ()))
    monkeypatch.setattr(preparation, "unshown", lambda state: ["no record of a validation run"])
    monkeypatch.setattr(preparation.tool_validation, "run", step("tool"))
    monkeypatch.setattr(preparation, "_compare", step("cut-offs"))
    monkeypatch.setattr(preparation.registry, "validate", step("validated"))
    return taken


def prepare(root, **asked):
    preparation.prepare(root, "c" * 40, lambda *_: None, **asked)


def test_the_model_is_validated_after_everything_that_speaks_for_it(tmp_path, steps):
    prepare(tmp_path)
    assert steps == ["candidate", "verification", "seeded defects", "tool", "cut-offs", "validated"]


def test_a_tool_that_is_shown_is_not_validated_again(tmp_path, steps, monkeypatch):
    monkeypatch.setattr(preparation, "unshown", lambda state: [])
    prepare(tmp_path)
    assert "tool" not in steps


def test_where_the_tools_are_not_to_be_shown_neither_defects_nor_tests_of_the_tool_are_tried(tmp_path, steps):
    prepare(tmp_path, show_tools=False)
    assert steps == ["candidate", "verification", "cut-offs", "validated"]


def test_a_scenario_that_did_not_pass_ends_it(tmp_path, steps, monkeypatch):
    record = SimpleNamespace(counts=lambda: {"failed": 2, "passed": 677})
    failed = SimpleNamespace(passed=False, record=record, reason="", executed=True)
    monkeypatch.setattr(preparation.verification_run, "run", lambda *_: failed)
    with pytest.raises(ReleaseRefused, match="REL-VERIFICATION at artifacts/verification: found 2 failed, 677 passed"):
        prepare(tmp_path)
    assert steps == ["candidate"]


def test_a_run_without_a_record_says_why(tmp_path, steps, monkeypatch):
    none = SimpleNamespace(passed=False, record=None, reason="a defect is seeded", executed=False)
    monkeypatch.setattr(preparation.verification_run, "run", lambda *_: none)
    with pytest.raises(ReleaseRefused, match=r"REL-VERIFICATION .*found a defect is seeded"):
        prepare(tmp_path)


@pytest.mark.parametrize(
    "refusal",
    [
        RegistrationRefused("REG-ORDER", where="registry", found="x", expected="y", repair="z"),
        SeedingError("the trials ended without telling"),
    ],
)
def test_what_a_step_refuses_is_refused_with_its_words(tmp_path, steps, monkeypatch, refusal):
    def refuses(*_, **__):
        raise refusal

    monkeypatch.setattr(preparation.seeded_defects, "run", refuses)
    with pytest.raises(ReleaseRefused, match=f"REL-RUN at the release run: found {refusal}"):
        prepare(tmp_path)
    assert "validated" not in steps


@pytest.mark.parametrize(
    ("kept", "runs"),
    [
        ({"commit": "c" * 40, "executed": False}, 1),
        ({"commit": "d" * 40, "executed": False}, 2),
        ({"commit": "d" * 40, "executed": True}, 1),
    ],
)
def test_verdicts_of_another_commit_are_made_again_though_nothing_they_judge_changed(tmp_path, steps, monkeypatch, kept, runs):
    forced = []

    def verified(*_, force=False):
        forced.append(force)
        record = SimpleNamespace(identity=SimpleNamespace(commit=kept["commit"]))
        return SimpleNamespace(passed=True, record=record, reason="", executed=kept["executed"])

    monkeypatch.setattr(preparation.verification_run, "run", verified)
    prepare(tmp_path)
    assert forced == [False, True][:runs]


HELD = Model("0.9.0", "1" * 64, hashlib.sha256(PARTS["bundle/manifest.json"]).hexdigest())
"""The model whose bundle lies beside the record of the bench."""


def test_the_predecessor_is_the_last_sealed_release_whatever_a_registry_holds(bench):
    assert preparation.sealed_predecessor(bench.root, "f" * 64) is None
    held = hashlib.sha256(PARTS["bundle/manifest.json"]).hexdigest()
    for version in ("0.9.0", "0.10.0"):
        bench.release(version, Kind.RELEASE, model=Model(version, "1" * 64, held))
    found = preparation.sealed_predecessor(bench.root, "f" * 64)
    assert (found.version, found.bundle) == ("0.10.0", bench.root / "releases/0.10.0/bundle")
    assert preparation.sealed_predecessor(bench.root, found.bundle_sha256) is None


@pytest.mark.parametrize("budget", ["release", "quick # of another profile"])
def test_a_release_of_another_budget_or_profile_is_nobodys_predecessor(bench, budget):
    bench.release("0.9.0", Kind.RELEASE, model=HELD)
    assert preparation.sealed_predecessor(bench.root, "f" * 64) is not None
    profile = "coco" if "#" in budget else "phantom"
    (bench.root / "params.yaml").write_text(f"profile: {profile}\nbudget: {budget}\n", encoding="utf-8")
    assert preparation.sealed_predecessor(bench.root, "f" * 64) is None


@pytest.mark.parametrize("part", ["bundle/manifest.json", "files/params.yaml"])
def test_what_is_not_the_recorded_part_of_the_predecessor_is_refused(bench, part):
    folder = bench.release("0.9.0", Kind.RELEASE, model=HELD)
    (folder.path / part).write_bytes(b"[]")
    with pytest.raises(
        ReleaseRefused,
        match=rf"^REL-PREDECESSOR at releases/0\.9\.0/{part}: found [0-9a-f]{{64}}, expected the part of the record",
    ):
        preparation.sealed_predecessor(bench.root, "f" * 64)
