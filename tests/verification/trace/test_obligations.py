"""What became smaller is named, whatever else changed; what grew is free. First as laws over random obligations, then on the data."""

import json
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.trace.conftest import ROOT
from verification.trace import baseline, gate, renewal
from verification.trace.obligations import ASPECTS, Obligation, Rule, aspect_of, grown, holds, reductions, table_of

REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"
ARCHITECTURE = "requirements_spec/data/architecture.toml"
HAZARDS = "risk/data/hazards.toml"
CONTROLS = "risk/data/controls.toml"
POLICY = "risk/data/policy.toml"
FEATURE = "verification/features/admission.feature"
STEPS = "verification/steps/film.py"
PROTOCOL = "validation/protocol.toml"

VALUES = st.one_of(
    st.booleans(), st.integers(-3, 3), st.floats(allow_infinity=False, width=16), st.text(string.ascii_letters, max_size=3)
)
NAMES = sorted([*ASPECTS, "link verifies"])
OBLIGATIONS = st.builds(
    Obligation,
    st.sampled_from(["SRS-001", "HS-001", "step"]),
    st.sampled_from(NAMES),
    st.sampled_from(["", "a"]),
    VALUES,
    st.just("a:1"),
)
BOOKS = st.lists(OBLIGATIONS, max_size=12, unique_by=lambda each: (each.item, each.aspect, each.member))


def _keys(book):
    return {(each.item, each.aspect, each.member) for each in book}


@given(BOOKS)
def test_nothing_is_smaller_than_itself(book):
    finite = [each for each in book if each.value == each.value]
    assert reductions(finite, finite) == ()


@given(BOOKS, BOOKS)
def test_adding_obligations_reduces_nothing(book, more):
    old = [each for each in book if each.value == each.value]
    new = [each for each in more if (each.item, each.aspect, each.member) not in _keys(old)]
    duties = [each for each in new if aspect_of(each.aspect).rule is not Rule.NONE_NEW]
    assert reductions(old, [*old, *duties]) == ()


@pytest.mark.parametrize(("before", "after", "smaller"), [(2, 1, False), (2, 2, False), (2, 3, True)])
def test_a_switch_that_is_set_less_often_is_no_reduction(before, after, smaller):
    old, new = (Obligation("a.py", "switch", "pytest.skip('a')", count, "a.py:1") for count in (before, after))
    assert bool(reductions([old], [new])) is smaller


@given(BOOKS, OBLIGATIONS)
def test_a_new_switch_is_always_a_reduction(book, one):
    switch = Obligation("SRS-001", "switch", "new one", 1, "a:1")
    found = [each for each in reductions(book, [*book, switch]) if each.code == "OBL-SKIP" and each.what.endswith("new one")]
    assert len(found) == 1


@pytest.mark.parametrize("values", [(3, 4), (4, 3)])
def test_of_an_obligation_that_stands_twice_the_same_one_counts_in_whatever_order(values):
    twice = [Obligation("HS-001", "severity", "", value, f"a.toml:{value}") for value in values]
    ((key, kept),) = table_of(twice).items()
    assert (key, kept.value, kept.where) == (("HS-001", "severity", ""), 4, "a.toml:4")


@given(BOOKS, st.data())
def test_removing_anything_owed_is_always_a_reduction(book, data):
    owed = [each for each in book if aspect_of(each.aspect).rule is not Rule.NONE_NEW]
    if not owed:
        return
    gone = data.draw(st.sampled_from(owed))
    found = reductions(book, [each for each in book if each is not gone])
    assert found
    assert any(each.item == gone.item for each in found)


@given(BOOKS, BOOKS, BOOKS)
def test_a_reduction_over_two_steps_is_one_in_one_of_them(first, second, third):
    whole = {each.item for each in reductions(first, third)}
    parts = {each.item for each in (*reductions(first, second), *reductions(second, third))}
    assert whole <= parts


@given(BOOKS, BOOKS, st.randoms())
def test_order_does_not_matter(first, second, random):
    mixed = [list(first), list(second)]
    for each in mixed:
        random.shuffle(each)
    assert reductions(first, second) == reductions(*mixed)


@given(BOOKS, BOOKS)
def test_nothing_is_both_larger_and_smaller(first, second):
    larger = {each.name for each in grown(first, second)}
    assert not larger & {each.what for each in reductions(first, second)}


@given(st.sampled_from([Rule.AT_LEAST, Rule.AT_MOST]), st.integers(-9, 9), st.integers(-9, 9))
def test_ordered_values_only_move_one_way(rule, old, new):
    assert holds(rule, old, new) or holds(rule, new, old)
    assert (holds(rule, old, new) and holds(rule, new, old)) == (old == new)


@pytest.mark.parametrize(("old", "new"), [(1.0, float("nan")), (1, "1"), ("words", 1), ("a", "b")])
def test_what_cannot_be_compared_is_smaller(old, new):
    assert not holds(Rule.AT_LEAST, old, new)
    assert not holds(Rule.AT_MOST, old, new)


def test_a_removed_item_is_one_reduction_with_its_old_place():
    old = [Obligation("HS-001", "item", "", "situation", "a:7"), Obligation("HS-001", "severity", "", 4, "a:7")]
    (found,) = reductions(old, [])
    assert (found.code, found.what, found.before, found.after, found.where) == (
        "OBL-REMOVED",
        "HS-001: item",
        "situation",
        "absent",
        "a:7",
    )


@given(BOOKS)
def test_baseline_survives_writing_and_reading(book):
    finite = tuple(each for each in book if each.value == each.value)
    made = baseline.baseline_of(finite)
    assert made.sha256 == baseline.baseline_of(reversed(finite)).sha256
    written = json.loads(json.dumps({"schema": baseline.BASELINE_SCHEMA, "sha256": made.sha256, **baseline._content(finite)}))
    read = tuple(baseline._obligations(written))
    assert {(each.name, each.value) for each in read} == {(each.name, each.value) for each in finite}


STEP_TEXT = """\
import pytest
from pytest_bdd import given, then, when

LIMIT = 18


def offences(ending):
    wrong = []
    if ending.age < LIMIT:
        wrong.append("age")
    return wrong


def _refused(ending):
    assert ending.code == "ADM-AGE", "said why"


@then("it is refused")
def _told(ending):
    wrong = offences(ending)
    assert not wrong, f"observed {wrong}"
    _refused(ending)
    with pytest.raises(ValueError, match="age"):
        ending.open()
"""

PROTOCOL_TEXT = """\
[analysis]
iou = 0.5
[subgroups]
strata = ["sex", "view"]
minimum_n = 30
[[set]]
profile = "phantom"
budgets = ["quick"]
[[set.endpoint]]
id = "ap50"
metric = "ap50.macro"
direction = "at-least"
threshold = 0.65
bound = "lower"
requirement = "SRS-001"
primary = true
"""


@pytest.fixture
def owing(project):
    """The tiny project with steps that assert and a protocol, in its baseline."""
    project.write(STEPS, STEP_TEXT)
    project.write(PROTOCOL, PROTOCOL_TEXT)
    project.owe()
    return project


def smaller(project):
    """Return code, name and place of what the gate says became smaller."""
    problems = [each for each in project.check().problems if each.code.startswith("OBL-")]
    return [(each.code, each.found.split(": from ")[0], each.where) for each in problems]


SILENCING = [
    ("severity lowered", HAZARDS, "\nseverity = 3", "\nseverity = 2", "OBL-SEVERITY", "HS-001: severity"),
    ("probability lowered", HAZARDS, "\nprobability = 4", "\nprobability = 3", "OBL-SEVERITY", "HS-001: probability"),
    ("harm told smaller", HAZARDS, "An unneeded CT.", "A short delay.", "OBL-SEVERITY", "HS-001: harm"),
    ("class lowered", ARCHITECTURE, 'safety_class = "C"', 'safety_class = "B"', "OBL-CLASS", "SWS-TINY: safety class"),
    ("documentation level lowered", ARCHITECTURE, '"Enhanced"', '"Basic"', "OBL-CLASS", "SWS-TINY: documentation level"),
    ("safety flag taken off", REQUIREMENTS, "safety = true", "safety = false", "OBL-CLASS", "SRS-001: safety"),
    ("inspected instead of tested", REQUIREMENTS, '"test"', '"inspection"', "OBL-CLASS", "SRS-001: verified by test"),
    (
        "called not risk-related",
        REQUIREMENTS,
        'controls = ["RC-001"]',
        'not_risk_related = "It is not."',
        "OBL-DISPOSITION",
        "SRS-001: disposition",
    ),
    ("acceptance loosened", REQUIREMENTS, "of age 17 is", "of age 12 is", "OBL-TEXT", "SRS-001: acceptance"),
    ("requirement put differently", REQUIREMENTS, "under 18", "under 12", "OBL-TEXT", "SRS-001: text"),
    (
        "section taken off",
        REQUIREMENTS,
        '["software-requirements"]',
        '["user-needs"]',
        "OBL-LINK",
        "SRS-001: link is rendered in: software-requirements",
    ),
    (
        "control made a mere protection",
        CONTROLS,
        '"inherent-design"',
        '"protective"\noption_analysis = "no"',
        "OBL-CONTROL",
        "RC-001: option",
    ),
    (
        "control claims more",
        CONTROLS,
        "severity_steps = 0",
        "severity_steps = 1",
        "OBL-CONTROL",
        "RC-001: claimed steps: severity",
    ),
    (
        "policy made milder",
        POLICY,
        'S3 = ["acceptable", "acceptable", "reduce"',
        'S3 = ["acceptable", "acceptable", "acceptable"',
        "OBL-POLICY",
        "POLICY-RISK: matrix cell: S3 P3",
    ),
    (
        "policy word changed",
        POLICY,
        'meaning = "death of the patient"',
        'meaning = "death of many"',
        "OBL-POLICY",
        "POLICY-RISK: criterion: severity 5",
    ),
    (
        "threshold lowered",
        PROTOCOL,
        "threshold = 0.65",
        "threshold = 0.6",
        "OBL-THRESHOLD",
        "protocol phantom/quick ap50: threshold at least",
    ),
    (
        "threshold not a number",
        PROTOCOL,
        "threshold = 0.65",
        "threshold = nan",
        "OBL-THRESHOLD",
        "protocol phantom/quick ap50: threshold at least",
    ),
    ("direction turned", PROTOCOL, '"at-least"', '"at-most"', "OBL-THRESHOLD", "protocol phantom/quick ap50: judged: direction"),
    ("bound made a point", PROTOCOL, '"lower"', '"point"', "OBL-THRESHOLD", "protocol phantom/quick ap50: judged: bound"),
    (
        "endpoint made secondary",
        PROTOCOL,
        "primary = true",
        "primary = false",
        "OBL-THRESHOLD",
        "protocol phantom/quick ap50: primary",
    ),
    ("subgroup dropped", PROTOCOL, '["sex", "view"]', '["sex"]', "OBL-THRESHOLD", "protocol: subgroup: strata view"),
    ("smaller overlap is a hit", PROTOCOL, "iou = 0.5", "iou = 0.3", "OBL-THRESHOLD", "protocol: analysis at least: iou"),
    (
        "fewer subgroups are judged",
        PROTOCOL,
        "minimum_n = 30",
        "minimum_n = 90",
        "OBL-THRESHOLD",
        "protocol: analysis at most: minimum_n",
    ),
    (
        "row removed",
        FEATURE,
        "      | LATERAL |\n",
        "",
        "OBL-ROWS",
        "TC:admission.feature::Every view is told: row: view=LATERAL",
    ),
    (
        "tag removed",
        FEATURE,
        "  @RC-001\n",
        "",
        "OBL-LINK",
        "TC:admission.feature::A child's film is refused: link verifies: RC-001",
    ),
    (
        "skip tag",
        FEATURE,
        "  @RC-001\n",
        "  @RC-001 @skip\n",
        "OBL-SKIP",
        "TC:admission.feature::A child's film is refused: switch: @skip",
    ),
    (
        "expectation softened",
        FEATURE,
        "Then it is refused",
        "Then it is seen",
        "OBL-ASSERTION",
        "TC:admission.feature::A child's film is refused: expected: it is refused",
    ),
    (
        "assertion removed",
        STEPS,
        '    assert not wrong, f"observed {wrong}"\n',
        "",
        "OBL-ASSERTION",
        "step then it is refused: asserts: assert not wrong",
    ),
    (
        "assertion weakened",
        STEPS,
        "assert not wrong,",
        "assert not wrong or True,",
        "OBL-ASSERTION",
        "step then it is refused: asserts: assert not wrong",
    ),
    (
        "assertion of a helper removed",
        STEPS,
        'assert ending.code == "ADM-AGE", "said why"',
        "pass",
        "OBL-ASSERTION",
        "step then it is refused: asserts: calls film._refused",
    ),
    (
        "helper not called",
        STEPS,
        "    _refused(ending)\n    with",
        "    with",
        "OBL-ASSERTION",
        "step then it is refused: asserts: calls film._refused",
    ),
    (
        "comparison of a helper weakened",
        STEPS,
        "ending.age < LIMIT",
        "ending.age < 0",
        "OBL-ASSERTION",
        "steps film.offences: asserts: if ending.age < LIMIT: wrong.append('age')",
    ),
    (
        "expected exception widened",
        STEPS,
        "ValueError, match",
        "Exception, match",
        "OBL-ASSERTION",
        "step then it is refused: asserts: expects pytest.raises(ValueError, match='age')",
    ),
    (
        "asserted under a condition",
        STEPS,
        "    assert not wrong,",
        "    if wrong:\n        assert not wrong,",
        "OBL-ASSERTION",
        "step then it is refused: asserts: assert not wrong",
    ),
    (
        "left before the assertion",
        STEPS,
        "    wrong = offences(ending)\n",
        "    wrong = offences(ending)\n    return\n",
        "OBL-ASSERTION",
        "step then it is refused: leaves early: return",
    ),
    (
        "skipped in the step",
        STEPS,
        "    wrong = offences(ending)\n",
        "    wrong = offences(ending)\n    pytest.skip('later')\n",
        "OBL-SKIP",
        "verification/steps/film.py: switch: pytest.skip('later')",
    ),
    (
        "marked to fail",
        STEPS,
        "@then(",
        "@pytest.mark.xfail\n@then(",
        "OBL-SKIP",
        "verification/steps/film.py: switch: pytest.mark.xfail",
    ),
    (
        "option that leaves out",
        "pyproject.toml",
        "[project]",
        '[tool.pytest.ini_options]\naddopts = ["-k", "not child"]\n[project]',
        "OBL-SKIP",
        "pyproject.toml: switch: option -k",
    ),
    ("page removed", "docs/gaps.toml", "", "", "OBL-REMOVED", "page user-needs: item"),
]


@pytest.mark.parametrize("case", [case[1:] for case in SILENCING], ids=[case[0] for case in SILENCING])
def test_each_silencing_has_its_code_and_place(owing, case):
    name, old, new, code, what = case
    if old:
        owing.replace(name, old, new)
    else:
        (owing.root / "docs/user-needs.md").unlink()
    found = [each for each in smaller(owing) if each[0] == code and each[1] == what]
    assert len(found) == 1, smaller(owing)
    assert re.fullmatch(rf"{re.escape(name if old else 'docs/user-needs.md')}:\d+", found[0][2])


def test_an_inactive_item_and_all_its_links_is_gone(owing):
    text = owing.read(REQUIREMENTS)
    owing.write(REQUIREMENTS, text[: text.rindex("[[requirement]]")])
    assert ("OBL-REMOVED", "SRS-002: item", f"{REQUIREMENTS}:{_line(text, 'SRS-002') - 1}") in smaller(owing)
    assert not [each for each in smaller(owing) if each[1].startswith("SRS-002:") and each[0] != "OBL-REMOVED"]


def _line(text, word):
    return 1 + text[: text.index(word)].count("\n")


def test_more_is_free_and_counted(owing):
    owing.replace(FEATURE, "      | PA      |\n", "      | PA      |\n      | AP      |\n")
    owing.replace(HAZARDS, "\nseverity = 3", "\nseverity = 5")
    assert smaller(owing) == []
    names = [each.name for each in renewal.compare(owing.root).larger]
    assert names == ["HS-001: severity", "TC:admission.feature::Every view is told: row: view=AP"]


def test_a_settings_file_beside_the_features_is_a_switch(owing):
    owing.write("verification/features/conftest.py", "collect_ignore = ['admission.feature']\n")
    assert {each[0] for each in smaller(owing)} == {"OBL-SKIP"}


def enter(project, **changes):
    found = renewal.compare(project.root)
    (entry,) = renewal.entries(found, "DEMO-author", "the age limit follows the new intended use")
    fields = {
        name: changes.get(name, getattr(entry, name))
        for name in ("id", "baseline", "what", "before", "after", "author", "reason")
    }
    baseline.append(project.root, [baseline.Entry(**fields)])


@pytest.fixture
def lowered(owing):
    owing.replace(ARCHITECTURE, 'safety_class = "C"', 'safety_class = "B"')
    return owing


def test_an_entry_answers_for_exactly_one_reduction(lowered):
    enter(lowered)
    assert smaller(lowered) == []
    lowered.replace(ARCHITECTURE, '"B"', '"A"')
    assert [each[0] for each in smaller(lowered)] == ["OBL-CLASS", "OBL-LEDGER"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"what": "SWS-*"}, "the pattern SWS-*, which would cover 1 reductions"),
        ({"what": "SWS-LARGE: safety class"}, "which nothing did"),
        ({"after": "0"}, "entered as 2 to 0"),
        ({"baseline": "0" * 64}, "which never was"),
    ],
)
def test_an_entry_that_answers_for_something_else_is_refused(lowered, changes, said):
    enter(lowered, **changes)
    problems = lowered.check().problems
    assert [each.found for each in problems if each.code == "OBL-LEDGER" and said in each.found]
    assert "OBL-CLASS" in {each.code for each in problems}


def test_an_entry_nothing_became_smaller_for_is_refused(lowered):
    enter(lowered)
    lowered.replace(ARCHITECTURE, '"B"', '"C"')
    assert [each[0] for each in smaller(lowered)] == ["OBL-LEDGER"]


def test_the_same_entry_twice_is_refused(lowered):
    enter(lowered)
    text = lowered.read(baseline.LEDGER)
    lowered.write(baseline.LEDGER, text + text[text.index("[[reduction]]") :])
    assert [each[0] for each in smaller(lowered)] == ["OBL-LEDGER"]


def test_a_reason_of_a_word_is_no_reason(lowered):
    enter(lowered, reason="because")
    assert "SPC-VALUE" in lowered.codes()


def test_a_baseline_edited_by_hand_shows(lowered):
    data = json.loads(lowered.read(baseline.BASELINE))
    data["obligations"]["SWS-TINY"]["safety class"][""] = 1
    lowered.write(baseline.BASELINE, json.dumps(data))
    assert [(each.code, "edited by hand" in each.found) for each in lowered.check().problems if each.code.startswith("OBL")] == [
        ("OBL-BASELINE", True)
    ]


def test_a_baseline_written_anew_with_its_hash_is_not_the_renewed_one(lowered):
    current = renewal.compare(lowered.root).current
    baseline.write_baseline(lowered.root, baseline.baseline_of(current))
    assert [each[0] for each in smaller(lowered)] == ["OBL-BASELINE"]


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", '{"schema": "thoratrace/baseline/1"}', '{"schema": "x", "sha256": "", "obligations": {}, "places": {}}'],
)
def test_without_a_readable_baseline_the_gate_is_shut(project, content):
    if content is None:
        (project.root / baseline.BASELINE).unlink()
    else:
        project.write(baseline.BASELINE, content)
    assert project.codes() == ["OBL-BASELINE"]


def test_without_a_ledger_the_gate_is_shut(project):
    (project.root / baseline.LEDGER).unlink()
    assert "SPC-FILE" in project.codes()


def test_renewal_enters_what_became_smaller_and_then_nothing_is(lowered):
    found = renewal.renew(lowered.root, "DEMO-author", "the system was classified again")
    assert [each.what for each in found.open] == ["SWS-TINY: safety class"]
    assert smaller(lowered) == []
    ledger, _ = baseline.read_ledger(lowered.root)
    assert [(each.id, each.what, each.before, each.after) for each in ledger.entries] == [
        ("OBR-001", "SWS-TINY: safety class", "2", "1")
    ]
    assert len(ledger.renewals) == 2


def test_renewal_of_nothing_new_writes_nothing(owing):
    before = owing.read(baseline.LEDGER)
    renewal.renew(owing.root, "DEMO-author", "nothing happened, so nothing is renewed")
    assert owing.read(baseline.LEDGER) == before


def test_after_a_release_a_reduction_cannot_be_renewed_away(lowered):
    (lowered.root / "releases/0.1.0").mkdir(parents=True)
    with pytest.raises(renewal.RenewalRefused, match="SWS-TINY: safety class"):
        renewal.renew(lowered.root, "DEMO-author", "the system was classified again")
    enter(lowered)
    with pytest.raises(renewal.RenewalRefused, match="OBR-001"):
        renewal.renew(lowered.root, "DEMO-author", "the system was classified again", unsigned=("OBR-001",))
    renewal.renew(lowered.root, "DEMO-author", "the system was classified again")
    assert smaller(lowered) == []


def test_a_broken_baseline_is_not_renewed_away(lowered):
    (lowered.root / baseline.BASELINE).unlink()
    with pytest.raises(renewal.RenewalRefused, match="OBL-BASELINE"):
        renewal.renew(lowered.root, "DEMO-author", "start all over again")


def test_an_entered_reduction_blocks_a_release_until_it_is_signed(lowered):
    enter(lowered)
    assert "OBL-UNSIGNED" not in lowered.codes()
    assert "OBL-UNSIGNED" in lowered.codes(gate.Level.RELEASE)


def test_a_renewed_reduction_still_blocks_a_release(lowered):
    renewal.renew(lowered.root, "DEMO-author", "the system was classified again")
    assert "OBL-UNSIGNED" in lowered.codes(gate.Level.RELEASE)


def test_a_check_taken_out_of_the_gate_is_smaller(project):
    register = "verification/trace/checks/register.py"
    project.write(
        register, 'CHECKS = {Level.DEVELOPMENT: (links.tags_exist, orphans.all), Level.RELEASE: ()}\nCODE = "TRC-TAG-UNKNOWN"\n'
    )
    project.owe()
    project.replace(register, "links.tags_exist, ", "")
    project.replace(register, '"TRC-TAG-UNKNOWN"', '"none"')
    assert set(smaller(project)) == {
        ("OBL-CHECK", f"{register} CHECKS: check: Level.DEVELOPMENT: links.tags_exist", f"{register}:1"),
        ("OBL-CHECK", f"{register} CODE: check: 'TRC-TAG-UNKNOWN'", f"{register}:2"),
        ("OBL-CHECK", "code TRC-TAG-UNKNOWN: code", f"{register}:2"),
    }


def test_a_rule_or_a_constant_of_the_gate_that_asks_less_is_smaller(project):
    slices = "verification/trace/slices.py"
    people = (ROOT / "people.toml").read_text(encoding="utf-8")
    project.write("people.toml", people)
    project.write(slices, 'PATHS = ("risk", "device_sw")\nTIME = 10\nSLICES = {"a": Slice("a", 1)}\n')
    project.owe()
    project.write(slices, 'PATHS = ("risk",)\nTIME = 1\nSLICES = {"a": Slice("a", 0)}\n')
    project.write(
        "people.toml",
        people.replace('roles = ["risk management", "clinical safety"]', 'roles = ["risk management", "software lead"]'),
    )
    found = [each[:2] for each in smaller(project)]
    assert {each for each in found if each[1].startswith(slices)} == {
        ("OBL-CHECK", f"{slices} PATHS: check: 'device_sw'"),
        ("OBL-CHECK", f"{slices} SLICES: check: 'a': Slice('a', 1)"),
        ("OBL-CHECK", f"{slices} TIME: check: 10"),
    }
    assert ("OBL-POLICY", "documents risk/data: approving role: clinical safety") in found


def test_the_shipped_data_has_a_baseline_of_every_kind(shipped):
    owed = renewal.compare(shipped.root).current
    assert {each.aspect for each in owed} >= {
        "item",
        "row",
        "severity",
        "safety class",
        "asserts",
        "threshold at least",
        "matrix cell",
        "check",
        "code",
        "strict",
    }
    assert len(owed) > 4000
