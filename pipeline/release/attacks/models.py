"""Attacks on the model where it is loaded: the bundle is changed and its manifest made to fit, and pickles are planted that must never run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from device_sw.detector.bundle import load_bundle
from pipeline.release.attacks.attack import Aim, Attack, CheckName, Finding, Holds, Outcome, Sign
from pipeline.release.attacks.content import WEIGHTS, edit_json, poisoned, rewrite
from pipeline.release.attacks.flips import Flip, put
from pipeline.release.attacks.outcomes import coded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.release.attacks.bench import Bench

MANIFEST = "bundle/manifest.json"
NAME = "weights.safetensors"


def canary_of(bench: Bench) -> Path:
    """Return what exists once a planted pickle ran."""
    return bench.beside("canary") / "canary"


def check_bundle(bench: Bench) -> Outcome:
    """Load the bundle as the device does; a planted pickle that ran is a finding that no attack expects, so that the attack counts as not caught."""
    outcome = coded(lambda: load_bundle(bench.release / "bundle"))
    return with_canary(bench, outcome)


def with_canary(bench: Bench, outcome: Outcome) -> Outcome:
    """Return an outcome, or one that says that foreign code ran."""
    if canary_of(bench).exists():
        return Outcome(2, (*outcome.findings, Finding("CANARY", "bundle", "a planted pickle ran")), "foreign code ran")
    return outcome


def _flipped(bench: Bench) -> tuple[Sign, ...]:
    put(bench.place(WEIGHTS), Flip(WEIGHTS, bench.place(WEIGHTS).stat().st_size // 2, 0x01))
    return (Sign("BND-HASH", NAME),)


def _fitted(content: Callable[[Bench], bytes]) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that puts other bytes in the place of the weights and lets the manifest say so."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        rewrite(bench.place(WEIGHTS), content(bench))

        def rehashed(manifest: dict[str, Any]) -> None:
            weights = bench.place(WEIGHTS).read_bytes()
            manifest["files"][NAME] = {"sha256": hashlib.sha256(weights).hexdigest(), "size": len(weights)}

        edit_json(bench.place(MANIFEST), rehashed)
        return (Sign("BND-CONTENT", "a JSON or safetensors file of the bundle"),)

    return deed


def _header_bomb(_: Bench) -> bytes:
    """Return safetensors that claim a header of nearly all the memory there is."""
    return (2**62).to_bytes(8, "little") + b"{}"


def _added(bench: Bench) -> tuple[Sign, ...]:
    (bench.release / "bundle" / "model.pt").write_bytes(poisoned(canary_of(bench)))
    return (Sign("BND-EXTRA", "model.pt"),)


def _led_out(bench: Bench) -> tuple[Sign, ...]:
    def named(manifest: dict[str, Any]) -> None:
        manifest["files"]["../outside"] = manifest["files"][NAME]

    edit_json(bench.place(MANIFEST), named)
    return (Sign("BND-SCHEMA", "manifest.json"),)


def _linked(bench: Bench) -> tuple[Sign, ...]:
    target = bench.beside("elsewhere") / NAME
    bench.place(WEIGHTS).rename(target)
    bench.place(WEIGHTS).symlink_to(target)
    return (Sign("BND-HASH", NAME),)


def _attack(name: str, deed: str, harm: Callable[[Bench], tuple[Sign, ...]]) -> Attack:
    return Attack(name, Aim.MODEL, Holds.FOLDER, deed, CheckName.BUNDLE, harm)


ATTACKS = (
    _attack("loader-weights-flipped", "one bit of the weights is flipped before the device loads them", _flipped),
    _attack(
        "loader-pickle-fitted",
        "a pickle lies where the weights were, and the manifest fits it",
        _fitted(lambda bench: poisoned(canary_of(bench))),
    ),
    _attack("loader-header-bomb", "the weights claim a header of 4 EiB, and the manifest fits them", _fitted(_header_bomb)),
    _attack("loader-pickle-added", "a pickle named model.pt lies beside the weights", _added),
    _attack("loader-name-leads-out", "the manifest names a file outside the bundle", _led_out),
    _attack("loader-weights-linked", "the weights are a link to their like outside the bundle", _linked),
)
