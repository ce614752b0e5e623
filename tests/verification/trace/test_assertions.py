"""What a step asserts is an obligation, however it is written; what it says to people, is called, or where it stands is none."""

import ast
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from verification.trace.assertions import LONGEST, STEPS, assertion_duties, short
from verification.trace.obligations import OBLIGATION_ORDER, Rule, aspect_of, reductions
from verification.trace.renewal import compare

ROOT = Path(__file__).resolve().parents[3]

STEP = '''\
@then("it holds")
def _holds(ending):
    """It holds."""
    {body}
'''


def members(body, *, module="one", others=None):
    text = STEP.format(body=body.replace("\n", "\n    "))
    found = assertion_duties({module: text, **(others or {})})
    return [each.member for each in found if each.aspect == "asserts" and each.item.startswith("step then")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("assert ending.code == 0, f'said {ending}'", ["assert ending.code == 0"]),
        ("if ending:\n    assert ending.code == 0", ["if ending: assert ending.code == 0"]),
        ("if ending:\n    pass\nelse:\n    assert ending", ["if not (ending): assert ending"]),
        ("for each in ending:\n    assert each", ["for each in ending: assert each"]),
        ("while ending:\n    assert ending.next", ["while ending: assert ending.next"]),
        ("with ending.open() as file:\n    assert file", ["with ending.open() as file: assert file"]),
        ("with pytest.raises(KeyError, match='x'):\n    ending.open()", ["expects pytest.raises(KeyError, match='x')"]),
        (
            "try:\n    assert ending\nexcept ValueError:\n    pytest.fail('no')",
            ["except ValueError: fails", "try, except ValueError: assert ending"],
        ),
        ("match ending:\n    case 1:\n        assert ending.one", ["case 1 of ending: assert ending.one"]),
        ("raise AssertionError('never')", ["raises AssertionError"]),
        ("limit = 3\nother = 4\nassert ending < limit", ["assert ending < limit", "limit = 3"]),
        ("low: int = 3\nlow += 1\nassert ending < low", ["assert ending < low", "low += 1", "low: int = 3"]),
        ("def inner():\n    assert ending\ninner()", ["in inner: assert ending"]),
    ],
)
def test_each_way_to_assert_is_seen_with_its_conditions(body, expected):
    assert members(body) == expected


@pytest.mark.parametrize(
    "other",
    [
        "assert ending.code == 0, 'another message'",
        "assert ending.code == 0  # a comment",
        "unused = 1\nassert ending.code == 0",
        "assert (ending.code\n        == 0)",
    ],
)
def test_what_does_not_assert_is_no_obligation(other):
    assert members(other) == members("assert ending.code == 0")


def test_a_constant_that_a_check_rests_on_is_part_of_it():
    text = "LIMIT = 5\nOTHER = 6\n" + STEP.format(body="assert ending < LIMIT")
    assert [each.member for each in assertion_duties({"one": text}) if each.member] == ["LIMIT = 5", "assert ending < LIMIT"]


def test_checks_of_another_module_and_of_methods_are_followed():
    others = {"two": "class Run:\n    def record(self):\n        assert self.files\n", "three": "def held(x):\n    assert x\n"}
    imports = "from verification.steps import three\nfrom verification.steps.three import held as kept\n"
    text = imports + STEP.format(body="ending.record()\n    three.held(ending)\n    kept(ending)")
    found = assertion_duties({"one": text, **others})
    assert [each.member for each in found if each.item == "step then it holds" and each.member] == [
        "calls three.held",
        "calls two.Run.record",
    ]
    assert ("steps two.Run.record", "assert self.files") in {(each.item, each.member) for each in found}


def test_renaming_or_moving_a_step_reduces_nothing():
    before = assertion_duties({"one": STEP.format(body="assert ending")})
    after = assertion_duties({"two": "\n\n" + STEP.format(body="assert ending").replace("_holds", "_stays")})
    assert reductions(before, after) == ()


def test_a_module_that_cannot_be_parsed_loses_everything_it_owed():
    before = assertion_duties({"one": STEP.format(body="assert ending")})
    assert [each.code for each in reductions(before, assertion_duties({"one": "def ("}))] == ["OBL-ASSERTION"]


def test_a_long_expression_is_cut_and_still_told_apart():
    first, second = short("assert " + "a" * 500), short("assert " + "a" * 499 + "b")
    assert len(first) <= LONGEST
    assert first != second


MODULES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / STEPS).glob("*.py"))}
OWED = assertion_duties(MODULES)
ASSERTIONS = [
    (name, node) for name, text in MODULES.items() for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assert)
]


@pytest.mark.parametrize(("name", "node"), ASSERTIONS[::40], ids=lambda each: each if isinstance(each, str) else str(each.lineno))
def test_no_assertion_of_the_shipped_steps_can_be_taken_away(name, node):
    """Every fortieth; when this was written all 281 were taken away one by one, with the same result."""
    lines = MODULES[name].split("\n")
    lines[node.lineno - 1 : node.end_lineno] = [" " * node.col_offset + "pass"] + [""] * (node.end_lineno - node.lineno)
    found = reductions(OWED, assertion_duties({**MODULES, name: "\n".join(lines)}))
    assert any(each.code == "OBL-ASSERTION" and each.where.startswith(f"{STEPS}/{name}.py:") for each in found)


def weakened(one):
    """Yield an obligation made smaller in each way its rule knows; None for gone."""
    rule = aspect_of(one.aspect).rule
    if rule is not Rule.NONE_NEW:
        yield None
    if isinstance(one.value, str):
        yield replace(one, value=f"{one.value}.")
    elif rule in {Rule.AT_MOST, Rule.NONE_NEW}:
        yield replace(one, value=one.value + 1)
    elif one.value:
        yield replace(one, value=one.value - 1)


def test_each_obligation_of_the_shipped_project_is_kept_in_every_way_its_rule_knows(shipped):
    owed = sorted(compare(shipped.root).current, key=OBLIGATION_ORDER)
    for _, group in groupby(owed, key=lambda each: each.item):
        item = list(group)
        for one in item:
            for other in weakened(one):
                changed = [each for each in item if each is not one] + ([other] if other else [])
                assert one.name in {each.what for each in reductions(item, changed)}


def test_a_helper_whose_value_is_judged_owes_each_of_its_statements():
    text = "def _age(film):\n    years = film.years + 1\n    return years\n\n@then('it is refused')\ndef _refused(film):\n    assert _age(film) == 17\n"
    owed = {(each.item, each.member) for each in assertion_duties({"film": text}) if each.aspect == "asserts"}
    assert {("steps film._age", "years = film.years + 1"), ("steps film._age", "return years")} <= owed
