"""Pictures of the file: copied from the run or from docs/, each with its source in the caption."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from pipeline.dossier.tables import plain, table
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook

SHELF = "figures"
EXTERNAL = "evidence"
SHOWN_ELSEWHERE = ("evidence/compare/", "evidence/studies/", "evidence/transfer/")
"""Pictures of these are shown with what they belong to."""

CAPTIONS = {
    "ap30": "AP at IoU 0.3 for each finding, device and trivial detector.",
    "ap50": "AP at IoU 0.5 for each finding, device and trivial detector.",
    "ap75": "AP at IoU 0.75 for each finding, device and trivial detector.",
    "ap50_severity": "AP at IoU 0.5 by third of severity.",
    "confusion": "What lies there and what was marked.",
    "froc": "Free-response curves: sensitivity against false marks per film.",
    "gallery": "The films with the most errors: truth in solid lines, marks of the device in dashed lines.",
    "precision_recall": "Precision and recall for each finding.",
    "subgroups": "Sensitivity and AP at IoU 0.5 by subgroup, with intervals and n.",
}
"""What a plot shows, by its file name; another name is shown as it is."""

_PROTOCOL = re.compile(r"[0-9a-f]{16}")


class FigureShelf:
    """Copies pictures beside the document sources and returns the directives that show them."""

    def __init__(self, root: Path, folder: Path, book: EvidenceBook) -> None:
        """Pictures below ``root`` go to ``folder``/figures; their hashes come from the book."""
        self._root = root
        self._folder = folder / SHELF
        self._folder.mkdir(exist_ok=True)
        self._book = book

    def keep(self, name: str, content: str) -> None:
        """Put a drawing made here on the shelf."""
        (self._folder / name).write_text(content, encoding="utf-8")

    def picture(self, path: str, caption: str) -> str:
        """Return the directive of one picture of the run.

        Raises:
            FileError: FILE-EVIDENCE, there is no such picture.
        """
        source = self._book.source(path)
        source.pointers.add("")
        name = path.replace("/", "-")
        shutil.copy(self._root / path, self._folder / name)
        return f"```{{figure}} {SHELF}/{name}\n:alt: {caption}\n\n{caption} Source: `{path}`, sha256 {source.sha256[:12]}.\n```"

    def pictures(self, folder: str) -> str:
        """Return all PNG pictures of a folder of the run, sorted by name, with captions.

        Raises:
            FileError: FILE-EVIDENCE, there is none.
        """
        paths = sorted((self._root / folder).glob("*.png"))
        if not paths:
            raise FileError("FILE-EVIDENCE", folder, "no picture", "the plots of the last run", "run ./qms demo")
        return "\n\n".join(
            self.picture(str(path.relative_to(self._root)), CAPTIONS.get(path.stem, f"{_sentence(path.stem)}.")) for path in paths
        )

    def external_evidence(self) -> str:
        """Return the dated studies under evidence/: their files with hashes, their pictures, or that there is none."""
        files = sorted(path for path in (self._root / EXTERNAL).rglob("*") if path.is_file() and not path.name.startswith("."))
        if not files:
            return "No external study is in this version."
        paths = [str(path.relative_to(self._root)) for path in files]
        listing = table(
            ["File", "SHA-256"], [[f"`{path}`", f"`{self._book.source(path).sha256}`"] for path in paths], widths=[50, 50]
        )
        shown = [
            self.picture(path, plain(_study_of(path)))
            for path in paths
            if path.endswith(".png") and not path.startswith(SHOWN_ELSEWHERE)
        ]
        return "\n\n".join([listing, *shown])


def _study_of(path: str) -> str:
    """Return the caption of a study's picture: which study it belongs to, and what it shows where it is not just the study's plot.

    >>> _study_of("evidence/studies/robustness/study.png"), _study_of("evidence/compare/cost.png")
    ('Studies, robustness.', 'Compare: cost.')
    >>> _study_of("evidence/locked_validation/7be842eac56edcbf/froc.png")
    'Locked validation, protocol 7be842eac56edcbf. Free-response curves: sensitivity against false marks per film.'
    """
    *folders, name = path.removesuffix(".png").split("/")[1:]
    words = [_folder_words(each) for each in folders]
    if not words:
        return f"{_sentence(name)}."
    study = _sentence(", ".join(words))
    if name in CAPTIONS:
        return f"{study}. {CAPTIONS[name]}"
    return f"{study}." if name in {"study", *folders} else f"{study}: {_folder_words(name)}."


def _folder_words(name: str) -> str:
    """Return the name of a folder as words; the results of an opened protocol lie under the beginning of its hash."""
    return f"protocol {name}" if _PROTOCOL.fullmatch(name) else name.replace("_", " ").replace("-", " ")


def _sentence(stem: str) -> str:
    """Return a file name as words.

    >>> _sentence("froc_curves-all")
    'Froc curves all'
    """
    words = stem.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]
