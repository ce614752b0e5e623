"""Dated studies outside the canonical run, committed under evidence/: what the input contract does with real and hostile DICOM files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.dossier.evidence import escaped
from pipeline.dossier.tables import plain, table

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook

EXPECTED = "evidence/dicom_corpus/expected_cxr.json"
OUTCOMES = "evidence/dicom_corpus/outcomes.json"
POLICIES = ("intended-use", "research")


class ExternalPages:
    """Tables of the committed studies."""

    def __init__(self, book: EvidenceBook) -> None:
        """Keep the book; a study that is missing stops the page that shows it."""
        self._book = book

    def real_films(self) -> str:
        """Return the outcome of each real chest DICOM file under both policies, with the reason."""
        rows = [
            [f"`{row['file']}`", *(self._film(index, policy, row[policy]) for policy in POLICIES), plain(row["reason"])]
            for index, row in enumerate(self._book.value(EXPECTED, "/files"))
        ]
        return table(["File", *POLICIES, "Why"], rows, widths=[22, 19, 19, 40])

    def _film(self, index: int, policy: str, found: dict[str, Any]) -> str:
        text = " ".join(filter(None, (found["outcome"], found["code"])))
        others = "".join(f"\n\n{plain(code)}" for code in found["also"])
        return self._book.cited(text, EXPECTED, f"/files/{index}/{policy}") + others

    def corpus(self) -> str:
        """Return how many files of the corpus ended in which outcome, under both policies."""
        counts = self._book.value(OUTCOMES, "/counts")
        codes = sorted({code for policy in POLICIES for code in counts[policy]})
        return table(
            ["Outcome", *POLICIES], [[plain(code), *(self._count(policy, code) for policy in POLICIES)] for code in codes]
        )

    def _count(self, policy: str, code: str) -> str:
        counted = self._book.value(OUTCOMES, f"/counts/{policy}")
        return self._book.figure(OUTCOMES, f"/counts/{policy}/{escaped(code)}") if code in counted else ""
