"""A JUnit record, element by element: what each means, in which words, and what is refused."""

import json
from xml.sax.saxutils import quoteattr

import pytest

from verification.trace.junit import RawRun, parse_run, read_junit, read_run
from verification.trace.outcomes import Outcome, RecordError


def properties(**pairs):
    inner = "".join(f"<property name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in pairs.items())
    return f"<properties>{inner}</properties>"


def run(*cases, facts=""):
    text = (
        f'<testsuites><testsuite name="pytest" timestamp="2026-11-21T10:00:00">{facts}{"".join(cases)}</testsuite></testsuites>'
    )
    return parse_run("j.xml", text.encode())


def case(children="", **noted):
    return f'<testcase classname="c" name="n">{properties(**noted)}{children}</testcase>'


ONE = {"attempts": "1"}
NO_PLUGIN = "the record does not say in how many attempts it passed; it was made without the recording plugin"
CASES = {
    "a pass": ("", ONE, Outcome.PASSED, ""),
    "output is silent": ("<system-out>x</system-out><system-err>y</system-err>", ONE, Outcome.PASSED, ""),
    "nothing noted": ("", {}, Outcome.ERROR, NO_PLUGIN),
    "no number": ("", {"attempts": "some"}, Outcome.ERROR, NO_PLUGIN),
    "none": ("", {"attempts": "0"}, Outcome.ERROR, NO_PLUGIN),
    "two attempts": ("", {"attempts": "2"}, Outcome.RERUN, "passed in attempt 2"),
    "expected to fail": ("", {**ONE, "xfail": "known"}, Outcome.XPASSED, "expected to fail, passed"),
    "crashed": ("", {**ONE, "crashed": "worker gw0", "xfail": "x"}, Outcome.CRASHED, "worker gw0"),
    "failure": ("<failure message='  no film&#10;line 2'/>", ONE, Outcome.FAILED, "no film"),
    "failure in its text": ("<failure>no film</failure>", ONE, Outcome.FAILED, "no film"),
    "failure without words": ("<failure/>", ONE, Outcome.FAILED, "no message"),
    "long words": (f"<failure message='{'x' * 400}'/>", ONE, Outcome.FAILED, "x" * 300),
    "broken in call": ("<failure message='m'/>", {**ONE, "broke": "call"}, Outcome.CALL_ERROR, "m"),
    "broken elsewhere": ("<failure message='m'/>", {**ONE, "broke": "setup"}, Outcome.FAILED, "m"),
    "strict": ("<failure message='[XPASS(strict)] known'/>", ONE, Outcome.XPASSED, "[XPASS(strict)] known"),
    "strict in its text": ("<failure message='m'>[XPASS(strict)]</failure>", ONE, Outcome.XPASSED, "m"),
    "set-up": ("<error message='failed on setup with x'/>", ONE, Outcome.SETUP_ERROR, "failed on setup with x"),
    "tear-down": ("<error message='failed on teardown with x'/>", ONE, Outcome.TEARDOWN_ERROR, "failed on teardown with x"),
    "another error": ("<error message='it failed on setup'/>", ONE, Outcome.ERROR, "it failed on setup"),
    "error without words": ("<error/>", ONE, Outcome.ERROR, "no message"),
    "a dead worker": ("<error message='gw0 crashed while running it'/>", ONE, Outcome.CRASHED, "gw0 crashed while running it"),
    "a noted crash": ("<error message='failed on setup'/>", {"crashed": "w"}, Outcome.CRASHED, "failed on setup"),
    "skipped": ("<skipped message='no data'/>", ONE, Outcome.SKIPPED, "no data"),
    "skipped without words": ("<skipped/>", ONE, Outcome.SKIPPED, "no message"),
    "expected": ("<skipped type='pytest.xfail' message='known'/>", ONE, Outcome.XFAILED, "known"),
    "unexpected": (
        "<skipped message='xfail-marked test passes unexpectedly'/>",
        ONE,
        Outcome.XPASSED,
        "xfail-marked test passes unexpectedly",
    ),
    "error before failure": ("<failure message='f'/><error message='e'/>", ONE, Outcome.ERROR, "e"),
    "failure before skip": ("<skipped message='s'/><failure message='f'/>", ONE, Outcome.FAILED, "f"),
    "failure after attempts": ("<rerunFailure message='r'/><failure message='f'/>", ONE, Outcome.FAILED, "f"),
    "an earlier attempt": ("<rerun message='r'/>", ONE, Outcome.RERUN, "an earlier attempt did not pass: r"),
    "a flaky failure": ("<flakyFailure message='r'/>", ONE, Outcome.RERUN, "an earlier attempt did not pass: r"),
    "a flaky error": ("<flakyError/>", ONE, Outcome.RERUN, "an earlier attempt did not pass: no message"),
    "only an earlier failure": ("<rerunFailure/>", ONE, Outcome.ERROR, "unknown element <rerunFailure> in the record"),
    "unknown": ("<odd/><rerun/>", ONE, Outcome.ERROR, "unknown element <odd> in the record"),
    "the first of two unknown": ("<z/><a/>", ONE, Outcome.ERROR, "unknown element <a> in the record"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_element_has_one_meaning_and_its_words(name):
    children, noted, outcome, reason = CASES[name]
    (result,) = run(case(children, **noted)).results
    assert (result.outcome, result.reason) == (outcome, reason)


def test_a_result_carries_what_the_plugin_noted():
    noted = "".join(
        f"<property name='{name}' value='{value}'/>"
        for name, value in [
            ("verifies", "SRS-002"),
            ("verifies", "RC-001"),
            ("verifies", "SRS-002"),
            ("feature", "a.feature"),
            ("scenario", "S"),
            ("row", "x=1"),
            ("step", "passed: Given a"),
            ("step", "passed: Then b"),
            ("attempts", "1"),
        ]
    )
    (result,) = run(f'<testcase classname="mod" name="test_s"><properties>{noted}</properties></testcase>').results
    assert result.key == ("a.feature", "S", "x=1")
    assert result.node == "mod::test_s"
    assert result.verifies == ("RC-001", "SRS-002")
    assert result.steps == ("passed: Given a", "passed: Then b")


def test_a_bare_case_has_empty_names():
    (result,) = run("<testcase/>").results
    assert (result.key, result.node, result.verifies, result.steps) == (("", "", ""), "::", (), ())


def test_a_run_has_facts_a_start_and_what_it_left_out_at_the_end():
    note = json.dumps(
        {"node": "test_a.py::test_x", "properties": [["feature", "a.feature"], ["scenario", "S"], ["verifies", "SRS-001"]]}
    )
    made = run(case(**ONE), facts=properties(deselected=note, tester="nobody", environment="{}"))
    assert made.facts == {"tester": "nobody", "environment": "{}"}
    assert made.started == "2026-11-21T10:00:00"
    passed, left_out = made.results
    assert passed.outcome is Outcome.PASSED
    assert (left_out.outcome, left_out.reason) == (Outcome.DESELECTED, "collected, then left out of the run")
    assert (left_out.key, left_out.node, left_out.verifies) == (("a.feature", "S", ""), "test_a.py::test_x", ("SRS-001",))


def test_a_single_suite_without_time_is_a_run():
    assert parse_run("j.xml", b"<testsuite/>") == RawRun((), {}, "")


NO_NODE = '{"properties": []}'
REFUSED = {
    "another encoding": ("<testsuites/>".encode("utf-16"), r"^j\.xml is not UTF-8, in which pytest writes$"),
    "document type": (b"<!DOCTYPE x><testsuites/>", r"^j\.xml declares a document type, which pytest never writes$"),
    "no XML": (b"<testsuites>", r"^j\.xml is unreadable \(ParseError\)$"),
    "other XML": (b"<html/>", r"^j\.xml holds <html>, not test suites$"),
    "a broken note": (
        f"<testsuite>{properties(deselected='{')}</testsuite>".encode(),
        r"^j\.xml holds a note of a deselected test that cannot be read \(JSONDecodeError\)$",
    ),
    "a note without node": (
        f"<testsuite>{properties(deselected=NO_NODE)}</testsuite>".encode(),
        r"^j\.xml holds a note of a deselected test that cannot be read \(KeyError\)$",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_record_is_refused_in_these_words(tmp_path, name):
    content, words = REFUSED[name]
    (tmp_path / "j.xml").write_bytes(content)
    with pytest.raises(RecordError, match=words):
        read_run(tmp_path / "j.xml")
    with pytest.raises(RecordError, match=words):
        read_junit(tmp_path / "j.xml")


def test_a_record_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RecordError, match=r"^none\.xml is unreadable \(FileNotFoundError\)$"):
        read_run(tmp_path / "none.xml")
