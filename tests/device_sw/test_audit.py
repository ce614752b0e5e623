"""The audit trail only grows, and a changed past shows."""

import json
import os
from hashlib import sha256

import pytest

from device_sw import audit
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
def test_a_line_cut_by_a_crash_is_set_aside_and_told(path, cut):
    filled(path).close()
    whole = path.read_bytes()
    torn = whole[:-cut].rpartition(b"\n")[2]
    path.write_bytes(whole[:-cut])
    trail = AuditTrail(path)
    assert trail.count == 2
    (kept,) = (path.parent / "quarantine").iterdir()
    assert kept.read_bytes() == torn
    *first, told = trail.entries()
    assert path.read_bytes().startswith(b"".join(whole.splitlines(keepends=True)[:2]))
    assert [entry["index"] for entry in first] == [0, 1]
    facts = {
        "event": "recovered",
        "file": f"quarantine/{kept.name}",
        "cut_bytes": len(torn),
        "cut_sha256": sha256(torn).hexdigest(),
    }
    assert facts.items() <= told.items()
    assert verify(path.read_text().splitlines())


def test_what_was_set_aside_is_told_once(path):
    filled(path).close()
    path.write_bytes(path.read_bytes()[:-5])
    AuditTrail(path).close()
    content = path.read_bytes()
    AuditTrail(path).close()
    assert path.read_bytes() == content


def test_a_run_that_died_between_cutting_and_telling_is_made_good(path):
    filled(path).close()
    path.write_bytes(path.read_bytes()[:-5])
    AuditTrail(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: content[:-1].rindex(b"\n") + 1])
    AuditTrail(path).close()
    assert path.read_bytes() == content


def test_the_same_line_cut_twice_is_told_twice(path):
    for _ in range(2):
        filled(path, 1).close()
        path.write_bytes(path.read_bytes()[:-5])
    trail = AuditTrail(path)
    assert sum("event" in entry for entry in trail.entries()) == 2


def test_a_cut_line_after_an_altered_one_refuses_and_changes_nothing(path):
    filled(path).close()
    spoilt = path.read_bytes().replace(b'"index":0', b'"index":9')[:-5]
    path.write_bytes(spoilt)
    with pytest.raises(OutputFailed, match="OUT-AUDIT-CHAIN at audit line 2"):
        AuditTrail(path)
    assert path.read_bytes() == spoilt
    assert not (path.parent / "quarantine").exists()


def test_a_line_that_is_no_text_is_named(path):
    filled(path).close()
    path.write_bytes(path.read_bytes().replace(b'"index":1', b'"index":\xff'))
    with pytest.raises(OutputFailed, match="OUT-AUDIT-CHAIN at audit line 2: found bytes that are no text"):
        AuditTrail(path)


def test_two_runs_cannot_write_to_one_trail(path, monkeypatch):
    monkeypatch.setattr(audit, "LOCK_WAIT_S", 0.1)
    first = AuditTrail(path)
    with pytest.raises(OutputFailed, match=r"OUT-LOCKED at audit\.jsonl: found another run that writes to this folder"):
        AuditTrail(path)
    first.close()
    AuditTrail(path).append({"index": 1})


def test_a_full_disk_takes_the_line_back(path, monkeypatch):
    trail = filled(path)
    before, real = path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:9]))
    with pytest.raises(OutputFailed, match=r"OUT-AUDIT at audit\.jsonl: found a line that was cut"):
        trail.append({"index": 3})
    assert path.read_bytes() == before
    assert not trail.undecided
    monkeypatch.undo()
    trail.append({"index": 3})
    assert verify(path.read_text().splitlines())


def test_a_line_that_cannot_be_taken_back_is_left_to_the_next_run(path, monkeypatch):
    trail = filled(path)

    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OutputFailed, match=r"OUT-AUDIT at audit\.jsonl: found OSError \(Input/output error\)"):
        trail.append({"index": 3})
    assert trail.undecided


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_trail_that_vanishes_is_noticed_before_a_line_is_lost(path, change):
    trail = filled(path)
    path.rename(path.with_name("moved"))
    if change == "replaced":
        path.touch()
    with pytest.raises(OutputFailed, match=r"OUT-AUDIT at audit\.jsonl: found (FileNotFoundError|another file in its place)"):
        trail.append({"index": 3})
    assert len(path.with_name("moved").read_text().splitlines()) == 3


def test_a_trail_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(OutputFailed, match=r"OUT-AUDIT at audit\.jsonl: found FileNotFoundError"):
        AuditTrail(tmp_path / "absent" / "audit.jsonl")


def test_a_trail_that_is_a_folder_says_so(tmp_path):
    with pytest.raises(OutputFailed, match=r"OUT-AUDIT at audit\.jsonl"):
        AuditTrail(tmp_path)
