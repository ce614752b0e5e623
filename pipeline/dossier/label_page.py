"""The label in both languages: what is known of the product in this build, and what only a manufacturer can state.

Source: MDR Annex I 23.2; 21 CFR 801.1, 801.50; IEC 82304-1 7.1 and 7.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.model_pages import MANIFEST
from pipeline.dossier.tables import link, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dossier.subject import Subject
    from pipeline.dossier.translation import Translation

STATUS = "RC-019"
"""The control whose sentence is the first warning."""

MISSING = (
    ("Manufacturer, name and address", "none: no manufacturer stands behind the device", ("GAP-008", "GAP-012")),
    ("Authorised representative, importer", "none", ("GAP-012",)),
    ("Unique device identification", "none", ("GAP-012",)),
    ("CE mark, FDA clearance, Taiwanese licence number", "none: not cleared anywhere", ("GAP-011",)),
    ("Date of manufacture, period of use", "none: not released to a market; identified by the hashes above", ("GAP-012",)),
)
"""Items of the label that this project cannot state, what stands in their place, and the gaps that say why."""


class LabelPage:
    """The label of this build."""

    def __init__(self, words: Translation, subject: Subject) -> None:
        """Keep the words and the subject; nothing is read here."""
        self._words = words
        self._subject = subject

    def listed(self) -> str:
        """Return each item of the label in English and in Traditional Chinese."""
        return table(
            ["Item", "English", self._said("Item"), self._said("Chinese")],
            [*self._known(), *self._missing()],
            widths=[20, 31, 18, 31],
        )

    def _known(self) -> Iterator[list[str]]:
        figure, policy = self._subject.book.figure, self._subject.risk.policy
        warning = next(control.ifu_sentence for control in self._subject.risk_file.controls if control.id == STATUS)
        yield self._row("Name", "ThoraTrace: software for computer-aided detection on chest radiographs")
        for item, value in (
            ("Software version", plain(self._subject.device_version)),
            ("Model version", figure(MANIFEST, "/model_version")),
            ("Model weights, SHA-256", figure(MANIFEST, "/lineage/weights_sha256")),
        ):
            yield [item, value, self._said(item), value]
        for item, english, name in (
            ("Intended purpose", policy.intended_use, f"{policy.id}.intended_use"),
            ("Warning", warning or "", f"{STATUS}.ifu_sentence"),
        ):
            yield [item, plain(english), self._said(item), plain(self._words.sentence(name))]
        yield self._row("Instructions", "Read the instructions for use before use.")

    def _missing(self) -> Iterator[list[str]]:
        """Yield what a manufacturer would state; each names its gap."""
        for item, english, gaps in MISSING:
            row, named = self._row(item, english), ", ".join(map(link, gaps))
            yield [row[0], f"{row[1]} ({named})", row[2], f"{row[3]} ({named})"]

    def _row(self, item: str, english: str) -> list[str]:
        return [item, plain(english), self._said(item), self._said(english)]

    def _said(self, english: str) -> str:
        return plain(self._words.term(english))
