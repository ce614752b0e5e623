"""What a change makes suspect: each rule by an example in the small project, and random edits of the shipped one against the oracle."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from verification.trace import file_owners, impact, impact_text, revisions
from verification.trace.graph import Kind

ROOT = Path(__file__).resolve().parents[3]
NEEDS = "requirements_spec/data/user_needs.toml"
REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"
ARCHITECTURE = "requirements_spec/data/architecture.toml"
HAZARDS = "risk/data/hazards.toml"
CONTROLS = "risk/data/controls.toml"
FEATURE = "verification/features/admission.feature"
CHILD = "TC:admission.feature::A child's film is refused"
VIEW = "TC:admission.feature::Every view is told"
STEPS = '@given("a film")\ndef _film():\n    return AGE\n\n\n@when("it is analysed")\ndef _analysed():\n    return 1\n'
PROTOCOL = 'x = 1\n[[set]]\nprofile = "phantom"\n[[set.endpoint]]\nid = "ap50"\nrequirement = "SRS-001"\nthreshold = 0.65\n'


@pytest.fixture
def committed(project):
    """The small project with steps and an endpoint, committed."""
    project.write("verification/steps/film.py", "from pytest_bdd import given, when\n\nAGE = 17\n\n\n" + STEPS)
    project.write("verification/conftest.py", "from verification.steps.film import *\n")
    project.write("validation/protocol.toml", PROTOCOL)
    project.write("validation/metrics.py", "X = 1\n")
    project.write("docs/risk-management.md", "# Risk\n")
    project.write("docs/verification.md", "# Verification\n")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "base")
    return project


def of(project, span="HEAD"):
    return revisions.compare(project.root, revisions.resolve(project.root, span))


def changed(result):
    return {each.id: each.how for each in result.changed}


def suspects(result, *kinds):
    return {each.id for each in result.suspects if not kinds or each.kind in kinds}


EVERYTHING = {"UN-001", "SRS-001", "SRS-002", "SWI-DEVICE", "RC-001", "HS-001", "HAZ-001", CHILD, VIEW}
ITEMS = (
    str(Kind.NEED),
    str(Kind.REQUIREMENT),
    str(Kind.ITEM),
    str(Kind.CONTROL),
    str(Kind.SITUATION),
    str(Kind.HAZARD),
    str(Kind.SCENARIO),
)


@pytest.mark.parametrize(
    ("edit", "same", "touched", "rerun"),
    [
        (
            (NEEDS, "No result for a child.", "No mark."),
            {"UN-001": "changed"},
            {"SRS-001", "SRS-002", "SWI-DEVICE", "RC-001", "HS-001", CHILD, VIEW},
            {CHILD, VIEW},
        ),
        ((REQUIREMENTS, "Readers ask.", "They do."), {"SRS-002": "changed"}, {"SWI-DEVICE", VIEW}, {VIEW}),
        (
            (REQUIREMENTS, "Intended use.", "They do."),
            {"SRS-001": "changed"},
            {"SWI-DEVICE", "RC-001", "HS-001", CHILD, VIEW, "VE:ap50"} - {"VE:ap50"},
            {CHILD, VIEW},
        ),
        ((CONTROLS, "No mark.", "No."), {"RC-001": "changed"}, {"HS-001", "SRS-001", "SWI-DEVICE", CHILD, VIEW}, {CHILD, VIEW}),
        ((HAZARDS, "An unneeded CT.", "A CT."), {"HS-001": "changed"}, {"RC-001"}, set()),
        ((HAZARDS, "The router sends it.", "It is sent."), {"HAZ-001": "changed"}, {"HS-001", "RC-001"}, set()),
        (
            (ARCHITECTURE, "Everything.", "All."),
            {"SWI-DEVICE": "changed"},
            {"SRS-001", "SRS-002", "RC-001", "HS-001", CHILD, VIEW},
            {CHILD, VIEW},
        ),
        ((ARCHITECTURE, "It may harm.", "It might."), {"SWS-TINY": "changed"}, {"SWI-DEVICE"}, set()),
        (
            ("device_sw/device.py", "18", "17"),
            {"device_sw.device": "changed"},
            {"SWI-DEVICE", "SRS-001", "SRS-002", "RC-001", "HS-001", CHILD, VIEW},
            {CHILD, VIEW},
        ),
        (
            ("requirements.lock", "2.4.0", "2.4.1"),
            {"SOUP-NUMPY": "changed"},
            {"SWI-DEVICE", "SRS-001", "SRS-002", "RC-001", "HS-001", CHILD, VIEW},
            {CHILD, VIEW},
        ),
        ((FEATURE, "it is refused", "it is told"), {CHILD: "changed"}, {"SRS-001", "RC-001", "HS-001"}, {CHILD}),
        ((FEATURE, "LATERAL", "AP"), {VIEW: "changed"}, {"SRS-001", "SRS-002", "RC-001", "HS-001"}, {VIEW}),
        (("verification/steps/film.py", "return 1", "return 2"), {CHILD: "step changed"}, None, {CHILD}),
        (
            ("verification/steps/film.py", "AGE = 17", "AGE = 16"),
            {CHILD: "step changed", VIEW: "step changed"},
            None,
            {CHILD, VIEW},
        ),
        (("validation/protocol.toml", "0.65", "0.6"), {"VE:ap50": "changed"}, {"SRS-001", "RC-001", "HS-001"}, set()),
        (("validation/metrics.py", "1", "2"), {"VE:ap50": "changed"}, {"SRS-001", "RC-001", "HS-001"}, set()),
        (("risk/data/policy.toml", 'review = "', 'review = "Edited. '), {"POLICY-RISK": "changed"}, {"HS-001"}, set()),
        (
            ("pipeline/training/loop.py", "1", "2"),
            {"MODEL": "changed"},
            {"SRS-001", "RC-001", "HS-001", CHILD, VIEW},
            {CHILD, VIEW},
        ),
    ],
    ids=lambda value: f"{value[0].rsplit('/', 1)[-1]} {value[1][:12]}" if isinstance(value, tuple) else "",
)
def test_each_kind_of_change_touches_what_the_record_says(committed, edit, same, touched, rerun):
    if edit[0].startswith("verification/steps"):
        committed.write(
            FEATURE,
            committed.read(FEATURE).replace("it is refused", "it is analysed").replace("the view is <view>", "it is shown"),
        )
        committed.write(
            "verification/steps/film.py",
            committed.read("verification/steps/film.py")
            .replace('@when("it is analysed")', '@when("it is analysed")\n@then("it is analysed")')
            .replace("given, when", "given, then, when")
            + '\n\n@when("it is shown")\n@then("the record says PA")\n@then("the record says LATERAL")\ndef _shown():\n    return 3\n',
        )
        committed.git("commit", "-qam", "steps that are all defined")
    committed.replace(*edit)
    result = of(committed)
    assert result.unread == ()
    assert changed(result) == same
    if touched is not None:
        assert suspects(result, *ITEMS) == touched
    assert set(result.rerun) == rerun


def test_nothing_changed_touches_nothing(committed):
    assert of(committed) == impact.Impact((), (), (), (), ())
    assert of(committed, "HEAD..HEAD") == impact.Impact((), (), (), (), ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("device_sw/device.py", "ADULT = 18  # years\n"),
        (NEEDS, None),
        (FEATURE, None),
        ("verification/steps/film.py", None),
        ("requirements_spec/data/changes.toml", None),
    ],
)
def test_comments_are_named_as_without_effect(committed, name, text):
    committed.write(name, text or committed.read(name) + "\n# a remark\n")
    result = of(committed)
    assert (result.changed, result.suspects, result.loose) == ((), (), ())
    assert result.quiet == (name,)


def test_files_of_no_item_are_named(committed):
    committed.write("tests/test_new.py", "X = 1\n")
    committed.write("README.md", "# Tiny\n")
    result = of(committed)
    assert result.loose == ("README.md", "tests/test_new.py")
    assert result.changed == ()


def test_a_removed_link_still_leads_to_what_rested_on_it(committed):
    committed.replace(CONTROLS, 'requirements = ["SRS-001"]', 'requirements = ["SRS-002"]')
    committed.replace(REQUIREMENTS, 'controls = ["RC-001"]', 'not_risk_related = "No more."')
    result = of(committed)
    assert {"RC-001", "SRS-001"} <= set(changed(result))
    assert {"HS-001", CHILD, VIEW} <= suspects(result)


def test_added_and_removed_items_are_told_apart(committed):
    committed.replace(FEATURE, "A child's film is refused", "Another name")
    result = of(committed)
    assert changed(result) == {CHILD: "removed", "TC:admission.feature::Another name": "added"}
    assert set(result.rerun) == {"TC:admission.feature::Another name"}
    assert "SRS-001" in suspects(result)


def test_a_page_concerns_the_controls_whose_sentence_it_holds(committed):
    committed.write("docs/labelling.md", "# Labelling\n")
    committed.replace(
        CONTROLS, 'kind = "inherent-design"', 'kind = "information"\nlabel_section = "labelling"\nifu_sentence = "Adults only."'
    )
    committed.git("add", "-A")
    committed.git("commit", "-q", "-m", "a sentence")
    committed.write("docs/labelling.md", "# Labelling\n\nMore.\n")
    result = of(committed)
    assert changed(result) == {"labelling": "changed"}
    assert suspects(result) == {"RC-001", "HS-001", CHILD, "SD-001"}


def test_every_suspect_has_a_path_from_a_change_to_itself(committed):
    committed.replace("device_sw/device.py", "18", "17")
    result = of(committed)
    for suspect in result.suspects:
        assert suspect.path[0][0] in changed(result)
        assert suspect.path[-1] == (suspect.id, "")
        assert all(words for _, words in suspect.path[:-1])
    lengths = [len(suspect.path) for suspect in result.suspects]
    assert lengths == sorted(lengths)


def test_two_commits_are_compared_without_touching_the_checkout(committed):
    committed.replace(NEEDS, "Adults only", "Grown-ups only")
    committed.git("commit", "-qam", "second")
    committed.replace(NEEDS, "Grown-ups only", "Something else again")
    before = {
        path: path.read_bytes() for path in sorted(committed.root.rglob("*")) if path.is_file() and ".git" not in path.parts
    }
    result = of(committed, "HEAD~1..HEAD")
    assert changed(result) == {"UN-001": "changed"}
    assert next(each for each in result.changed if each.id == "UN-001").title == "Grown-ups only"
    assert {path: path.read_bytes() for path in before} == before


def test_the_other_way_round_names_the_same_items(committed):
    committed.replace(REQUIREMENTS, "Readers ask.", "They do.")
    committed.git("commit", "-qam", "second")
    there, back = of(committed, "HEAD~1..HEAD"), of(committed, "HEAD..HEAD~1")
    assert changed(there) == changed(back)
    assert suspects(there) == suspects(back)


@pytest.mark.parametrize(
    "broken", [(NEEDS, "[[need]]", "[[need]"), (HAZARDS, "severity = 3", "severity = 9"), (FEATURE, "Feature:", "Feature")]
)
def test_what_cannot_be_read_makes_the_answer_incomplete(committed, broken):
    committed.replace(*broken)
    result = of(committed)
    assert any(line.startswith("after: ") for line in result.unread)
    assert "INCOMPLETE" in impact_text.to_text(result, "a", "b", 80)


@pytest.mark.parametrize(
    "span", ["", "..", "HEAD..", "..HEAD", "nothing", "HEAD...HEAD", "--all", "HEAD..--output=x", "HEAD\x00"]
)
def test_what_is_no_revision_is_refused(committed, span):
    with pytest.raises((revisions.RevisionError, ValueError), match=r"impact|null"):
        of(committed, span)


def test_a_folder_without_git_is_refused(tmp_path):
    with pytest.raises(revisions.RevisionError, match="a commit, tag or branch"):
        revisions.resolve(tmp_path, "HEAD")


def test_text_and_data_say_the_same_at_every_width(committed):
    committed.replace("device_sw/device.py", "18", "17")
    result = of(committed)
    data = json.loads(json.dumps(impact.to_json(result, "a", "b")))
    assert data["complete"] is True
    for width in (60, 80, 120):
        text = impact_text.to_text(result, "a", "b", width)
        assert all(each["id"].split("::")[0] in text for each in data["suspect"])
    assert "because device_sw.device belongs to SWI-DEVICE has to meet SRS-001" in impact_text.to_text(result, "a", "b", 400)


def test_the_answer_is_the_same_whatever_the_order_of_the_files(committed):
    committed.replace("device_sw/device.py", "18", "17")
    committed.replace(NEEDS, "Adults only", "Grown-ups only")
    span = revisions.resolve(committed.root, "HEAD")
    files = revisions.changed_files(committed.root, span)
    with revisions.unpacked(committed.root, span.before) as folder:
        old, new = revisions.read_state(folder, files), revisions.read_state(committed.root, files)
    owners = file_owners.owners(files, old.graph, new.graph)
    assert impact.impact(old, new, files, owners) == impact.impact(old, new, tuple(reversed(files)), owners)


def test_every_kind_of_item_begins_a_rule_and_is_shown_somewhere():
    kinds = {str(kind) for kind in Kind}
    assert kinds - set(impact.BEGINS) <= {"seeded defect"}
    assert kinds - set(impact.SHOWN_IN) <= {"section", "anomaly", "seeded defect"}


def test_every_kind_of_suspect_has_a_heading():
    assert sorted(kind for _, kinds in impact_text.GROUPS for kind in kinds) == sorted(str(kind) for kind in Kind)


def test_a_seeded_defect_concerns_its_control_and_is_tried_again_with_it(committed):
    committed.replace("verification/faults/faults.toml", 'would_fail_if = "', 'would_fail_if = "even if ')
    result = of(committed)
    assert changed(result) == {"SD-001": "changed"}
    assert suspects(result, *ITEMS) == {"RC-001", "HS-001"}
    committed.git("checkout", "-q", "verification/faults/faults.toml")
    committed.replace("device_sw/device.py", "18", "17")
    assert "SD-001" in suspects(of(committed))


STUDY = """
import json, random, sys, tempfile
from pathlib import Path
from tests.verification.trace.impact_study import Bench, EDITS, trial
rows = []
with tempfile.TemporaryDirectory() as folder:
    bench = Bench(Path(folder), random.Random())
    rows = [trial(bench, number, "of the test", [name]) for number, name in enumerate(EDITS)]
print(json.dumps(rows))
"""


def test_one_random_edit_of_every_kind_is_answered_completely():
    """One trial for each kind of edit on the shipped project; the study of 500 is kept in evidence/impact."""
    from device_sw.launcher import numeric_environment

    environment = {**numeric_environment(), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", STUDY], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads(done.stdout)
    assert [(row["edits"], row["missed"], row["rerun_missed"]) for row in rows if row["missed"] or row["rerun_missed"]] == []
    assert [row["edits"] for row in rows if row["unread"]] == []
    found, extra = sum(row["found"] for row in rows), sum(len(row["extra"]) for row in rows)
    assert found / (found + extra) >= 0.8
