"""The device's input contract as a table, read from the rules that the device itself applies, so that the document cannot promise another one; and how each part was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_sw.dicom.admission import RULES
from device_sw.types import Policy
from pipeline.dossier.tables import link, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.dossier.evidence import EvidenceBook

CASES = "evidence/admission/admission.json"
DEVICE = "evidence/dicom_corpus/device.json"
FUZZING = "evidence/fuzzing/fuzzing.json"

WORDS = {"refuse": "refused", "caution": "admitted with a caution", "nothing": "admitted"}


def admission_table() -> str:
    """Return one row for each rule: code and attribute, what is expected, and the outcome under each policy."""
    rows = [
        [
            f"`{rule.code}`\n\n{plain(rule.where)}",
            plain(rule.expected),
            WORDS[rule.outcome(Policy.INTENDED_USE).value],
            WORDS[rule.outcome(Policy.RESEARCH).value],
            link(rule.control),
        ]
        for rule in RULES
    ]
    return table(["Code and place", "Expected", "intended-use", "research", "Control"], rows, widths=[27, 34, 14, 14, 11])


class AdmissionPages:
    """Tables of the studies that tried the contract: case by case, on whole files through the whole device, and on spoilt files."""

    def __init__(self, book: EvidenceBook) -> None:
        """Keep the book; a study that is missing stops the page that shows it."""
        self._book = book

    def cases(self) -> str:
        """Return one row for each part of the contract: how many files had to be refused, how many admitted, with which codes, and how many went wrong."""
        places: dict[str, list[int]] = {}
        for number, case in enumerate(self._book.value(CASES, "/cases")):
            places.setdefault(case["item"], []).append(number)
        rows = [self._item(item, numbers) for item, numbers in places.items()]
        return table(["Part", "Files", "Refused (intended use)", "With", "Wrong"], rows, widths=[20, 8, 14, 48, 10])

    def _item(self, item: str, numbers: list[int]) -> list[str]:
        cases = [self._book.value(CASES, f"/cases/{number}") for number in numbers]
        refused = [case["intended-use"] for case in cases if case["intended-use"] != "admitted"]
        wrong = sum(not case["right"] for case in cases)
        return [
            self._book.cited(plain(item), CASES, f"/cases/{numbers[0]}"),
            str(len(cases)),
            str(len(refused)),
            _codes(refused),
            str(wrong),
        ]

    def bombs(self) -> str:
        """Return what the whole device did with each file that unfolds to far more than its size: outcome, seconds and memory under the intended use."""
        rows = [self._bomb(number, bomb) for number, bomb in enumerate(self._book.value(DEVICE, "/bombs"))]
        return table(["File", "Bytes", "Outcome", "Seconds", "MB"], rows, widths=[44, 14, 22, 10, 10])

    def _bomb(self, number: int, bomb: dict[str, Any]) -> list[str]:
        told = bomb["intended-use"]
        return [
            plain(bomb["file"]),
            f"{bomb['bytes']:,}",
            self._book.cited(plain(told["code"] or told["outcome"]), DEVICE, f"/bombs/{number}/intended-use"),
            f"{told['seconds']:.1f}",
            str(told["megabytes"]),
        ]

    def fuzzing(self) -> str:
        """Return what became of spoilt files, as a sentence, with every fault and the study's own remark."""
        figure = self._book.figure
        told = (
            f"{figure(FUZZING, '/mutated_files', ',')} spoilt files of {figure(FUZZING, '/seeds')} seeds went through reading, admission and preprocessing"
            f" (study of {figure(FUZZING, '/date')}); {figure(FUZZING, '/uncaught')} ended in something else than a picture or a coded refusal."
        )
        study = self._book.value(FUZZING)
        return f"{told} {plain(study['remark'])}" if "remark" in study else told


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in sorted(set(codes)))
