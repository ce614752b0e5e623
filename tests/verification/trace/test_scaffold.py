"""A new item: right file, next free id, red until filled, and nothing is ever half-written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requirements_spec.datafile import Tables, Text, Texts, Whole
from requirements_spec.schema import SOFTWARE_REQUIREMENTS
from risk.schema import CONTROLS, HAZARDS
from verification.trace import scaffold

REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"
FEATURE = "verification/features/admission.feature"


def everything(project):
    """The bytes of every hand-written file."""
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for folder in ("requirements_spec", "risk", "verification/features")
        for path in sorted((project.root / folder).rglob("*"))
        if path.is_file()
    }


MAKE = {
    "requirement": lambda root: scaffold.requirement(root, "SWI-DEVICE", "A new one", ["UN-001"], []),
    "hazard": lambda root: scaffold.hazard(root, "A new one"),
    "control": lambda root: scaffold.control(root, "A new one", ["HS-001"], ["SRS-001"]),
    "scenario": lambda root: scaffold.scenario(root, "admission", "A new one", ["SRS-001"]),
}


@pytest.mark.parametrize(
    ("kind", "name", "file", "codes"),
    [
        ("requirement", "SRS-003", REQUIREMENTS, {"SPC-VALUE"}),
        ("hazard", "HAZ-002", "risk/data/hazards.toml", {"SPC-VALUE", "SPC-TYPE"}),
        ("control", "RC-002", "risk/data/controls.toml", {"SPC-VALUE"}),
        ("scenario", "TC:admission.feature::A new one", FEATURE, {"TRC-SCENARIO-NO-OUTCOME"}),
    ],
)
def test_a_new_item_stands_in_its_file_and_the_gate_refuses_it(project, kind, name, file, codes):
    made = MAKE[kind](project.root)
    assert made.id == name
    path, line = made.where.rsplit(":", 1)
    assert path == file
    shown = project.read(file).split("\n")[int(line) - 1]
    assert shown == ("  Scenario: A new one" if kind == "scenario" else f"[[{kind}]]")
    found = {
        problem.code
        for problem in project.check().problems
        if problem.where.startswith(f"{file}:") and int(problem.where.rsplit(":", 1)[1]) >= int(line)
    }
    assert codes <= found
    assert made.placeholders


@pytest.mark.parametrize("kind", MAKE)
def test_only_one_file_changes_and_only_by_an_appendix(project, kind):
    before = everything(project)
    made = MAKE[kind](project.root)
    after = everything(project)
    changed = [name for name in after if after[name] != before.get(name)]
    assert changed == [made.where.rsplit(":", 1)[0]]
    assert after[changed[0]].startswith(before[changed[0]].rstrip(b"\n"))


def test_ids_are_never_used_again(project):
    project.write(
        "requirements_spec/data/changes.toml", project.read("requirements_spec/data/changes.toml") + '# once: item = "SRS-041"\n'
    )
    assert scaffold.next_id(project.root, "SRS") == "SRS-042"
    assert scaffold.next_id(project.root, "HAZ") == "HAZ-002"


def test_the_thousandth_id_has_four_digits(project):
    project.write("requirements_spec/data/changes.toml", project.read("requirements_spec/data/changes.toml") + '# "SRS-999"\n')
    assert scaffold.next_id(project.root, "SRS") == "SRS-1000"


def test_given_links_and_steps_are_written(project):
    made = scaffold.requirement(project.root, "SWI-DEVICE", "A new one", ["UN-001"], ["RC-001"])
    text = project.read(REQUIREMENTS)
    assert 'controls = ["RC-001"]' in text
    assert "safety = true" in text[text.index(made.id) :]
    assert any("add SRS-003 to `requirements` of RC-001" in step for step in made.steps)
    assert any("requirements_spec.changes record" in step for step in made.steps)
    scaffold.scenario(project.root, "new_one", "All steps", ["SRS-001"], [("Given", "a film"), ("Then", "it is seen")])
    assert project.read("verification/features/new_one.feature") == (
        "Feature: New one\n\n  @SRS-001\n  Scenario: All steps\n    Given a film\n    Then it is seen\n"
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda root: scaffold.requirement(root, "SWI-DEVICE", "", [], []), "--title: found ''"),
        (lambda root: scaffold.requirement(root, "SWI-DEVICE", " x ", [], []), "words without blanks"),
        (lambda root: scaffold.requirement(root, "SWI-DEVICE", "a\x07b", [], []), "a control character"),
        (lambda root: scaffold.requirement(root, "SWI-DEVICE", "a\nb", [], []), "a control character"),
        (lambda root: scaffold.hazard(root, "=1+1"), "begins with '='"),
        (lambda root: scaffold.hazard(root, "@SUM(A1)"), "begins with '@'"),
        (lambda root: scaffold.hazard(root, "-1"), "begins with '-'"),
        (lambda root: scaffold.hazard(root, "x" * 121), "121 characters"),
        (lambda root: scaffold.requirement(root, "SWI-VIEWER", "A new one", [], []), "one of SWI-DEVICE"),
        (lambda root: scaffold.requirement(root, "SWI-DEVICE", "A new one", ["UN-010"], []), "an item that exists .UN-001"),
        (lambda root: scaffold.requirement(root, "SWI-DEVICE", "A new one", ["UN-001", "UN-001"], []), "an id twice"),
        (lambda root: scaffold.control(root, "A new one", ["HS-009"], []), "--situation: found 'HS-009'"),
        (lambda root: scaffold.control(root, "A new one", [], ["SRS-9"]), "--requirement: found 'SRS-9'"),
        (lambda root: scaffold.scenario(root, "admission", "A new one", []), "at least one requirement"),
        (lambda root: scaffold.scenario(root, "admission", "A new one", ["RC-001"]), "at least one requirement"),
        (lambda root: scaffold.scenario(root, "admission", "A new one", ["SRS-001", "RC-9"]), "--tag: found 'RC-9'"),
        (lambda root: scaffold.scenario(root, "../../x", "A new one", ["SRS-001"]), "the name of a file below"),
        (lambda root: scaffold.scenario(root, "admission", "A child's film is refused", ["SRS-001"]), "has already"),
        (
            lambda root: scaffold.scenario(root, "admission", "A new one", ["SRS-001"], [("Then", "a\nScenario: b")]),
            "a control character",
        ),
        (lambda root: scaffold.scenario(root, "admission", "A new one", ["SRS-001"], [("Then", "")]), "--then: found ''"),
    ],
)
def test_bad_input_is_refused_and_writes_nothing(project, make, reason):
    before = everything(project)
    with pytest.raises(scaffold.ScaffoldError, match=re.escape(reason).replace(r"\.", ".")):
        make(project.root)
    assert everything(project) == before


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        (REQUIREMENTS, 'item = "SWI-DEVICE"\n[[requirement]\n', "a file that is not TOML"),
        (REQUIREMENTS, 'item = "SWI-DEVICE"\nx = """\n', "a file that is not TOML"),
        ("risk/data/hazards.toml", "[[hazard]]\nid = 1\n", ""),
    ],
)
def test_a_broken_file_is_not_appended_to(project, file, text, reason):
    project.write(file, text)
    before = everything(project)
    if reason:
        with pytest.raises(scaffold.ScaffoldError, match=reason):
            MAKE["requirement"](project.root)
        assert everything(project) == before


def test_a_broken_feature_file_is_not_appended_to(project):
    project.write(FEATURE, "Feature Admission\n")
    before = everything(project)
    with pytest.raises(scaffold.ScaffoldError, match="not Gherkin"):
        MAKE["scenario"](project.root)
    assert everything(project) == before


def test_nothing_is_half_written_when_the_disk_is_full(project, monkeypatch):
    before = everything(project)

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scaffold.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        MAKE["requirement"](project.root)
    after = everything(project)
    assert {name: content for name, content in after.items() if not name.endswith(".part")} == before


@pytest.mark.parametrize(
    "table", [SOFTWARE_REQUIREMENTS.fields["requirement"], HAZARDS.fields["hazard"], CONTROLS.fields["control"]]
)
def test_placeholders_of_every_item_are_refused_by_its_own_schema(table):
    assert isinstance(table, Tables)
    assert table.each.faults(scaffold.placeholder(table.each))


@given(low=st.integers(1, 9), high=st.integers(10, 20), least=st.integers(1, 5))
def test_a_placeholder_is_never_a_value(low, high, least):
    for kind in (Text(), Text(pattern="x+"), Whole(low, high), Texts(least=least)):
        assert kind.faults(scaffold.placeholder(kind))
