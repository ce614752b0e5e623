"""Older releases keep verifying with the newest verifier: two small ones, sealed on 2026-11-21 with keys that nobody has any more, kept as they were.

They are never made again. Whoever changes the verifier so that they fail has broken a promise that was given with each release.
"""

import hashlib
import shutil
from pathlib import Path

import pytest
from packaging.version import Version

from pipeline.release.attacks.flips import kind_of
from pipeline.release.parts.order import LAST, step_of
from pipeline.release.record.folder import ReleaseFolder
from pipeline.run import REPOSITORY
from tests.pipeline.release.verdicts import verify

FROZEN = Path(__file__).parent / "frozen"
RECORDS = {
    "0.0.1": "0d4dae7914577fc2761cd47ae9a30f45f9f4b2787c63b18421664246a6b81da3",
    "0.0.2": "bf34df5bddab5fb46bf5834e3759a51508b02d5c98050e88b14767dad936df2b",
}
GOOD = {
    "record",
    "version",
    "folder",
    "contents",
    "claims",
    "signers",
    "signatures",
    "rotations",
    "authenticity",
    "previous",
    "sealed logs",
}
"""What was good about them on the day they were frozen."""


@pytest.mark.parametrize("version", RECORDS)
def test_a_frozen_release_still_verifies(version, capsys):
    verdict = verify(capsys, FROZEN / "releases" / version, "--pin", FROZEN / "pins.txt", "--require-pin", "--at-least", version)
    assert (verdict.exit, verdict.words) == (0, "INTEGRITY OK, AUTHENTIC")
    assert {name for name, state in verdict.states.items() if state == "GOOD"} >= GOOD


RELEASED = sorted(path.parent.name for path in (REPOSITORY / "releases").glob("*/record.dsse.json"))
PINS = ("SHA256:xPfdblUOe3MA20W6d5yE+y3GIOtbspImwWimuoOpVio", "SHA256:g+Yrvbz8mI5uGWdCQxz1L762XvZm83vhzdNwwzdAbUU")
"""The keys that README.md gives to pin: of 0.1.0 and 0.2.0, and, since that one was lost with its machine, of the releases after them."""

LOST_AFTER = "0.2.0"
"""The last release that the first of the keys signed."""


def pin(version):
    """Return the key to pin for a release."""
    return PINS[Version(version) > Version(LOST_AFTER)]


def test_there_is_a_release_to_ask():
    assert "0.1.0" in RELEASED


@pytest.mark.parametrize("version", RELEASED)
def test_a_release_of_this_project_still_verifies(version, capsys):
    verdict = verify(capsys, REPOSITORY / "releases" / version, "--release", "--pin", pin(version), "--require-pin")
    assert (verdict.exit, verdict.words) == (0, "INTEGRITY OK, AUTHENTIC")
    assert {name for name, state in verdict.states.items() if state == "GOOD"} >= GOOD


@pytest.mark.parametrize("version", RELEASED)
def test_readme_names_the_key_of_each_release(version):
    assert pin(version) in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", RELEASED)
def test_every_part_of_a_release_of_this_project_has_its_step_and_its_kind(version):
    subjects = ReleaseFolder(REPOSITORY / "releases" / version, Path()).record().subjects
    assert [each.name for each in subjects if step_of(each.name) == LAST] == []
    assert {"trace gate", "bills of materials", "registry"} <= {step_of(each.name) for each in subjects}
    assert len([each for each in subjects if kind_of(each.name) == "trace matrix"]) == 1


@pytest.mark.parametrize("version", RECORDS)
def test_it_is_the_record_that_was_frozen(version):
    from pipeline.release import verifier

    assert verifier.opened(verifier.Order(FROZEN / "releases" / version)).sha256 == RECORDS[version]


FILES = sorted(
    path.relative_to(FROZEN).as_posix()
    for path in (FROZEN / "releases").rglob("*")
    if path.is_file() and path.parent.name != "after"
)


@pytest.mark.parametrize("name", FILES)
def test_every_byte_of_a_frozen_release_counts(tmp_path, name, capsys):
    """Sixteen single bits of every file, one after the other; the places follow from the name, so a failure can be looked at again."""
    shutil.copytree(FROZEN, tmp_path / "frozen")
    path = tmp_path / "frozen" / name
    content = path.read_bytes()
    version = "0.0.2" if name == "releases/keys.jsonl" else name.split("/")[1]
    for number in range(16):
        draw = int.from_bytes(hashlib.sha256(f"{name} {number}".encode()).digest()[:6], "big")
        at, bit = draw // 8 % len(content), draw % 8
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        verdict = verify(capsys, tmp_path / "frozen/releases" / version, "--pin", FROZEN / "pins.txt")
        assert verdict.exit == 1, (at, bit)
