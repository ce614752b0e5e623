"""The whole file from the finished run: complete, current, the same twice, and refused where its evidence does not hold."""

import hashlib
import json
import re
from html import unescape
from pathlib import Path

import pytest

from pipeline import technical_file
from pipeline.dossier import freshness, stamp
from pipeline.dossier.evidence import SOURCES, place_of, source_key
from pipeline.dossier.links import dead_links
from pipeline.file_error import FileError
from requirements_spec.model import SECTIONS
from tests.project_copy import copy_of_project
from verification.trace.identity import read_identity

ROOT = Path(__file__).resolve().parents[3]
NEEDED = (
    "validation/validation.json",
    "verification/verdicts.json",
    "trace/check.json",
    "trace/matrix.html",
    "trace/matrix.xlsx",
)

pytestmark = pytest.mark.needs_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the tree with the finished run; large outputs are linked, what tests alter is copied."""
    missing = [name for name in NEEDED if not (ROOT / "artifacts" / name).is_file()]
    if missing:
        pytest.skip(f"no finished run here (./qms demo makes it): {', '.join(missing)}")
    return copy_of_project(tmp_path_factory.mktemp("file"))


@pytest.fixture(autouse=True)
def identity_of_the_checkout(monkeypatch):
    """The copy is no git working tree, so its identity is that of the tree it was copied from."""
    monkeypatch.setattr(freshness, "read_identity", lambda _root, name: read_identity(ROOT, name))


@pytest.fixture(scope="module")
def html(finished):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(freshness, "read_identity", lambda _root, name: read_identity(ROOT, name))
        return technical_file.build(finished).parent


def page(html, name):
    return (html / f"{name}.html").read_text(encoding="utf-8")


def test_every_section_is_a_page_with_the_status(html):
    for name in (*SECTIONS, "index", "sources"):
        assert "not cleared, not for clinical use" in page(html, name)


def test_a_page_in_another_language_says_so(html):
    assert 'lang="zh-Hant-TW"' in page(html, "labelling-zh-hant")[:200]
    assert 'lang="en"' in page(html, "labelling")[:200]


def test_open_gaps_stand_on_the_first_page(html):
    assert set(re.findall(r"GAP-\d{3}", page(html, "index"))) == set(
        re.findall(r'id = "(GAP-\d{3})"', (ROOT / "docs/gaps.toml").read_text(encoding="utf-8"))
    )


def test_every_figure_leads_to_its_place_in_a_listed_source(html):
    record = json.loads((html.parent / "technical_file.json").read_text(encoding="utf-8"))
    figures = [figure for page in record["pages"] for figure in page["figures"]]
    links = [
        unescape(link)
        for page in record["pages"]
        for link in re.findall(r'<a class="ev[^"]*" href="([^"]+)"', (html / f"{page['page']}.html").read_text(encoding="utf-8"))
    ]
    expected = [place_of(source_key(each["file"]), each["pointer"].replace("whole file", "")) for each in figures]
    assert [link.removeprefix("../") for link in links] == expected


def test_no_link_leaves_the_folder_and_none_is_dead(html):
    assert list(dead_links(html.parent)) == []


def test_a_figure_stands_beside_its_pointer_as_the_file_has_it(html, finished):
    record = json.loads((finished / "artifacts/validation/validation.json").read_text(encoding="utf-8"))
    text = page(html, f"{SOURCES}/{source_key('artifacts/validation/validation.json')}")
    row = text.partition('id="/figures/ap50/macro/value"')[2].partition("</tr>")[0]
    assert f"<p>{record['figures']['ap50']['macro']['value']}</p>" in row


def test_the_folder_holds_what_is_handed_over_and_nothing_else(html):
    folder = html.parent
    beside = {path.name for path in folder.iterdir()}
    assert beside == {"SHA256SUMS", "html", "index.html", "matrix.csv", "matrix.xlsx", "pdf", "technical_file.json"}
    lies = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    assert listed == lies - {"SHA256SUMS"}


def test_every_clause_of_every_manifest_is_on_a_page_with_its_state(html):
    record = json.loads((html.parent / "technical_file.json").read_text(encoding="utf-8"))
    assert len(record["clauses"]) >= 15
    for manifest in record["clauses"]:
        text = page(html, f"clauses/{manifest['id']}")
        rows = re.findall(r'<span class="item">([^<]*)</span>', text)
        assert len(rows) == len(manifest["clauses"]), manifest["id"]
        assert sum(manifest["counts"].values()) == len(rows)
    assert str(sum(len(manifest["clauses"]) for manifest in record["clauses"])) in page(html, "index")


def test_every_section_and_every_file_that_a_figure_is_from_is_evidence_for_a_clause(html):
    """Whatever is deleted, a clause can be named that rests on it: by its row, or by the page that shows it."""
    record = json.loads((html.parent / "technical_file.json").read_text(encoding="utf-8"))
    rows = [row for manifest in record["clauses"] for row in manifest["clauses"]]
    shown = {place.partition("#")[0] for row in rows for place in row["shown"]}
    assert set(SECTIONS) - {"gaps"} <= shown
    named = {path for row in rows for path in (*row["files"], *(figure["file"] for figure in row["figures"]))}
    on_pages = {figure["file"] for each in record["pages"] if each["page"] in shown for figure in each["figures"]}
    said = {figure["file"] for each in record["pages"] for figure in each["figures"]}
    assert said - named - on_pages == set()


def test_each_view_is_printed_and_has_its_checksum(html):
    folder = html.parent
    printed = {path.name for path in (folder / "pdf").iterdir()}
    assert printed == {"technical-file.pdf", "fda-510k.pdf", "mdr-annexes.pdf"}
    listed = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    assert {f"pdf/{name}" for name in printed} | {"technical_file.json", "html/index.html"} <= set(listed)
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())


def test_every_figure_of_the_record_has_the_hash_of_its_file(html, finished):
    record = json.loads((html.parent / "technical_file.json").read_text(encoding="utf-8"))
    figures = [figure for page in record["pages"] for figure in page["figures"]]
    assert len(figures) > 1000
    files = {figure["file"]: figure["sha256"] for figure in figures}
    assert {name: hashlib.sha256((finished / name).read_bytes()).hexdigest() for name in files} == files


def test_a_view_whose_page_is_lost_is_named(html, finished):
    path = finished / "docs/views.toml"
    content = path.read_text(encoding="utf-8")
    path.write_text(
        content.replace('"security-testing", "privacy", "soup"]', '"security-testing", "privacy", "sbom"]'), encoding="utf-8"
    )
    try:
        with pytest.raises(FileError, match=r"FILE-CONTENT at docs/views\.toml fda-510k: Cybersecurity: found no page sbom"):
            technical_file.build(finished)
    finally:
        path.write_text(content, encoding="utf-8")


def test_the_primary_figure_is_the_one_of_the_record(html, finished):
    record = json.loads((finished / "artifacts/validation/validation.json").read_text(encoding="utf-8"))
    assert f"{record['figures']['ap50']['macro']['value']:.3f}" in page(html, "validation")


def test_no_page_names_the_place_it_was_built_in(html, finished):
    assert [path.name for path in html.rglob("*.html") if str(finished) in path.read_text(encoding="utf-8")] == []


def test_a_second_build_reuses_the_first_and_a_new_one_is_the_same(html, finished):
    technical_file.build(finished)
    before = stamp.outputs_hash(technical_file.outputs(finished))
    written = (finished / technical_file.FOLDER).stat().st_mtime_ns
    told = []
    technical_file.build(finished, lambda _done, _total, text: told.append(text))
    assert told == ["nothing changed"]
    assert (finished / technical_file.FOLDER).stat().st_mtime_ns == written
    (finished / technical_file.WORK / "stamp.json").unlink()
    technical_file.build(finished)
    assert stamp.outputs_hash(technical_file.outputs(finished)) == before


@pytest.mark.parametrize("name", [*NEEDED, "predictions/predictions.json"])
def test_missing_evidence_is_named(html, finished, name):
    path = finished / "artifacts" / name
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(FileError, match="FILE-EVIDENCE"):
            technical_file.build(finished)
    finally:
        path.write_bytes(content)


def test_an_edited_figure_is_refused(html, finished):
    path = finished / "artifacts/validation/validation.json"
    content = path.read_bytes()
    record = json.loads(content)
    record["figures"]["ap50"]["macro"]["value"] = 0.99
    path.write_text(json.dumps(record), encoding="utf-8")
    try:
        with pytest.raises(FileError, match=r"FILE-EVIDENCE at dvc\.lock stage validate: found output artifacts/validation"):
            technical_file.build(finished)
    finally:
        path.write_bytes(content)


def test_verdicts_of_another_state_are_refused(html, finished):
    path = finished / "artifacts/verification/verdicts.json"
    content = path.read_bytes()
    path.write_text(
        json.dumps(json.loads(content) | {"identity": json.loads(content)["identity"] | {"sha256": "0" * 64}}), encoding="utf-8"
    )
    try:
        with pytest.raises(FileError, match=r"FILE-EVIDENCE at artifacts/verification/verdicts\.json"):
            technical_file.build(finished)
    finally:
        path.write_bytes(content)


def test_a_deleted_section_is_named(html, finished):
    path = finished / "docs" / "labelling.md"
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(FileError, match="FILE-CONTENT at docs/: found no page labelling"):
            technical_file.build(finished)
    finally:
        path.write_bytes(content)


def test_a_refused_build_leaves_the_last_file_as_it_was(html, finished):
    before = stamp.outputs_hash(technical_file.outputs(finished))
    path = finished / "docs" / "labelling.md"
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(FileError, match="FILE-CONTENT"):
            technical_file.build(finished)
    finally:
        path.write_bytes(content)
    assert stamp.outputs_hash(technical_file.outputs(finished)) == before


def test_every_unit_of_the_device_has_its_design(html):
    units = set(
        re.findall(
            r'<span class="pre">(device_sw[\w.]*)</span>',
            "".join(page(html, f"design/{path.stem}") for path in (html / "design").glob("*.html")),
        )
    )
    modules = {path for path in (ROOT / "device_sw").rglob("*.py") if path.stat().st_size}
    assert len(units) >= len(modules)


@pytest.mark.parametrize("name", ["development-plan", "clinical-evaluation", "approvals"])
def test_a_deleted_plan_is_named(html, finished, name):
    path = finished / "docs" / f"{name}.md"
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(FileError, match=rf"FILE-CONTENT at docs/.*found no page {name}"):
            technical_file.build(finished)
    finally:
        path.write_bytes(content)


def test_a_figure_that_does_not_exist_stops_the_build(html, finished):
    path = finished / "docs" / "model.md"
    content = path.read_bytes()
    path.write_bytes(content + b'\n{{ figure("artifacts/training/training.json", "/accuracy") }}\n')
    try:
        with pytest.raises(FileError, match=r"FILE-EVIDENCE at artifacts/training/training\.json /accuracy"):
            technical_file.build(finished)
    finally:
        path.write_bytes(content)
