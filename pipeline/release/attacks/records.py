"""Attacks on the record: what it says is rewritten, with every hash in order, and its signatures are taken away, doubled, bent or made anew."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import rfc8785

from pipeline.release.attacks.attack import Aim, Attack, CheckName, Holds, Sign
from pipeline.release.attacks.bench import RECORD
from pipeline.release.attacks.content import WEIGHTS, edit_json, raise_figures, rewrite
from pipeline.release.attacks.forgery import (
    ATTACKER,
    envelope_of,
    fingerprint,
    insider_keys,
    made_key,
    print_keys,
    public_line,
    rehash,
    reseal,
    seal,
    signature,
    statement_of,
    take_over,
    write_envelope,
    write_payload,
    write_statement,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.release.attacks.bench import Bench

MANIFEST = "bundle/manifest.json"
_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order of the group of Ed25519 (RFC 8032 5.1)."""


def _metric_everywhere(bench: Bench) -> tuple[Sign, ...]:
    """Raise the figures and let the record say so: only the signatures do not follow."""
    name = bench.subject("*validation.json")
    edit_json(bench.place(name), raise_figures)
    write_statement(bench, rehash(bench, statement_of(bench), name))
    return signatures_fail(bench)


def signatures_fail(bench: Bench) -> tuple[Sign, ...]:
    """Return the signs that no old signature fits the record any more: one for each."""
    signed = {each["keyid"] for each in envelope_of(bench)["signatures"]}
    return tuple(
        Sign("VER-SIGNATURE", each["name"]) for each in statement_of(bench)["predicate"]["signers"] if each["key"] in signed
    )


def other_weights(bench: Bench) -> dict[str, Any]:
    """Put other weights into the bundle and rehash everything that names them: manifest, subjects, sizes, model; return the statement, not yet written."""
    rewrite(bench.place(WEIGHTS), hashlib.shake_256(b"other weights").digest(bench.place(WEIGHTS).stat().st_size))
    weights = hashlib.sha256(bench.place(WEIGHTS).read_bytes()).hexdigest()

    def rehashed(manifest: dict[str, Any]) -> None:
        manifest["files"]["weights.safetensors"]["sha256"] = weights
        manifest["lineage"]["weights_sha256"] = weights

    edit_json(bench.place(MANIFEST), rehashed)
    statement = rehash(bench, statement_of(bench), WEIGHTS, MANIFEST)
    statement["predicate"]["model"] |= {
        "weights_sha256": weights,
        "bundle_sha256": hashlib.sha256(bench.place(MANIFEST).read_bytes()).hexdigest(),
    }
    return statement


def _rehashed(bench: Bench) -> tuple[Sign, ...]:
    write_statement(bench, other_weights(bench))
    return signatures_fail(bench)


def _signed_by_a_stranger(bench: Bench) -> tuple[Sign, ...]:
    """Sign the rewritten record with keys of the attacker's, under their own names; the record still asks for the signers'."""
    statement = other_weights(bench)
    strangers = [made_key(ATTACKER, number) for number, _ in enumerate(statement["predicate"]["signers"])]
    write_statement(bench, statement, strangers)
    unsigned = [Sign("VER-UNSIGNED", each["name"]) for each in statement["predicate"]["signers"]]
    return (*unsigned, *(Sign("VER-FOREIGN", fingerprint(key)) for key in strangers))


def _signed_under_a_false_name(bench: Bench) -> tuple[Sign, ...]:
    """Sign the rewritten record with the attacker's key and put the signer's fingerprint above it."""
    statement = other_weights(bench)
    write_statement(bench, statement)
    payload = rfc8785.dumps(statement)
    stranger = signature(made_key(ATTACKER), payload)
    signers = statement["predicate"]["signers"]
    forged = sorted(({**stranger, "keyid": each["key"]} for each in signers), key=lambda each: each["keyid"])
    write_envelope(bench, envelope_of(bench) | {"signatures": forged})
    return signatures_fail(bench)


def _everything(bench: Bench) -> tuple[Sign, ...]:
    """Rewrite weights, manifests, record, signatures and every printed key: all of it fits, and only a pin from outside knows better."""
    statement = other_weights(bench)
    write_statement(bench, statement, take_over(bench, statement, ATTACKER))
    return (Sign("VER-PIN", RECORD),)


def _signature_removed(bench: Bench) -> tuple[Sign, ...]:
    envelope = envelope_of(bench)
    gone = envelope["signatures"].pop()
    write_envelope(bench, envelope)
    signer = next(each for each in statement_of(bench)["predicate"]["signers"] if each["key"] == gone["keyid"])
    return (Sign("VER-UNSIGNED", signer["name"]),)


def _unsigned(bench: Bench) -> tuple[Sign, ...]:
    write_envelope(bench, envelope_of(bench) | {"signatures": []})
    return tuple(Sign("VER-UNSIGNED", each["name"]) for each in statement_of(bench)["predicate"]["signers"])


def _signer_struck_out(bench: Bench) -> tuple[Sign, ...]:
    """Take the second signer out of the record and the second signature with them: four eyes become two."""
    statement = statement_of(bench)
    gone = statement["predicate"]["signers"].pop()
    write_statement(bench, statement)
    envelope = envelope_of(bench)
    envelope["signatures"] = [each for each in envelope["signatures"] if each["keyid"] != gone["key"]]
    write_envelope(bench, envelope)
    return signatures_fail(bench)


def _signature_doubled(bench: Bench) -> tuple[Sign, ...]:
    envelope = envelope_of(bench)
    envelope["signatures"][-1] = envelope["signatures"][0]
    write_envelope(bench, envelope)
    return (Sign("VER-RECORD", RECORD, "out of order"),)


def _signature_bent(bench: Bench) -> tuple[Sign, ...]:
    """Add the group's order to a signature's scalar: a careless verifier takes it, and one release has two records."""
    envelope = envelope_of(bench)
    raw = base64.b64decode(envelope["signatures"][0]["sig"])
    scalar = int.from_bytes(raw[32:], "little") + _ORDER
    envelope["signatures"][0]["sig"] = base64.b64encode(raw[:32] + scalar.to_bytes(32, "little")).decode()
    write_envelope(bench, envelope)
    bent = envelope["signatures"][0]["keyid"]
    return tuple(
        Sign("VER-SIGNATURE", each["name"]) for each in statement_of(bench)["predicate"]["signers"] if each["key"] == bent
    )


def _payload_type(bench: Bench) -> tuple[Sign, ...]:
    write_envelope(bench, envelope_of(bench) | {"payloadType": "application/json"})
    return (Sign("VER-RECORD", RECORD, "payload type"),)


def _conclusion(bench: Bench) -> tuple[Sign, ...]:
    statement = statement_of(bench)
    statement["predicate"]["conclusion"] = "acceptable for clinical use"
    write_statement(bench, statement)
    return signatures_fail(bench)


def _environment(bench: Bench) -> tuple[Sign, ...]:
    """Let record and environment name another class of numbers, so that a failed reproduction reads as inconclusive."""
    name, other = bench.subject("*environment.json"), {"numeric_class": "0" * 64}
    edit_json(bench.place(name), lambda environment: environment.update(other))
    statement = rehash(bench, statement_of(bench), name)
    statement["predicate"]["environment"] |= other
    write_statement(bench, statement)
    return signatures_fail(bench)


def _signed_payload(write: Callable[[dict[str, Any]], bytes], words: str) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that signs a payload which says the same in another text, with the trusted keys."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        write_payload(bench, write(statement_of(bench)), insider_keys(bench))
        return (Sign("VER-RECORD", RECORD, words),)

    return deed


def _key_twice(statement: dict[str, Any]) -> bytes:
    return b'{"_type":"https://in-toto.io/Statement/v0",' + rfc8785.dumps(statement)[1:]


def _nested(_: dict[str, Any]) -> bytes:
    return b"[" * 200_000 + b"]" * 200_000


def _envelope_bomb(bench: Bench) -> tuple[Sign, ...]:
    """Make the record larger than any record: whoever reads it whole before asking how large it is runs out of memory."""
    with (bench.release / RECORD).open("r+b") as stream:
        stream.truncate(96 * 2**20)
    return (Sign("VER-SIZE", RECORD),)


def _signed_claim(change: Callable[[dict[str, Any]], str]) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that lets the trusted keys sign a record which contradicts its parts or itself."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        places = []
        reseal(bench, lambda statement: places.append(change(statement)))
        return tuple(Sign("VER-CLAIM", place) for place in places)

    return deed


def _other_model(statement: dict[str, Any]) -> str:
    statement["predicate"]["model"]["weights_sha256"] = "0" * 64
    return "model.weights_sha256"


def _other_class(statement: dict[str, Any]) -> str:
    statement["predicate"]["environment"]["numeric_class"] = "0" * 64
    return "environment"


def _other_data(statement: dict[str, Any]) -> str:
    statement["predicate"]["data_root"] = "0" * 64
    return "data_root"


def _changed_while_it_ran(statement: dict[str, Any]) -> str:
    stage = min(statement["predicate"]["stages"])
    after = statement["predicate"]["stages"][stage]["after"]
    after[min(after)] = "0" * 64
    return f"stages.{stage}"


def _red_gate(statement: dict[str, Any]) -> str:
    statement["predicate"]["gate"]["problems"] = 1
    return "gate"


def _one_key_for_two(bench: Bench) -> tuple[Sign, ...]:
    """Let one key sign for both people."""
    statement = statement_of(bench)
    first, *others = statement["predicate"]["signers"]
    for other in others:
        other["key"], other["public"] = first["key"], first["public"]
    write_statement(bench, statement, insider_keys(bench)[:1])
    return (Sign("VER-SIGNERS", "signers"),)


def _keys_replaced(bench: Bench) -> tuple[Sign, ...]:
    """Replace the printed keys only: who copies a pin from there copies the attacker's."""
    statement = statement_of(bench)
    for number, signer in enumerate(statement["predicate"]["signers"]):
        key = made_key(ATTACKER, number)
        signer["key"], signer["public"] = fingerprint(key), public_line(key)
    print_keys(bench, statement)
    return (Sign("VER-KEYS", "keys.json"),)


_FOLDER, _KEY, _INSIDE = Holds.FOLDER, Holds.OWN_KEY, Holds.TRUSTED_KEY
_R, _V, _P = Aim.RECORD, CheckName.VERIFY, CheckName.PINNED

ATTACKS = (
    Attack(
        "metric-edited-everywhere",
        _R,
        _FOLDER,
        "every figure is raised and the record rehashed; the weights stay",
        _V,
        _metric_everywhere,
        seal,
        alone=True,
    ),
    Attack(
        "all-manifests-rehashed",
        _R,
        _FOLDER,
        "other weights, and every manifest and record rehashed to fit",
        _V,
        _rehashed,
        seal,
        alone=True,
    ),
    Attack(
        "conclusion-edited",
        _R,
        _FOLDER,
        "the record's conclusion becomes 'acceptable for clinical use'",
        _V,
        _conclusion,
        seal,
        alone=True,
    ),
    Attack("numeric-class-edited", _R, _FOLDER, "the record names another class of numbers", _V, _environment, seal, alone=True),
    Attack("signature-removed", _R, _FOLDER, "one of the signatures is taken away", _V, _signature_removed, seal),
    Attack("all-signatures-removed", _R, _FOLDER, "every signature is taken away", _V, _unsigned, seal),
    Attack(
        "signer-struck-out",
        _R,
        _FOLDER,
        "the second signer is struck from the record, and the second signature with them",
        _V,
        _signer_struck_out,
        seal,
    ),
    Attack(
        "signature-doubled", _R, _FOLDER, "the first signature stands in the place of the second", _V, _signature_doubled, seal
    ),
    Attack(
        "signature-bent",
        _R,
        _FOLDER,
        "a signature is bent into another one that fits the same equation",
        _V,
        _signature_bent,
        seal,
    ),
    Attack("payload-type-changed", _R, _FOLDER, "the envelope says that it holds something else", _V, _payload_type, seal),
    Attack("record-bomb", _R, _FOLDER, "the record is followed by zeros up to 96 MiB", _V, _envelope_bomb, seal),
    Attack("printed-keys-replaced", _R, _FOLDER, "the keys that the folder prints are the attacker's", _V, _keys_replaced, seal),
    Attack(
        "signed-by-a-stranger",
        _R,
        _KEY,
        "other weights, everything rehashed, signed by keys nobody asked for",
        _V,
        _signed_by_a_stranger,
        seal,
    ),
    Attack(
        "signed-under-a-false-name",
        _R,
        _KEY,
        "the same, with the signers' fingerprints above the signatures",
        _V,
        _signed_under_a_false_name,
        seal,
    ),
    Attack(
        "everything-rewritten",
        _R,
        Holds.EVERYTHING,
        "weights, manifests, record, signatures and every printed key are new and fit",
        _P,
        _everything,
        seal,
        alone=True,
    ),
    Attack(
        "payload-not-canonical",
        _R,
        _INSIDE,
        "a signed record is written with spaces",
        _P,
        _signed_payload(lambda value: json.dumps(value, indent=1, sort_keys=True).encode(), "canonical"),
        reseal,
    ),
    Attack(
        "key-twice-in-the-record",
        _R,
        _INSIDE,
        "a signed record holds a key twice, so that two readers read two records",
        _P,
        _signed_payload(_key_twice, "canonical"),
        reseal,
    ),
    Attack(
        "nesting-bomb",
        _R,
        _INSIDE,
        "a signed record is 200,000 lists deep",
        _P,
        _signed_payload(_nested, "RecursionError"),
        reseal,
    ),
    Attack(
        "model-and-parts-differ",
        _R,
        _INSIDE,
        "a signed record names other weights as the model than as a part",
        _P,
        _signed_claim(_other_model),
        reseal,
    ),
    Attack(
        "numeric-class-claimed",
        _R,
        _INSIDE,
        "a signed record names another class of numbers than its environment",
        _P,
        _signed_claim(_other_class),
        reseal,
    ),
    Attack(
        "data-root-claimed",
        _R,
        _INSIDE,
        "a signed record names other films than its data root",
        _P,
        _signed_claim(_other_data),
        reseal,
    ),
    Attack(
        "stage-changed-while-it-ran",
        _R,
        _INSIDE,
        "a signed record says that a stage's input changed while it ran",
        _P,
        _signed_claim(_changed_while_it_ran),
        reseal,
    ),
    Attack(
        "gate-was-red",
        _R,
        _INSIDE,
        "a signed record says that the trace gate found a problem",
        _P,
        _signed_claim(_red_gate),
        reseal,
    ),
    Attack("one-key-for-two", _R, _INSIDE, "one key signs for both people", _P, _one_key_for_two, reseal),
)
