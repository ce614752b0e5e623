"""Builds the technical file: loads what it is about, writes document sources below artifacts/, and makes HTML, PDF and JSON of them.

The working tree stays as it was: templates live in docs/, what is handed over in artifacts/technical_file, how it was made in artifacts/technical_file_build.
The folder that is handed over is put in its place whole: front page, HTML, PDF, matrix, JSON and the checksums of every file; no link in it leaves it. A
second call with nothing changed reads hashes and returns. Nothing is built from missing or unreadable evidence, and a warning of the document builder or of
the type-setter is an error. Equal inputs give equal bytes, wherever, whenever and by whomever they are built.

Source: content after FDA, Content of Premarket Submissions for Device Software Functions (2023), MDR Annex II, and the clauses named on each page.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.dossier.file_record import CHECKSUMS, RECORD, Completeness, checksums, record
from pipeline.dossier.front_page import FRONT_PAGE, Contents, front_page, page_count
from pipeline.dossier.links import require_closed
from pipeline.dossier.printing import PAGES, PRINT, Cover, print_view
from pipeline.dossier.sources import write_sources
from pipeline.dossier.stamp import is_current, write_stamp
from pipeline.dossier.subject import load_subject
from pipeline.dossier.typed_numbers import require_sourced
from pipeline.dossier.views import load_views
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.dossier.subject import Subject
    from pipeline.dossier.views import View

__all__ = ["FileError", "build"]

FOLDER = "artifacts/technical_file"
"""What is handed over, and nothing else."""

WORK = "artifacts/technical_file_build"
"""Sources of documents and print, what the document builder keeps, and the stamp."""

MATRICES = ("artifacts/trace/matrix.xlsx", "artifacts/trace/matrix.csv")
"""Copied as they lie: equal graphs give equal bytes."""

EPOCH = "1577836800"
"""SOURCE_DATE_EPOCH of the document builder, always: a constant, because no date belongs into the pages."""

SIGNATURES = "Signatures: see cover sheet. Nothing is signed in this file: the record of a release binds its bytes, people sign the record, and the cover sheet of the release says who did."
STEPS = 5
_CODE = Path(__file__).resolve().parents[1]
_EXTENSIONS = (
    "myst_parser",
    "pipeline.dossier.typst_builder",
    "pipeline.dossier.page_language",
    "pipeline.dossier.builder_economy",
    "pipeline.dossier.page_navigation",
    "pipeline.dossier.place_table",
)
_OURS = re.compile(
    r"FileError: (?P<code>FILE-[A-Z]+) at (?P<where>.*?): found (?P<found>.*), expected (?P<expected>.*?)\. Repair: (?P<repair>.*)\."
)


def build(root: Path, progress: Callable[[int, int, str], None] | None = None) -> Path:
    """Bring the technical file of the run at ``root`` up to date and return its first page.

    Beside ``html`` lie ``pdf`` with a file for each view, the matrix as workbook and table, the whole as JSON, a front page that lists them, and the
    checksums of all of them. Until the last of them is made, a file that lies there stays as it is.

    Args:
        root: of the repository, which is the root of the canonical run.
        progress: called with (steps done, steps in all, a line of text).

    Raises:
        FileError: evidence, data or content is not as the file needs it; see the error's codes.
    """
    tell = progress or (lambda _done, _total, _text: None)
    folder, work = root / FOLDER, root / WORK
    stamp, first, made = work / "stamp.json", folder / "html" / "index.html", work / "file"
    if is_current(stamp, root, outputs(root)):
        tell(STEPS, STEPS, "nothing changed")
        return first
    _require_matrices(root)
    _clear(stamp, made)
    tell(0, STEPS, "reading specification, risk file and evidence")
    subject = load_subject(root)
    tell(1, STEPS, "writing pages")
    views = written(root, subject, work / "source")
    tell(2, STEPS, "building HTML")
    _build_html(work, made / "html")
    tell(3, STEPS, "translating pages for print")
    _translate(work)
    tell(4, STEPS, "setting PDF")
    _complete(root, subject, views, made)
    if folder.exists():
        shutil.rmtree(folder)
    made.rename(folder)
    write_stamp(stamp, root, outputs(root))
    tell(STEPS, STEPS, "technical file built")
    return first


def written(root: Path, subject: Subject, source: Path) -> tuple[View, ...]:
    """Write the document sources into ``source``, and return the views after pages, rows and numbers were held against each other.

    Raises:
        FileError: FILE-DATA, FILE-CONTENT or FILE-EVIDENCE, what is written by hand does not fit together or to the evidence.
    """
    write_sources(root, subject, source)
    views = load_views(root, _pages(source), subject.clauses.answers())
    require_sourced(root, subject.book)
    return views


def outputs(root: Path) -> tuple[Path, ...]:
    """Return what the file consists of: its folder, whole."""
    return (root / FOLDER,)


def _require_matrices(root: Path) -> None:
    """Refuse to begin without the matrix as workbook and as table, which are copied once the pages are set.

    Raises:
        FileError: FILE-EVIDENCE, one of them is not there.
    """
    for name in MATRICES:
        if not (root / name).is_file():
            raise FileError("FILE-EVIDENCE", name, "no such file", "the trace matrix of the last run", "run ./qms matrix")


def _clear(stamp: Path, made: Path) -> None:
    """Forget the last build's stamp, and what a build that was stopped left."""
    stamp.unlink(missing_ok=True)
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)


def _build_html(work: Path, html: Path) -> None:
    """Build the pages from nothing, so that no page of an earlier build stays behind."""
    for leftover in (html, work / "doctrees"):
        shutil.rmtree(leftover, ignore_errors=True)
    _run_sphinx("html", work, html)
    for kept in (".doctrees", "_sources"):
        shutil.rmtree(html / kept, ignore_errors=True)
    (html / ".buildinfo").unlink(missing_ok=True)


def _translate(work: Path) -> None:
    """Write the pages for print from the documents that HTML was made from."""
    shutil.rmtree(work / PRINT, ignore_errors=True)
    _run_sphinx("typst", work, work / PAGES)


def _pages(source: Path) -> set[str]:
    """Return the names of the pages that were written."""
    return {path.relative_to(source).with_suffix("").as_posix() for path in source.rglob("*.md")}


def _complete(root: Path, subject: Subject, views: Sequence[View], made: Path) -> None:
    """Write a PDF for each view, the record of the file, the matrix, the front page and the checksums beside the pages.

    Raises:
        FileError: a view cannot be printed, or a link leads out of the folder or nowhere.
    """
    work = root / WORK
    index = json.loads((work / PAGES / "pages.json").read_text(encoding="utf-8"))
    cover = _cover(subject, index)
    (made / "pdf").mkdir()
    sheets = {}
    for view in views:
        printed = print_view(work, view, index["pages"], subject.gaps, cover)
        (made / "pdf" / f"{view.id}.pdf").write_bytes(printed)
        sheets[view.id] = page_count(printed)
    completeness = Completeness(subject.gaps, subject.clauses.record())
    text = record(cover, index["pages"], views, completeness, subject.book.sources())
    (made / RECORD).write_text(text, encoding="utf-8")
    for name in MATRICES:
        shutil.copyfile(root / name, made / Path(name).name)
    (made / FRONT_PAGE).write_text(
        front_page(cover, Contents(len(index["pages"]), views, sheets, len(subject.gaps))), encoding="utf-8"
    )
    (made / CHECKSUMS).write_text(checksums(made, [made]), encoding="utf-8")
    require_closed(made)


def _cover(subject: Subject, index: dict[str, Any]) -> Cover:
    manifest, verdicts = "artifacts/bundle/manifest.json", "artifacts/verification/verdicts.json"
    value = subject.book.value
    model = (
        f"version {value(manifest, '/model_version')}, profile {value(manifest, '/profile')}, budget {value(manifest, '/budget')}"
    )
    facts = (
        ("Device software", f"ThoraTrace {subject.device_version}"),
        ("Model", model),
        ("Weights, SHA-256", value(manifest, "/lineage/weights_sha256")),
        ("Evidence identity", value(verdicts, "/identity/sha256")),
    )
    return Cover(index["title"], index["status"], subject.risk.evaluation.conclusion, SIGNATURES, facts)


def _run_sphinx(builder: str, work: Path, target: Path) -> None:
    """Run the document builder on the written sources; both runs share what was read."""
    options = [
        "-b",
        builder,
        "-nW",
        "--keep-going",
        "-q",
        "-D",
        f"extensions={','.join(_EXTENSIONS)}",
        "-d",
        str(work / "doctrees"),
    ]
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": EPOCH,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(_CODE),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    source = work / "source"
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(target)]
    finished = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise _refusal((finished.stderr or finished.stdout).replace(f"{source}/", "docs/"))


def _refusal(said: str) -> FileError:
    """Return what the document builder said as our error; where the translation for print refused, its own words."""
    if ours := _OURS.search(said):
        return FileError(**ours.groupdict())
    lines = [line for line in said.splitlines() if line.strip()]
    found = f"{len(lines)} lines of complaint, first: {lines[0] if lines else 'no message'}"
    repair = "mend the page that is named; all lines: " + " | ".join(lines[:8])
    return FileError("FILE-BUILD", "source", found, "a build without warnings", repair)
