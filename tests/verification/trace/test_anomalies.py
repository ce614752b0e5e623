"""The list of anomalies: its life cycle is checked, what it claims has to be shown, and a release asks that nothing is left unhandled."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.trace import gate
from verification.trace.anomalies import ANOMALIES, NEXT, State, Step, Trend, read_anomalies

ROOT = Path(__file__).resolve().parents[3]
CHILD = "A child's film is refused"
FULL = {"root_cause": "c", "evaluation": "e", "disposition": "d", "security": "none", "change": "x", "advised": "users"}


def anomaly(state="assessed", *, steps=None, concerns=("RC-001",), situations=("HS-001",), none="", category="design", **texts):
    texts = {**FULL, **texts}
    history = (
        steps if steps is not None else [(str(name), "2026-11-21") for name in (*State,)[: [*State].index(State(state)) + 1]]
    )
    return f"""
[[anomaly]]
id = "ANO-001"
title = "A film of a child passes"
description = "It passes."
discovered = {{ date = "2026-11-20", how = "test", software = "0.1.0", model = "0.1.0" }}
concerns = {list(concerns)!r}
situations = {list(situations)!r}
no_safety_impact = "{none}"
category = "{category}"
state = "{state}"
root_cause = "{texts["root_cause"]}"
evaluation = "{texts["evaluation"]}"
disposition = "{texts["disposition"]}"
workaround = ""
security = "{texts["security"]}"
advised = {[texts["advised"]] if texts["advised"] else []!r}
change = "{texts["change"]}"
""" + "".join(
        f'[[anomaly.history]]\nstate = "{name}"\ndate = "{day}"\nauthor = "DEMO-author"\nnote = "n"\n' for name, day in history
    )


def put(project, *anomalies, reviewed="", trends=""):
    texts = [text.replace("ANO-001", f"ANO-{number:03}") for number, text in enumerate(anomalies, start=1)]
    head = f'schema = "thoratrace/anomalies/1"\nauthor = "DEMO-author"\nreviewed_identity = "{reviewed}"\n'
    project.write(ANOMALIES, head + "".join(texts) + trends)


def codes(project, level=gate.Level.DEVELOPMENT):
    return sorted(
        {problem.code for problem in project.check(level).problems if problem.code.startswith(("ANO-", "SPC-", "TRC-RESULT"))}
    )


def test_an_assessed_anomaly_is_part_of_the_graph_and_blocks_nothing_in_development(project):
    put(project, anomaly())
    result = project.check()
    assert result.passed
    assert result.counts["anomalies"] == 1
    assert result.graph.targets("ANO-001", "concerns") == ("HS-001", "RC-001")
    assert result.graph.nodes["ANO-001"].facts["state"] == "assessed"


def test_the_list_is_no_part_of_what_is_judged(project):
    put(project, anomaly())
    assert project.check().accepted


def test_an_unknown_item_is_named(project):
    put(project, anomaly(concerns=("SRS-999",)))
    found = [problem for problem in project.check().problems if problem.code == "ANO-UNKNOWN-ITEM"]
    assert [(problem.item, "SRS-999" in problem.found, problem.where) for problem in found] == [
        ("ANO-001", True, f"{ANOMALIES}:5")
    ]


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([("assessed", "2026-11-21")], "assessed"),
        ([("open", "2026-11-21"), ("resolved", "2026-11-21")], "resolved"),
        ([("open", "2026-11-21"), ("assessed", "2026-11-20")], "assessed"),
        ([("open", "2026-11-19")], "open"),
        ([("open", "2026-11-31")], "open"),
        ([("open", "2026-11-21")], "assessed"),
        ([("open", "2026-11-21"), ("assessed", "2026-11-21"), ("open", "2026-11-21")], "open"),
    ],
)
def test_a_history_that_cannot_have_happened_is_refused(project, steps, state):
    put(project, anomaly(state, steps=steps))
    assert codes(project) == ["ANO-HISTORY"]


@given(st.lists(st.sampled_from(State), min_size=1, max_size=6))
def test_exactly_the_legal_walks_are_accepted(states):
    legal = all(after in NEXT[before] for before, after in zip([None, *states], states, strict=False))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, ANOMALIES)
        path.parent.mkdir(parents=True)
        text = anomaly(str(states[-1]), steps=[(str(state), "2026-11-21") for state in states])
        path.write_text('schema = "thoratrace/anomalies/1"\nauthor = "DEMO-author"\nreviewed_identity = ""\n' + text)
        _, problems = read_anomalies(Path(folder))
    assert (not problems) is legal


@pytest.mark.parametrize(("situations", "none"), [((), ""), (("HS-001",), "none")])
def test_impact_on_safety_is_stated_exactly_once(project, situations, none):
    put(project, anomaly(situations=situations, none=none))
    assert codes(project) == ["ANO-IMPACT"]


@pytest.mark.parametrize("name", ["root_cause", "evaluation", "disposition", "advised"])
def test_an_assessed_one_without_its_assessment_is_refused(project, name):
    put(project, anomaly(**{name: ""}))
    assert codes(project) == ["ANO-ASSESSMENT"]


def test_a_resolved_one_names_its_change(project):
    put(project, anomaly("resolved", change=""))
    assert codes(project) == ["ANO-ASSESSMENT"]


def test_a_verified_one_is_shown_by_passing_scenarios(project):
    put(project, anomaly("verified"))
    assert codes(project) == []


def test_a_verified_one_whose_scenario_fails_or_that_has_none_is_refused(project):
    put(project, anomaly("verified"), anomaly("verified", concerns=("software-requirements",)))
    project.verify({(CHILD, ""): "<failure message='boom'/>"})
    found = [problem for problem in project.check().problems if problem.code == "ANO-UNVERIFIED"]
    assert sorted(problem.item for problem in found) == ["ANO-001", "ANO-002"]


def test_release_asks_for_a_list_reviewed_against_this_run(project):
    assert "ANO-REVIEW" in codes(project, gate.Level.RELEASE)
    put(project, anomaly())
    assert "ANO-REVIEW" in codes(project, gate.Level.RELEASE)
    put(project, anomaly(), reviewed=project.check().identity.sha256)
    assert codes(project, gate.Level.RELEASE) == []
    project.write("verification/steps/film.py", "AGE = 16\n")
    assert "ANO-REVIEW" in codes(project, gate.Level.RELEASE)


def test_release_is_blocked_by_an_open_one_by_one_without_security_and_by_a_trend(project):
    identity = project.check().identity.sha256
    put(project, *[anomaly("open", security="")] * 3, reviewed=identity)
    assert codes(project) == []
    assert codes(project, gate.Level.RELEASE) == ["ANO-OPEN", "ANO-SECURITY", "ANO-TREND"]
    put(project, *[anomaly()] * 3, reviewed=identity, trends='[[trend]]\ncategory = "design"\nanalysis = "a"\n')
    assert codes(project, gate.Level.RELEASE) == []


@pytest.mark.parametrize(
    ("concerns", "state", "expected"),
    [
        (None, "", ["ANO-UNREPORTED", "TRC-RESULT-FAILED"]),
        (("SRS-002",), "assessed", ["ANO-UNREPORTED", "TRC-RESULT-FAILED"]),
        (("RC-001",), "assessed", ["TRC-RESULT-FAILED"]),
        ((f"TC:admission.feature::{CHILD}",), "assessed", ["TRC-RESULT-FAILED"]),
        (("RC-001",), "verified", ["ANO-UNREPORTED", "ANO-UNVERIFIED", "TRC-RESULT-FAILED"]),
    ],
)
def test_a_failed_verification_needs_an_anomaly_at_release_and_never_becomes_a_pass(project, concerns, state, expected):
    project.verify({(CHILD, ""): "<failure message='boom'/>"})
    identity = project.check().identity.sha256
    put(project, *([anomaly(state, concerns=concerns)] if concerns else []), reviewed=identity)
    assert codes(project, gate.Level.RELEASE) == expected
    assert not project.check(gate.Level.RELEASE).passed


def test_what_did_not_run_was_not_verified_so_no_anomaly_is_asked_for(project):
    project.verify({(CHILD, ""): "<skipped type='pytest.skip' message='no data'/>"})
    put(project, reviewed=project.check().identity.sha256)
    assert codes(project, gate.Level.RELEASE) == ["TRC-RESULT-SKIPPED"]


def test_unknown_keys_and_double_ids_are_refused(project):
    put(project, anomaly(), anomaly())
    project.replace(ANOMALIES, "ANO-002", "ANO-001")
    project.replace(ANOMALIES, "category", "kategory")
    assert codes(project) == ["SPC-DUPLICATE-ID", "SPC-MISSING-KEY", "SPC-UNKNOWN-KEY"]


def test_the_shipped_list_is_sound_and_holds_the_known_weaknesses():
    known, problems = read_anomalies(ROOT)
    assert problems == ()
    assert len(known.anomalies) >= 5
    assert all(each.security for each in known.anomalies if each.state is not State.OPEN)


class Folder:
    """A folder with a list of anomalies and nothing else."""

    def __init__(self, root):
        self.root = root

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")


def faults(tmp_path, *anomalies):
    put(Folder(tmp_path), *anomalies)
    return [(each.code, each.where, each.item, each.found, each.expected) for each in read_anomalies(tmp_path)[1]]


DAY = "2026-11-21"
HISTORIES = {
    "not begun": (
        anomaly(steps=[("assessed", DAY)]),
        [("step 1 goes from nothing to assessed", "one of: open")],
    ),
    "a step left out": (
        anomaly("verified", steps=[("open", DAY), ("assessed", DAY), ("verified", DAY)]),
        [("step 3 goes from assessed to verified", "one of: resolved")],
    ),
    "two ways on": (
        anomaly("open", steps=[("open", DAY), ("assessed", DAY), ("resolved", DAY), ("open", DAY)]),
        [("step 4 goes from resolved to open", "one of: assessed, verified")],
    ),
    "before it was found": (
        anomaly("open", steps=[("open", "2026-11-19")]),
        [("step 1 is dated 2026-11-19, what came before it 2026-11-20", "a date that exists and is not earlier")],
    ),
    "backwards": (
        anomaly(steps=[("open", "2026-11-22"), ("assessed", DAY)]),
        [("step 2 is dated 2026-11-21, what came before it 2026-11-22", "a date that exists and is not earlier")],
    ),
    "no date": (
        anomaly("open", steps=[("open", "2026-11-31")]),
        [("step 1 is dated 2026-11-31, what came before it 2026-11-20", "a date that exists and is not earlier")],
    ),
    "another end": (
        anomaly("resolved", steps=[("open", DAY), ("assessed", DAY)]),
        [("the state resolved, a history that ends in assessed", "the state the history ends in")],
    ),
    "the day it was found": (anomaly("open", steps=[("open", "2026-11-20")]), []),
}


@pytest.mark.parametrize("case", HISTORIES)
def test_a_history_that_cannot_be_is_told_step_by_step(tmp_path, case):
    text, expected = HISTORIES[case]
    assert faults(tmp_path, text) == [("ANO-HISTORY", f"{ANOMALIES}:5", "ANO-001", *each) for each in expected]


@pytest.mark.parametrize(
    ("situations", "none", "found"),
    [
        ((), "", "neither a hazardous situation nor a reason"),
        (("HS-001",), "it is a word", "hazardous situations and a reason for none"),
        ((), "it is a word", None),
        (("HS-001", "HS-002"), "  ", None),
    ],
)
def test_an_effect_is_stated_one_way(tmp_path, situations, none, found):
    said = [
        (code, where, item, text) for code, where, item, text, _ in faults(tmp_path, anomaly(situations=situations, none=none))
    ]
    assert said == ([("ANO-IMPACT", f"{ANOMALIES}:5", "ANO-001", found)] if found else [])


def test_a_list_is_read_whole(tmp_path):
    trend = '[[trend]]\ncategory = "design"\nanalysis = "one cause"\n'
    put(Folder(tmp_path), anomaly(root_cause=" c "), anomaly(category="data"), anomaly(), reviewed="a" * 64, trends=trend)
    known, problems = read_anomalies(tmp_path)
    assert problems == ()
    assert known.exists
    assert known.reviewed_identity == "a" * 64
    assert known.trends == (Trend("design", "one cause"),)
    assert list(known.counts().items()) == [("data", 1), ("design", 2)]
    first = known.anomalies[0]
    assert (first.id, first.where, first.title, first.state) == (
        "ANO-001",
        f"{ANOMALIES}:5",
        "A film of a child passes",
        State.ASSESSED,
    )
    assert (first.concerns, first.situations, first.advised) == (("RC-001",), ("HS-001",), ("users",))
    assert first.history == (Step(State.OPEN, DAY, "DEMO-author", "n"), Step(State.ASSESSED, DAY, "DEMO-author", "n"))
    assert first.facts() == {
        "state": "assessed",
        "discovered": {"date": "2026-11-20", "how": "test", "software": "0.1.0", "model": "0.1.0"},
        "situations": ["HS-001"],
        "advised": ["users"],
        "history": [
            {"state": "open", "date": DAY, "author": "DEMO-author", "note": "n"},
            {"state": "assessed", "date": DAY, "author": "DEMO-author", "note": "n"},
        ],
        "description": "It passes.",
        "no_safety_impact": "",
        "category": "design",
        "root_cause": "c",
        "evaluation": "e",
        "disposition": "d",
        "workaround": "",
        "security": "none",
        "change": "x",
    }


def test_no_list_is_empty_and_says_so(tmp_path):
    known, problems = read_anomalies(tmp_path)
    assert (known.anomalies, known.trends, known.reviewed_identity, known.exists, problems) == ((), (), "", False, ())


def test_an_unsound_anomaly_is_told_and_left_out(tmp_path):
    found = faults(tmp_path, anomaly(), anomaly().replace("ANO-001", "ANO-002").replace('title = "A film of a child passes"', ""))
    assert [each[0] for each in found] == ["SPC-MISSING-KEY"]
    assert [each.id for each in read_anomalies(tmp_path)[0].anomalies] == ["ANO-001"]
