import tomllib

from hypothesis import given
from hypothesis import strategies as st

from requirements_spec.source_lines import line_index, line_of, table_lines

NAMES = st.from_regex(r"[a-z]{1,6}", fullmatch=True)


def test_keys_of_nested_arrays_of_tables_have_their_lines():
    text = '[[hazard]]\nid = "a"\n[[hazard.situation]]\nid = "b"\n[[hazard.situation]]\nid = "c"\n[[hazard]]\n[[hazard.situation]]\nid = "d"\n'
    lines = line_index(text)
    assert lines["$.hazard[0].situation[1].id"] == 6
    assert lines["$.hazard[1].situation[0].id"] == 9
    assert lines["$.hazard[1]"] == 7


def test_what_looks_like_a_key_inside_a_value_is_none():
    text = 'a = """\nb = 1\n[[c]]\n"""\nd = [\n  "e = 1", # ]\n  "[[f]]",\n]\ng = { h = "i = [" }\nj = 1\n'
    assert line_index(text) == {"$": 1, "$.a": 1, "$.d": 5, "$.g": 9, "$.j": 10}


def test_a_value_goes_on_behind_a_string_of_several_lines():
    assert line_index('a = ["""\nx\n""", [\n"b = 1",\n]]\nc = 1\n') == {"$": 1, "$.a": 1, "$.c": 6}
    assert line_index('a = ["""\nx\n"""]\nc = 1\n') == {"$": 1, "$.a": 1, "$.c": 4}


def test_quoted_and_dotted_keys_are_split_as_toml_does():
    assert line_index('a."b.c" = 1\n["x y".z]\nk = 2\n') == {"$": 1, "$.a.b.c": 1, "$.x y.z": 2, "$.x y.z.k": 3}


def test_the_lines_of_plain_tables_are_known_without_reading_every_line():
    text = "a = 1\n[b]\nc = 2\n[[d]]\n[[d.e]]\n[[d]]\n"
    quick = table_lines(text, tomllib.loads(text))
    assert quick == {"$": 1, "$.b": 2, "$.d": 4, "$.d[0]": 4, "$.d[0].e": 5, "$.d[0].e[0]": 5, "$.d[1]": 6}
    assert quick.items() <= line_index(text).items()


def test_an_unknown_path_has_the_line_of_its_nearest_ancestor():
    lines = line_index("[[a]]\nb = 1\n")
    assert line_of(lines, "$.a[0].b[7].c") == 2
    assert line_of(lines, "$.a[0].missing") == 1
    assert line_of(lines, "$.zzz") == 1


@given(
    st.lists(st.tuples(NAMES, st.dictionaries(NAMES, st.text("ab[]{}\"'#= ", max_size=8), min_size=1, max_size=4)), max_size=6)
)
def test_the_line_of_each_key_holds_the_key(tables):
    text = "".join(
        f"[[{name}]]\n" + "".join(f"{key} = {_quoted(value)}\n" for key, value in keys.items()) for name, keys in tables
    )
    data, lines, source = tomllib.loads(text), line_index(text), text.split("\n")
    for name, rows in data.items():
        for index, row in enumerate(rows):
            assert all(source[lines[f"$.{name}[{index}].{key}"] - 1] == f"{key} = {_quoted(value)}" for key, value in row.items())


def _quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
