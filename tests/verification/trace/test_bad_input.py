"""Whatever lies where evidence, a lock or a feature file should be: the gate is shut by a problem with a code, and never fails itself."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verification.trace import gate, strict_json
from verification.trace.codes import LONGEST_FINDING
from verification.trace.evidence import JUNIT, VERDICTS
from verification.trace.lineage import read_yaml

FEATURE = "verification/features/admission.feature"
VALIDATION = "artifacts/validation/validation.json"
DEEP = b"[" * 100_000
LONGEST = LONGEST_FINDING + 2000
"""Characters of a whole problem."""


def shut(project, name, content):
    """Put bytes where a file is; return the codes, all of them of bounded problems, with nothing half-written left."""
    (project.root / name).write_bytes(content)
    result = project.check()
    assert not result.passed
    assert all(len(str(problem)) < LONGEST for problem in result.problems)
    assert gate.to_text(result).encode()
    assert list((project.root / "artifacts/trace").glob("*.part")) == []
    return {problem.code for problem in result.problems}


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        "\ufeffFeature: a\n".encode(),
        b"Feature: a\n  Scenario: b\n    Given c\n    Gven d\n",
        b"Feature: a\n  Scenario: b\n    Given c\n      | d |\n      | e | f |\n",
        b"# language: zz\nFeature: a\n",
        b"@a b\nFeature: a\n",
        b"x" * 1_000_000,
        b"\x00",
    ],
    ids=[
        "no UTF-8",
        "byte order mark",
        "mistake",
        "ragged table",
        "no language",
        "tag with a blank",
        "a megabyte",
        "NUL",
    ],
)
def test_a_feature_file_that_is_none_is_named(project, content):
    assert "TRC-FEATURE-SYNTAX" in shut(project, FEATURE, content)


def test_a_feature_of_a_megabyte_of_steps_is_read(project):
    text = "@SRS-001 @RC-001 @SRS-002\nFeature: a\n  Scenario: " + "b" * 100_000 + "\n" + "    Then c\n" * 100_000
    codes = shut(project, FEATURE, text.encode())
    assert "TRC-FEATURE-SYNTAX" not in codes
    assert "TRC-EVIDENCE-STALE" in codes


def test_an_empty_feature_file_owes_nothing_and_leaves_its_requirements_unverified(project):
    assert "TRC-REQ-SCENARIO" in shut(project, FEATURE, b"")


def test_a_folder_or_a_link_to_nowhere_in_place_of_a_feature_file_is_named(project):
    (project.root / "verification/features/folder.feature").mkdir()
    (project.root / "verification/features/nowhere.feature").symlink_to("absent")
    found = [problem for problem in project.check().problems if problem.code == "TRC-FEATURE-SYNTAX"]
    assert [problem.item for problem in found] == ["folder.feature", "nowhere.feature"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"\x00",
        DEEP,
        b"stages: 3\n",
        b"stages: {train: 3}\n",
        b"stages: {train: {deps: 3}}\n",
        b"stages: {train: {deps: [3]}}\n",
        b"stages: {train: {deps: [{path: a, size: x}]}}\n",
        b"stages: {train: {params: {params.yaml: 3}}}\n",
        b"stages: {train: {params: {params.yaml: {a: 2020-01-01}}}}\n",
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nstages: {train: {params: {p: {v: *c}}}}\n",
        b"!!python/object/apply:os.system [exit]\n",
    ],
)
def test_a_lock_that_dvc_would_not_write_leaves_no_identity(project, content):
    assert "TRC-IDENTITY-UNKNOWN" in shut(project, "dvc.lock", content)


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml"])
@pytest.mark.parametrize("content", [b"", b"\xff", DEEP, b"stages: {train: 3}\n", b"stages: {train: {outs: [[]]}}\n", b"3"])
def test_a_definition_or_parameters_that_are_none_make_the_lock_stale(project, name, content):
    assert "TRC-PIPELINE-STALE" in shut(project, name, content)


@pytest.mark.parametrize(
    "text", ["- " * 50_000, "{a: " * 50_000, "a: &x [1]\nb: *x\n", "1: 2\n", "a: .inf\n", "a: " + "9" * 5000]
)
def test_yaml_that_is_not_plain_is_refused_before_it_grows(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"nested|alias|key|float|digits"):
        read_yaml(tmp_path / "a.yaml")


BOMB = '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;&b;&b;&b;&b;&b;">]><testsuites>&d;</testsuites>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"<testsuites>",
        BOMB.encode(),
        BOMB.encode("utf-16"),
        b'<?xml version="1.0" encoding="cp037"?>' + BOMB.encode("cp037"),
        b"<html/>",
        b"<" + b"a" * 1_000_000 + b"/>",
    ],
    ids=["empty", "NUL", "cut", "bomb", "bomb in UTF-16", "bomb in EBCDIC", "no suites", "a megabyte"],
)
def test_a_raw_record_that_is_none_is_unreadable(project, content):
    assert "TRC-EVIDENCE-UNREADABLE" in shut(project, JUNIT, content)


def test_a_raw_record_with_attributes_of_a_megabyte_is_another_record(project):
    huge = "n" * 1_000_000
    record = f'<testsuites><testsuite><testcase classname="{huge}" name="{huge}"><failure message="{huge}"/></testcase></testsuite></testsuites>'
    assert "TRC-EVIDENCE-ALTERED" in shut(project, JUNIT, record.encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        DEEP,
        b'{"schema": ' * 100_000,
        b"null",
        b"[]",
        b'{"schema": 1}',
        b'{"schema": "thoratrace/verdicts/1", "schema": "thoratrace/verdicts/1"}',
        b'{"schema": NaN}',
        b"1" * 5000,
    ],
)
def test_a_verdict_file_that_is_none_is_unreadable(project, content):
    assert "TRC-EVIDENCE-UNREADABLE" in shut(project, VERDICTS, content)


def test_a_lineage_nested_too_deep_to_compare_is_unreadable(project):
    data = json.loads(project.read(VERDICTS))
    inner: dict = {}
    for _ in range(300):
        inner = {"a": inner}
    data["identity"]["lineage"] = inner
    assert "TRC-EVIDENCE-UNREADABLE" in shut(project, VERDICTS, json.dumps(data).encode())


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", '"\\ud800"'])
def test_a_figure_that_is_no_number_is_no_record(project, value):
    text = project.read(VALIDATION).replace("0.8", value, 1)
    assert "TRC-ENDPOINT-MISSING" in shut(project, VALIDATION, text.encode())


def test_a_file_of_the_slice_that_cannot_be_read_leaves_no_identity(project):
    (project.root / "device_sw/device.py").unlink()
    (project.root / "device_sw/device.py").mkdir()
    (project.root / "device_sw/device.py/inner").write_text("x")
    project.git("add", "-f", "device_sw")
    project.check()
    (project.root / "phantom/link.py").symlink_to("absent")
    assert not project.check().passed


@pytest.mark.parametrize(
    "content", [b"", b"project = 1\n", b"[project]\ndependencies = 'x'\n", b"[project]\ndependencies = [1]\n", b"\xff"]
)
def test_a_project_file_without_a_readable_list_of_dependencies_is_named(project, content):
    assert "TRC-SOUP-UNLISTED" in shut(project, "pyproject.toml", content)


@pytest.mark.parametrize("content", [b"", b"\xff", b"gap = 1\n", b"gap = [1]\n", b"gap = " + b"[" * 10_000])
def test_a_register_of_gaps_that_is_none_is_a_gap(project, content):
    (project.root / "docs/gaps.toml").write_bytes(content)
    assert "TRC-GAP" in project.codes(gate.Level.SUBMISSION)


def test_a_name_that_is_no_utf8_is_escaped_where_it_is_written(project):
    name = os.fsdecode(b"device_sw/\xff.py")
    (project.root / name).write_text("X = 1\n")
    assert not project.check().passed
    assert json.loads(project.read(gate.CHECK))["passed"] is False


def test_recalled_and_read_inputs_give_one_verdict(project):
    fresh = project.check()
    written = [project.read(gate.TRACE), project.read(gate.CHECK)]
    for _ in range(2):
        recalled = gate.check(project.root, recall=True)
        assert (recalled.problems, recalled.graph) == (fresh.problems, fresh.graph)
        assert [project.read(gate.TRACE), project.read(gate.CHECK)] == written


def test_a_cache_made_up_for_the_bytes_that_lie_here_does_not_reach_a_release(project):
    """Nobody can forge a cache against the levels that are signed: they do not open it."""
    gate.check(project.root, recall=True)
    path = project.root / gate.CACHE
    honest = gate.check(project.root, gate.Level.RELEASE).problems
    path.write_bytes(b"anything")
    assert gate.check(project.root, gate.Level.RELEASE, recall=True).problems == honest
    assert path.read_bytes() == b"anything"


def test_an_edit_is_seen_beside_the_cache(project):
    gate.check(project.root, recall=True)
    project.replace("requirements_spec/data/user_needs.toml", 'title = "Adults only"', "title = 3")
    assert "SPC-TYPE" in {problem.code for problem in gate.check(project.root, recall=True).problems}


def test_strict_json_refuses_what_our_writer_never_writes():
    for text in (b'{"a": 1, "a": 1}', b"NaN", b"1e999", b'"\\ud800"', DEEP, b"\xff"):
        with pytest.raises(ValueError, match=r"twice|number|surrogates|nested|utf-8"):
            strict_json.loads(text)


SMALL = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"[[", b"= 1\n", b'"', b"{", b"\x00", b"null", b"- ", b"|", b"@x ", b"9" * 30])
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_bytes_in_any_file_never_raise_out_of_the_gate(project, data):
    """One file of the project, wholly replaced or changed at one place: the gate answers, whatever the answer is."""
    skipped = (".git/", "artifacts/trace/")
    paths = (path.relative_to(project.root).as_posix() for path in project.root.rglob("*") if path.is_file())
    name = data.draw(st.sampled_from(sorted(each for each in paths if not each.startswith(skipped))))
    path = project.root / name
    before = path.read_bytes()
    put, whole = data.draw(SMALL), data.draw(st.booleans())
    place = data.draw(st.integers(0, len(before)))
    path.write_bytes(put if whole else before[:place] + put + before[place + data.draw(st.integers(0, 5)) :])
    try:
        result = gate.check(project.root, data.draw(st.sampled_from(gate.Level)), recall=data.draw(st.booleans()))
        assert all(len(str(problem)) < LONGEST for problem in result.problems)
    finally:
        path.write_bytes(before)
