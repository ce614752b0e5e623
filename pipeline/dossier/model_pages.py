"""The model, how it was trained, and the data it was trained on: read from the bundle, the training record and the cohort."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.dossier.evidence import escaped
from pipeline.dossier.tables import plain, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.dossier.evidence import EvidenceBook

MANIFEST = "artifacts/bundle/manifest.json"
MODEL = "artifacts/bundle/model.json"
THRESHOLDS = "artifacts/bundle/thresholds.json"
HISTORY = "artifacts/training/history.json"
TRAINING = "artifacts/training/training.json"
COHORT = "artifacts/cohort/cohort.json"

LOSSES = {
    "loss_objectness": "objectness",
    "loss_rpn_box_reg": "proposal boxes",
    "loss_classifier": "classes",
    "loss_box_reg": "boxes",
    "classification": "classes",
    "bbox_regression": "boxes",
    "bbox_ctrness": "centres",
    "loss_box": "boxes",
}
"""What the losses of the detector families are called, in the order of the columns."""
STRATA = ("sex", "age_band", "body_size", "view", "modality", "dose", "vendor")


class ModelPages:
    """Tables of one bundle and of the run that made it."""

    def __init__(self, book: EvidenceBook, names: Mapping[str, str]) -> None:
        """Keep the book and the display name of each finding."""
        self._book = book
        self._names = names

    def architecture(self) -> str:
        """Return every number that shapes the network."""
        numbers = self._book.value(MODEL, "/architecture")
        rows = [
            [plain(key.replace("_", " ")), self._book.cited(_shown(value), MODEL, f"/architecture/{key}")]
            for key, value in sorted(numbers.items())
        ]
        return table(["Number", "Value"], rows, widths=[35, 65])

    def thresholds(self) -> str:
        """Return the operating point of each finding."""
        rows = [
            [self._names.get(name, name), self._book.figure(THRESHOLDS, f"/thresholds/{escaped(name)}", ".4f")]
            for name in self._book.value(MODEL, "/findings")
        ]
        return table(["Finding", "Operating point (score)"], rows, widths=[65, 35])

    def bundle_files(self) -> str:
        """Return the files of the bundle with size and SHA-256 as its manifest states them."""
        rows = []
        for name in sorted(self._book.value(MANIFEST, "/files")):
            place = f"/files/{escaped(name)}"
            rows.append(
                [f"`{name}`", self._book.figure(MANIFEST, f"{place}/size", ",d"), self._book.figure(MANIFEST, f"{place}/sha256")]
            )
        return table(["File", "Bytes", "SHA-256"], rows, widths=[28, 14, 58])

    def lineage(self) -> str:
        """Return what the bundle says of its own origin."""
        rows = [
            [plain(key.replace("_", " ")), self._book.figure(MANIFEST, f"/{key}")]
            for key in ("model_version", "profile", "budget")
        ]
        rows += [
            [plain(key.replace("_", " ")), self._book.figure(MANIFEST, f"/lineage/{key}")]
            for key in sorted(self._book.value(MANIFEST, "/lineage"))
        ]
        return table(["Field", "Value"], rows, widths=[28, 72])

    def epochs(self) -> str:
        """Return the losses of the family, AP50 and AR100 of every epoch."""
        epochs = self._book.value(HISTORY, "/epochs")
        losses = [key for key in LOSSES if key in epochs[0]["losses"]]
        header = ["Epoch", *(LOSSES[key] for key in losses), "AP50", "AR100"]
        rows = [self._epoch(index, losses) for index in range(len(epochs))]
        return table(header, rows, widths=[10, *[15] * (len(losses) + 2)])

    def _epoch(self, index: int, names: list[str]) -> list[str]:
        place = f"/epochs/{index}"
        losses = [self._book.figure(HISTORY, f"{place}/losses/{key}", ".4f") for key in names]
        return [
            self._book.figure(HISTORY, f"{place}/epoch"),
            *losses,
            *(self._rate(f"{place}/validation/{key}") for key in ("ap50", "ar100")),
        ]

    def _rate(self, pointer: str) -> str:
        return self._book.figure(HISTORY, pointer, ".3f" if self._book.value(HISTORY, pointer) is not None else "")

    def cohort_splits(self) -> str:
        """Return films and patients of each split, recounted from the cohort."""
        rows = []
        for split in ("train", "val", "test"):
            films = [film for film in self._films() if film["split"] == split]
            patients = len({film["patient_id"] for film in films})
            rows.append(
                [
                    split,
                    *(
                        self._count(number, f"split {split}")
                        for number in (len(films), patients, sum(1 for film in films if film["scored"]))
                    ),
                ]
            )
        return table(["Split", "Films", "Patients", "Scored films"], rows, widths=[25, 25, 25, 25])

    def cohort_findings(self) -> str:
        """Return in how many films each finding is present, absent or was not looked for, by split."""
        rows = [
            [name, *(self._states(finding, split) for split in ("train", "val", "test"))] for finding, name in self._names.items()
        ]
        rows = [row for row in rows if any(cell for cell in row[1:])]
        return table(["Finding", "train", "val", "test"], rows, widths=[37, 21, 21, 21])

    def _states(self, finding: str, split: str) -> str:
        counted = Counter(film["status"].get(finding) for film in self._films() if film["split"] == split)
        text = f"{counted[1]} present, {counted[0]} absent" + (f", {counted[None]} not looked for" if counted[None] else "")
        return self._count(text, f"split {split}, status {finding}")

    def cohort_strata(self) -> str:
        """Return how the films are spread over the strata."""
        rows = []
        for stratum in STRATA:
            counted = Counter(str(film["strata"].get(stratum)) for film in self._films())
            rows.append(
                [
                    plain(stratum.replace("_", " ")),
                    self._count(", ".join(f"{value} {count}" for value, count in sorted(counted.items())), f"strata {stratum}"),
                ]
            )
        return table(["Stratum", "Films"], rows, widths=[25, 75])

    def cohort_notes(self) -> str:
        """Return the notes that travel with the cohort."""
        return "\n".join(f"- {plain(note)}" for note in self._book.value(COHORT, "/notes")) or "The cohort carries no notes."

    def _films(self) -> list[dict[str, Any]]:
        return list(self._book.value(COHORT, "/films"))

    def _count(self, value: object, what: str) -> str:
        return self._book.cited(str(value), COHORT, f"/films ({what})")


def _shown(value: Any) -> str:
    """Return a number, or nested lists of numbers, as text.

    >>> _shown([[8.0, 8.25], [16, 12.5]])
    '8 x 8.2; 16 x 12.5'
    """
    return (
        "; ".join(_numbers(value))
        if isinstance(value, list) and value and isinstance(value[0], list)
        else ", ".join(_numbers([value]))
    )


def _numbers(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, list):
            nested = bool(value) and isinstance(value[0], list)
            yield (
                ", ".join(_numbers(value))
                if nested
                else " x ".join(_numbers(value))
                if len(value) == 2
                else ", ".join(_numbers(value))
            )
        else:
            yield f"{value:.1f}".removesuffix(".0") if isinstance(value, float) and value >= 2 else str(value)
