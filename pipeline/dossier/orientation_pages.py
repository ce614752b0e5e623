"""What the check of the picture notices and what it misses, read from its dated study; the figures are those of the test films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.evidence import escaped
from pipeline.dossier.metric_text import NO_BREAK
from pipeline.dossier.tables import table

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook

RATES = "evidence/orientation/rates.json"
SOURCES = ("real", "phantom")


class OrientationPages:
    """Tables of the study of orientation."""

    def __init__(self, book: EvidenceBook) -> None:
        """Keep the book; a study that is missing stops the page that shows it."""
        self._book = book

    def date(self) -> str:
        """Return the day of the study."""
        return self._book.figure(RATES, "/date")

    def noticed(self) -> str:
        """Return how many films were refused that are not as they should be, of each source's test films."""
        return self._refused("refused")

    def wrongly(self) -> str:
        """Return how many films were refused that are as good films are, of each source's test films."""
        return self._refused("admitted")

    def _refused(self, has_to_be: str) -> str:
        ways = self._book.value(RATES, "/rates/real/test")
        chosen = [way for way in ways if ways[way]["has_to_be"] == has_to_be]
        header = ["The film is", *(f"refused, {source} films" for source in SOURCES)]
        return table(header, [[way, *(self.rate(source, way) for source in SOURCES)] for way in chosen], widths=[40, 30, 30])

    def rate(self, source: str, way: str) -> str:
        """Return the share of the test films refused when shown in a way, with count and 95 % interval."""
        return self._share(f"/rates/{source}/test/{escaped(way)}")

    def unclear(self, source: str, way: str) -> str:
        """Return the share of the test films with the caution that the side is unclear when shown in a way."""
        return self._share(f"/rates/{source}/test/{escaped(way)}/side_unclear")

    def code(self, source: str, code: str) -> str:
        """Return the share of the test films refused with a code as they are."""
        return self._share(f"/rates/{source}/test/as it is/codes/{code}")

    def strata(self, source: str) -> str:
        """Return the same for each stratum of the test films of a source."""
        names = ("refused_as_they_are", "inverted_refused", "turned_refused", "mirrored_refused")
        groups = self._book.value(RATES, f"/strata/{source}/test")
        rows = [[group, *(self._share(f"/strata/{source}/test/{escaped(group)}/{name}") for name in names)] for group in groups]
        return table(["Stratum", "as they are", "inverted", "turned", "mirrored"], rows, widths=[20, 20, 20, 20, 20])

    def _share(self, pointer: str) -> str:
        found = self._book.value(RATES, pointer)
        interval = f"[{100 * found['low']:.1f},{NO_BREAK}{100 * found['high']:.1f}]"
        return self._book.cited(
            f"{100 * found['share']:.1f} % ({found['count']} of {found['of']}) {interval}", RATES, f"{pointer}/share"
        )
