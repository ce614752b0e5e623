"""Every library that builds and verifies the device has its word; lock and table cannot drift apart, and neither mixes with the device's own list."""

import importlib.metadata
import re
import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipeline.dossier.tool_table import GAP, TOOLS, load_tools
from pipeline.file_error import FileError
from requirements_spec.lock import pins
from tests.edits import edit

ROOT = Path(__file__).resolve().parents[3]
NEW = "zzz==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def soup(specification):
    return frozenset(each.distribution for each in specification.soup)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in (TOOLS, "requirements.lock", "device.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("tests", "evidence", "verification"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def locked(name):
    return pins((ROOT / name).read_text(encoding="utf-8"))


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_table_is_the_lock_without_the_device(soup):
    found = load_tools(ROOT, soup)
    named = {name for tool in found.tools for name in (tool.id, *tool.brings)}
    assert set(found.versions) == set(locked("requirements.lock")) - set(locked("device.lock")) - soup
    assert named <= set(found.versions)
    assert not named & (set(locked("device.lock")) | soup)


def test_each_tool_is_shown_with_its_locked_version_and_its_gap(soup):
    found = load_tools(ROOT, soup)
    text = found.listed()
    assert text.count(f"[{GAP}]") == found.counts()["tools"]
    assert f"**pytest** {locked('requirements.lock')['pytest']}" in text
    assert f"pluggy {locked('requirements.lock')['pluggy']}" in found.brought()


def test_what_a_tool_is_said_to_bring_it_does_bring(soup):
    """The installed metadata name each library of a row among what the tool asks for, on some platform or with some extra, over any number of steps."""
    asked = {}
    for each in importlib.metadata.distributions():
        asked[canonical(each.metadata["Name"])] = {canonical(Requirement(row).name) for row in each.requires or ()}

    def reach(name):
        seen, left = set(), [name]
        while left:
            new = asked.get(left.pop(), set()) - seen
            seen |= new
            left += new
        return seen

    wrong = {tool.id: sorted(set(tool.brings) - reach(tool.id)) for tool in load_tools(ROOT, soup).tools}
    assert {name: left for name, left in wrong.items() if left} == {}


def test_what_the_code_calls_by_itself_has_a_row_of_its_own(soup):
    """Of a library that only comes along, no module of this project imports anything; MLflow is one package in three distributions."""
    owners = importlib.metadata.packages_distributions()
    folders = ("device_sw", "phantom", "pipeline", "requirements_spec", "risk", "tests", "validation", "verification")
    code = "".join(path.read_text(encoding="utf-8") for name in folders for path in (ROOT / name).rglob("*.py"))
    names = set(re.findall(r"^ *(?:import|from) ([A-Za-z_]\w*)", code, re.MULTILINE))
    called = {canonical(owner) for name in names for owner in owners.get(name, ())}
    brought = {name for tool in load_tools(ROOT, soup).tools for name in tool.brings}
    assert called & brought == {"mlflow-skinny", "mlflow-tracing"}


def test_a_tool_that_comes_into_the_lock_needs_a_word(tree, soup):
    with (tree / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write(NEW)
    with pytest.raises(
        FileError,
        match=r"^FILE-CONTENT at docs/tools\.toml zzz: found a library of requirements\.lock in no row, .*Repair: write a row",
    ):
        load_tools(tree, soup)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"pluggy"', '"plugin"', "pluggy: found a library of requirements.lock in no row"),
        ('"pluggy"', '"pluggy", "zzz"', "zzz: found no such library in requirements.lock"),
        ('"pluggy"', '"pluggy", "numpy"', "numpy: found a library of the device"),
        ('"pluggy"', '"pluggy", "ray"', "ray: found a library of the device"),
        ('"pluggy"', '"pluggy", "ruff"', "ruff: found two rows"),
        ('soup = "ray"', 'soup = "rye"', "on_request rye: found no SOUP item"),
        ("tests/verification/trace/test_truth_table.py", "tests/none.py", "pytest: found no tests/none.py"),
    ],
)
def test_a_table_that_differs_from_lock_list_or_tree_is_named(tree, soup, old, new, said):
    edit(tree, TOOLS, old, new)
    with pytest.raises(FileError, match=re.escape(said)):
        load_tools(tree, soup)


def test_a_row_without_a_word_on_its_error_is_refused(tree, soup):
    edit(tree, TOOLS, 'harm = "None."', 'harm = ""')
    with pytest.raises(FileError, match=r"FILE-DATA.*harm"):
        load_tools(tree, soup)
