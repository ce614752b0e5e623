"""sphinx-needs loads the export without a warning, shows every text as it is, and what it writes itself is the same document."""

import html
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from verification.trace.exchange import formats
from verification.trace.exchange.differences import differences
from verification.trace.exchange.document import compose
from verification.trace.exchange.kinds import kinds
from verification.trace.exchange.needs_json import TAKEN
from verification.trace.exchange.sources import read_document

ROOT = Path(__file__).resolve().parents[4]
CONF = 'project = "exchange"\nversion = "1"\nextensions = ["sphinx_needs"]\nneeds_from_toml = "needs.toml"\nneeds_build_json = True\n'
PAGE = "Items\n=====\n\n.. needimport:: needs.json\n"
HOSTILE = ("*bold* and `code`_ |sub| [1]_ :role:`x` ``", "- a list?", "1. a list?", ".. note:: no", "ends with ::", "<script>alert(1)</script>", "[[copy('id')]]", "[[[copy('id')]]]",
           "<<a:b>>", "\\ backslash \\", "=====", ">>> doctest", "心脈肥大 \u201c\u201d", "{{ jinja }} {% if %}", "=cmd|' /C calc'!A0", "::", "|", "+---+")  # fmt: skip


def build(folder, document):
    """Build a small Sphinx project that imports the document; warnings are errors."""
    formats.write(document, "needs", folder / "needs.json")
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    (folder / "index.rst").write_text(PAGE, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-nW", "--keep-going", "-q", str(folder), str(folder / "out")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def shipped():
    return read_document(ROOT)


def test_all_shipped_items_load_without_a_warning_and_come_back_equal(tmp_path, shipped):
    done = build(tmp_path, shipped)
    assert (done.returncode, done.stderr) == (0, "")
    written = tmp_path / "out" / "needs.json"
    assert json.loads(written.read_text(encoding="utf-8"))["versions"]["1"]["needs_amount"] == len(shipped.items)
    assert formats.read("needs", written) == shipped


def test_no_text_is_markup_there(tmp_path, shipped):
    needs = [item for item in shipped.items if item.kind == "user_need"]
    items = [
        replace(
            needs[0], id=f"UN-{number:03d}", values={**needs[0].values, "title": f"t {text}", "text": text, "rationale": text}
        )
        for number, text in enumerate(HOSTILE, start=1)
    ]
    document = compose(kinds(), items, [])
    done = build(tmp_path, document)
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    shown = html.unescape(re.sub(r"<[^>]*>", "", page)).replace("\u200b", "")
    for text in HOSTILE:
        assert " ".join(text.split()) in " ".join(shown.split()).replace("“", "\u201c")
    assert [str(each) for each in differences(document, formats.read("needs", tmp_path / "out" / "needs.json"))] == []


def test_no_name_of_ours_is_one_that_sphinx_needs_keeps():
    from sphinx_needs.data import NeedsCoreFields

    assert set(NeedsCoreFields) - {"id", "title", "status", "content"} <= TAKEN | _COMPUTED


_COMPUTED = {
    "lineno_content", "type_name", "type_prefix", "type_color", "type_style", "is_part", "id_parent", "id_complete", "jinja_content", "pre_content", "post_content",
    "has_dead_links", "has_forbidden_dead_links", "constraints_results", "constraints_passed", "constraints_error",
}  # fmt: skip
"""Names of values that sphinx-needs computes; none of the model's fields is called like one."""
