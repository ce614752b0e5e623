"""The page that tells users of each way in which an analysis fails holds exactly the codes that the device can give."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-description.md"
SECTION = re.compile(r"^## When an analysis fails\n(?P<text>.*?)^## ", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^\| `(?P<code>[A-Z-]+)` \| (?P<what>[^|]+) \| (?P<repair>[^|]+) \|$", re.MULTILINE)


def given():
    """Return the code of every InferenceFailed that a source text of the device makes."""
    made = (
        node
        for path in (ROOT / "device_sw").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "InferenceFailed"
    )
    return {ast.literal_eval(each.args[0]) for each in made}


def test_each_code_of_a_failed_analysis_has_its_row_and_no_other_code_has_one():
    rows = ROW.findall(SECTION.search(PAGE.read_text(encoding="utf-8"))["text"])
    codes = [code for code, _, _ in rows]
    assert sorted(codes) == sorted(given())
    assert "INF-LABEL" in codes
    assert all(what.endswith(".") and repair.endswith(".") for _, what, repair in rows)
