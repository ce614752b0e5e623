"""The table of admission cases, tried once more as a study: how many refusals and valid variants are right, and how real films stand to the limit of the field.

    python -m tests.benchmarks.admission

Writes ``evidence/admission/admission.json``: for each case what was found under either policy, with the rule's control, and the share of field of the real
frontal films of ``cxr_boxes`` where they are present.
"""

from __future__ import annotations

import csv
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from device_sw._version import __version__
from device_sw.dicom.admission import MINIMUM_FIELD, RULES
from device_sw.dicom.collimation import field_share
from device_sw.types import Policy
from tests.device_sw.dicom.admission_cases import CASES, REFUSALS, VARIANTS, Case, file_of
from tests.device_sw.dicom.corpus import DATA, ROOT, outcome

CONTROLS = {rule.code: rule.control for rule in RULES}
READING = {
    "IN-TOO-LARGE": "RC-027",
    "IN-BITS": "RC-008",
    "IN-VALUES": "RC-008",
    "IN-LUT": "RC-008",
    "IN-ATTRIBUTE": "RC-016",
    "IN-PARSE": "RC-016",
}
"""Controls of the reader's codes; the others are RC-007, the whole file or no file."""


def main() -> int:
    """Try every case and write the evidence; 0 where all are right."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(case, Path(folder)) for case in CASES]
    variants = {(case.item, case.name) for case in VARIANTS}
    value = {
        "schema": "thoratrace/admission-cases/1",
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": __version__,
        "scope": "reading, admission and preprocessing of tt-default-1, without the network; each case under both policies",
        "refusal_cases": len(REFUSALS),
        "valid_variants": len(VARIANTS),
        "wrong": sum(not row["right"] for row in rows),
        "false_refusals": sum(not row["right"] for row in rows if (row["item"], row["name"]) in variants),
        "field": _field(),
    }
    target = ROOT / "evidence" / "admission" / "admission.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps(value, indent=1, ensure_ascii=False)
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    target.write_text(f'{head[:-2]},\n "cases": [\n{lines}\n ]\n}}\n', encoding="utf-8")
    print(json.dumps({key: value[key] for key in ("refusal_cases", "valid_variants", "wrong", "false_refusals")}))  # noqa: T201  the result
    return 1 if value["wrong"] else 0


def _row(case: Case, folder: Path) -> dict:
    path = file_of(case, folder)
    found = {policy: outcome(path, policy) for policy in Policy}
    wanted = {Policy.INTENDED_USE: case.intended_use, Policy.RESEARCH: case.research}
    code = case.intended_use
    return {
        "item": case.item,
        "name": case.name,
        **{policy.value: wanted[policy] or "admitted" for policy in Policy},
        "cautions": list(case.cautions),
        "control": None if code is None else CONTROLS.get(code) or READING.get(code, "RC-007"),
        "right": all(_agrees(found[policy], wanted[policy], case.cautions) for policy in Policy),
    }


def _agrees(told: dict, code: str | None, cautions: tuple[str, ...]) -> bool:
    if code is None:
        return told["outcome"] == "admitted" and set(cautions) <= set(told["cautions"])
    return code in {told["code"], *told.get("also", [])}


def _field() -> dict | None:
    folder = DATA / "cxr_boxes"
    if not folder.is_dir():
        return None
    with (folder / "manifest.csv").open(encoding="utf-8") as table:
        shares = np.sort([_share(folder / row["file"]) for row in csv.DictReader(table)])
    return {
        "films": len(shares),
        "limit": MINIMUM_FIELD,
        "smallest_p1_median": [round(float(value), 3) for value in (shares[0], np.percentile(shares, 1), np.median(shares))],
        "refused": int((shares < MINIMUM_FIELD).sum()),
    }


def _share(path: Path) -> float:
    image = Image.open(path)
    image.draft("L", (256, 256))
    return field_share(np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255.0))


if __name__ == "__main__":
    raise SystemExit(main())
