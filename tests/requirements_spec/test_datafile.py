from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requirements_spec.datafile import MAX_TEXT, Flag, Table, Tables, Text, Texts, Whole, duplicate_ids, parse, read

ROW = Table(
    {
        "id": Text(pattern=r"X-\d"),
        "level": Whole(1, 5),
        "tags": Texts(Text(choices=frozenset({"a", "b"}))),
        "open": Flag(required=False),
    }
)
FILE = Table({"schema": Text(), "row": Tables(ROW)})
GOOD = 'schema = "s"\n\n[[row]]\nid = "X-1"\nlevel = 3\ntags = ["a", "b"]\nopen = true\n'


def problems(text):
    return [(problem.where, problem.code, problem.item) for problem in parse("f.toml", text, FILE).problems]


def test_a_file_that_fits_has_no_problem_and_sound_rows():
    document = parse("f.toml", GOOD, FILE)
    assert document.problems == ()
    assert [(row.id, row.where, row.sound) for row in document.rows("row")] == [("X-1", "f.toml:3", True)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("level = 3", "level = 3\nlevle = 3", ("f.toml:6", "SPC-UNKNOWN-KEY", "$.row[0].levle")),
        ("level = 3\n", "", ("f.toml:3", "SPC-MISSING-KEY", "$.row[0].level")),
        ("level = 3", "level = 3\nlevel = 4", ("f.toml:6", "SPC-TOML", "$")),
        ("level = 3", 'level = "3"', ("f.toml:5", "SPC-TYPE", "$.row[0].level")),
        ("level = 3", "level = 3.0", ("f.toml:5", "SPC-TYPE", "$.row[0].level")),
        ("level = 3", "level = true", ("f.toml:5", "SPC-TYPE", "$.row[0].level")),
        ("level = 3", "level = 6", ("f.toml:5", "SPC-TYPE", "$.row[0].level")),
        ("open = true", "open = 1", ("f.toml:7", "SPC-TYPE", "$.row[0].open")),
        ('["a", "b"]', '["a", "c"]', ("f.toml:6", "SPC-VALUE", "$.row[0].tags[1]")),
        ('["a", "b"]', '["a", "a"]', ("f.toml:6", "SPC-VALUE", "$.row[0].tags[1]")),
        ('["a", "b"]', "[]", ("f.toml:6", "SPC-VALUE", "$.row[0].tags")),
        ('["a", "b"]', '"a"', ("f.toml:6", "SPC-TYPE", "$.row[0].tags")),
        ('"X-1"', '"Y-1"', ("f.toml:4", "SPC-VALUE", "$.row[0].id")),
        ('"X-1"', '"X-12"', ("f.toml:4", "SPC-VALUE", "$.row[0].id")),
        ('"X-1"', '" "', ("f.toml:4", "SPC-VALUE", "$.row[0].id")),
        ('"X-1"', '"X-1\\n"', ("f.toml:4", "SPC-VALUE", "$.row[0].id")),
        ("[[row]]", "[row]", ("f.toml:3", "SPC-TYPE", "$.row")),
        ("[[row]]", "[[rwo]]", ("f.toml:3", "SPC-UNKNOWN-KEY", "$.rwo")),
        ('schema = "s"', 'schema = "s', ("f.toml:1", "SPC-TOML", "$")),
    ],
)
def test_what_does_not_fit_is_named_with_its_line_and_path(old, new, expected):
    assert expected in problems(GOOD.replace(old, new))


def test_all_problems_of_a_file_come_at_once():
    found = problems(GOOD.replace("level = 3", "level = 9").replace('"X-1"', '"?"').replace('schema = "s"', "extra = 1"))
    assert [code for _, code, _ in found] == ["SPC-UNKNOWN-KEY", "SPC-MISSING-KEY", "SPC-VALUE", "SPC-TYPE"]


def test_only_the_row_with_the_problem_is_unsound():
    text = GOOD + '[[row]]\nid = "X-2"\nlevel = 0\ntags = ["a"]\n'
    assert [row.sound for row in parse("f.toml", text, FILE).rows("row")] == [True, False]


def test_a_problem_at_the_head_makes_every_row_unsound():
    assert [row.sound for row in parse("f.toml", GOOD.replace('"s"', "1"), FILE).rows("row")] == [False]


def test_a_text_of_a_megabyte_is_refused_without_being_repeated():
    (problem,) = parse("f.toml", GOOD.replace('"s"', f'"{"x" * 1_000_000}"'), FILE).problems
    assert problem.code == "SPC-VALUE"
    assert str(MAX_TEXT) in problem.expected
    assert len(str(problem)) < 500


def test_nesting_beyond_the_parser_is_a_problem():
    assert problems("a = " + "[" * 20_000)[0][1] == "SPC-TOML"


def test_text_that_is_not_utf8_is_a_problem_with_its_line(tmp_path):
    (tmp_path / "f.toml").write_bytes(b'schema = "s"\nx = "\xff"\n')
    (problem,) = read(tmp_path, "f.toml", FILE).problems
    assert (problem.where, problem.code) == ("f.toml:2", "SPC-ENCODING")


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir])
def test_a_missing_file_and_a_folder_are_problems(tmp_path, make):
    make(tmp_path / "f.toml")
    (problem,) = read(tmp_path, "f.toml", FILE).problems
    assert problem.code == "SPC-FILE"


def test_the_second_row_with_an_id_is_the_problem():
    document = parse("f.toml", GOOD + GOOD.split("\n\n")[1], FILE)
    (problem,) = duplicate_ids(document.rows("row"))
    assert (problem.where, problem.code, problem.item) == ("f.toml:8", "SPC-DUPLICATE-ID", "X-1")
    assert "f.toml:3" in problem.found


@given(st.text(max_size=200))
def test_no_text_raises(text):
    document = parse("f.toml", text, FILE)
    assert document.problems, "no random text is a file of this form"


@given(st.binary(max_size=100))
def test_no_bytes_raise(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "f.toml").write_bytes(content)
    assert read(folder, "f.toml", FILE).problems
