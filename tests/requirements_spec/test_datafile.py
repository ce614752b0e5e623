from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requirements_spec.datafile import MAX_TEXT, RULE, Flag, Table, Tables, Text, Texts, Whole, duplicate_ids, parse, read
from requirements_spec.reading_cache import ReadingCache, open_cache
from requirements_spec.schema import ARCHITECTURE, SOFTWARE_REQUIREMENTS, SOUP, USER_NEEDS

ROW = Table(
    {
        "id": Text(pattern=r"X-\d"),
        "level": Whole(1, 5),
        "tags": Texts(Text(choices=frozenset({"a", "b"}))),
        "open": Flag(required=False),
    }
)
FILE = Table({"schema": Text(), "row": Tables(ROW)})
NARROW = Table(
    {"schema": Text(), "row": Tables(Table({**ROW.fields, "tags": Texts(Text(choices=frozenset({"a", "b"})), most=2)}))}
)
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


LONG = "x" * 2001
WORDS = {
    "blank": ('"X-1"', '" "', "a blank text", "words", "write the text"),
    "empty": ('"X-1"', '""', "a blank text", "words", "write the text"),
    "long": ('"X-1"', f'"{LONG}"', "2001 characters", "at most 2000", "shorten the text or split the item"),
    "control": (
        '"X-1"',
        '"X\\u0007"',
        "a control character",
        "printable characters on one line",
        "remove the control character",
    ),
    "form": ('"X-1"', '"X-12"', "'X-12'", r"a text of the form X-\d", "write the value in this form"),
    "another alphabet's digit": ('"X-1"', '"X-٣"', "'X-٣'", r"a text of the form X-\d", "write the value in this form"),
    "choice": ('["a", "b"]', '["a", "c"]', "'c'", "one of a, b", "choose one of the allowed values"),
    "no text": ('"X-1"', "1", "int 1", "a text", "write a value of the expected type"),
    "no list": ('["a", "b"]', '"a"', "str 'a'", "a list of texts", "write a value of the expected type"),
    "too few": ('["a", "b"]', "[]", "0 entries", "1 to 2", "add the missing entries or remove the surplus"),
    "twice": ('["a", "b"]', '["a", "a"]', "'a' a second time", "each entry once", "remove the repeated entry"),
    "low": ("level = 3", "level = 0", "int 0", "a whole number from 1 to 5", "write a value of the expected type"),
    "true": ("level = 3", "level = true", "bool True", "a whole number from 1 to 5", "write a value of the expected type"),
    "no flag": ("open = true", "open = 1", "int 1", "true or false", "write a value of the expected type"),
    "no array": ("[[row]]", "[row]", "dict {", "an array of tables", "write a value of the expected type"),
    "missing": ("level = 3\n", "", "nothing", "the key level", "add the key with its value"),
    "unknown": (
        "level = 3",
        "level = 3\nlevle = 3",
        "the key 'levle'",
        "one of id, level, tags, open",
        "remove or rename the key",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_fault_is_told_with_what_was_expected_and_how_to_mend_it(case):
    old, new, found, expected, repair = WORDS[case]
    (problem,) = parse("f.toml", GOOD.replace(old, new), NARROW).problems
    assert problem.found.startswith(found) if case == "no array" else problem.found == found
    assert (problem.expected, problem.repair, problem.clause) == (expected, repair, RULE)


@pytest.mark.parametrize(
    ("text", "faulty"), [("x" * 2000, False), ("level = 1", False), ("x" * 2001, True)], ids=["longest", "short", "longer"]
)
def test_the_longest_text_has_two_thousand_characters(text, faulty):
    assert bool(Text().faults(text)) is faulty


@pytest.mark.parametrize(("number", "faulty"), [(0, True), (1, False), (5, False), (6, True)])
def test_both_ends_of_a_range_belong_to_it(number, faulty):
    assert bool(Whole(1, 5).faults(number)) is faulty


@pytest.mark.parametrize(("count", "faulty"), [(0, True), (1, False), (2, False), (3, True)])
def test_both_ends_of_a_count_belong_to_it(count, faulty):
    assert bool(Texts(least=1, most=2).faults([str(each) for each in range(count)])) is faulty


def test_entries_beyond_the_most_are_not_judged_one_by_one():
    faults = Texts(most=1).faults(["a", 1, 2])
    assert [(each.path, each.found) for each in faults] == [("", "3 entries")]
    assert [each.path for each in Texts(most=2).faults(["a", 1])] == ["[1]"]


def test_where_repeats_are_allowed_they_are_no_fault():
    assert list(Texts(repeats=True).faults(["a", "a"])) == []


def test_a_text_that_may_be_blank_may_be_nothing_but_blank():
    assert list(Text(blank=True).faults("")) == []
    assert [each.found for each in Text(blank=True).faults(3)] == ["int 3"]


def test_too_few_tables_are_told():
    table = Table({"row": Tables(Table({"a": Flag()}), least=2)})
    (problem,) = parse("f.toml", "[[row]]\na = true\n", table).problems
    assert (problem.where, problem.code, problem.item, problem.found, problem.expected, problem.repair) == (
        "f.toml:1",
        "SPC-VALUE",
        "$.row",
        "1 tables",
        "at least 2",
        "add the missing tables",
    )
    assert parse("f.toml", "[[row]]\na = true\n[[row]]\na = false\n", table).problems == ()


MENDED = "repair the file or restore it from version control"


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        (b'\xef\xbb\xbfschema = "s"\n', 1, ("SPC-ENCODING", "a byte order mark", "UTF-8 text without a byte order mark")),
        (b'schema = "s"\n\nx = "\xff"\n', 3, ("SPC-ENCODING", "byte 19 that is not UTF-8", "UTF-8 text")),
        (b"a = " + b"[" * 20_000, 1, ("SPC-TOML", "nesting too deep to parse", "valid TOML")),
        (b"a = 1\nb = \n", 2, ("SPC-TOML", "Invalid value (at line 2, column 5)", "valid TOML, each key once")),
        (None, 1, ("SPC-FILE", "FileNotFoundError", "a readable file")),
    ],
    ids=["mark", "encoding", "nesting", "syntax", "nothing"],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, content, line, told):
    if content is not None:
        (tmp_path / "f.toml").write_bytes(content)
    document = read(tmp_path, "f.toml", FILE)
    (problem,) = document.problems
    assert (problem.where, problem.item) == (f"f.toml:{line}", "$")
    assert (problem.code, problem.found, problem.expected) == told
    assert (problem.repair, problem.clause) == (MENDED, RULE)
    assert document.rows("row") == ()
    assert document.where("$.row[0]") == "f.toml:1"
    assert not document.sound("$.row[0]")


def test_an_error_at_the_end_of_a_text_stands_on_its_last_line():
    (problem,) = parse("f.toml", 'a = 1\nb = """', FILE).problems
    assert problem.where == "f.toml:2"


def test_a_cached_reading_is_the_reading_of_the_same_file(tmp_path):
    (tmp_path / "f.toml").write_text(GOOD, encoding="utf-8")
    cache = ReadingCache()
    first = read(tmp_path, "f.toml", FILE, cache)
    cache.save(tmp_path / "cache")
    again = read(tmp_path, "f.toml", Table({}), open_cache(tmp_path / "cache"))
    assert (again.name, again.data, again.problems, again.spoiled) == (first.name, first.data, (), frozenset())
    assert [again.where(path) for path in ("$.row[0]", "$.row[0].tags")] == ["f.toml:3", "f.toml:6"]
    assert [row.where for row in again.rows("row")] == ["f.toml:3"]


def test_a_reading_with_a_problem_is_not_kept(tmp_path):
    (tmp_path / "f.toml").write_text(GOOD.replace("level = 3", "level = 9"), encoding="utf-8")
    cache = ReadingCache()
    assert len(read(tmp_path, "f.toml", FILE, cache).problems) == 1
    cache.save(tmp_path / "cache")
    assert len(read(tmp_path, "f.toml", FILE, open_cache(tmp_path / "cache")).problems) == 1


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("row = 3", ()),
        ('schema = "s"\nrow = [1, {id = 5, level = 1, tags = ["a"]}]', (("", False),)),
        ('schema = "s"\nother = { a = 1 }\n[[row]]\nid = "X-1"\nlevel = 1\ntags = ["a"]', (("X-1", False),)),
    ],
)
def test_rows_are_the_tables_of_an_array_and_their_ids_are_texts(text, sound):
    assert tuple((row.id, row.sound) for row in parse("f.toml", text, FILE).rows("row")) == sound


def test_a_repeated_id_names_the_first_place_each_time():
    row = GOOD.split("\n\n")[1]
    problems = list(duplicate_ids(parse("f.toml", GOOD + row + row, FILE).rows("row")))
    assert [(each.where, each.found) for each in problems] == [
        ("f.toml:8", "an id that f.toml:3 has already"),
        ("f.toml:13", "an id that f.toml:3 has already"),
    ]
    assert {(each.expected, each.repair, each.clause) for each in problems} == {
        ("each id once in the project", "give the newer item the next free id", RULE)
    }


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


@pytest.mark.parametrize("table", [USER_NEEDS, SOFTWARE_REQUIREMENTS, ARCHITECTURE, SOUP])
def test_a_file_of_another_schema_is_named_by_its_head(table):
    (named,) = table.fields["schema"].choices
    for schema, faulty in ((named, False), (f"{named}0", True)):
        problems = parse("f.toml", f'schema = "{schema}"\n', table).problems
        assert (("SPC-VALUE", "$.schema") in {(each.code, each.item) for each in problems}) is faulty
