"""Tables keep their cells apart, text stays text, and the register of gaps is read strictly."""

from pathlib import Path

import pytest

from pipeline.dossier.gaps import gap_list, load_gaps, section_gaps
from pipeline.dossier.tables import plain, table
from pipeline.file_error import FileError
from requirements_spec.model import SECTIONS

ROOT = Path(__file__).resolve().parents[3]

GAP = """
[[gap]]
id = "GAP-001"
title = "Reader study"
clauses = ["MDR Annex XIV"]
section = "validation"
missing = "No study."
owner_role = "clinical evaluation"
plan = "A study."
effect = "Unknown benefit."
"""


@pytest.mark.parametrize("text", [">=3.11", "- a", "+ b", "a|b", "**x**", "<script>", "$x$", "{role}`x", "[x](y)"])
def test_text_from_data_is_never_markup(text):
    shown = plain(text)
    assert not shown.startswith((">", "-", "+"))
    assert "<" not in shown
    assert "`" not in shown.replace("\\`", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `./qms a_b --c` twice", "run `./qms a_b --c` twice"),
        ("{role}`x`", r"\{role\}`x`"),
        ("a ` b_c", r"a \` b\_c"),
        ("`` x", r"\`\` x"),
        ("`a\nb_c`", "\\`a\nb\\_c\\`"),
    ],
)
def test_code_in_text_from_data_stays_code_and_makes_nothing_else_markup(text, shown):
    assert plain(text) == shown


def test_every_row_has_every_cell():
    lines = table(["a", "b"], [["1", ""], ["2\n\nmore", "3"]]).splitlines()
    assert sum(line.startswith("* - ") for line in lines) == 3
    assert sum(line.startswith("  - ") for line in lines) == 3
    assert "    more" in lines


def write_gaps(root, text):
    (root / "docs").mkdir()
    (root / "docs" / "gaps.toml").write_text(f'schema = "thoratrace/gaps/1"\n{text}', encoding="utf-8")


def test_a_gap_is_listed_with_its_clause(tmp_path):
    write_gaps(tmp_path, GAP)
    gaps = load_gaps(tmp_path)
    assert "MDR Annex XIV" in gap_list(gaps)
    assert "Reader study" in section_gaps(gaps, "validation")
    assert section_gaps(gaps, "model") == ""


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (GAP.replace('effect = "Unknown benefit."', ""), "effect"),
        (GAP.replace("validation", "elsewhere"), "elsewhere"),
        (GAP + 'extra = "x"\n', "extra"),
        (GAP + GAP, "GAP-001"),
        (GAP.replace('missing = "No study."', 'missing = ""'), "missing"),
    ],
)
def test_a_register_that_does_not_hold_stops_the_build(tmp_path, change, found):
    write_gaps(tmp_path, change)
    with pytest.raises(FileError, match=f"FILE-DATA.*{found}"):
        load_gaps(tmp_path)


def test_what_is_clinical_stands_as_a_gap():
    titles = " ".join(gap.title.lower() for gap in load_gaps(ROOT))
    for subject in ("clinical evaluation", "reader study", "summative", "clinical follow-up", "standards", "approvals"):
        assert subject in titles, subject


def test_every_section_has_a_page():
    assert [name for name in SECTIONS if not (ROOT / "docs" / f"{name}.md").is_file()] == []
