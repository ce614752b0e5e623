"""The audit trail only grows, and a changed past shows."""

import json

import pytest

from device_sw.audit import AuditTrail, verify
from device_sw.errors import OutputFailed


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def filled(path, count=3):
    trail = AuditTrail(path)
    for number in range(count):
        trail.append({"index": number, "outcome": "心"})
    return trail


def test_one_line_an_entry_and_earlier_lines_stay_as_they_are(path):
    filled(path)
    before = path.read_bytes()
    AuditTrail(path).append({"index": 3})
    assert path.read_bytes().startswith(before)
    assert [json.loads(line)["index"] for line in path.read_text().splitlines()] == [0, 1, 2, 3]


def test_a_reopened_trail_goes_on_counting(path):
    filled(path)
    assert AuditTrail(path).count == 3


def drop(lines):
    return lines[:1] + lines[2:]


def edit(lines):
    return [lines[0].replace('"index":0', '"index":9'), *lines[1:]]


def swap(lines):
    return [lines[1], lines[0], *lines[2:]]


def garbage(lines):
    return [*lines[:1], "[]", *lines[2:]]


@pytest.mark.parametrize(("change", "line"), [(drop, 2), (edit, 2), (swap, 1), (garbage, 2)])
def test_a_changed_past_is_named(path, change, line):
    filled(path)
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    with pytest.raises(OutputFailed, match=f"OUT-AUDIT-CHAIN at audit line {line}:"):
        AuditTrail(path)


@pytest.mark.parametrize("cut", [1, 20])
def test_a_line_cut_by_a_crash_is_named(path, cut):
    filled(path)
    assert verify(path.read_text().splitlines()[:2])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(OutputFailed, match="OUT-AUDIT-CHAIN at audit line 3"):
        AuditTrail(path)


def test_a_trail_that_cannot_be_written_says_so(tmp_path):
    trail = AuditTrail(tmp_path / "absent" / "audit.jsonl")
    with pytest.raises(OutputFailed, match=r"OUT-AUDIT at audit\.jsonl: found FileNotFoundError"):
        trail.append({"index": 1})
    assert trail.count == 0


def test_a_trail_that_is_a_folder_says_so(tmp_path):
    with pytest.raises(OutputFailed, match=r"OUT-AUDIT at audit\.jsonl"):
        AuditTrail(tmp_path)
