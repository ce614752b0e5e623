"""A trail is read whole and unharmed, or refused with a code; nothing of it is summed up otherwise."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_sw.audit import FIRST, NAME, AuditTrail, verify
from device_sw.errors import CodedError, OutputFailed
from pipeline.surveillance.errors import SurveillanceRefused
from pipeline.surveillance.trail import in_order, read_trail
from tests.pipeline.surveillance.sites import FINDINGS, read, steady


@pytest.fixture
def folder(site):
    return site.record([*steady(4), "ADM-VIEW", "INF-SHAPE"]).folder


def rows(folder):
    return [json.loads(line) for line in (folder / NAME).read_text(encoding="utf-8").splitlines()]


def rechained(folder, lines):
    """Write lines as a chain that holds, as somebody would who forges a trail from its beginning."""
    import hashlib

    previous, written = FIRST, []
    for line in lines:
        written.append(json.dumps({**line, "previous": previous}, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
        previous = hashlib.sha256(written[-1].encode()).hexdigest()
    (folder / NAME).write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    verify(written)


def test_what_the_device_recorded_is_read(folder):
    trail = read_trail(folder, 1)
    assert [entry.status for entry in trail.entries] == [*["analysed"] * 4, "refused", "failed"]
    assert trail.entries[4].code == "ADM-VIEW"
    assert trail.entries[0].answer.scores == {FINDINGS[0]: (0.4,)}
    assert (trail.with_results, trail.recovered, len(trail.hashes)) == (True, 0, 6)
    assert trail.hashes[-1] == verify((folder / NAME).read_text(encoding="utf-8").splitlines())


def test_a_film_that_is_recorded_again_is_told(folder):
    lines = rows(folder)
    rechained(folder, [*lines, {**lines[0], "index": 7}])
    assert [entry.repeat for entry in read_trail(folder, 1).entries] == [*[False] * 6, True]


def test_a_run_that_was_cut_off_is_counted_and_its_line_is_no_input(folder):
    with (folder / NAME).open("ab") as stream:
        stream.write(b'{"a line that was cut')
    AuditTrail(folder / NAME).close()
    trail = read_trail(folder, 1)
    assert (trail.recovered, len(trail.entries), len(trail.hashes)) == (1, 6, 7)


EVENT = {
    "schema": "thoratrace/audit/2",
    "event": "recovered",
    "file": f"quarantine/audit-12-{'a' * 16}.cut",
    "cut_bytes": 3,
    "cut_sha256": "a" * 64,
}


def test_an_event_is_told_by_all_of_its_parts(folder):
    rechained(folder, [*rows(folder), EVENT])
    assert read_trail(folder, 1).recovered == 1


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "thoratrace/audit/1"},
        {"event": "removed"},
        {"event": None},
        {"file": "quarantine/audit-1.cut"},
        {"file": f"quarantine/audit-12-{'b' * 16}.cut"},
        {"file": 1},
        {"cut_bytes": 0},
        {"cut_bytes": True},
        {"cut_bytes": "3"},
        {"cut_sha256": "a" * 63},
        {"cut_sha256": None},
        {"status": "failed"},
    ],
)
def test_an_event_that_this_device_does_not_write_is_refused(folder, change):
    rechained(folder, [*rows(folder), EVENT | change])
    with pytest.raises(
        SurveillanceRefused, match=r"^PMS-LINE at trail 1, audit line 7: found an event that this device does not write"
    ):
        read_trail(folder, 1)


def test_an_input_does_not_hide_as_an_event(folder):
    lines = rows(folder)
    lines[5] |= {"event": "recovered"}
    rechained(folder, lines)
    with pytest.raises(SurveillanceRefused, match=r"^PMS-LINE at trail 1, audit line 6: found an event"):
        read_trail(folder, 1)


def test_figures_are_read_with_as_many_digits_as_a_baseline_keeps(site):
    site.record([(0.12345678901234, {FINDINGS[0]: [0.98765432109876]})])
    (entry,) = read_trail(site.folder, 1).entries
    assert (entry.answer.distance, entry.answer.scores) == (0.123456789, {FINDINGS[0]: (0.9876543211,)})


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_before_the_last_line_is_refused(folder, place, bit):
    path = folder / NAME
    whole = path.read_bytes()
    before_last = whole[:-1].rfind(b"\n") + 1
    place %= before_last
    try:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
        with pytest.raises(CodedError, match=r"^(OUT-AUDIT-CHAIN|PMS-LINE) at "):
            read_trail(folder, 1)
    finally:
        path.write_bytes(whole)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gone=st.integers(0, 4))
def test_a_line_that_is_gone_is_refused(folder, gone):
    path = folder / NAME
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    try:
        path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        with pytest.raises(OutputFailed, match=r"^OUT-AUDIT-CHAIN at audit line"):
            read_trail(folder, 1)
    finally:
        path.write_bytes(whole)


def test_no_trail_is_refused(tmp_path):
    with pytest.raises(OutputFailed, match=r"^OUT-AUDIT at audit\.jsonl: found FileNotFoundError"):
        read_trail(tmp_path, 1)


def test_a_cut_last_line_and_an_empty_trail_are_refused(folder):
    path = folder / NAME
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(SurveillanceRefused, match=r"^PMS-LINE at trail 3, audit line 6: found a last line that was cut"):
        read_trail(folder, 3)
    path.write_bytes(b"")
    with pytest.raises(SurveillanceRefused, match=r"^PMS-LINE at trail 1, audit line 1: found no complete line"):
        read_trail(folder, 1)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"schema": "thoratrace/audit/1"}, "another schema"),
        ({"status": "read"}, "an unknown status"),
        ({"status": "analysed"}, "no code of its status"),
        ({"code": None}, "no code of its status"),
        ({"code": "DOE^JANE"}, "no code of its status"),
        ({"detections": {"scoliosis": -1}}, "no counts"),
        ({"detections": {"scoliosis": True}}, "no counts"),
        ({"detections": {"DOE^JANE": 1}}, "no counts"),
        ({"detections": [1]}, "AttributeError"),
        ({"time": "2030-01-01T00:00:00"}, "a time without a zone"),
        ({"time": "yesterday"}, "ValueError"),
        ({"index": 9}, "an input out of its order"),
        ({"bundle_sha256": "b"}, "no versions"),
        ({"policy": "<script>"}, "no versions"),
        ({"content_sha256": []}, "TypeError"),
    ],
)
def test_a_line_that_this_device_does_not_write_is_refused_without_repeating_it(folder, change, found):
    lines = rows(folder)
    lines[4] |= change
    rechained(folder, lines)
    with pytest.raises(SurveillanceRefused, match=rf"^PMS-LINE at trail 1, audit line 5: found {found}, expected") as refused:
        read_trail(folder, 1)
    assert "DOE" not in str(refused.value)


def test_a_line_without_a_key_is_refused(folder):
    lines = rows(folder)
    del lines[0]["detections"]
    rechained(folder, lines)
    with pytest.raises(SurveillanceRefused, match=r"^PMS-LINE at trail 1, audit line 1: found KeyError"):
        read_trail(folder, 1)


def test_a_result_that_was_changed_or_taken_away_is_refused(folder):
    path = next(iter(sorted((folder / "results").iterdir())))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"0.4", b"0.9"))
    with pytest.raises(
        SurveillanceRefused, match=r"^PMS-RECORD at trail 1, result of audit line 1: found a result with another hash"
    ):
        read_trail(folder, 1)
    path.unlink()
    with pytest.raises(SurveillanceRefused, match=r"^PMS-RECORD at trail 1, result of audit line 1: found FileNotFoundError"):
        read_trail(folder, 1)
    shutil.rmtree(folder / "results")
    assert all(entry.answer is None for entry in read_trail(folder, 1).entries)


@pytest.mark.parametrize(
    "name", ["../results/0001-aaaaaaaa.json", "results/../audit.jsonl", "/etc/hostname", "refusals/0001-aaaaaaaa.json", None]
)
def test_a_line_leads_to_results_only(folder, name):
    lines = rows(folder)
    lines[0] |= {"record": name}
    rechained(folder, lines)
    with pytest.raises(SurveillanceRefused, match=r"^PMS-LINE at trail 1, audit line 1: found (no name of a result|TypeError)"):
        read_trail(folder, 1)


def test_a_line_that_counts_other_marks_than_its_result_is_refused(folder):
    lines = rows(folder)
    lines[0] |= {"detections": {FINDINGS[0]: 2}}
    rechained(folder, lines)
    with pytest.raises(SurveillanceRefused, match=r"^PMS-RECORD at .*found other marks than its line counts"):
        read_trail(folder, 1)


def test_inputs_of_several_trails_stand_by_time_and_inside_a_trail_by_the_chain(new_site):
    first, second = new_site("first"), new_site("second")
    first.record(steady(2))
    second.day = "2030-01-02"
    second.record(steady(1))
    first.day = "2030-01-03"
    first.record(steady(1))
    first.day = "2029-12-31"
    first.record(steady(1))
    found = in_order(read(second.folder, first.folder))
    assert [(entry.trail, entry.line) for entry in found] == [(2, 1), (2, 2), (1, 1), (2, 3), (2, 4)]


def timed(folder, *times):
    """Write the times of a recorded folder's lines anew."""
    rechained(folder, [line | {"time": time} for line, time in zip(rows(folder), times, strict=True)])


def test_trails_of_one_second_have_an_order_also_beside_lines_of_whole_seconds(new_site):
    first, second = new_site("first").record(steady(2)), new_site("second").record(steady(2))
    timed(first.folder, "2030-01-01T12:00:00.100+00:00", "2030-01-01T12:00:00.300+00:00")
    timed(second.folder, "2030-01-01T12:00:00+00:00", "2030-01-01T12:00:00.200+00:00")
    found = in_order(read(first.folder, second.folder))
    assert [(entry.trail, entry.line) for entry in found] == [(2, 1), (1, 1), (2, 2), (1, 2)]
