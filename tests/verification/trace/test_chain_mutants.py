"""Every line of audit log and approvals, harmed in every way that leaves a trace in the files: the gate names what was done, and where."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.verification.trace.audit_entries import Log, people_toml, quality
from tests.verification.trace.signers import Book
from verification.trace import approvals, audit_log, signed_chain
from verification.trace.mutants import campaign
from verification.trace.mutants.campaign import Order
from verification.trace.mutants.catalogue import OPERATORS

CHAINS = tuple(name for name in OPERATORS if name.startswith("chain-"))


def silent(_done, _total, _text):
    """Report nothing."""


@pytest.fixture
def signed(project):
    """The small project with three entries in its audit log and two approvals, all of which hold."""
    yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    signer = quality(since=yesterday - timedelta(days=1))
    project.write("people.toml", people_toml(signer))
    log, book = Log(signer, start=yesterday), Book()
    log.frozen()
    log.opened()
    log.judged()
    log.write(project)
    book.time = yesterday
    for target in ("risk/data/policy.toml", "SRS-001"):
        book.add(signer, target=target, project="tiny")
    project.write(approvals.APPROVALS, "".join(f"{line}\n" for line in book.lines))
    project.write(approvals.HEAD, json.dumps(approvals.head_json(tuple(book.lines))))
    assert project.codes() == []
    return project


def judged(project):
    return campaign.run(project.root, Order(CHAINS, compared=5), silent, workers=1)


def test_every_harm_to_every_line_is_named_at_its_place(signed):
    found = judged(signed)
    assert found, found.survivors
    assert Counter(each.operator for each in found.judgements) == {
        "chain-line-deleted": 2 + 1,
        "chain-lines-moved": 2 + 1,
        "chain-line-edited": 3 + 2,
        "chain-line-again": 3 + 2,
        "chain-cut-off": 6 + 5,
    }
    assert {code for each in found.judgements for code in each.codes} == {"AUD-CHAIN", "AUD-SIGNED", "SIG-CHAIN", "SIG-SIGNATURE"}


def test_a_gate_that_does_not_look_at_the_chain_has_survivors(signed, monkeypatch):
    monkeypatch.setattr(signed_chain, "breaks", lambda *_: iter(()))
    survivors = judged(signed).survivors
    assert {each.operator for each in survivors} == set(CHAINS)


def test_a_gate_that_does_not_look_at_signatures_has_survivors(signed, monkeypatch):
    monkeypatch.setattr(approvals, "key_faults", lambda *_: iter(()))
    monkeypatch.setattr(audit_log, "key_faults", lambda *_: iter(()))
    survivors = judged(signed).survivors
    assert {each.operator for each in survivors} == {"chain-line-edited"}


def test_where_nothing_is_signed_there_is_nothing_to_harm(project):
    found = judged(project)
    assert found.judgements == ()
    assert not found
