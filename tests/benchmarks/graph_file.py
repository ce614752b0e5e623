"""The technical file of a project that has nothing but a graph: ``python graph_file.py ROOT FOLDER`` builds its HTML and says in FOLDER/built.json what was built.

Templates and pages are those of the shipped docs/, everything they render comes from ``ROOT``. A page that asks for what such a project does not have
(a trained model, studies, tables about the shipped device) is left out as a whole and named with the reason; nothing is put in its place, and a
link to it becomes its words. The first page is written here, because that of the shipped file asks for figures of the model. All else is the code
that builds the shipped file: gate, matrix, tables, templates, document builder with warnings as errors.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from device_sw._version import __version__
from pipeline import technical_file
from pipeline.dossier import sources
from pipeline.dossier import subject as subjects
from pipeline.dossier.anomaly_pages import AnomalyPages
from pipeline.dossier.approval_pages import ApprovalPages
from pipeline.dossier.conformance_pages import ConformancePages
from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.gaps import gap_list, gap_table, load_gaps
from pipeline.dossier.protocol_pages import FOLDER as TESTING
from pipeline.dossier.protocol_pages import read_protocols
from pipeline.dossier.source_pages import write_source_pages
from pipeline.dossier.specification_pages import SpecificationPages
from pipeline.dossier.standards import load_register
from pipeline.dossier.tables import plain
from pipeline.dossier.verification_pages import VerificationPages
from pipeline.file_error import FileError
from verification.trace import gate, matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FIRST = "index"
SAID = "built.json"
NO_TEMPLATES = {
    "clauses": "its rows name files of evidence of the shipped device",
    "design": "it is read from the code of the shipped device",
    TESTING: "its page of unit tests is read from the tests of the shipped device; the protocols of the scenarios are made",
}
"""Folders of pages that are made otherwise than from a template, and are not made here."""
EMPTY = "one of its tables has no row in such a project, which the document builder refuses"
_UNKNOWN = re.compile(r"^'(\w+)' is undefined$")
_TABLE = re.compile(r"^```\{list-table\}.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]*)\]\(((?:[A-Za-z0-9_./-]+\.md)?(?:#[A-Za-z0-9-]+)?)\)")
_TARGET = re.compile(r"^(?:\* - |  - )?\(([a-z0-9-]+)\)=$", re.MULTILINE)


@dataclass
class Clock:
    """Seconds of wall and processor time of each part, children included."""

    parts: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure what runs within."""
        wall, cpu = time.perf_counter(), _processor()
        yield
        self.parts[name] = {"wall_s": round(time.perf_counter() - wall, 3), "cpu_s": round(_processor() - cpu, 3)}


def _processor() -> float:
    return sum(each.ru_utime + each.ru_stime for each in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def build(root: Path, folder: Path) -> dict[str, Any]:
    """Build the HTML of the project at ``root`` below ``folder``; return the time of each part, the pages, what was left out and why.

    Raises:
        FileError: data or evidence of the project do not hold, or the document builder complains.
    """
    clock = Clock()
    with clock.part("gate"):
        result = gate.check(root)
    if not result.accepted:
        raise ValueError(f"the gate does not accept the project: {result.problems[0]}")
    with clock.part("matrix"):
        matrix.write_formats(root, result, ("html",))
    with clock.part("data"):
        content = names(root)
    with clock.part("pages"):
        left_out = write_pages(root, folder / "source", content)
    with clock.part("document builder"):
        technical_file._build_html(folder, folder / "html")
    built = sorted(path.relative_to(folder / "source").with_suffix("").as_posix() for path in (folder / "source").rglob("*.md"))
    return {"parts": clock.parts, "pages": built, "left_out": left_out, "counts": result.counts}


def names(root: Path) -> dict[str, Any]:
    """Return what templates may name: everything that is made from specification, risk file, results and hand-written rules."""
    inputs = subjects.sound_inputs(root)
    book = EvidenceBook(root)
    verification = VerificationPages(book)
    pages = SpecificationPages(inputs.specification, verification)
    gaps = load_gaps(ROOT)
    subject = SimpleNamespace(device_version=__version__, specification=pages, gaps=gaps, book=book)
    return {
        "subject": subject,
        "spec": pages,
        "risk": subjects._judged(inputs, verification),
        "verification": verification,
        "protocols": read_protocols(root, verification, book),
        "anomalies": AnomalyPages(inputs.anomalies),
        "approvals": ApprovalPages(inputs, book),
        "standards": load_register(ROOT),
        "conformance": ConformancePages(),
        "figure": book.figure,
        "plain": plain,
        "gap_list": lambda: gap_list(gaps),
        "gap_table": lambda: gap_table(gaps),
        "gap_count": len(gaps),
        "section_end": lambda section: sources._section_end(subject, section),
        "changelog": lambda: sources._changelog(ROOT),
    }


def write_pages(root: Path, folder: Path, content: dict[str, Any]) -> dict[str, str]:
    """Write the document sources and return each page that was left out with the reason."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns("_build", "__pycache__", "*.toml", *NO_TEMPLATES))
    environment = Environment(loader=FileSystemLoader(ROOT / "docs"), undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals.update(content)
    left_out = dict(NO_TEMPLATES)
    for page in sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem not in sources.AS_WRITTEN):
        try:
            text = sources._render(environment, page, ())
            reason = EMPTY if any(block.count("\n* - ") == 1 for block in _TABLE.findall(text)) else ""
        except FileError as err:
            text, reason = (
                "",
                _UNKNOWN.sub(r"it asks for `\1`, which is not made from a graph", err.found.partition("; docs/")[0]),
            )
        if reason:
            left_out[page] = reason
            (folder / f"{page}.md").unlink()
        else:
            (folder / f"{page}.md").write_text(text, encoding="utf-8")
    _write_protocols(folder, content)
    sources._write_code_pages(folder)
    extra = folder / "_extra"
    extra.mkdir()
    sources._copy_matrix(root, extra)
    write_source_pages(root, content["subject"].book.sources(), folder)
    (folder / f"{FIRST}.md").write_text(_first_page(folder, left_out), encoding="utf-8")
    _loosen(folder)
    return left_out


def _write_protocols(folder: Path, content: dict[str, Any]) -> None:
    """Write the protocols of the scenarios with their list, which stands on a page of its own here: the shipped one counts unit tests, too."""
    protocols = content["protocols"]
    (folder / TESTING).mkdir()
    protocols.write(folder / TESTING)
    entries = f"```{{toctree}}\n:hidden:\n\n{protocols.contents()}\n```"
    (folder / TESTING / "index.md").write_text(f"# Testing\n\n{protocols.listed()}\n\n{entries}\n", encoding="utf-8")


def _first_page(folder: Path, left_out: dict[str, str]) -> str:
    pages = sorted({path.stem for path in folder.glob("*.md")} - {FIRST})
    listed = "\n".join([*pages, "adr/index", "figures/phantom_objections", f"{TESTING}/index"])
    missing = "\n".join(f"- `{page}`" for page in sorted(left_out))
    return f"# Technical file of a generated project\n\nMade to measure the builder; it is about no device. Left out:\n\n{missing}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def _loosen(folder: Path) -> None:
    """Turn each link to a page that was left out, or to a place on one, into its words."""
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.md")}
    places = {place for text in texts.values() for place in _TARGET.findall(text)}
    for path, text in texts.items():

        def kept(found: re.Match[str], path: Path = path) -> str:
            page, _, place = found[2].partition("#")
            there = (path.parent / page).is_file() if page else place in places
            return found[0] if there else found[1]

        loose = _LINK.sub(kept, text)
        if loose != text:
            path.write_text(loose, encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[2])
    told = build(Path(sys.argv[1]), target)
    (target / SAID).write_text(json.dumps(told), encoding="utf-8")
