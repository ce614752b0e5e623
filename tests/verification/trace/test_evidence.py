"""The verdict file against the raw record: what was judged, what lies here, and in which words the two are told apart."""

import json

import pytest

from verification.trace.evidence import (
    JUNIT,
    VERDICTS,
    Evidence,
    Record,
    altered,
    case_id,
    examine,
    json_text,
    read_evidence,
    read_record,
    write_json,
)
from verification.trace.identity import Identity, difference, digest, flatten
from verification.trace.outcomes import Outcome, RecordError, Result, Verdict, judge, place

HERE = Identity("verification", digest("verification", {"a": "1"}, {}), files={"a": "1"})
PASSED = Verdict("a.feature", "S", "", ("SRS-001",), Outcome.PASSED, "")
FAILED = Verdict("a.feature", "T", "x=1", ("SRS-002", "RC-001"), Outcome.FAILED, "no film")


def told(problems):
    return [(each.code, each.where, each.item, each.found) for each in problems]


@pytest.mark.parametrize(
    ("record", "passed"),
    [
        (Record(HERE, 0, (PASSED,)), True),
        (Record(HERE, 0, (PASSED, FAILED)), False),
        (Record(HERE, 0, ()), False),
        (Record(HERE, 1, (PASSED,)), False),
        (Record(Identity("verification", None, "why"), 0, (PASSED,)), False),
    ],
)
def test_a_clean_run_has_an_identity_a_good_end_and_only_passes(record, passed):
    assert record.passed is passed


def test_a_record_is_written_sorted_and_read_back_equal(tmp_path):
    record = Record(HERE, 1, (PASSED, FAILED), {"b": "2", "a": "1"})
    write_json(tmp_path / VERDICTS, record.to_json())
    assert read_record(tmp_path) == record
    data = json.loads((tmp_path / VERDICTS).read_text(encoding="utf-8"))
    assert data["schema"] == "thoratrace/verdicts/1"
    assert data["counts"] == {"failed": 1, "passed": 1}
    assert data["exit_code"] == 1
    assert list(data["texts"]) == ["a", "b"]
    assert [each["scenario"] for each in Record(HERE, 0, (FAILED, PASSED)).to_json()["verdicts"]] == ["S", "T"]
    assert not list(tmp_path.rglob("*.part"))


def edited(tmp_path, change):
    write_json(tmp_path / VERDICTS, Record(HERE, 0, (PASSED,)).to_json())
    data = json.loads((tmp_path / VERDICTS).read_text(encoding="utf-8"))
    change(data)
    (tmp_path / VERDICTS).write_text(json.dumps(data), encoding="utf-8")


UNREADABLE = {
    "schema": (lambda d: d.update(schema="x"), "ValueError: schema 'x' instead of 'thoratrace/verdicts/1'"),
    "counts": (lambda d: d.update(counts={}), "ValueError: the counts are not those of the verdicts listed"),
    "exit code": (lambda d: d.pop("exit_code"), "KeyError: 'exit_code'"),
    "outcome": (lambda d: d["verdicts"][0].update(outcome="fine"), "ValueError: 'fine' is not a valid Outcome"),
    "files": (
        lambda d: d["identity"]["files"].update(a=1),
        "ValueError: files and lineage have not the form that a run records",
    ),
    "hash": (
        lambda d: d["identity"]["files"].update(b="2"),
        "ValueError: the recorded identity is not the hash of the files and lineage recorded with it",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_no_run_wrote_is_told(tmp_path, case):
    change, words = UNREADABLE[case]
    edited(tmp_path, change)
    evidence = read_evidence(tmp_path)
    assert evidence.record is None
    found = f"{VERDICTS} is unreadable ({words})"
    assert told(evidence.unreadable) == [("TRC-EVIDENCE-UNREADABLE", VERDICTS, "verification", found)]
    assert examine(evidence, (), HERE) == evidence.unreadable
    with pytest.raises(RecordError, match=r"is unreadable"):
        read_record(tmp_path)


def test_without_a_verdict_file_there_is_no_evidence(tmp_path):
    evidence = read_evidence(tmp_path)
    assert told(evidence.unreadable) == [("TRC-EVIDENCE-MISSING", VERDICTS, "verification", "no verdict file")]
    assert (evidence.record, evidence.results) == (None, ())


def test_verdicts_without_the_raw_record_are_no_evidence(project):
    assert read_evidence(project.root).record is not None
    (project.root / JUNIT).unlink()
    (only,) = told(read_evidence(project.root).unreadable)
    assert only == ("TRC-EVIDENCE-UNREADABLE", VERDICTS, "verification", "junit.xml is unreadable (FileNotFoundError)")


def test_a_stale_run_names_eight_differences_and_counts_the_rest():
    def stale(count):
        files = {f"f{number}": "1" for number in range(count)}
        there = Identity("verification", digest("verification", files, {}), files=files)
        here = Identity("verification", digest("verification", {}, {}), files={})
        return told(examine(Evidence(Record(there, 0, (PASSED,))), (), here))

    eight = "; ".join(f"f{number} removed" for number in range(8))
    assert stale(8) == [("TRC-EVIDENCE-STALE", VERDICTS, "verification", eight)]
    assert stale(10) == [("TRC-EVIDENCE-STALE", VERDICTS, "verification", f"{eight}; and 2 more")]


def test_an_edited_verdict_is_told_with_what_both_files_say():
    record = Record(HERE, 0, (PASSED, FAILED))
    other = Verdict("a.feature", "T", "x=1", (), Outcome.PASSED, "")
    more = Verdict("a.feature", "U", "", ("SRS-003",), Outcome.SKIPPED, "")
    assert told(altered(record, (PASSED, other, more))) == [
        (
            "TRC-EVIDENCE-ALTERED",
            VERDICTS,
            "TC:a.feature::T [x=1]",
            "verdicts.json: failed for SRS-002, RC-001; junit.xml: passed for no id",
        ),
        ("TRC-EVIDENCE-ALTERED", VERDICTS, "TC:a.feature::U", "verdicts.json: nothing; junit.xml: skipped for SRS-003"),
    ]
    assert told(altered(record, (), frozenset({"TC:a.feature::S"}))) == [
        ("TRC-EVIDENCE-ALTERED", VERDICTS, "TC:a.feature::S", "verdicts.json: passed for SRS-001; junit.xml: nothing")
    ]


@pytest.mark.parametrize(("code", "verdict", "count"), [(0, PASSED, 0), (3, PASSED, 1), (1, FAILED, 0)])
def test_a_bad_end_without_a_failure_is_told(code, verdict, count):
    record = Record(HERE, code, (verdict,))
    result = Result(verdict.key, "n", verdict.tags, verdict.outcome, verdict.reason)
    found = [each for each in told(examine(Evidence(record, (result,)), (), HERE)) if each[0] == "TRC-EVIDENCE-EXIT"]
    assert found == [("TRC-EVIDENCE-EXIT", VERDICTS, "verification", f"exit code {code}")] * count


def test_case_ids_name_the_row_where_there_is_one():
    assert [case_id("a.feature", "S", row) for row in ("", "x=1")] == ["TC:a.feature::S", "TC:a.feature::S [x=1]"]


def test_json_has_a_line_for_each_entry_of_two_levels():
    value = {"b": [[3], {"d": {"f": 1}}], "a": {"é": [1, 2]}, "c": [], "d": {}}
    text = '{\n"a": {\n"é": [1, 2]\n},\n"b": [\n[3],\n{"d": {"f": 1}}\n],\n"c": [],\n"d": {}\n}'
    assert json_text(value) == text
    assert json.loads(text) == value
    with pytest.raises(ValueError, match="JSON"):
        json_text([float("nan")])


def test_a_name_that_is_no_utf8_is_escaped(tmp_path):
    write_json(tmp_path / "sub" / "x.json", {"a": "\udcff"})
    assert (tmp_path / "sub" / "x.json").read_bytes() == b'{\n"a": "\\udcff"\n}\n'


def identity(files=None, lineage=None, *, name="file", sha256=None, reason=""):
    return Identity(name, sha256, reason, files=files or {}, lineage=lineage or {})


DIFFERENCES = {
    "equal hashes": (identity(sha256="1", files={"a": "1"}), identity(sha256="1"), ()),
    "both unstated": (
        identity(reason="no git"),
        identity(),
        ("no recorded identity: no git", "no current identity: no reason recorded"),
    ),
    "another slice": (identity(sha256="1", name="training"), identity(sha256="2"), ("slice training instead of file",)),
    "files": (
        identity({"a": "1", "b": "1", "c": "1"}, sha256="1"),
        identity({"b": "2", "c": "1", "d": "1"}, sha256="2"),
        ("a removed", "b changed", "d added"),
    ),
    "lineage": (
        identity(lineage={"model": {"version": "1", "x": 1}, "n": 1}, sha256="1"),
        identity(lineage={"model": {"version": "2"}, "n": 1}, sha256="2"),
        ("model > version changed", "model > x removed"),
    ),
    "lineage of one only": (
        identity({"a": "1"}, {"n": 1}, sha256="1"),
        identity({"a": "2"}, sha256="2"),
        ("a changed",),
    ),
    "nothing named": (identity(sha256="1"), identity(sha256="2"), ("the hashes differ, the recorded parts do not",)),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_a_difference_is_told_thing_by_thing(case):
    recorded, current, named = DIFFERENCES[case]
    assert difference(recorded, current) == named


def test_a_nested_table_has_a_name_for_each_leaf():
    assert flatten({"a": {"b": {"c": 1}}, "d": []}) == {"a > b > c": 1, "d": []}


def result(feature, scenario, row="", outcome=Outcome.PASSED, node="n::t"):
    return Result((feature, scenario, row), node, ("SRS-001",), outcome, "why" if outcome is not Outcome.PASSED else "")


def test_results_without_a_scenario_are_foreign_or_tell_what_broke():
    assert judge((), [result("a.feature", "S")]) == (
        Verdict("a.feature", "S", "", ("SRS-001",), Outcome.FOREIGN, judge((), [result("a.feature", "S")])[0].reason),
    )
    assert judge((), [result("", "")]) == ()
    assert judge((), [result("", "", outcome=Outcome.CRASHED)]) == (
        Verdict("", "n::t", "", ("SRS-001",), Outcome.CRASHED, "why"),
    )
    (mixed,) = judge((), [result("a.feature", "S"), result("a.feature", "S", outcome=Outcome.FAILED)])
    assert (mixed.outcome, mixed.reason) == (Outcome.FAILED, "why")
    (twice,) = judge((), [result("a.feature", "S", outcome=Outcome.SKIPPED)] * 2)
    assert (twice.outcome, twice.reason) in {(Outcome.SKIPPED, "why"), (Outcome.DUPLICATE, "2 results for one scenario")}


def test_the_folder_of_all_features_is_taken_off_a_name_that_no_file_has():
    assert place(result("features/a.feature", "S", "r"), {"a.feature"}) == ("a.feature", "S", "r")
    assert place(result("features/a.feature", "S"), {"features/a.feature"}) == ("features/a.feature", "S", "")
    assert place(result("", ""), {"a.feature"}) == ("", "n::t", "")
