"""The technical file prints what the audit log holds, with who did it, and the locked result with its source."""

import json
from datetime import timedelta

from pipeline.dossier.audit_pages import NOTHING, AuditPages
from pipeline.dossier.evidence import EvidenceBook
from tests.verification.trace.audit_entries import Log, people_toml, place, quality
from tests.verification.trace.signers import START
from verification.trace.audit_log import AUDIT, AuditTrail, examine
from verification.trace.people import read_people

ENDPOINT = {
    "id": "ap50-macro",
    "title": "AP at IoU 0.5",
    "direction": "at-least",
    "threshold": 0.9,
    "bound": "lower",
    "requirement": "SRS-039",
    "primary": True,
    "value": 0.93,
    "interval": {"low": 0.91, "high": 0.95},
    "passed": True,
}


def pages(root, *steps):
    signer = quality()
    (root / "people.toml").write_text(people_toml(signer))
    log = Log(signer)
    for step in steps:
        getattr(log, step)()
    (root / AUDIT).write_text("".join(f"{line}\n" for line in log.lines))
    trail = examine(log.log(), read_people(root)[0], START + timedelta(days=1))
    assert trail.problems == ()
    return AuditPages(trail, EvidenceBook(root))


def test_an_empty_log_is_said_to_be_empty(tmp_path):
    empty = AuditPages(AuditTrail(), EvidenceBook(tmp_path))
    assert empty.listed() == NOTHING
    assert "no locked validation yet" in empty.result()


def test_each_entry_is_printed_with_who_when_and_why(tmp_path):
    text = pages(tmp_path, "frozen", "opened", "judged", "recorded", "approved").listed()
    for said in (
        "protocol 1 frozen, 1500 studies planned, 1476 needed (protocol 111111111111)",
        "locked cohort opened: 1500 studies, seed",
        "result known, every primary endpoint met: yes",
        "release 0.1.0 recorded at commit ffffffffffff (record eeeeeeeeeeee)",
        "release 0.1.0 approved (record eeeeeeeeeeee)",
        "DEMO-quality (demonstration identity, no natural person) as quality assurance",
        "done by a test, for a test",
        "2026-11-21T08:01:00Z",
        f"::{AUDIT}::",
    ):
        assert said in text


def test_the_result_is_printed_with_its_source(tmp_path):
    made = pages(tmp_path, "frozen", "opened", "judged")
    (tmp_path / place()).parent.mkdir(parents=True)
    (tmp_path / place()).write_text(json.dumps({"films_are": "phantom results", "statement": "a goal", "endpoints": [ENDPOINT]}))
    text = made.result()
    assert "0.930 [0.910,\N{NO-BREAK SPACE}0.950]" in text
    assert "at least 0.9 (lower)" in text
    assert text.startswith("The last result (phantom results; *a goal*), of the bundle `bbbbbbbbbbbb`:")
    assert f"::{place()}::" in text


def test_a_frozen_protocol_alone_has_no_result(tmp_path):
    assert "no locked validation yet" in pages(tmp_path, "frozen").result()
