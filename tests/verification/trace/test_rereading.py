"""What is handed on after files changed is what a whole reading gives, also where files appear or go."""

from dataclasses import fields

import pytest

from verification.trace.inputs import Heavy, read_heavy
from verification.trace.rereading import Rereading
from verification.trace.tool_validation import SHOWN

EDITS = {
    "a module appears": {"device_sw/new.py": '"""New."""\n'},
    "a module goes": {"device_sw/cli.py": None},
    "a module says something else": {"device_sw/cli.py": '"""Other."""\n'},
    "a page appears": {"docs/architecture.md": "# Architecture\n"},
    "a feature appears": {"verification/features/new.feature": "Feature: new\n"},
    "a signed file goes": {"risk/data/policy.toml": None},
    "a signed file says something else": {"risk/data/policy.toml": "x = 1\n"},
    "people appear": {"people.toml": "x = 1\n"},
    "a line of the chain names a file": {"verification/approvals.jsonl": '{"target":"params.yaml"}\n'},
    "the tool's own validation was run": {SHOWN: "{}"},
    "a part of the bundle changes": {"artifacts/bundle/weights.safetensors": "other"},
    "a file that git ignores appears": {"device_sw/__pycache__/cli.cpython-311.pyc": "x"},
}


@pytest.mark.parametrize("edit", EDITS)
def test_it_is_what_a_whole_reading_gives(project, edit):
    project.write("device_sw/cli.py", '"""Commands."""\n')
    rereading = Rereading(project.root, read_heavy(project.root))
    for name, text in EDITS[edit].items():
        if text is None:
            (project.root / name).unlink()
        else:
            project.write(name, text)
    handed_on, whole = rereading.after(frozenset(EDITS[edit])), read_heavy(project.root)
    names = [each.name for each in fields(Heavy)]
    assert {name: getattr(handed_on, name) for name in names} == {name: getattr(whole, name) for name in names}


def test_what_nothing_can_have_changed_is_not_read_again(project):
    heavy = read_heavy(project.root)
    after = Rereading(project.root, heavy).after(frozenset({"verification/bridges/BR-001.toml"}))
    assert all(getattr(after, name) is getattr(heavy, name) for name in ("reviewed", "modules", "pages", "label_pages"))
