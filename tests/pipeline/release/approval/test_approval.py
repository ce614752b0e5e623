"""Approvals: who has to sign signs what lies there, in own words, with the key that the record names; a release's goes into the audit log, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline import audit_log, signing
from pipeline.keyring import KeyringError
from pipeline.release.approval import approval, certificate
from pipeline.release.approval.approval import Approval, approve, to_read
from pipeline.release.approval.certificate import Certificate
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.record import Kind
from verification.trace.audit_log import Event

WORDS = "every part compared with the run"


def sign(bench, made, name="DEMO-quality", words=WORDS):
    return approve(bench.root, made, Approval(name, words, bench.keyring))


def entered(bench):
    return [(each.event, each.name) for each in audit_log.read_trail(bench.root).entries]


def test_a_signature_holds_and_the_certificate_says_the_rest(bench):
    made = bench.release()
    done = sign(bench, made)
    (signature,) = made.envelope().signatures
    signature.holds(bench.keys["DEMO-quality"], made.record().payload)
    assert (done.record_sha256, done.statement, done.meaning) == (made.record().sha256, WORDS, "approved")
    assert done.demonstration
    assert certificate.held(made, made.record()) == {"DEMO-quality": done}


def test_a_trial_enters_nothing_in_the_audit_log(bench):
    sign(bench, bench.release())
    assert not (bench.root / "AUDIT.jsonl").exists()


def recorded(bench):
    made = bench.release(kind=Kind.RELEASE)
    facts = {"version": "0.1.0", "record_sha256": made.record().sha256, "commit": "c" * 40}
    audit_log.enter(bench.root, Event.RECORDED, facts, audit_log.Signer("DEMO-quality", "", WORDS, bench.keyring))
    return made


def test_a_release_is_approved_in_the_audit_log_by_each_signer_once(bench):
    made = recorded(bench)
    first = sign(bench, made)
    sign(bench, made, "DEMO-regulatory")
    assert sign(bench, made, words="said again, in other words") == first
    approvals = [(Event.APPROVED, "DEMO-quality"), (Event.APPROVED, "DEMO-regulatory")]
    assert entered(bench) == [(Event.RECORDED, "DEMO-quality"), *approvals]
    assert first.time == audit_log.read_trail(bench.root).entries[1].time
    assert len(made.envelope().signatures) == 2


def test_a_release_that_no_entry_records_is_not_approved(bench):
    made = bench.release(kind=Kind.RELEASE)
    with pytest.raises(audit_log.AuditRefused, match="AUD-UNRECORDED"):
        sign(bench, made)
    assert made.envelope().signatures == ()


def test_a_signing_that_died_between_log_and_envelope_goes_on(bench, monkeypatch):
    made = recorded(bench)

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(approval, "replace_bytes", dies)
        with pytest.raises(KeyboardInterrupt):
            sign(bench, made)
    assert made.envelope().signatures == ()
    sign(bench, made)
    assert entered(bench)[1:] == [(Event.APPROVED, "DEMO-quality")]
    assert len(made.envelope().signatures) == 1


@pytest.mark.parametrize("name", ["bundle/manifest.json", "files/params.yaml", "archive/wheel/device.whl"])
@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"X" * path.stat().st_size), lambda path: path.unlink()])
def test_nobody_signs_parts_that_are_not_the_recorded_ones(bench, name, harm):
    made = bench.release()
    harm(made.place(name))
    with pytest.raises(ReleaseRefused, match=f"REL-ALTERED at 0.1.0: found {name} missing or changed"):
        sign(bench, made)
    assert made.envelope().signatures == ()


def test_a_clone_without_the_archive_can_sign(bench):
    made = bench.release(kind=Kind.RELEASE)
    (bench.root / "artifacts/releases/0.1.0/archive/wheel/device.whl").unlink()
    (bench.root / "artifacts/releases/0.1.0/archive/wheel").rmdir()
    (bench.root / "artifacts/releases/0.1.0/archive").rmdir()
    approval.require_unaltered(made, made.record())


@pytest.mark.parametrize(
    ("name", "words", "found"),
    [
        ("DEMO-author", WORDS, "DEMO-author, who does not have to sign; owed: DEMO-quality, DEMO-regulatory"),
        ("DEMO-quality", "ok", "the statement 'ok'"),
        ("DEMO-quality", "read it\nall of it", "the statement"),
    ],
)
def test_who_does_not_have_to_sign_or_says_nothing_is_refused(bench, name, words, found):
    made = bench.release()
    with pytest.raises(ReleaseRefused, match=f"REL-SIGNER at people.toml: found {found}"):
        sign(bench, made, name, words)


def test_a_key_that_was_rotated_since_the_record_is_refused(bench):
    made = bench.release()
    signing.rotate_key(bench.root, "DEMO-quality", bench.keyring, 30, datetime.now(UTC))
    with pytest.raises(ReleaseRefused, match="so it has to be built again"):
        sign(bench, made)


def test_without_the_private_key_nothing_is_signed(bench):
    made = bench.release()
    bench.keyring.file_of(bench.keys["DEMO-quality"].id).unlink()
    with pytest.raises(KeyringError, match="no private key"):
        sign(bench, made)
    assert made.envelope().signatures == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("record_sha256", "0" * 64), ("role", "clinical safety"), ("statement", "another one"), ("time", "2026-01-01T00:00:00Z")],
)
def test_a_certificate_that_was_edited_counts_for_nothing(bench, field, value):
    made = bench.release()
    sign(bench, made)
    place = certificate.place(made, "DEMO-quality")
    data = json.loads(place.read_bytes()) | {field: value}
    place.write_bytes(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    assert certificate.held(made, made.record()) == {}


def test_the_certificate_of_another_record_counts_for_nothing(bench):
    made = bench.release()
    sign(bench, made)
    kept = certificate.place(made, "DEMO-quality").read_bytes()
    again = bench.release(data_root="9" * 64)
    certificate.place(again, "DEMO-quality").parent.mkdir(parents=True)
    certificate.place(again, "DEMO-quality").write_bytes(kept)
    assert certificate.held(again, again.record()) == {}


def test_a_certificate_is_read_as_it_was_written_and_not_otherwise(bench):
    done = sign(bench, bench.release())
    assert Certificate.from_bytes(done.to_bytes()) == done
    with pytest.raises(ValueError, match="other fixed words"):
        Certificate.from_bytes(done.to_bytes().replace(b"not acceptable", b"acceptable!!!"))
    with pytest.raises(ValueError, match="KeyError"):
        Certificate.from_bytes(b'{"schema":"x"}\n')


def test_the_signer_is_shown_what_is_signed_and_what_is_owed(bench):
    made = bench.release()
    sign(bench, made, "DEMO-regulatory")
    text = "\n".join(to_read(made))
    assert "trial of 0.1.0, not a release (engineering baseline; not acceptable for clinical use)" in text
    assert made.record().sha256 in text
    assert "AP at IoU 0.5 <macro>: 0.662 [0.618, 0.716] (at least 0.65 (point)): met" in text
    assert "DEMO-quality (demonstration identity, no natural person) as quality assurance: owed" in text
    assert "DEMO-regulatory (demonstration identity, no natural person) as regulatory affairs: signed 20" in text
