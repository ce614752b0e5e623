"""Published figures with their sources, and the figures that the clinical evaluation needs and nobody has looked up.

A figure stands here with authors, journal, year and, where known, DOI; how far its source was read stands beside it. What has no certain source is listed as
missing instead of being quoted.

Source: MDR Annex XIV part A 1 and 2; MEDDEV 2.7/1 revision 4, 8 (identification of pertinent data) and A5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import identified, link, plain, referenced, table
from pipeline.handwritten import sound
from requirements_spec.datafile import Table, Tables, Text

if TYPE_CHECKING:
    from pathlib import Path

LITERATURE = "docs/literature.toml"
READ = {
    "record": "known to the project by its record and references; the original is to be read by a person",
    "original": "read in the original",
}
"""How far a source was read, in words."""

_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/literature/1"})),
        "source": Tables(
            Table(
                {
                    "id": Text(pattern=r"LIT-\d{2}"),
                    "citation": Text(pattern=r".*(19|20)\d{2}.*|.*K\d{6}.*"),
                    "doi": Text(pattern=r"10\.\d{4,}/\S+", blank=True),
                    "figure": Text(),
                    "used_for": Text(),
                    "read": Text(choices=frozenset(READ)),
                    "similar_device": Text(required=False),
                }
            )
        ),
        "missing": Tables(Table({"what": Text(), "why": Text(), "owner_role": Text()})),
    }
)


class LiteraturePages:
    """Both tables."""

    def __init__(self, root: Path) -> None:
        """Read the register.

        Raises:
            FileError: FILE-DATA, the file does not hold what it must.
        """
        document = sound(root, LITERATURE, _TABLE, ("source",))
        self._sources = [row.data for row in document.rows("source")]
        self._missing = [row.data for row in document.rows("missing")]

    def sources(self) -> str:
        """Return every published figure with its source, its use, and how far the source was read."""
        rows = [
            [
                identified(row["id"]),
                plain(row["citation"]) + (f"\n\n[doi:{plain(row['doi'])}](https://doi.org/{row['doi']})" if row["doi"] else ""),
                plain(row["figure"]),
                f"{referenced(row['used_for'])}\n\n*{READ[row['read']]}*",
            ]
            for row in self._sources
        ]
        return table(["Id", "Source", "What it states", "Used for; how far it was read"], rows, widths=[8, 30, 34, 28])

    def similar_devices(self) -> str:
        """Return the similar devices that sources are about, with what the source states of them and how far it was read."""
        rows = [
            [link(row["id"]), plain(row["similar_device"]), plain(row["figure"]), READ[row["read"]]]
            for row in self._sources
            if row.get("similar_device")
        ]
        return table(["Source", "Device", "What the source states", "How far it was read"], rows, widths=[10, 34, 36, 20])

    def missing(self) -> str:
        """Return what has to be looked up or found out, why, and by whom."""
        rows = [[plain(row["what"]), plain(row["why"]), plain(row["owner_role"])] for row in self._missing]
        return table(["Missing", "Why it is needed", "Role"], rows, widths=[44, 38, 18])

    def unread(self) -> str:
        """Return how many of the sources were not read in the original.

        Only such a count may stand in a sentence; it is a count of this register and no figure of the literature.
        """
        return f"{sum(row['read'] != 'original' for row in self._sources)} of {len(self._sources)}"
