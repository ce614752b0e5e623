"""Pins: which files a lock lets in, and which pins a machine needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.release.wheelhouse.pins import LockUnreadable, machine_of, needed, read_pins
from pipeline.run import REPOSITORY
from requirements_spec.lock import pins as names_and_versions

HASH = f"    --hash=sha256:{'0' * 64}"


def test_the_projects_own_lock_is_read_whole():
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    pins = read_pins(text)
    assert {pin.name for pin in pins} == set(names_and_versions(text))
    assert sum(len(pin.sha256s) for pin in pins) == text.count("--hash=sha256:")


def test_of_two_pins_of_one_name_this_machine_needs_one():
    pins = read_pins((REPOSITORY / "requirements.lock").read_text(encoding="utf-8"))
    wanted = needed(pins, machine_of(Path(sys.executable)))
    names = [pin.name for pin in wanted]
    assert len(names) == len(set(names)) < len(pins)
    assert "pywin32" not in names


def test_markers_are_asked_of_the_machine_that_is_given():
    pins = read_pins(f"a==1 ; python_full_version < '3.12' \\\n{HASH}\na==2 ; python_full_version >= '3.12' \\\n{HASH}\n")
    assert [pin.version for pin in needed(pins, {"python_full_version": "3.13.1"})] == ["2"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"a==1 \\\n{HASH}\n-r other.txt\n", r"LOK-LINE at requirements\.lock:3: found '-r other\.txt'"),
        (f"--index-url here\na==1 \\\n{HASH}\n", r"LOK-LINE at requirements\.lock:1"),
        (f"a>=1 \\\n{HASH}\n", r"LOK-LINE at requirements\.lock:1: found 'a>=1"),
        (f"{HASH}\n", r"LOK-LINE at requirements\.lock:1"),
        ("a==1 \\\n    --hash=md5:00\n", r"LOK-LINE at requirements\.lock:2"),
        (f"a==1\nb==1 \\\n{HASH}\n", r"LOK-HASH at requirements\.lock a: found no hash"),
    ],
)
def test_a_lock_that_could_let_anything_in_is_refused(text, code):
    with pytest.raises(LockUnreadable, match=code):
        read_pins(text)
