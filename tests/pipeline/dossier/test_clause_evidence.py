"""What a row names has to be there: a file, a figure, a page, a section, an item, a gap, a standard. Where it is gone, the clause is named."""

import json

import pytest

from pipeline.dossier.clause_evidence import in_words, require_files, require_places
from pipeline.dossier.clause_manifests import Clause, Figure, Manifest
from pipeline.dossier.headings import Heading, Places
from pipeline.file_error import FileError

PLACES = Places(
    {"validation": (Heading(0, "Validation"), Heading(4, "End points"), Heading(6, "Twice"), Heading(8, "Twice"))},
    frozenset({"srs-001"}),
)


def clause(**changes):
    empty = {"asks": "x", "group": "", "shown": (), "files": (), "figures": (), "items": (), "gaps": (), "not_applicable": ""}
    return Clause(
        **{
            **empty,
            "name": "STD 1",
            "number": "1",
            "permitted": "",
            "method": "",
            "standards": (),
            "where": "m.toml:7",
            **changes,
        }
    )


def manifest(*clauses, standard="std"):
    return Manifest("m", 1, "M", "STD", standard, "About.", (), clauses)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"n": 3, "rows": [1, 2]}), encoding="utf-8")
    return tmp_path


def figure(pointer, path="a.json"):
    return clause(figures=(Figure("films", path, pointer),))


def test_files_and_figures_that_are_there_pass(tree):
    require_files(tree, [manifest(clause(files=("a.json",)), figure("/n"), figure("/rows/1"))])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            clause(files=("b.txt",)),
            r"at b\.txt: found no such file, evidence for STD 1, expected .*Repair: restore b\.txt from version control",
        ),
        (figure("/n", "artifacts/b.json"), r"at artifacts/b\.json: found .*evidence for STD 1.*Repair: run \./qms demo"),
        (
            figure("/m"),
            r"at a\.json#/m: found nothing at 'm', evidence for STD 1.*restore a\.json from version control, or correct the row at m\.toml:7",
        ),
        (figure("/rows"), r"at a\.json#/rows: found 2 values, evidence for STD 1, expected one figure"),
    ],
)
def test_what_is_gone_is_named_with_its_clause(tree, row, said):
    with pytest.raises(FileError, match=f"FILE-EVIDENCE {said}"):
        require_files(tree, [manifest(row)])


def require(*clauses, gaps=("GAP-001",), standards=("std",), **about):
    require_places([manifest(*clauses, **about)], PLACES, gaps, standards)


GAP = clause(gaps=("GAP-001",))


def test_places_that_are_there_pass():
    require(GAP, clause(shown=("validation", "validation#end-points"), items=("SRS-001",), standards=("std",)))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (clause(shown=("lost",)), r"no page lost, expected the page that is evidence for it"),
        (
            clause(shown=("validation#lost",)),
            r"no section lost on the page validation, .*write the section in docs/validation\.md again",
        ),
        (clause(shown=("validation#twice",)), r"2 sections twice on the page validation"),
        (clause(items=("SRS-002",)), r"no item SRS-002"),
        (clause(gaps=("GAP-009",)), r"no gap GAP-009, .*where the gap was closed, name the evidence instead"),
        (clause(standards=("other",)), r"no standard other"),
    ],
)
def test_what_a_row_names_and_is_not_there_is_refused(row, said):
    with pytest.raises(FileError, match=f"FILE-CONTENT at m.toml:7 STD 1: found {said}"):
        require(GAP, row)


def test_a_gap_against_no_clause_is_named():
    with pytest.raises(FileError, match=r"FILE-CONTENT at docs/gaps\.toml GAP-002: found a gap that stands against no clause"):
        require(GAP, gaps=("GAP-001", "GAP-002"))


def test_a_manifest_of_an_unregistered_standard_is_named():
    with pytest.raises(FileError, match=r"FILE-CONTENT at docs/clauses/m\.toml STD: found no standard other"):
        require(GAP, standard="other")


def test_many_clauses_are_counted():
    assert in_words([f"STD {number}" for number in range(1, 7)]) == "evidence for STD 1, STD 2, STD 3 and 3 further"
