"""A printed view holds what its clauses ask for, or says what is missing; nothing goes missing quietly."""

import json
from pathlib import Path

import pytest

from pipeline.dossier.clause_manifests import load_manifests
from pipeline.dossier.gaps import load_gaps
from pipeline.dossier.views import VIEWS, WHOLE, load_views
from pipeline.file_error import FileError
from requirements_spec.model import SECTIONS

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("adr/1", "adr/2", "index", "risk")
GAPS = ("GAP-001",)
WHOLE_VIEW = {"id": WHOLE, "title": "Whole", "order": "All.", "part": [{"title": "All", "pages": ["index", "risk", "adr/*"]}]}


def load(tmp_path, *views):
    lines = ['schema = "thoratrace/views/1"']
    for view in views:
        lines += ["[[view]]", *(f"{key} = {json.dumps(view[key])}" for key in ("id", "title", "order"))]
        for part in view["part"]:
            lines += ["[[view.part]]", *(f"{key} = {json.dumps(value)}" for key, value in part.items())]
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / VIEWS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_views(tmp_path, PAGES, GAPS)


def view(*parts):
    return {"id": "other", "title": "Other", "order": "Some.", "part": [dict(part) for part in parts]}


def test_a_page_named_before_its_folder_comes_first_and_once(tmp_path):
    part = load(tmp_path, WHOLE_VIEW, view({"title": "P", "pages": ["adr/2", "adr/*"]}))[1].parts[0]
    assert part.pages == ("adr/2", "adr/1")


def test_a_plan_is_printed_in_its_part(tmp_path):
    part = load(tmp_path, WHOLE_VIEW, view({"title": "P", "plans": ["risk"], "gaps": ["GAP-001"]}))[1].parts[0]
    assert (part.pages, part.plans) == (("risk",), ("risk",))


def test_patterns_give_sorted_pages_and_no_page_twice(tmp_path):
    whole, other = load(tmp_path, WHOLE_VIEW, view({"title": "A", "pages": ["adr/2"]}, {"title": "B", "pages": ["adr/*"]}))
    assert list(whole.pages()) == ["index", "risk", "adr/1", "adr/2"]
    assert list(other.pages()) == ["adr/2", "adr/1"]


@pytest.mark.parametrize(
    ("part", "state"),
    [
        ({"pages": ["risk"]}, "EVIDENCE"),
        ({"pages": ["risk"], "gaps": ["GAP-001"]}, "EVIDENCE, WITH GAPS"),
        ({"gaps": ["GAP-001"]}, "GAP"),
        ({"plans": ["risk"], "gaps": ["GAP-001"]}, "GAP"),
        ({"pages": ["index"], "plans": ["risk"], "gaps": ["GAP-001"]}, "EVIDENCE, WITH GAPS"),
        ({"not_applicable": "no hardware"}, "NOT APPLICABLE, REASON NOT SIGNED"),
    ],
)
def test_a_state_follows_from_the_content(tmp_path, part, state):
    assert load(tmp_path, WHOLE_VIEW, view({"title": "P", **part}))[1].parts[0].state == state


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([{"title": "P", "pages": ["lost"]}], r"other: P: found no page lost"),
        ([{"title": "P", "gaps": ["GAP-777"]}], r"other: P: found no gap GAP-777"),
        ([{"title": "P"}], r"other: P: found neither content nor a reason"),
        ([{"title": "P", "pages": ["risk"], "not_applicable": "x"}], r"other: P: found neither content nor a reason, or both"),
        ([{"title": "P", "pages": ["risk"]}, {"title": "Q", "pages": ["risk"]}], r"other: Q: found risk a second time"),
        ([{"title": "P", "also": ["risk"]}], r"other: P: found risk in `also`"),
        ([{"title": "P", "plans": ["risk"]}], r"other: P: found plans without a gap"),
        ([{"title": "P", "plans": ["lost"], "gaps": ["GAP-001"]}], r"other: P: found no page lost"),
    ],
)
def test_a_part_that_does_not_hold_is_refused(tmp_path, parts, said):
    with pytest.raises(FileError, match=rf"FILE-CONTENT at docs/views\.toml {said}"):
        load(tmp_path, WHOLE_VIEW, view(*parts))


def test_a_page_that_the_full_file_leaves_out_is_named(tmp_path):
    with pytest.raises(FileError, match=r"FILE-CONTENT at docs/views\.toml technical-file: found no part prints risk"):
        load(tmp_path, {**WHOLE_VIEW, "part": [{"title": "All", "pages": ["index", "adr/*"]}]})


def test_an_unknown_key_is_refused_with_its_line(tmp_path):
    with pytest.raises(FileError, match=r"FILE-DATA at docs/views\.toml:8"):
        load(tmp_path, WHOLE_VIEW | {"part": [{"title": "All", "page": ["index"]}]})


def test_every_section_and_every_gap_is_in_a_submission_view():
    gaps = {gap.id for gap in load_gaps(ROOT)}
    manifests = {f"clauses/{manifest.id}" for manifest in load_manifests(ROOT)}
    pages = {*(path.stem for path in (ROOT / "docs").glob("*.md")), "sources", *manifests, "clauses/index"}
    views = load_views(ROOT, (*pages, "adr/1", "codes/1", "figures/1", "design/index", "design/dicom", "sources/1"), gaps)
    submitted = [view for view in views if view.id != WHOLE]
    assert set(SECTIONS) <= pages
    assert {gap for view in submitted for part in view.parts for gap in part.gaps} == gaps
    assert all(set(SECTIONS) <= set(view.pages()) for view in submitted)
    assert {page for view in submitted for page in view.pages()} >= manifests | {"clauses/index", "standards"}
