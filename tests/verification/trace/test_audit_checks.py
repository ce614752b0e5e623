"""What the gate makes of the audit log and of the locked validation: at every level the log itself, at release level its result."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verification.trace.audit_entries import OTHER, WEIGHTS, Log, people_toml, place, quality
from verification.trace import gate
from verification.trace.approvals import canonical
from verification.trace.audit_log import AUDIT, HEAD, examine, head_json
from verification.trace.executed_protocol import read_executed_protocol
from verification.trace.people import People
from verification.trace.signed_chain import Chain

ODD = (
    b"[" * 100_000,
    b"null",
    b"\xff\n",
    b'{"endpoints": [{"id": []}], "protocol": {"sha256": NaN}}',
    b'{"a":1,"a":2}\n',
    b'"\\ud800"\n',
)
NAMES = ("schema", "project", "event", "name", "role", "time", "statement", "facts", "key", "previous", "form", "signature")
PROTOCOL_FILE = "validation/protocol.toml"
LOCKED = """
[locked]
profile = "phantom"
budget = "release"
[[set]]
profile = "phantom"
budgets = ["release"]
[[set.endpoint]]
id = "ap50-macro"
metric = "ap50.macro"
direction = "at-least"
threshold = 0.9
bound = "lower"
requirement = "SRS-001"
primary = true
"""
ENDPOINT = {
    "id": "ap50-macro",
    "metric": "ap50.macro",
    "direction": "at-least",
    "threshold": 0.9,
    "bound": "lower",
    "requirement": "SRS-001",
    "primary": True,
    "value": 0.95,
    "interval": {"low": 0.93, "high": 0.97},
    "passed": True,
}


class Release:
    """The small project with people, a protocol for a locked cohort, and a log that can be written step by step."""

    def __init__(self, project):
        self.project = project
        project.write(PROTOCOL_FILE, project.read(PROTOCOL_FILE) + LOCKED)
        signer = quality(since=datetime.now(UTC).replace(microsecond=0) - timedelta(days=2))
        project.write("people.toml", people_toml(signer))
        self.log = Log(signer, start=datetime.now(UTC) - timedelta(days=1))

    @property
    def protocol(self):
        return read_executed_protocol(self.project.root).here

    def result(self, **changes):
        return json.dumps({"protocol": {"sha256": self.protocol}, "endpoints": [ENDPOINT]} | changes).encode()

    def locked(self, content=None, protocol=None, **opening):
        """Freeze, open and judge; the result lies where the log says."""
        protocol, content = protocol or self.protocol, content or self.result()
        self.log.frozen(protocol=protocol)
        self.log.opened(protocol=protocol, **opening)
        self.log.judged(protocol=protocol, content=content)
        self.project.write(place(protocol, WEIGHTS), content.decode())
        self.log.write(self.project)

    def found(self, level=gate.Level.RELEASE):
        codes = ("AUD-", "TRC-ENDPOINT-")
        problems = [each for each in self.project.check(level).problems if each.code.startswith(codes)]
        return [(each.code, each.where, each.found) for each in problems if "locked" in each.item or each.code.startswith("AUD")]


@pytest.fixture
def release(project):
    return Release(project)


def test_a_release_needs_a_locked_validation_and_development_does_not(release):
    found = f"no locked validation by the protocol {release.protocol[:12]}"
    assert release.found() == [("AUD-LOCKED", AUDIT, found)]
    assert release.found(gate.Level.DEVELOPMENT) == []


def test_a_locked_validation_by_the_frozen_protocol_is_enough(release):
    release.locked()
    assert release.found() == []


def test_a_protocol_changed_after_the_opening_has_no_locked_validation(release):
    release.locked()
    release.project.replace(PROTOCOL_FILE, "threshold = 0.9", "threshold = 0.8")
    assert release.found() == [("AUD-LOCKED", AUDIT, f"no locked validation by the protocol {release.protocol[:12]}")]


def test_a_result_that_names_another_protocol_is_refused(release):
    release.locked(release.result(protocol={"sha256": OTHER}))
    (only,) = release.found()
    assert only[0] == "AUD-LOCKED"
    assert only[2] == f"judged by the protocol {OTHER[:12]}, frozen and here is {release.protocol[:12]}"


def test_a_result_that_was_edited_or_is_gone_is_refused(release):
    release.locked()
    where = place(release.protocol, WEIGHTS)
    release.project.write(where, release.project.read(where).replace("0.95", "0.99"))
    assert [(code, at) for code, at, _ in release.found()] == [("AUD-LOCKED", where)]
    (release.project.root / where).unlink()
    assert release.found()[0][2].startswith("no readable result, the log names")


def test_a_result_of_another_bundle_is_refused_where_one_of_that_budget_lies_here(release):
    manifest = json.dumps({"profile": "phantom", "budget": "release", "files": {"thresholds.json": "of the opening"}})
    judged = hashlib.sha256(manifest.encode()).hexdigest()
    release.locked(bundle=judged)
    release.project.write("artifacts/bundle/manifest.json", manifest)
    assert release.found() == []
    other = manifest.replace("of the opening", "chosen after the films were seen")
    release.project.write("artifacts/bundle/manifest.json", other)
    found = f"judged with the bundle {judged[:12]}, here lies {hashlib.sha256(other.encode()).hexdigest()[:12]}"
    assert release.found() == [("AUD-LOCKED", place(release.protocol, WEIGHTS), found)]
    release.project.write("artifacts/bundle/manifest.json", manifest.replace("release", "quick"))
    assert release.found() == []


def test_a_primary_endpoint_that_is_not_met_blocks_a_release(release):
    release.locked(release.result(endpoints=[ENDPOINT | {"passed": False, "interval": {"low": 0.85, "high": 0.97}}]))
    assert release.found() == [("TRC-ENDPOINT-FAILED", place(release.protocol, WEIGHTS), "0.95, lower end at-least 0.9")]


def test_a_verdict_that_does_not_follow_from_its_figure_blocks_a_release(release):
    release.locked(release.result(endpoints=[ENDPOINT | {"interval": {"low": 0.85, "high": 0.97}}]))
    assert [code for code, _, _ in release.found()] == ["TRC-ENDPOINT-FAILED"]


@pytest.mark.parametrize("endpoints", [[], [ENDPOINT | {"threshold": 0.5}], [ENDPOINT | {"bound": "point"}]])
def test_endpoints_left_out_or_changed_are_named(release, endpoints):
    release.locked(release.result(endpoints=endpoints))
    assert [code for code, _, _ in release.found()] == ["TRC-ENDPOINT-PROTOCOL"]


@pytest.mark.parametrize("content", [b"{}", b"[]", b"nothing", b'{"endpoints": 3, "protocol": {"sha256": "x"}}'])
def test_a_result_that_cannot_be_read_is_no_result(release, content):
    release.locked(content)
    assert [code for code, _, _ in release.found()] == ["AUD-LOCKED"]


def test_a_second_opening_is_named_at_development_level(release):
    release.locked()
    release.log.opened(protocol=release.protocol, weights=OTHER)
    release.log.write(release.project)
    assert [(code, at) for code, at, _ in release.found(gate.Level.DEVELOPMENT)] == [("AUD-OPENED-TWICE", f"{AUDIT}:4")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([AUDIT, HEAD, "result"]), st.one_of(st.binary(max_size=200), st.sampled_from(ODD)))
def test_any_bytes_in_log_head_or_result_are_named_and_never_raised(release, name, content):
    release.log.lines.clear()
    release.locked()
    where = place(release.protocol, WEIGHTS) if name == "result" else name
    (release.project.root / where).write_bytes(content)
    assert release.found()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda each: st.lists(each, max_size=4) | st.dictionaries(st.sampled_from(NAMES), each, max_size=8),
        max_leaves=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_json_in_a_line_is_an_entry_or_a_problem(value):
    line = canonical(value) if isinstance(value, dict) else json.dumps(value)
    head = head_json((line,))
    trail = examine(Chain((line,), (head["entries"], head["sha256"])), People(project="tiny"), datetime.now(UTC))
    assert trail.problems
    assert trail.entries == ()


def test_a_result_elsewhere_than_in_its_folder_is_not_read(release):
    release.log.frozen(protocol=release.protocol)
    release.log.opened(protocol=release.protocol)
    facts = {
        "protocol_sha256": release.protocol,
        "weights_sha256": WEIGHTS,
        "predictions_sha256": "d" * 64,
        "primary_passed": "yes",
    }
    release.log.add("locked-cohort-judged", facts | {"evidence": "../other/validation.json", "evidence_sha256": "e" * 64})
    release.log.write(release.project)
    assert release.found()[0][2].startswith("no readable result")
