"""Envelopes: what the reference implementation signs holds here and the other way round, and nothing but the one text is read."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope as Reference
from securesystemslib.signer import CryptoSigner, SSlibKey

from pipeline.release.record.canonical import canonical
from pipeline.release.record.dsse import PAYLOAD_TYPE, Envelope, Signature, pre_authentication
from verification.trace.keys import DOMAIN, ForgedError, public_of

FIRST, SECOND = (Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in (1, 2))
PAYLOAD = b'{"a":1}'


def reference_key(private):
    raw = public_of(private).raw.hex()
    return SSlibKey(public_of(private).id, "ed25519", "ed25519", {"public": raw})


def test_the_reference_implementation_accepts_our_signatures():
    ours = Envelope(PAYLOAD).signed(FIRST).signed(SECOND)
    theirs = Reference.from_dict(json.loads(ours.to_bytes()))
    keys = [reference_key(FIRST), reference_key(SECOND)]
    assert set(theirs.verify(keys, 2)) == {public_of(FIRST).id, public_of(SECOND).id}


def test_we_accept_the_signature_of_the_reference_implementation():
    theirs = Reference(PAYLOAD, PAYLOAD_TYPE, {})
    theirs.sign(CryptoSigner(FIRST, reference_key(FIRST)))
    ours = Envelope.from_bytes(canonical(theirs.to_dict()) + b"\n")
    ours.signatures[0].holds(public_of(FIRST), PAYLOAD)
    assert ours == Envelope(PAYLOAD).signed(FIRST)


def test_the_bytes_that_are_signed_are_those_of_the_reference_implementation():
    assert pre_authentication(PAYLOAD) == Reference(PAYLOAD, PAYLOAD_TYPE, {}).pae()


def test_an_envelope_is_read_as_it_was_written():
    envelope = Envelope(PAYLOAD).signed(SECOND).signed(FIRST)
    assert Envelope.from_bytes(envelope.to_bytes()) == envelope


def test_the_order_of_signing_does_not_matter_and_signing_twice_changes_nothing():
    once = Envelope(PAYLOAD).signed(FIRST).signed(SECOND)
    assert Envelope(PAYLOAD).signed(SECOND).signed(FIRST).signed(FIRST) == once


def test_a_signature_holds_for_its_payload_only():
    (signature,) = Envelope(PAYLOAD).signed(FIRST).signatures
    with pytest.raises(ForgedError, match="not that of this key over this payload"):
        signature.holds(public_of(FIRST), PAYLOAD + b" ")
    with pytest.raises(ForgedError, match="not that of this key over this payload"):
        signature.holds(public_of(SECOND), PAYLOAD)


def test_a_signature_made_for_another_purpose_does_not_hold():
    bare = Signature(public_of(FIRST).id, FIRST.sign(PAYLOAD))
    approval = Signature(public_of(FIRST).id, FIRST.sign(DOMAIN + PAYLOAD))
    other_type = Signature(public_of(FIRST).id, FIRST.sign(pre_authentication(PAYLOAD, "application/json")))
    for signature in (bare, approval, other_type):
        with pytest.raises(ForgedError, match="not that of this key over this payload"):
            signature.holds(public_of(FIRST), PAYLOAD)


GOOD = Envelope(PAYLOAD).signed(FIRST).to_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD.rstrip(), "not written as it is written here"),
        (GOOD + b"\n", "not the canonical text"),
        (GOOD.replace(b"vnd.in-toto", b"vnd.other"), "payload type 'application/vnd.other"),
        (canonical({"payload": "", "payloadType": PAYLOAD_TYPE}) + b"\n", "no envelope of payload"),
        (GOOD.replace(b'"signatures":[', b'"signatures":[1,'), "not keyid and sig"),
        (canonical({"payload": "e", "payloadType": PAYLOAD_TYPE, "signatures": []}) + b"\n", "not base64"),
        (canonical({"payload": 1, "payloadType": PAYLOAD_TYPE, "signatures": []}) + b"\n", "no text"),
        (canonical({"payload": "", "payloadType": PAYLOAD_TYPE, "signatures": {}}) + b"\n", "no list"),
    ],
)
def test_another_form_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        Envelope.from_bytes(content)


def test_two_signatures_of_one_key_are_refused():
    (signature,) = Envelope(PAYLOAD).signed(FIRST).signatures
    with pytest.raises(ValueError, match="two of one key"):
        Envelope(PAYLOAD, (signature, signature))
