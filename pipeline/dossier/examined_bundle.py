"""Says which bundle a study examined, and whether it is the one that the technical file describes: figures of another one are not this one's.

Source: IEC 62304 5.8.4 (the version that was released is documented); ISO 13485 4.2.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.freshness import PREDICTIONS

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook

SHORT = 12


def examined_bundle(book: EvidenceBook, path: str, pointer: str = "/bundle_sha256") -> str:
    """Return the bundle of a record in a few words.

    Args:
        book: of the evidence.
        path: of the record.
        pointer: to the SHA-256 of the bundle's manifest in it.
    """
    examined, described = book.value(path, pointer), book.value(PREDICTIONS, "/bundle_sha256")
    same = "the bundle that this file describes" if examined == described else "**not the bundle that this file describes**"
    return f"bundle {book.cited(examined[:SHORT], path, pointer)}, {same}"
