"""Each check by itself on a graph of a few items: what it names, where, and in which words; and that it names nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.verification.trace.signers import SHA, Book, Signer
from verification.trace.anomalies import State
from verification.trace.approvals import Approvals, Subject
from verification.trace.checks import anomalies, levels, links, orphans, results, scenarios, seeded
from verification.trace.evidence import VERDICTS
from verification.trace.graph import Edge, Graph, Kind, Link, Node
from verification.trace.outcomes import Outcome, Verdict
from verification.trace.people import People, Rule
from verification.trace.seeded import SHOWN, Seeded, Trial

S1, S2 = "TC:a.feature::One", "TC:a.feature::Two"


def scenario(name, *, rows=(), outcomes=1, lost=(), line=3):
    facts = {"feature": "a.feature", "rows": list(rows), "outcomes": outcomes, "lost_tags": list(lost)}
    return Node(f"TC:a.feature::{name}", Kind.SCENARIO, name, f"f/a.feature:{line}", facts)


def node(name, kind, **facts):
    return Node(name, kind, name, f"{name}.toml:1", facts)


def verdict(name, row="", outcome=Outcome.PASSED, reason="", tags=()):
    return Verdict("a.feature", name, row, tags, outcome, reason)


def graph(*nodes, edges=(), verdicts=None):
    return Graph({each.id: each for each in nodes}, tuple(Edge(link, one, two) for one, link, two in edges), verdicts or {})


def case(made, **inputs):
    return SimpleNamespace(graph=made, inputs=SimpleNamespace(**inputs), accepted=True)


def told(problems):
    return [(each.code, each.where, each.item, each.found) for each in problems]


REQUIREMENT, CONTROL = node("SRS-001", Kind.REQUIREMENT), node("RC-001", Kind.CONTROL)


def test_every_verdict_but_a_pass_is_told_at_its_scenario():
    verdicts = {
        S1: (verdict("One"), verdict("One", "x=1", Outcome.FAILED, "no film"), verdict("One", "x=2", Outcome.SKIPPED)),
        "TC:a.feature::Gone": (verdict("Gone", outcome=Outcome.FOREIGN, reason="nobody wrote it"),),
    }
    found = told(results.every_result_is_a_clean_pass(case(graph(scenario("One"), verdicts=verdicts))))
    assert found[0] == ("TRC-RESULT-FOREIGN", VERDICTS, "TC:a.feature::Gone", "foreign: nobody wrote it")
    assert found[1] == ("TRC-RESULT-FAILED", "f/a.feature:3", f"{S1} [x=1]", "failed: no film")
    assert found[2][:3] == ("TRC-RESULT-SKIPPED", "f/a.feature:3", f"{S1} [x=2]")
    assert found[2][3].startswith("skipped: ")
    assert len(found) == 3


def test_a_row_cut_out_of_the_record_is_told():
    made = graph(scenario("One", rows=["x=1", "x=2"]), scenario("Two", line=9), verdicts={S1: (verdict("One", "x=1"),)})
    assert told(results.every_scenario_has_its_results(case(made))) == [
        ("TRC-RESULT-MISSING", "f/a.feature:3", f"{S1} [x=2]", "no verdict for it"),
        ("TRC-RESULT-MISSING", "f/a.feature:9", S2, "no verdict for it"),
    ]
    assert told(results.every_scenario_has_its_results(case(graph(scenario("One"))))) == []
    whole = graph(scenario("One"), verdicts={S1: (verdict("One"),)})
    assert told(results.every_scenario_has_its_results(case(whole))) == []


def test_a_result_without_its_ids_is_told():
    edges = [(S1, Link.VERIFIES, "SRS-001"), (S1, Link.VERIFIES, "RC-001")]
    for tags, expected in [
        (("SRS-001", "RC-001"), []),
        ((), ["the result carries no id, the file RC-001, SRS-001"]),
        (("SRS-002", "SRS-001"), ["the result carries SRS-002, SRS-001, the file RC-001, SRS-001"]),
    ]:
        made = graph(scenario("One"), REQUIREMENT, edges=edges, verdicts={S1: (verdict("One", tags=tags),)})
        assert told(results.results_carry_the_tags(case(made))) == [
            ("TRC-TAG-LOST", "f/a.feature:3", S1, each) for each in expected
        ]
    failed = graph(scenario("One"), edges=edges, verdicts={S1: (verdict("One", outcome=Outcome.FAILED),)})
    assert told(results.results_carry_the_tags(case(failed))) == []
    untagged = graph(scenario("One"), verdicts={S1: (verdict("One", tags=("SRS-001",)),)})
    assert [each[3] for each in told(results.results_carry_the_tags(case(untagged)))] == [
        "the result carries SRS-001, the file no id"
    ]


def test_tags_sections_and_endpoints_that_name_nothing_are_told():
    made = graph(
        scenario("One"),
        REQUIREMENT,
        CONTROL,
        node("SRS-002", Kind.REQUIREMENT),
        node("UN-001", Kind.NEED),
        node("gaps", Kind.SECTION, exists=False),
        node("soup", Kind.SECTION, exists=True),
        node("idle", Kind.SECTION, exists=False),
        node("VE:a", Kind.ENDPOINT),
        edges=[
            (S1, Link.VERIFIES, "SRS-001"),
            (S1, Link.VERIFIES, "RC-001"),
            (S1, Link.VERIFIES, "UN-001"),
            (S1, Link.VERIFIES, "SRS-009"),
            ("SRS-001", Link.RENDERED_IN, "gaps"),
            ("SRS-002", Link.RENDERED_IN, "gaps"),
            ("SRS-001", Link.RENDERED_IN, "soup"),
            ("VE:a", Link.VERIFIES, "SRS-001"),
            ("VE:a", Link.VERIFIES, "RC-001"),
            ("VE:a", Link.VERIFIES, "SRS-009"),
        ],
    )
    assert told(links.tags_exist(case(made))) == [
        ("TRC-TAG-UNKNOWN", "f/a.feature:3", S1, "the tag @SRS-009, which names no item"),
        ("TRC-TAG-UNKNOWN", "f/a.feature:3", S1, "the tag @UN-001, which names no item"),
    ]
    assert told(links.sections_exist(case(made))) == [
        ("TRC-SECTION-UNKNOWN", "gaps.toml:1", "gaps", "no such page, though 2 items are rendered there (SRS-001, ...)")
    ]
    assert told(links.endpoints_name_requirements(case(made))) == [
        ("TRC-ENDPOINT-REQUIREMENT", "VE:a.toml:1", "VE:a", "the requirement RC-001, which does not exist"),
        ("TRC-ENDPOINT-REQUIREMENT", "VE:a.toml:1", "VE:a", "the requirement SRS-009, which does not exist"),
    ]


def test_what_nothing_verifies_and_what_verifies_nothing_is_told():
    nodes = (scenario("One"), scenario("Two", line=9), scenario("Three"), REQUIREMENT, CONTROL, node("VE:a", Kind.ENDPOINT))
    edges = [(S1, Link.VERIFIES, "RC-001"), (S2, Link.VERIFIES, "SRS-009"), ("VE:a", Link.VERIFIES, "SRS-001")]
    made = graph(*nodes, edges=edges)
    assert told(orphans.requirements_have_scenarios(case(made))) == [
        ("TRC-REQ-SCENARIO", "SRS-001.toml:1", "SRS-001", "no scenario carries @SRS-001")
    ]
    assert told(orphans.controls_have_scenarios(case(made))) == []
    assert told(orphans.controls_have_scenarios(case(graph(CONTROL)))) == [
        ("TRC-CONTROL-SCENARIO", "RC-001.toml:1", "RC-001", "no scenario carries @RC-001")
    ]
    assert told(orphans.scenarios_have_requirements(case(made))) == [
        ("TRC-SCENARIO-TAG", "f/a.feature:3", S1, "RC-001"),
        ("TRC-SCENARIO-TAG", "f/a.feature:3", "TC:a.feature::Three", "no tag"),
        ("TRC-SCENARIO-TAG", "f/a.feature:9", S2, "SRS-009"),
    ]
    both = [(S1, Link.VERIFIES, "RC-001"), (S1, Link.VERIFIES, "SRS-001")]
    whole = graph(scenario("One"), REQUIREMENT, CONTROL, edges=both)
    assert told(orphans.scenarios_have_requirements(case(whole))) == []
    assert told(orphans.requirements_have_scenarios(case(whole))) == []


def test_a_scenario_that_expects_nothing_or_loses_tags_is_told():
    made = graph(scenario("One", outcomes=0), scenario("Two", lost=("SRS-001", "SRS-002"), line=9), scenario("Three"))
    assert told(scenarios.scenarios_expect_something(case(made))) == [
        ("TRC-SCENARIO-NO-OUTCOME", "f/a.feature:3", S1, "no Then step")
    ]
    assert told(scenarios.tags_reach_the_result(case(made))) == [
        ("TRC-TAG-LOST", "f/a.feature:9", S2, "@SRS-001, @SRS-002 on an example table")
    ]


def fault(name="SD-001", control="RC-001", named=(S1,)):
    return node(name, Kind.FAULT, control=control, scenarios=list(named))


def test_defects_that_name_nothing_are_told():
    edges = [(S1, Link.VERIFIES, "RC-001"), ("SD-001", Link.SEEDED_AGAINST, "RC-001")]
    nodes = (scenario("One"), scenario("Two"), CONTROL, node("RC-002", Kind.CONTROL))

    def linked(*faults):
        return told(seeded.seeded_defects_name_what_exists(case(graph(*nodes, *faults, edges=edges))))

    assert linked(fault()) == []
    assert linked(fault(control="RC-009")) == [("TRC-SEEDED-LINK", "SD-001.toml:1", "SD-001", "RC-009, which does not exist")]
    assert [each[3] for each in linked(fault(named=(S1, "TC:x")))] == ["TC:x, which does not exist"]
    assert [each[3] for each in linked(fault(named=(S2,)))] == ["no scenario that carries @RC-001"]
    assert linked(fault(named=(S1, S2))) == []
    made = graph(*nodes, fault(), edges=edges)
    assert told(seeded.controls_have_seeded_defects(case(made))) == [
        ("TRC-CONTROL-UNSEEDED", "RC-002.toml:1", "RC-002", "no seeded defect")
    ]


def trials(*found, refusal="", record="a run"):
    table = {each.fault: each for each in found}
    return SimpleNamespace(trial=table.get, refusal=refusal, record=record)


def trial(name, *, shown):
    return Trial(name, "RC-001", shown, "" if shown else "nothing failed", (), "", "", {}, (), ())


def test_defects_that_pass_unnoticed_or_were_not_tried_are_told():
    made = graph(fault(), fault("SD-002"), fault("SD-003"))
    known = trials(trial("SD-001", shown=True), trial("SD-002", shown=False))
    assert told(seeded.no_seeded_defect_survives(case(made, seeded=known))) == [
        ("TRC-SEEDED-SURVIVED", "SD-002.toml:1", "SD-002", "nothing failed")
    ]
    assert told(seeded.seeded_defects_were_tried(case(made, seeded=known))) == [
        ("TRC-SEEDED-MISSING", "SD-003.toml:1", "SD-003", "not tried in the last run")
    ]
    nothing = case(graph(fault()), seeded=trials(record=None))
    assert [each[3] for each in told(seeded.seeded_defects_were_tried(nothing))] == ["no run of seeded defects"]
    stale = case(made, seeded=trials(refusal="of another state"))
    assert told(seeded.seeded_defects_were_tried(stale)) == [("TRC-SEEDED-STALE", SHOWN, "seeded defects", "of another state")]
    assert Seeded().trial("SD-001") is None


def anomaly(name="ANO-001", state=State.ASSESSED, *, concerns=("RC-001",), **more):
    written = dict.fromkeys(("root_cause", "evaluation", "disposition", "advised", "change"), "written")
    history = (SimpleNamespace(date="2026-11-20"), SimpleNamespace(date="2026-11-21"))
    return SimpleNamespace(
        **{
            "id": name,
            "state": state,
            "concerns": concerns,
            "where": f"{name}:1",
            "history": history,
            "security": "none",
            **written,
            **more,
        }
    )


def listed(*found, **more):
    known = {"anomalies": found, "exists": True, "reviewed_identity": "i" * 64, "trends": (), "counts": dict, **more}
    return SimpleNamespace(**known)


def test_an_anomaly_about_nothing_is_told():
    made = graph(
        node("ANO-001", Kind.ANOMALY), CONTROL, edges=[("ANO-001", Link.CONCERNS, each) for each in ("RC-001", "RC-010")]
    )
    assert told(anomalies.concerned_items_exist(case(made))) == [
        ("ANO-UNKNOWN-ITEM", "ANO-001.toml:1", "ANO-001", "the id RC-010, which names nothing")
    ]


@pytest.mark.parametrize("name", ["root_cause", "evaluation", "disposition", "advised"])
def test_what_an_assessed_anomaly_lacks_is_told(name):
    found = told(anomalies.states_are_grounded(case(graph(), anomalies=listed(anomaly(**{name: ""})))))
    assert found == [("ANO-ASSESSMENT", "ANO-001:1", "ANO-001", f"the state assessed, and nothing under {name}")]
    fresh = listed(anomaly(state=State.OPEN, **{name: ""}), anomaly())
    assert told(anomalies.states_are_grounded(case(graph(), anomalies=fresh))) == []


def test_a_resolved_anomaly_names_its_change():
    lacking = listed(anomaly(state=State.RESOLVED, change=""))
    assert [each[3] for each in told(anomalies.states_are_grounded(case(graph(), anomalies=lacking)))] == [
        "the state resolved, and nothing under change"
    ]


def test_a_verified_anomaly_is_shown_by_what_it_concerns():
    edges = [(S1, Link.VERIFIES, "RC-001")]
    nodes = (scenario("One"), scenario("Two"), CONTROL)

    def found(verdicts, concerns):
        made = graph(*nodes, edges=edges, verdicts=verdicts)
        return told(
            anomalies.verified_ones_are_shown(case(made, anomalies=listed(anomaly(state=State.VERIFIED, concerns=concerns))))
        )

    passed, failed = {S1: (verdict("One"),)}, {S1: (verdict("One", outcome=Outcome.FAILED),)}
    assert found(passed, ("RC-001",)) == found(passed, (S1,)) == []
    assert found(failed, ("RC-001",)) == [
        ("ANO-UNVERIFIED", "ANO-001:1", "ANO-001", "1 scenarios concerned, together: not passed")
    ]
    assert found(passed, ("RC-001", S2))[0][3] == "2 scenarios concerned, together: no evidence"
    assert found(passed, ("data",))[0][3] == "0 scenarios concerned, together: no evidence"
    open_one = case(graph(*nodes, verdicts=failed), anomalies=listed(anomaly(state=State.RESOLVED)))
    assert told(anomalies.verified_ones_are_shown(open_one)) == []


def test_an_open_anomaly_and_one_without_security_are_told():
    known = listed(anomaly(state=State.OPEN), anomaly("ANO-002", security=""))
    assert told(anomalies.no_anomaly_is_open(case(graph(), anomalies=known))) == [
        ("ANO-OPEN", "ANO-001:1", "ANO-001", "open since 2026-11-21")
    ]
    assert told(anomalies.every_anomaly_is_assessed_for_security(case(graph(), anomalies=known))) == [
        ("ANO-SECURITY", "ANO-002:1", "ANO-002", "no security assessment")
    ]


def test_a_failure_needs_an_anomaly_in_work_about_it_or_all_it_verifies():
    edges = [(S1, Link.VERIFIES, "RC-001")]
    nodes = (scenario("One"), CONTROL)
    verdicts = {S1: (verdict("One", outcome=Outcome.FAILED),)}

    def found(known, *more):
        made = graph(*nodes, edges=[*edges, *more], verdicts=verdicts)
        return told(anomalies.failures_have_anomalies(case(made, anomalies=listed(*known))))

    alone = [("ANO-UNREPORTED", "f/a.feature:3", S1, "failed, and no anomaly about it")]
    assert found([]) == alone
    assert found([anomaly()]) == alone
    assert found([anomaly()], ("ANO-001", Link.CONCERNS, S1)) == []
    assert found([anomaly()], ("ANO-001", Link.CONCERNS, "RC-001")) == []
    assert found([anomaly(state=State.VERIFIED)], ("ANO-001", Link.CONCERNS, S1)) == alone
    lost = graph(verdicts=verdicts)
    assert told(anomalies.failures_have_anomalies(case(lost, anomalies=listed())))[0][1] == VERDICTS


@pytest.mark.parametrize(
    ("reviewed", "here", "found"),
    [
        ("i" * 64, "i" * 64, None),
        ("j" * 64, "i" * 64, f"reviewed against {'j' * 12}, here lies {'i' * 12}"),
        ("", "i" * 64, f"reviewed against no run, here lies {'i' * 12}"),
        ("j" * 64, None, f"reviewed against {'j' * 12}, here lies none"),
        ("none", None, None),
    ],
)
def test_a_list_reviewed_against_another_run_is_told(reviewed, here, found):
    inputs = {"anomalies": listed(reviewed_identity=reviewed), "identity": SimpleNamespace(sha256=here)}
    expected = [("ANO-REVIEW", "verification/anomalies.toml", "anomalies", found)] if found else []
    assert told(anomalies.list_is_not_older_than_the_run(case(graph(), **inputs))) == expected


def test_no_list_at_all_is_told():
    inputs = {"anomalies": listed(exists=False), "identity": SimpleNamespace(sha256="i" * 64)}
    (only,) = told(anomalies.list_is_not_older_than_the_run(case(graph(), **inputs)))
    assert only == ("ANO-REVIEW", "verification/anomalies.toml", "anomalies", "no list of anomalies")


def test_a_third_anomaly_of_a_category_asks_for_an_analysis():
    counts = {"anomalies": listed(counts=lambda: {"data": 2, "step": 3, "tool": 4}, trends=(SimpleNamespace(category="tool"),))}
    assert told(anomalies.trends_are_analysed(case(graph(), **counts))) == [
        ("ANO-TREND", "verification/anomalies.toml", "step", "3 anomalies of the category step, no analysis")
    ]


TARGET = "risk/data/policy.toml"
QA = "DEMO-quality (demonstration identity, no natural person)"


def signed(*records):
    return SimpleNamespace(approvals=Approvals(tuple(records)))


def test_the_same_words_in_more_than_three_records_are_told():
    book, quality = Book(), Signer("DEMO-quality", "quality assurance")
    records = [book.draft(quality, target=f"SRS-00{number}", statement="Read in full ") for number in range(3)]
    other = book.draft(Signer("DEMO-other", "quality assurance"), statement="read in full")
    assert told(levels.statements_are_own_words(SimpleNamespace(inputs=signed(*records, other)))) == []
    fourth = replace(book.draft(quality, target="SRS-009", statement="read in FULL"), where="a:4")
    found = told(levels.statements_are_own_words(SimpleNamespace(inputs=signed(*records, other, fourth))))
    assert [each[2] for each in found] == ["SRS-000", "SRS-001", "SRS-002", "SRS-009"]
    assert found[3] == ("SIG-STATEMENT", "a:4", "SRS-009", f"{QA} said the same of 4 targets: 'read in FULL'")


WRITTEN = Subject(SHA, (), frozenset({"DEMO-author"}))


def lacking(*records, rules=(), subject=WRITTEN, has_people=True):
    people = People("p", (), tuple(Rule(TARGET, roles) for roles in rules), ())
    inputs = SimpleNamespace(approvals=Approvals(tuple(records)), people=people, has_people=has_people)
    return levels.lacking(inputs, TARGET, subject)


def test_what_a_document_lacks_is_told():
    book = Book()
    quality = book.draft(Signer("DEMO-quality", "quality assurance"))
    risk = book.draft(Signer("DEMO-risk", "risk management"))
    assert lacking(quality, risk) == ""
    assert lacking(quality, risk, subject=None) == "no such content, so nothing to approve"
    assert lacking(quality, risk, has_people=False) == "no people.toml, so no role has a key"
    assert lacking() == "approved by nobody; 2 are needed"
    assert lacking(quality) == f"approved by quality assurance: {QA}; 2 are needed"
    second = book.draft(Signer("DEMO-second", "quality assurance"))
    both = f"quality assurance: {QA}, quality assurance: DEMO-second (demonstration identity, no natural person)"
    assert lacking(quality, second) == f"approved by {both}; 2 are needed"
    wanted = lacking(quality, risk, rules=[("clinical safety", "risk management", "quality")])
    assert wanted.endswith("; missing clinical safety, quality")
    assert lacking(quality, risk, subject=Subject(SHA)) == (
        "nobody says to have written it, so that self-approval cannot be excluded (sign it as authored)"
    )
    author = book.draft(Signer("DEMO-writer", "software lead"), meaning="authored")
    assert lacking(quality, risk, author, subject=Subject(SHA)) == ""
    assert lacking(quality, replace(risk, meaning="reviewed")) == f"approved by quality assurance: {QA}; 2 are needed"


def test_a_signature_of_older_content_is_told():
    book = Book()
    old = book.draft(Signer("DEMO-quality", "quality assurance"), sha256="c" * 64)
    assert lacking(old) == (
        f"approved by nobody; 2 are needed; the last signature ({QA}, {old.time}) is for the content {'c' * 12}, here lies {'a' * 12}"
    )


def test_an_approval_whose_links_changed_is_suspect():
    record = Book().draft(Signer("DEMO-quality", "quality assurance"))
    subject = Subject(SHA, (("SRS-001", "b" * 64),))
    approvals = Approvals((record,))
    assert told(levels._suspect(approvals, TARGET, subject, {"SRS-001": "b" * 64})) == []
    assert told(levels._suspect(approvals, TARGET, subject, {"SRS-001": "c" * 64})) == [
        ("SIG-SUSPECT", TARGET, "policy", f"approved by {QA}: SRS-001 had the content {'b' * 12}, now {'c' * 12}")
    ]
    assert told(levels._suspect(approvals, TARGET, None, {})) == []
    assert told(levels._suspect(approvals, TARGET, replace(subject, sha256="d" * 64), {})) == []
