"""Runs admission and preprocessing (no network) over the real DICOM corpus and writes what came out as evidence.

``python -m tests.device_sw.dicom.corpus`` from the repository root writes evidence/dicom_corpus/outcomes.json. The corpus itself is never
committed; what is written are file names of the public corpus, outcomes and codes.
"""

from __future__ import annotations

import json
import re
import resource
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from device_sw.device import Analysis, Engine
from device_sw.errors import InputRefused
from device_sw.findings import all_findings
from device_sw.preprocessing.geometry import letterbox
from device_sw.settings import DeviceSettings, ReleasedEngine
from device_sw.types import Policy, ScoreCurve

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
CORPUS = DATA / "dicom_corpus"
EVIDENCE = ROOT / "evidence" / "dicom_corpus"
REFUSAL = re.compile(r"^(ADM|IN)-[A-Z0-9-]+ at [^\n]+: found [^\n]+, expected [^\n]+\. Repair: [^\n]+$")
REFUSAL_CODE = re.compile(r"^(admitted|(ADM|IN)-[A-Z0-9-]+)$")
FINDINGS = tuple(row.id for row in all_findings())
SETTINGS = DeviceSettings(
    "0.0.0",
    "tt-default-1",
    256,
    FINDINGS,
    dict.fromkeys(FINDINGS, 0.5),
    0.02,
    "none",
    "none",
    dict.fromkeys(FINDINGS, ScoreCurve(1.0, 0.0)),
    ReleasedEngine("none", "none", "none"),
)
ENGINE = Engine(detector=None, settings=SETTINGS, bundle_sha256="")


def files() -> list[Path]:
    """Return every file of the corpus proper, sorted; manifest, texts and licences are no part of it."""
    return sorted(path for part in ("good", "bad") for path in (CORPUS / part).rglob("*") if path.is_file())


def outcome(path: Path, policy: Policy) -> dict:
    """Return what admission and preprocessing make of a file; anything but a result or a coded refusal escapes."""
    analysis = Analysis(ENGINE, policy)
    try:
        analysis.load(path)
        analysis.admit()
        analysis.preprocess()
    except InputRefused as refusal:
        return {"outcome": "refused", "code": refusal.code, "also": [reason.code for reason in refusal.also]}
    return {"outcome": "admitted", "code": None, "cautions": [caution.split(":")[0] for caution in analysis._cautions]}


def whole_outcome(path: Path, strict: bool) -> str:  # noqa: FBT001  the two policies
    """Return the code of the refusal or ``admitted``, after the film was laid into the network's input wherever it could be normalised.

    Raises:
        AssertionError: a refusal that is not coded, or not one line; a picture that is not in [0, 1].
    """
    analysis = Analysis(ENGINE, Policy.INTENDED_USE if strict else Policy.RESEARCH)
    try:
        analysis.load(path)
        analysis.admit()
        told = "admitted"
    except InputRefused as refusal:
        told = refusal.code if REFUSAL.match(str(refusal)) else f"no coded line: {refusal}"
    film = getattr(analysis, "_film", None)
    assert REFUSAL_CODE.match(told), told
    if film is not None:
        pixels = letterbox(film, 64).pixels
        assert np.isfinite(film.pixels).all()
        assert film.pixels.min() >= 0
        assert film.pixels.max() <= 1
        assert pixels.shape == (64, 64)
    return told


def record_outcomes() -> dict:
    """Return the outcome of every file under both policies with the counts, the longest time of a file and the peak memory."""
    rows, longest = [], 0.0
    for path in files():
        started = time.perf_counter()
        row = {"file": path.relative_to(CORPUS).as_posix(), **{policy.value: outcome(path, policy) for policy in Policy}}
        longest = max(longest, (time.perf_counter() - started) / len(Policy))
        rows.append(row)
    counts = {policy.value: dict(sorted(Counter(row[policy]["code"] or "admitted" for row in rows).items())) for policy in Policy}
    return {
        "schema": "thoratrace/corpus-outcomes/1",
        "date": datetime.now(UTC).date().isoformat(),
        "scope": "admission and preprocessing of tt-default-1, without the network",
        "files": len(rows),
        "counts": counts,
        "longest_file_s": round(longest, 2),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "outcomes": rows,
    }


def main() -> None:
    """Write the evidence file."""
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    (EVIDENCE / "outcomes.json").write_text(_text(record_outcomes()), encoding="utf-8")


def _text(value: dict) -> str:
    """Return JSON with one line for each file, so that a change of one outcome is a change of one line."""
    head = json.dumps({key: part for key, part in value.items() if key != "outcomes"}, indent=1, ensure_ascii=False)
    if "outcomes" not in value:
        return head + "\n"
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in value["outcomes"])
    return f'{head[:-2]},\n "outcomes": [\n{rows}\n ]\n}}\n'


if __name__ == "__main__":
    main()
