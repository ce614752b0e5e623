"""A printed view says of its clauses what their rows say, and prints what they rest on; nothing goes missing quietly."""

import json
from pathlib import Path

import pytest

from pipeline.dossier.clause_manifests import Clause, load_manifests
from pipeline.dossier.clause_pages import Answer, ClausePages, State
from pipeline.dossier.gaps import load_gaps
from pipeline.dossier.views import VIEWS, WHOLE, load_views
from pipeline.file_error import FileError
from requirements_spec.model import SECTIONS

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("adr/1", "adr/2", "index", "risk")
WHOLE_VIEW = {"id": WHOLE, "title": "Whole", "order": "All.", "part": [{"title": "All", "pages": ["index", "risk", "adr/*"]}]}


def answer(place, number, state, *, manifest="m", **row):
    """A row of a manifest as a view sees it."""
    empty = dict.fromkeys(("files", "figures", "items", "standards"), ())
    words = {"asks": "A plan.", "group": "", "permitted": "", "method": "", "where": "m.toml:7"}
    given = {"shown": (), "gaps": (), "not_applicable": "", **empty, **words, **row}
    cites = "STD" if manifest == "m" else "LAW"
    return Answer(manifest, place, Clause(name=f"{cites} {number}", number=number, **given), state)


SHOWN = answer(0, "1(a)", State.EVIDENCE, shown=("risk#controls", "index"))
OPEN = answer(1, "1(b)", State.GAP, gaps=("GAP-002", "GAP-001"))
AWAY = answer(2, "2", State.UNSIGNED, not_applicable="No hardware.")
FAR = answer(3, "3", State.UNSIGNED, not_applicable="No hardware.")
SIGNED = answer(4, "II 1", State.NOT_APPLICABLE, manifest="law", not_applicable="No tissue.")
LAST = answer(5, "II 2", State.GAP, manifest="law", gaps=("GAP-001",))
ANSWERS = (SHOWN, OPEN, AWAY, FAR, SIGNED, LAST)


def load(tmp_path, *views, answers=ANSWERS):
    lines = ['schema = "thoratrace/views/2"']
    for view in views:
        lines += ["[[view]]", *(f"{key} = {json.dumps(view[key])}" for key in ("id", "title", "order"))]
        for part in view["part"]:
            lines += ["[[view.part]]", *(f"{key} = {json.dumps(value)}" for key, value in part.items())]
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / VIEWS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_views(tmp_path, PAGES, answers)


def view(*parts):
    return {"id": "other", "title": "Other", "order": "Some.", "part": [dict(part) for part in parts]}


def test_a_page_named_before_its_folder_comes_first_and_once(tmp_path):
    part = load(tmp_path, WHOLE_VIEW, view({"title": "P", "pages": ["adr/2", "adr/*"]}))[1].parts[0]
    assert part.pages == ("adr/2", "adr/1")


def test_patterns_give_sorted_pages_and_no_page_twice(tmp_path):
    whole, other = load(tmp_path, WHOLE_VIEW, view({"title": "A", "pages": ["adr/2"]}, {"title": "B", "pages": ["adr/*"]}))
    assert list(whole.pages()) == ["index", "risk", "adr/1", "adr/2"]
    assert list(other.pages()) == ["adr/2", "adr/1"]


ALL = {"title": "Rest", "pages": ["index", "risk"]}


def parts_of(tmp_path, *named):
    """Return the parts that answer the named rows, of a view that also prints what they rest on."""
    return load(tmp_path, WHOLE_VIEW, view(ALL, *({"title": "P", "clauses": list(each)} for each in named)))[1].parts[1:]


def test_a_part_takes_state_gaps_and_reasons_from_its_rows(tmp_path):
    first, second = parts_of(tmp_path, ["m *"], ["law II 2", "law II 1"])
    assert first.state == "1 EVIDENCE; 2 NOT-APPLICABLE, NOT SIGNED; 1 GAP"
    assert first.gaps == ("GAP-001", "GAP-002")
    assert first.reasons == ("STD 2, 3: not applicable. No hardware. The reason is not signed yet.",)
    assert second.state == "1 NOT-APPLICABLE; 1 GAP"
    assert second.reasons == ("LAW II 1: not applicable. No tissue.",)


def test_clauses_are_cited_in_short(tmp_path):
    first, second = parts_of(tmp_path, ["m *", "law II 1"], ["law II 2"])
    assert (first.clause, second.clause) == ("STD 1(a) to 3; LAW II 1", "LAW II 2")
    first, second = parts_of(tmp_path, ["m 1(a)", "m 2", "m 3"], ["m 1(b)"])
    assert (first.clause, second.clause) == ("STD 1(a), 2, 3", "STD 1(b)")


def test_a_part_that_answers_nothing_claims_nothing(tmp_path):
    part = load(tmp_path, WHOLE_VIEW)[0].parts[0]
    assert (part.clause, part.state, part.gaps, part.reasons) == ("", "", (), ())


def test_a_signature_changes_the_print(tmp_path):
    signed = answer(2, "2", State.NOT_APPLICABLE, not_applicable="No hardware.")
    part = load(tmp_path, view({"title": "P", "clauses": ["m *"]}), WHOLE_VIEW, answers=(signed,))[0].parts[0]
    assert (part.state, part.reasons) == ("1 NOT-APPLICABLE", ("STD 2: not applicable. No hardware.",))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([{"title": "P", "pages": ["lost"]}], r"other: P: found no page lost"),
        ([{"title": "P", "clauses": ["m 9"]}], r"other: P: found no clause m 9"),
        ([{"title": "P", "clauses": ["lost *"]}], r"other: P: found no clause lost \*"),
        ([{"title": "P"}], r"other: P: found neither pages nor clauses"),
        ([{"title": "P", "pages": ["risk"]}, {"title": "Q", "pages": ["risk"]}], r"other: Q: found risk a second time"),
        ([{"title": "P", "also": ["risk"]}], r"other: P: found risk in `also`"),
        ([{"title": "P", "clauses": ["m *"]}, {"title": "Q", "clauses": ["m 2"]}], r"other: Q: found STD 2 a second time"),
        ([{"title": "P", "clauses": ["law II 1"]}], r"other: found no part answers LAW II 2, expected every clause"),
        (
            [{"title": "P", "pages": ["index"], "clauses": ["m *"]}],
            r"other: P: found risk, which STD 1\(a\) rests on, is not printed",
        ),
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


def test_a_gap_may_not_be_named_beside_the_rows(tmp_path):
    with pytest.raises(FileError, match=r"FILE-DATA at docs/views\.toml:8"):
        load(tmp_path, WHOLE_VIEW | {"part": [{"title": "All", "gaps": ["GAP-001"]}]})


@pytest.fixture(scope="module")
def shipped():
    """The views of this project with the rows of its manifests, none of which is taken as signed."""
    manifests = load_manifests(ROOT)
    answers = ClausePages(manifests, {}, {gap.id: gap for gap in load_gaps(ROOT)}, {}, None).answers()
    written = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    made = {
        "sources",
        "sources/1",
        "codes/1",
        "figures/1",
        "design/index",
        "design/dicom",
        *(f"clauses/{each.id}" for each in manifests),
    }
    return load_views(ROOT, written | made, answers), answers, manifests


def test_every_section_and_every_gap_is_in_a_submission_view(shipped):
    views, _, manifests = shipped
    gaps = {gap.id for gap in load_gaps(ROOT)}
    pages = {f"clauses/{manifest.id}" for manifest in manifests}
    submitted = [view for view in views if view.id != WHOLE]
    assert {gap for view in submitted for part in view.parts for gap in part.gaps} == gaps
    assert all(set(SECTIONS) <= set(view.pages()) for view in submitted)
    assert {page for view in submitted for page in view.pages()} >= pages | {"clauses/index", "standards"}


@pytest.mark.parametrize(
    ("name", "manifests"),
    [
        ("fda-510k", {"fda-software", "fda-ai-draft", "fda-cybersecurity", "fda-pccp", "fda-estar", "fda-image-analyzers"}),
        ("mdr-annexes", {"mdr-annexes-ii-iii", "ai-act-annex-iv"}),
    ],
)
def test_a_submission_view_answers_each_clause_of_its_authority_once(shipped, name, manifests):
    views, answers, _ = shipped
    answered = [each for view in views if view.id == name for each in view.answers()]
    assert len(answered) == len(set(answered))
    assert set(answered) >= {each for each in answers if each.manifest in manifests}


def test_the_gaps_of_every_part_are_those_of_its_clauses(shipped):
    for view in shipped[0]:
        for part in view.parts:
            assert set(part.gaps) == {gap for each in part.answers for gap in each.clause.gaps}
            assert ("GAP" in part.state) == bool(part.gaps)
