"""Redlines of documents: which texts are compared, what a reader of a built page sees, and what is folded away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.change_package.documents import documents
from pipeline.change_package.page_text import heading_of, words_of
from pipeline.change_package.pages import folded
from pipeline.change_package.redline import Mark, redline, text_of


def write(root, **texts):
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_md", ".md").replace("_toml", ".toml").replace("_png", ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_documents_that_differ(tmp_path):
    before = write(
        tmp_path / "a", docs__same_md="# Same\n", docs__use_md="# Use\nFor adults.\n", docs__gone_md="# Gone\n", docs__x_png="1"
    )
    after = write(
        tmp_path / "b",
        docs__same_md="# Same\n",
        docs__use_md="# Use\nFor all adults.\n",
        docs__adr__new_toml="a = 1\n",
        docs__x_png="2",
    )
    found = {each.name: each for each in documents(before, after)}
    assert {name: each.how for name, each in found.items()} == {
        "docs/adr/new.toml": "added",
        "docs/gone.md": "removed",
        "docs/use.md": "changed",
    }
    assert (found["docs/use.md"].title, found["docs/use.md"].counts) == ("Use", (0, 1))
    assert found["docs/adr/new.toml"].title == "docs/adr/new.toml"
    assert text_of(found["docs/gone.md"].pieces, Mark.INSERTED) == "# Gone\n"


@pytest.mark.parametrize("name", ["schemas/result.schema.json", "_static/file.css", "conf.py"])
def test_schemas_and_what_makes_the_pages_are_documents(tmp_path, name):
    for side, text in (("a", "# 1\n"), ("b", "# 2\n")):
        path = tmp_path / side / "docs" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    assert [(each.name, each.title) for each in documents(tmp_path / "a", tmp_path / "b")] == [(f"docs/{name}", f"docs/{name}")]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html><head><title>t</title></head><body><p>One</p><p>two</p></body></html>", "One\ntwo\n"),
        (
            "<body><nav>Menu</nav><article><h1>Use¶</h1><ul><li>a</li><li>b</li></ul></article><footer>x</footer></body>",
            "Use\na\nb\n",
        ),
        ("<p>For <b>adults</b>\n only&nbsp;&lt;18</p><script>var x = '<p>no</p>';</script>", "For adults only <18\n"),
        ('<p>See <img src="a.png" alt="a film"> and <img src="b.png">.</p>', "See [picture: a film] and [picture: no words] .\n"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1\n2\n"),
        ("<p>Flow</p><svg><title>Way</title><style>p</style><text>film</text><text>mark</text></svg>", "Flow\nWay\nfilm\nmark\n"),
        ("", ""),
    ],
)
def test_words_of_a_page(page, words):
    assert words_of(page) == words


def test_the_heading_of_a_page_without_one():
    assert heading_of("<p>no heading</p>") == ""


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n"]), max_size=30).map("".join)


@given(LINES, LINES, st.integers(0, 3))
def test_folding_leaves_out_unchanged_lines_only(before, after, context):
    """What is shown plus what is counted as folded is the whole text, and no change is folded."""
    pieces = redline(before, after)
    shown = folded(pieces, context)
    marked = [(run.kind, run.text.replace("\N{PILCROW SIGN}", "")) for run in shown if run.kind in {"deleted", "inserted"}]
    assert marked == [(piece.kind.value, piece.text) for piece in pieces if piece.kind is not Mark.SAME]
    kept = sum(run.text.count("\n") for run in shown if run.kind == "same") + sum(run.lines for run in shown)
    assert kept == sum(piece.text.count("\n") for piece in pieces if piece.kind is Mark.SAME)


def test_a_struck_or_inserted_line_break_is_shown():
    assert [run.text for run in folded(redline("a b", "a\nb")) if run.kind != "same"] == ["\N{OPEN BOX}", "\N{PILCROW SIGN}\n"]
