"""A number that somebody types where a measured one belongs is found wherever it is planted; what may stand does so for a reason, and a copy equals its evidence."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.typed_numbers import (
    NUMBERS,
    WATCHED,
    load_allowed,
    masked,
    numbers_table,
    problems,
    require_sourced,
    typed_in,
)
from pipeline.file_error import FileError
from tests.edits import edit

ROOT = Path(__file__).resolve().parents[3]
ANOMALIES = "verification/anomalies.toml"
PROCESSORS = "evidence/numeric_classes/processors.json"
FUZZING = "evidence/fuzzing/fuzzing.json"

WHOLE = st.integers(2, 99_999)
PLANTED = st.one_of(
    st.builds("{:.1f} % of the films".format, st.floats(0, 99)),
    st.builds("{} of {} films passed".format, WHOLE, WHOLE),
    st.builds("{:,} requirements".format, WHOLE),
    st.builds("{} further unit tests".format, WHOLE),
    st.builds("sensitivity 0.{:03d}".format, st.integers(0, 999)),
    st.builds("{:.2f} s".format, st.floats(0, 99)),
    st.builds("a difference of {:.0e}".format, st.floats(1e-9, 1e-3)),
    st.builds("the interval [{:.2f}, {:.2f}]".format, st.floats(0, 9), st.floats(0, 9)),
)


@pytest.fixture
def tree(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("_build", "adr"))
    shutil.copytree(ROOT / "risk/data", tmp_path / "risk/data")
    for name in (ANOMALIES, PROCESSORS, FUZZING):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def words(name, text):
    return [each.text for each in typed_in(name, text)]


def test_the_shipped_project_has_no_number_without_source_or_reason():
    require_sourced(ROOT, EvidenceBook(ROOT))


@given(planted=PLANTED)
def test_a_number_planted_in_a_sentence_is_found(planted):
    assert words("docs/a.md", f"It was {planted}, as we saw.")


LONGEST = (ROOT / "docs/validation.md").read_text(encoding="utf-8").splitlines()
BETWEEN = [
    number
    for number, line in enumerate(LONGEST)
    if not line and sum(each.startswith("```") for each in LONGEST[:number]) % 2 == 0
]
"""Lines between paragraphs: a sentence that is cut in two is another sentence."""


@given(planted=PLANTED, line=st.sampled_from(BETWEEN))
def test_a_number_planted_in_the_longest_page_is_named_with_its_line(planted, line):
    lines = LONGEST
    text = "\n".join([*lines[:line], "", f"It was {planted}.", "", *lines[line:]])
    rows = [row for row in load_allowed(ROOT) if "docs/validation.md" in row.files]
    covered = [span for row in rows for span in row.spans(text)]
    left = [
        each
        for each in typed_in("docs/validation.md", text)
        if not any(a <= each.span[0] and each.span[1] <= b for a, b in covered)
    ]
    assert {each.line for each in left} == {line + 2}


@pytest.mark.parametrize(
    "text",
    [
        "IEC 62304 5.1.4 and 21 CFR 820.30(j), decision 0010",
        "version 0.1.1 of 2026-11-22",
        "{{ figure('evidence/a.json', '/b', '.1%') }} of the films",
        "`--array 0-15` and `wait 5 s`",
        "```\n39 of 952 films\n```\n",
        ":width: 60%\n",
        "two of the seven findings",
        "severity 4 or 5 that its controls do not hold",
    ],
)
def test_what_is_no_measured_number(text):
    assert words("docs/a.md", text) == []


def test_a_number_in_backticks_alone_is_no_name():
    assert words("docs/a.md", "AP50 is `0.93`.") == ["0.93"]


@given(st.text(alphabet="a1 %{}`\n:<-!>.,", max_size=60))
def test_masking_keeps_every_place(text):
    shown = masked(text)
    assert [len(line) for line in shown.split("\n")] == [len(line) for line in text.split("\n")]


def test_a_typed_number_is_refused_with_place_and_repair(tree):
    path = tree / "docs/model.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\nSensitivity was 91.2 % on 400 films.\n", encoding="utf-8")
    line = text.count("\n") + 2
    with pytest.raises(
        FileError,
        match=rf"^FILE-CONTENT at docs/model\.md:{line}: found '91\.2 %', typed by hand \(2 problems in all\), expected .*\. Repair: write figure\(file, pointer\)",
    ):
        require_sourced(tree, EvidenceBook(tree))


def test_a_reason_covers_its_words_and_no_others(tree):
    edit(tree, "docs/validation.md", "A 95 % interval should", "A 95 % sensitivity should")
    found = list(problems(tree, load_allowed(tree)))
    assert [each.found for each in found] == ["'95 %', typed by hand", "no number in these words in docs/validation.md"]


@pytest.mark.parametrize("name", [ANOMALIES, "docs/gaps.toml", "docs/clauses/gmlp.toml", "risk/data/hazards.toml"])
def test_tables_of_sentences_are_looked_at(tree, name):
    path = tree / name
    path.write_text(path.read_text(encoding="utf-8") + "\n# 17 of 900 films\n", encoding="utf-8")
    assert [each.found for each in problems(tree, load_allowed(tree))] == ["'17 of 900', typed by hand"]


def test_a_copy_that_differs_from_its_evidence_is_named(tree):
    record = json.loads((tree / PROCESSORS).read_text(encoding="utf-8"))
    record["golden_films"]["without OV_CPU_MAX_ISA"]["max_box_px"] = 4.2e-5
    (tree / PROCESSORS).write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(FileError, match=rf"FILE-CONTENT at {NUMBERS} 'at most 3e-5 pixel': found a number .* expected 4e-05"):
        require_sourced(tree, EvidenceBook(tree))


def test_a_row_that_nothing_needs_is_named(tree):
    edit(tree, "docs/usability.md", "18 years and older", "legal age")
    with pytest.raises(
        FileError, match=rf"FILE-CONTENT at {NUMBERS} 'adults of 18 years and older': found no number in these words"
    ):
        require_sourced(tree, EvidenceBook(tree))


def test_a_figure_names_its_evidence_and_nothing_else_does(tree):
    edit(tree, NUMBERS, 'kind = "figure"', 'kind = "record"')
    with pytest.raises(FileError, match=r"FILE-CONTENT at .*: found kind record with evidence evidence/fuzzing"):
        load_allowed(tree)


def test_every_pattern_of_the_watched_files_leads_somewhere():
    assert [pattern for pattern in WATCHED if not list(ROOT.glob(pattern))] == []


def test_the_table_of_the_page_names_each_number_and_leads_a_copy_to_its_evidence():
    rows = load_allowed(ROOT)
    text = numbers_table(rows, EvidenceBook(ROOT))
    assert text.count("\n* - ") == len(rows) + 1
    assert text.count("{ev}`") == sum(row.kind == "figure" for row in rows)
