"""Writes the document sources: templates of docs/ filled from evidence, figures copied beside them, and the pages that list every source.

Templates are MyST with Jinja expressions; an expression that names nothing stops the build. Nothing is computed in a template.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from pipeline.dossier import design_pages, diagram, pipeline_diagram, protocol_pages
from pipeline.dossier.admission_pages import AdmissionPages, admission_table
from pipeline.dossier.assurance import assurance
from pipeline.dossier.bill_pages import BillPages, read_components
from pipeline.dossier.clause_evidence import in_words, require_places, rest_on_pages
from pipeline.dossier.component_pages import ComponentPages
from pipeline.dossier.conformance_pages import STATEMENTS, ConformancePages
from pipeline.dossier.evidence import SOURCES
from pipeline.dossier.examined_bundle import examined_bundle
from pipeline.dossier.figures import FigureShelf
from pipeline.dossier.freshness import CHECK
from pipeline.dossier.gaps import gap_list, gap_table, section_gaps
from pipeline.dossier.headings import Heading, mark, read_places
from pipeline.dossier.history_pages import HistoryPages
from pipeline.dossier.level_pages import LevelPages
from pipeline.dossier.literature_pages import LiteraturePages
from pipeline.dossier.lock_pages import others_table
from pipeline.dossier.rationale_pages import RationalePages
from pipeline.dossier.real_film_pages import RealFilmPages
from pipeline.dossier.recipe_pages import RecipePages
from pipeline.dossier.source_pages import write_source_pages
from pipeline.dossier.study_pages import StudyPages
from pipeline.dossier.surveillance_pages import SurveillancePages
from pipeline.dossier.tables import plain, table
from pipeline.dossier.tool_table import load_tools
from pipeline.dossier.typed_numbers import load_allowed, numbers_table
from pipeline.dossier.unit_test_pages import UnitTestPages, read_modules
from pipeline.file_error import FileError
from pipeline.surveillance.plan import load_plan
from requirements_spec.model import SECTIONS
from verification.trace import code_pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.dossier.subject import Subject

CLAUSES = "clauses"
MATRIX = "artifacts/trace/matrix.html"
MATRIX_LINKS = {"../technical_file/html/": "", "../../verification/features/": "features/"}
"""Where links of the matrix lead from its own folder, and from beside the pages."""
_RECORD = re.compile(r'<a href="records/[^"]*">(record)</a>')
"""A link of the matrix to a test record: records hold dates and stay with the run, so beside the pages only the word stays."""
AS_WRITTEN = frozenset({"codes", "tutorial"})
"""Pages of docs/ that are no templates: what they quote of templates stays as it is."""


def write_sources(root: Path, subject: Subject, folder: Path) -> None:
    """Write everything the document builder needs into ``folder``.

    Raises:
        FileError: FILE-CONTENT, a section has no page or a template asks for something that does not exist; FILE-EVIDENCE from the evidence book.
    """
    resting = rest_on_pages(subject.clauses.manifests)
    _require_pages(root, resting)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "docs", folder, ignore=shutil.ignore_patterns("_build", "__pycache__", "*.toml"))
    extra = folder / "_extra"
    extra.mkdir()
    shelf = FigureShelf(root, folder, subject.book)
    _draw(subject, shelf)
    protocols = protocol_pages.read_protocols(root, subject.verification, subject.book)
    environment = _environment(root, subject, shelf)
    environment.globals["protocols"] = protocols
    for page in _templates(root):
        (folder / f"{page}.md").write_text(_render(environment, page, resting.get(page, ())), encoding="utf-8")
    protocols.write(folder / protocol_pages.FOLDER)
    design_pages.write_pages(root, folder, subject.specification.content, shelf.keep)
    _write_code_pages(folder)
    _copy_matrix(root, extra)
    _write_clause_pages(subject, folder)
    write_source_pages(root, subject.book.sources(), folder)


def _templates(root: Path) -> list[str]:
    """Return the names of the pages of docs/ that are templates."""
    own = sorted(path.stem for path in (root / "docs").glob("*.md") if path.stem not in AS_WRITTEN)
    return [*own, f"{CLAUSES}/index", *(f"{protocol_pages.FOLDER}/{name}" for name in ("index", "units"))]


def _draw(subject: Subject, shelf: FigureShelf) -> None:
    """Put the drawings of the architecture on the shelf: the device, the packages around it, and the flow of data through the pipeline."""
    shelf.keep("architecture.svg", diagram.draw(subject.structure))
    shelf.keep("repository.svg", diagram.draw(subject.repository))
    shelf.keep("pipeline.svg", pipeline_diagram.draw_flow(subject.stages))


def _require_pages(root: Path, resting: Mapping[str, Sequence[str]]) -> None:
    missing = [name for name in (*SECTIONS, *STATEMENTS, "index") if not (root / "docs" / f"{name}.md").is_file()]
    if missing:
        clauses = [clause for name in missing for clause in resting.get(name, ())]
        found = f"no page {', '.join(missing)}, {in_words(clauses)}"
        repair = "write the page again, or take it from version control"
        raise FileError("FILE-CONTENT", "docs/", found, "one page for each section", repair)


def _environment(root: Path, subject: Subject, shelf: FigureShelf) -> Environment:
    loader = FileSystemLoader(root / "docs")
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701  the output is MyST
    environment.globals.update(_content(root, subject, shelf))
    return environment


def _content(root: Path, subject: Subject, shelf: FigureShelf) -> dict[str, Any]:
    """Return what templates may name."""
    names = {row["id"]: row["name"] for row in subject.findings}
    return {
        "subject": subject,
        "spec": subject.specification,
        "risk": subject.risk,
        "verification": subject.verification,
        "anomalies": subject.anomalies,
        "audit": subject.audit,
        "tool": subject.tool,
        "validation": subject.validation,
        "model": subject.model,
        "external": subject.external,
        "orientation": subject.orientation,
        "studies": StudyPages(subject.book, shelf, names),
        "real_films": RealFilmPages(subject.book, names),
        "rationale": RationalePages(subject.book, shelf),
        **assurance(root, subject, shelf),
        **_of_plans(root, subject),
        "figure": subject.book.figure,
        "picture": shelf.picture,
        "pictures": shelf.pictures,
        "plain": plain,
        "admission_table": admission_table,
        "admission": AdmissionPages(subject.book),
        "conformance": ConformancePages(),
        "other_libraries": lambda: others_table(root, subject.specification.distributions()),
        "findings_table": lambda: _findings_table(subject),
        "import_table": lambda: diagram.import_table(subject.structure),
        "gap_list": lambda: gap_list(subject.gaps),
        "gap_table": lambda: gap_table(subject.gaps),
        "gap_count": len(subject.gaps),
        "clauses": subject.clauses,
        "standards": subject.standards,
        "section_end": lambda section: _section_end(subject, section),
        "changelog": lambda: _changelog(root),
        "open_problems": lambda: subject.book.cited(str(len(subject.book.value(CHECK, "/problems"))), CHECK, "/problems"),
        "external_evidence": shelf.external_evidence,
        "examined_bundle": partial(examined_bundle, subject.book),
    }


def _of_plans(root: Path, subject: Subject) -> dict[str, Any]:
    """Return what the plans, the pages of the model and those of life after release may name."""
    situations = {row.id for row in subject.risk.evaluation.situations}
    components = read_components(root)
    return {
        "approvals": subject.approvals,
        "bill": BillPages(root, components),
        "components": ComponentPages(components),
        "history": HistoryPages(root, subject.book, subject.audit.trail, subject.device_version),
        "level": LevelPages(subject.risk_file, subject.risk.policy),
        "literature": LiteraturePages(root),
        "recipe": RecipePages(root, subject.book),
        "surveillance": SurveillancePages(load_plan(root, situations), subject.book),
        "numbers": lambda: numbers_table(load_allowed(root), subject.book),
        "tools": load_tools(root, subject.specification.distributions()),
        "repository_table": lambda: diagram.import_table(subject.repository),
        "unit_tests": UnitTestPages(read_modules(root, subject.specification.content.items), subject.specification.content.items),
        "stage_table": lambda: pipeline_diagram.stage_table(subject.stages),
    }


def _render(environment: Environment, page: str, clauses: Sequence[str]) -> str:
    """Return a page; what cannot be had for it is said with the clauses that rest on it."""
    try:
        return environment.get_template(f"{page}.md").render()
    except FileError as err:
        found = f"{err.found}; docs/{page}.md needs it, {in_words(clauses)}"
        raise FileError(err.code, err.where, found, err.expected, err.repair) from err
    except TemplateError as err:
        line = getattr(err, "lineno", None)
        place = f"docs/{page}.md" + (f":{line}" if line else "")
        raise FileError(
            "FILE-CONTENT", place, str(err), "a template whose every expression has a value", "mend the page"
        ) from err


def _findings_table(subject: Subject) -> str:
    rows = [
        [
            f"`{row['id']}`",
            f"{plain(row['name'])}\n\n{'、'.join(row['chinese'])}",
            f"{plain(row['type']['value'])} ({row['type']['scheme']})",
            f"{plain(row['site']['meaning'])}, {row['site']['value']} ({row['site']['scheme']})",
            "yes" if row["confirmed"] else "no: [GAP-014](#gap-014)",
        ]
        for row in subject.findings
    ]
    return table(["Id", "Finding", "Type", "Site", "Confirmed by a terminologist"], rows, widths=[30, 26, 16, 16, 12])


def _section_end(subject: Subject, section: str) -> str:
    """Return what every section ends with: its gaps, and the needs and requirements that ask for it."""
    gaps = section_gaps(subject.gaps, section)
    asked = subject.specification.section(section)
    missing = f"## Open gaps of this section\n\n{gaps}\n\n" if gaps else ""
    return missing + (f"## What the specification asks of this section\n\n{asked}\n" if asked else "")


def _changelog(root: Path) -> str:
    """Return the changelog without its title, its headings one level down."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8").split("\n", 1)[1]
    return "\n".join(f"#{line}" if line.startswith("##") else line for line in text.splitlines())


def _write_code_pages(folder: Path) -> None:
    """Write a page for each code of the trace gate; the overview of docs/, which has no links, gives way to one with links."""
    (folder / "codes").mkdir()
    for name, text in code_pages.pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _write_clause_pages(subject: Subject, folder: Path) -> None:
    """Write a page for each manifest, after everything that its rows name was found on the pages that are written.

    Raises:
        FileError: FILE-CONTENT, a row names what is not there.
    """
    manifests = subject.clauses.manifests
    titles = {SOURCES: "Sources", **{f"{CLAUSES}/{each.id}": each.title for each in manifests}}
    found = read_places(folder)
    places = replace(found, pages=found.pages | {page: (Heading(0, title),) for page, title in titles.items()})
    require_places(manifests, places, set(subject.clauses.gaps), set(subject.clauses.standards))
    mark(folder, places, (place for manifest in manifests for clause in manifest.clauses for place in clause.shown))
    for manifest in manifests:
        (folder / CLAUSES / f"{manifest.id}.md").write_text(subject.clauses.page(manifest, places), encoding="utf-8")


def _copy_matrix(root: Path, extra: Path) -> None:
    """Put the trace matrix beside the pages, with the feature files it leads to, so that the folder is complete in itself.

    Raises:
        FileError: FILE-EVIDENCE, there is no matrix.
    """
    if not (root / MATRIX).is_file():
        raise FileError("FILE-EVIDENCE", MATRIX, "no such file", "the trace matrix of the last run", "run ./qms demo")
    text = (root / MATRIX).read_text(encoding="utf-8")
    for far, near in MATRIX_LINKS.items():
        text = text.replace(f'href="{far}', f'href="{near}')
    text = _RECORD.sub(r'<span class="dim" title="artifacts/verification/records.json of the run">\1</span>', text)
    (extra / "matrix.html").write_text(text, encoding="utf-8")
    shutil.copytree(root / "verification" / "features", extra / "features", ignore=shutil.ignore_patterns("__pycache__"))
