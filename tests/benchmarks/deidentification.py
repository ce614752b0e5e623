"""What the removal of identities leaves: attribute by attribute beside dicognito, and how much of drawn text is found.

    python -m tests.benchmarks.deidentification [--films N] [--seed S]

Every attribute of Table E.1-1 is planted at the top of a film and inside a sequence; a planted value that is still there afterwards is a leak. Text of many sizes and
both colours is drawn into phantom films (artifacts/cohort) at random places; it counts as found where at least 95 % of its ink is blanked. How much of the
picture is blanked where nothing was drawn is told as well, on phantom films, and on the real films where they are (../shared/data/cxr_boxes), whose own markers
and texts are found, too. Writes evidence/deidentification.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import statistics
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dicognito
import numpy as np
from dicognito.anonymizer import Anonymizer
from PIL import Image, ImageDraw, ImageFont
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from device_sw.deidentification.burned_in import text_regions
from device_sw.deidentification.dataset import deidentify, removal_for
from device_sw.deidentification.film import over_its_range
from device_sw.deidentification.profile import EDITION, table
from device_sw.deidentification.pseudonyms import Pseudonyms
from device_sw.dicom import reader
from tests.device_sw.deidentification.test_dataset import BARE, PLANTED, planted

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "evidence" / "deidentification"
REAL = ROOT.parent / "shared" / "data" / "cxr_boxes"
KEY = Pseudonyms(bytes(range(32)))
SIZES = (10, 12, 14, 18, 24, 32, 40, 56, 72)
WORDS = ("DOE JOHN", "1962-03-04", "ID 4711234", "CITY HOSPITAL", "F 47Y", "A1234567", "PORTABLE AP")
FOUND = 0.95
"""Share of the ink that has to be blanked."""


def ours(dataset: Dataset) -> Dataset:
    """Return the dataset as this project cleans it."""
    deidentify(dataset, removal_for(dataset, KEY), pixels_cleaned=False)
    return dataset


def theirs(dataset: Dataset) -> Dataset:
    """Return the dataset as dicognito cleans it, with its defaults."""
    Anonymizer(seed="study").anonymize(dataset)
    return dataset


def fate(tag: int, clean: Dataset, *, nested: bool) -> str:
    """Say what became of a planted attribute: removed, emptied, replaced, or kept (of times of day by the option for modified dates)."""
    holder = clean.AnatomicRegionSequence[0] if nested and clean.get("AnatomicRegionSequence") else clean
    if tag not in holder:
        return "removed"
    element, before = holder[tag], planted(tag)
    if element.VR == "SQ":
        return "kept" if PLANTED in str(element.value) else "emptied" if not element.value else "items cleaned"
    if not element.value and element.value != 0:
        return "emptied"
    if str(element.value) != str(before.value):
        return "replaced"
    return "time of day kept" if element.VR == "TM" else "kept"


def compare() -> dict[str, Any]:
    """Return the fates of all attributes under both tools, and where they differ."""
    rows, counts = {}, {"thoratrace": Counter(), "dicognito": Counter()}
    for tag in (tag for tag in table() if keyword_for_tag(tag)):
        fates = {}
        for name, clean in (("thoratrace", ours), ("dicognito", theirs)):
            for nested in (False, True):
                film, inner = copy.deepcopy(BARE), Dataset()
                (inner if nested else film).add(planted(tag))
                film.AnatomicRegionSequence = Sequence([inner])
                found = fate(tag, clean(film), nested=nested)
                fates[f"{name}{' nested' if nested else ''}"] = found
                counts[name][found] += 1
        rows[keyword_for_tag(tag)] = {"profile": table()[tag], **fates}
    leaks = {name: sorted({key for key, row in rows.items() if "kept" in (row[name], row[f"{name} nested"])}) for name in counts}
    return {
        "attributes": len(rows),
        "fates": {name: dict(sorted(each.items())) for name, each in counts.items()},
        "attributes_with_planted_value_left": {name: {"count": len(each), "attributes": each} for name, each in leaks.items()},
        "rows": rows,
    }


def interval(hits: int, of: int) -> list[float]:
    """Return the 95 % Wilson interval of a share."""
    z, share = 1.959964, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * ((share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5) / (1 + z * z / of)
    return [round(middle - half, 4), round(middle + half, 4)]


def blanked(picture: np.ndarray) -> np.ndarray:
    """Return which pixels would be blanked."""
    found = np.zeros(picture.shape, dtype=bool)
    for each in text_regions(picture):
        found[each.top : each.bottom, each.left : each.right] = True
    return found


def drawn(picture: np.ndarray, size: int, chance: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture with text at a random place, light on dark ground and dark on light ground, and its ink."""
    ink = Image.new("L", picture.shape[::-1], 0)
    place = (chance.randrange(picture.shape[1] - 420), chance.randrange(picture.shape[0] - 100))
    ImageDraw.Draw(ink).text(place, chance.choice(WORDS), fill=255, font=ImageFont.load_default(size))
    share = np.asarray(ink, dtype=np.float32) / 255
    colour = 1.0 if float(picture[share > 0].mean()) < 0.5 else 0.0
    return picture * (1 - share) + colour * share, share > 0.5


def text(films: int, seed: int) -> dict[str, Any]:
    """Return the recall of drawn text by size, and what is blanked where none was drawn."""
    chance = random.Random(seed)
    paths = sorted((ROOT / "artifacts" / "cohort").rglob("*.dcm"))
    found: dict[int, list[bool]] = {size: [] for size in SIZES}
    areas = []
    for path in chance.sample(paths, min(films, len(paths))):
        picture = over_its_range(reader.decode(reader.open_file(path)).stored)
        areas.append(float(blanked(picture).mean()))
        for size in chance.sample(SIZES, 5):
            changed, ink = drawn(picture, size, chance)
            found[size].append(bool((blanked(changed) & ink).sum() >= FOUND * ink.sum()))
    every = [hit for hits in found.values() for hit in hits]
    return {
        "texts": len(every),
        "found": sum(every),
        "recall": round(sum(every) / len(every), 4),
        "interval_95": interval(sum(every), len(every)),
        "by_size": {str(size): {"texts": len(hits), "found": sum(hits)} for size, hits in found.items()},
        "phantom_films": areas_said(areas),
        "real_films": real(films),
    }


def areas_said(areas: list[float]) -> dict[str, Any]:
    """Return on how many films anything is blanked where nothing was drawn, and how much; lead markers count as text."""
    return {
        "films": len(areas),
        "with_blanked_places": sum(area > 0 for area in areas),
        "mean_share_blanked": round(statistics.mean(areas), 4),
        "largest_share_blanked": round(max(areas), 4),
    }


def real(films: int) -> dict[str, Any] | str:
    """Return the same for real films, which hold markers and texts of their own."""
    paths = sorted([*REAL.rglob("*.png"), *REAL.rglob("*.jpg")])
    if not paths:
        return "not here"
    chosen = random.Random(1).sample(paths, min(films, len(paths)))
    pictures = (np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255 for path in chosen)
    return areas_said([float(blanked(picture).mean()) for picture in pictures])


def main() -> None:
    """Run both studies and write their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261121)
    options = parser.parse_args()
    head = {"date": datetime.now(UTC).date().isoformat(), "profile": EDITION}
    OUT.mkdir(parents=True, exist_ok=True)
    comparison = {"schema": "thoratrace/deidentification-comparison/1", **head, "dicognito": dicognito.__version__, **compare()}
    (OUT / "comparison.json").write_text(json.dumps(comparison) + "\n", encoding="utf-8")
    figures = {"schema": "thoratrace/deidentification-text/1", **head, "seed": options.seed, **text(options.films, options.seed)}
    (OUT / "text.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in comparison.items() if key != "rows"}, indent=1)[:1500])  # noqa: T201 - a command's result
    print(json.dumps(figures, indent=1))  # noqa: T201 - a command's result


if __name__ == "__main__":
    main()
