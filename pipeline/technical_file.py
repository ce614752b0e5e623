"""Builds the technical file: loads what it is about, writes document sources below artifacts/, and runs the document builder on them.

The working tree stays as it was: templates live in docs/, everything generated in artifacts/technical_file. A second call with nothing changed reads
hashes and returns. Nothing is built from missing or unreadable evidence, and a warning of the document builder is an error.

Source: content after FDA, Content of Premarket Submissions for Device Software Functions (2023), MDR Annex II, and the clauses named on each page.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from pipeline.dossier.errors import FileError
from pipeline.dossier.sources import write_sources
from pipeline.dossier.stamp import is_current, write_stamp
from pipeline.dossier.subject import load_subject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FileError", "build"]

FOLDER = "artifacts/technical_file"
EPOCH = "1577836800"
"""SOURCE_DATE_EPOCH where the caller gives none: a constant, because no date belongs into the pages."""

STEPS = 3


def build(root: Path, progress: Callable[[int, int, str], None] | None = None) -> Path:
    """Bring the technical file of the run at ``root`` up to date and return its first page.

    Args:
        root: of the repository, which is the root of the canonical run.
        progress: called with (steps done, steps in all, a line of text).

    Raises:
        FileError: evidence, data or content is not as the file needs it; see the error's codes.
    """
    tell = progress or (lambda _done, _total, _text: None)
    folder = root / FOLDER
    html, stamp = folder / "html", folder / "stamp.json"
    if is_current(stamp, root, html):
        tell(STEPS, STEPS, "nothing changed")
        return html / "index.html"
    stamp.unlink(missing_ok=True)
    tell(0, STEPS, "reading specification, risk file and evidence")
    subject = load_subject(root)
    tell(1, STEPS, "writing pages")
    write_sources(root, subject, folder / "source")
    tell(2, STEPS, "building HTML")
    _run_sphinx(folder / "source", html, folder / "doctrees")
    write_stamp(stamp, root, html)
    tell(STEPS, STEPS, "technical file built")
    return html / "index.html"


def _run_sphinx(source: Path, html: Path, doctrees: Path) -> None:
    """Build the pages from nothing, so that no page of an earlier build stays behind."""
    for leftover in (html, doctrees):
        shutil.rmtree(leftover, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-b",
        "html",
        "-nW",
        "--keep-going",
        "-q",
        "-d",
        str(doctrees),
        str(source),
        str(html),
    ]
    environment = {
        "SOURCE_DATE_EPOCH": EPOCH,
        **os.environ,
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    finished = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        said = (finished.stderr or finished.stdout).replace(f"{source}/", "docs/")
        lines = [line for line in said.splitlines() if line.strip()]
        found = f"{len(lines)} lines of complaint, first: {lines[0] if lines else 'no message'}"
        raise FileError(
            "FILE-BUILD",
            str(source.name),
            found,
            "a build without warnings",
            "mend the page that is named; all lines: " + " | ".join(lines[:8]),
        )
    shutil.rmtree(html / ".doctrees", ignore_errors=True)
    (html / ".buildinfo").unlink(missing_ok=True)
