"""A manifest holds a row for each clause of its outline, and each row says one of two things; anything else is refused with its line."""

import json
from pathlib import Path

import pytest

from pipeline.dossier.clause_manifests import FOLDER, expanded, load_manifests
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]
HEAD = {
    "schema": "thoratrace/clauses/1",
    "author": "DEMO-author",
    "place": 1,
    "title": "Small",
    "cites": "STD",
    "standard": "std",
    "about": "A manifest.",
    "outline": ["1.{1..2}"],
}
ONE = {"clause": "1.1", "asks": "A plan.", "shown": ["validation#endpoints"]}
TWO = {"clause": "1.2", "asks": "A report.", "gaps": ["GAP-001"]}


def load(tmp_path, *rows, **head):
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**HEAD, **head}.items()]
    for row in rows:
        lines += ["[[clause]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
    (tmp_path / FOLDER).mkdir(parents=True, exist_ok=True)
    (tmp_path / FOLDER / "small.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_manifests(tmp_path)


def test_rows_are_read_with_their_names_and_places(tmp_path):
    (manifest,) = load(tmp_path, ONE, {**TWO, "cited_as": "LAW 1.2", "figures": ["films: evidence/a.json#/n/0"]})
    assert [clause.name for clause in manifest.clauses] == ["STD 1.1", "LAW 1.2"]
    assert (manifest.clauses[1].figures[0].label, manifest.clauses[1].paths()) == ("films", ("evidence/a.json",))
    assert manifest.clauses[0].where == f"{FOLDER}/small.toml:9"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ONE], r"small\.toml STD 1\.2: found 0 rows for this clause"),
        ([ONE, TWO, TWO], r"small\.toml STD 1\.2: found 2 rows for this clause"),
        ([ONE, TWO, {**TWO, "clause": "1.3"}], r"small\.toml:17 STD 1\.3: found a row that the outline does not have"),
        ([ONE, {"clause": "1.2", "asks": "x"}], r"small\.toml:13 STD 1\.2: found neither evidence, nor a gap, nor a reason"),
        ([ONE, {**TWO, "not_applicable": "no", "permitted": "1.2"}], r"STD 1\.2: found a reason for not applying beside"),
        ([ONE, {"clause": "1.2", "asks": "x", "not_applicable": "no"}], r"STD 1\.2: found a reason for not applying that names"),
        ([ONE, {**TWO, "permitted": "1.2"}], r"STD 1\.2: found a permission without a reason"),
        ([ONE, {**TWO, "files": ["somewhere/else.txt"]}], r"STD 1\.2: found the file somewhere/else\.txt, expected a file that"),
    ],
)
def test_rows_that_do_not_hold_are_refused(tmp_path, rows, said):
    with pytest.raises(FileError, match=rf"FILE-CONTENT at {FOLDER}/.*{said}"):
        load(tmp_path, *rows)


def test_columns_are_filled_by_each_row_that_applies(tmp_path):
    away = {"clause": "1.2", "asks": "x", "not_applicable": "no", "permitted": "1.2"}
    with pytest.raises(FileError, match=r"STD 1\.1: found no method, expected method of each clause that applies"):
        load(tmp_path, ONE, away, columns=["method"])
    (manifest,) = load(tmp_path, {**ONE, "method": "test"}, away, columns=["method"])
    assert manifest.clauses[0].method == "test"


def test_an_unknown_key_is_refused_with_its_line(tmp_path):
    with pytest.raises(FileError, match=rf"FILE-DATA at {FOLDER}/small\.toml:13: found"):
        load(tmp_path, {**ONE, "show": ["x"]}, TWO)


def test_no_manifest_at_all_is_refused(tmp_path):
    with pytest.raises(FileError, match=rf"FILE-CONTENT at {FOLDER}: found no manifest"):
        load_manifests(tmp_path)


def test_every_problem_is_counted(tmp_path):
    with pytest.raises(FileError, match=r"\(2 problems in all\)"):
        load(tmp_path, {"clause": "9", "asks": "x", "gaps": ["GAP-001"]}, ONE)


def outline(name):
    return {clause.number for manifest in load_manifests(ROOT) if manifest.id == name for clause in manifest.clauses}


def test_the_standards_are_whole():
    """Counts and corners that are known from the texts' own contents, independent of the outlines in the data."""
    assert outline("fda-software") == set(expanded(["VI.{A..J}"]))
    assert len(outline("gmlp")) == 10
    assert len(outline("iec-62304")) >= 92
    assert {"5.7.1", "5.7.2", "7.1.3", "5.8.8", "9.8"} <= outline("iec-62304")
    assert not {"7.1.5", "7.3.2"} & outline("iec-62304")
    assert len(outline("iso-14971")) >= 25
    assert {number.split(".")[0].split("(")[0] for number in outline("mdr-gspr")} == {str(number) for number in range(1, 24)}
    assert {f"II {number}" for number in ("6.1(c)", "6.1(d)", "6.2(g)", "1.1(l)", "4(d)")} | {"III 1.2"} <= outline(
        "mdr-annexes-ii-iii"
    )
    assert {f"Annex IV {number}" for number in ("1(h)", "2(h)", "9")} <= outline("ai-act-annex-iv")
    assert {"524B(b)(3)", "V.C penetration"} <= outline("fda-cybersecurity")
    assert len(outline("fda-ai-draft")) >= 10


def test_no_row_claims_conformity():
    words = [
        clause.asks + clause.not_applicable + clause.method for manifest in load_manifests(ROOT) for clause in manifest.clauses
    ]
    assert [text for text in words if "complian" in text.lower() or "TBD" in text] == []
