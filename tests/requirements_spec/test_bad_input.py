"""Whatever lies where a data file should be: a problem with code, file and line, never an exception, and no message without end."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from requirements_spec.datafile import MAX_SHOWN, Table, Tables, Text, Texts, Whole, parse, read
from requirements_spec.loader import load
from requirements_spec.source_lines import Places, line_index, table_lines

ROW = Table({"id": Text(pattern=r"X-\d"), "level": Whole(1, 5), "tags": Texts(Text(), least=0, required=False)})
FILE = Table({"schema": Text(), "row": Tables(ROW)})
GOOD = 'schema = "s"\n[[row]]\nid = "X-1"\nlevel = 3\n'
LONGEST = 1000
"""Characters of a whole message, the names of keys and the repair included."""


def only(content, tmp_path):
    """Return the one problem of a file with this content."""
    (tmp_path / "f.toml").write_bytes(content)
    (problem,) = read(tmp_path, "f.toml", FILE).problems
    assert len(str(problem)) < LONGEST
    return problem.where, problem.code


@pytest.mark.parametrize(
    ("content", "where", "code"),
    [
        (b"\xff", "f.toml:1", "SPC-ENCODING"),
        ("\ufeff".encode() + GOOD.encode(), "f.toml:1", "SPC-ENCODING"),
        (GOOD.encode("utf-16"), "f.toml:1", "SPC-ENCODING"),
        (b'schema = "s"\nx = "\x00"\n', "f.toml:2", "SPC-TOML"),
        (b'schema = "s"\n\x00', "f.toml:2", "SPC-TOML"),
        (b"schema = 1" + b"0" * 5000, "f.toml:1", "SPC-TOML"),
        (b"schema = " + b"[" * 100_000, "f.toml:1", "SPC-TOML"),
        (b"schema = " + b"{a=" * 100_000, "f.toml:1", "SPC-TOML"),
        (b"a." * 5000 + b"b = 1", "f.toml:1", "SPC-TOML"),
        (b'schema = "s"\nschema = "s"\n', "f.toml:2", "SPC-TOML"),
        (b"[[row]]\n[row]\n", "f.toml:2", "SPC-TOML"),
        (b"schema = 1979-13-45\n", "f.toml:1", "SPC-TOML"),
    ],
)
def test_a_file_that_is_no_data_is_one_problem_at_its_line(content, where, code, tmp_path):
    assert only(content, tmp_path) == (where, code)


def test_line_ends_of_windows_change_nothing():
    document = parse("f.toml", GOOD.replace("\n", "\r\n"), FILE)
    assert document.problems == ()
    assert [row.where for row in document.rows("row")] == ["f.toml:2"]


def test_an_empty_file_lacks_its_keys():
    assert {problem.code for problem in parse("f.toml", "", FILE).problems} == {"SPC-MISSING-KEY"}


def test_a_link_to_nowhere_and_a_link_in_a_circle_are_files_that_cannot_be_read(tmp_path):
    (tmp_path / "nowhere.toml").symlink_to(tmp_path / "absent")
    (tmp_path / "circle.toml").symlink_to(tmp_path / "circle.toml")
    for name in ("nowhere.toml", "circle.toml"):
        (problem,) = read(tmp_path, name, FILE).problems
        assert problem.code == "SPC-FILE"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "f.toml")
    (problem,) = read(tmp_path, "f.toml", FILE).problems
    assert (problem.code, problem.found) == ("SPC-FILE", "OSError")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"X-1"', '"' + "x" * 1_000_000 + '"'),
        GOOD + f'"{"k" * 1_000_000}" = 1\n',
        GOOD + "tags = [" + '"x", ' * 200_000 + "]\n",
        GOOD.replace("level = 3", "level = " + "[" * 300 + "]" * 300),
        GOOD.replace("level = 3", "level." + "a." * 300 + "b = 1"),
        GOOD.replace("level = 3", "level = " + "9" * 4000),
    ],
    ids=["text", "key", "list", "nesting", "dotted key", "number"],
)
def test_nothing_too_large_is_repeated_in_a_message(text):
    problems = parse("f.toml", text, FILE).problems
    assert problems
    assert all(len(str(problem)) < LONGEST for problem in problems)


def test_a_key_too_long_to_repeat_is_cut_and_placed_at_its_table():
    (problem,) = parse("f.toml", GOOD + "k" * 100 + " = 1\n", FILE).problems
    assert (problem.where, problem.code) == ("f.toml:2", "SPC-UNKNOWN-KEY")
    assert len(problem.item) == len("$.row[0].") + MAX_SHOWN


def test_a_digit_of_another_script_is_no_digit_of_an_id():
    assert [problem.code for problem in parse("f.toml", GOOD.replace("X-1", "X-\u0661"), FILE).problems] == ["SPC-VALUE"]


def test_a_duplicate_id_is_named_at_the_second_place(project):
    path = project / "requirements_spec/data/user_needs.toml"
    text = path.read_text(encoding="utf-8")
    again = text[text.index("[[need]]") :].split("[[need]]")[1]
    path.write_text(f"{text}\n[[need]]{again}", encoding="utf-8")
    (problem,) = (each for each in load(project)[1] if each.code == "SPC-DUPLICATE-ID")
    assert problem.where == f"requirements_spec/data/user_needs.toml:{text.count(chr(10)) + 2}"


def test_interfaces_may_run_in_a_circle(project):
    """What one item asks of another is no order: the device asks the detector, and the detector may report back."""
    path = project / "requirements_spec/data/architecture.toml"
    text = path.read_text(encoding="utf-8")
    both = '\n[[interface]]\nfrom = "SWI-DICOM"\nto = "SWI-DEVICE"\npasses = "x"\n[[interface]]\nfrom = "SWI-DEVICE"\nto = "SWI-DICOM"\npasses = "y"\n'
    path.write_text(text + both, encoding="utf-8")
    assert [problem for problem in load(project)[1] if "architecture" in problem.where and problem.code != "SPC-DANGLING"] == []


def test_a_lock_or_project_file_that_is_none_is_a_problem(project):
    (project / "pyproject.toml").write_text("project = 1\n", encoding="utf-8")
    assert "SPC-FILE" in {problem.code for problem in load(project)[1]}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_document(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.toml").write_bytes(content)
    document = read(folder, "any.toml", FILE)
    assert document.problems
    assert all(len(str(problem)) < LONGEST for problem in document.problems)


LINES = (
    "[[a]]",
    "[[ a ]]",
    "[[a.b]]",
    "[c]",
    "[ c.d ]",
    '["e f"]',
    "x = 1",
    'y = "[[a]]"',
    "z = [",
    "]",
    '  "x",',
    "# [[a]]",
    "[[a]] # why",
    "",
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_the_quick_lines_of_tables_are_those_of_reading_every_line(lines):
    import tomli

    text = "\n".join(lines)
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError:
        return
    every = line_index(text)
    quick = table_lines(text, data) or {}
    assert all(every[path] == line for path, line in quick.items())
    assert all(Places(text, data).line(path) == line for path, line in every.items())
