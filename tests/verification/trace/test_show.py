"""One item's chain: found by every name people use, complete in both directions, readable at any width, and silent about nothing."""

import json

import pytest

from verification.trace import gate, item_records, reading_room, show, show_text
from verification.trace.codes import CODES
from verification.trace.graph import Kind, Link

VIEW = "TC:admission.feature::Every view is told"


def looked_up(project, name):
    return reading_room.look_up(project.root, name)


def ids(branches):
    """Every id of a tree, in its order."""
    return [found for branch in branches for found in (branch.id, *ids(branch.branches))]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("SRS-001", "SRS-001"),
        ("srs-001", "SRS-001"),
        (" RC-001 ", "RC-001"),
        (VIEW, VIEW),
        ("every view", VIEW),
        ("device_sw/device.py", "device_sw.device"),
        ("device_sw.device", "device_sw.device"),
        ("software-requirements", "software-requirements"),
        ("SOUP-NUMPY", "SOUP-NUMPY"),
        ("hs-001", "HS-001"),
        ("UN-001", "UN-001"),
        ("SWI-DEVICE", "SWI-DEVICE"),
        ("VE:ap50-macro", "VE:ap50-macro"),
    ],
)
def test_an_item_is_found_by_the_names_people_use(project, name, found):
    assert looked_up(project, name).id == found


def test_an_unknown_id_is_answered_with_the_closest(project):
    with pytest.raises(show.UnknownItemError, match="'SRS-010' is no item") as caught:
        looked_up(project, "SRS-010")
    assert "SRS-001" in caught.value.closest
    assert not caught.value.ambiguous


@pytest.mark.parametrize("name", ["", "   ", "\n", "zzzzzzzz", "☃" * 2000, "../../etc/passwd", "TC:"])
def test_nonsense_is_no_item_and_no_traceback(project, name):
    with pytest.raises(show.UnknownItemError, match=r"is no item|fits"):
        looked_up(project, name)


def test_a_part_that_fits_several_scenarios_is_answered_with_them(project):
    with pytest.raises(show.UnknownItemError, match="fits 2 items") as caught:
        looked_up(project, "admission.feature")
    assert caught.value.ambiguous
    assert VIEW in caught.value.closest


def test_a_chain_leads_up_to_the_hazard_and_down_to_every_row(project):
    chain = looked_up(project, "SRS-001")
    assert ids(chain.up) == ["UN-001", "RC-001", "HS-001", "HAZ-001"]
    assert {"SWI-DEVICE", "device_sw.device", "SOUP-NUMPY", VIEW, "software-requirements"} <= set(ids(chain.down))
    outline = next(branch for branch in chain.down if branch.id == VIEW)
    assert outline.notes[:2] == ("view=LATERAL: passed", "view=PA: passed")
    assert chain.status == "passed"
    assert chain.accepted


def test_a_hazard_leads_down_to_the_scenarios(project):
    chain = looked_up(project, "HAZ-001")
    assert chain.up == ()
    assert {"HS-001", "RC-001", "SRS-001", VIEW} <= set(ids(chain.down))


def test_each_item_stands_in_full_only_once(project):
    chain = looked_up(project, "SOUP-NUMPY")
    full = [branch for branch in _all(chain.up) if not branch.repeated]
    assert len({branch.id for branch in full}) == len(full)


def _all(branches):
    return [found for branch in branches for found in (branch, *_all(branch.branches))]


def test_what_an_item_says_its_fingerprint_and_its_last_entry_are_shown(project):
    chain = looked_up(project, "SRS-001")
    assert ("text", "The device shall refuse a film of a patient under 18.") in chain.says
    assert chain.fingerprint == chain.change.new
    assert chain.change.reason == "test of the gate"
    assert looked_up(project, "HS-001").change.item == "HAZ-001"


def test_problems_that_name_the_item_are_shown_and_no_others(project):
    project.replace("verification/features/admission.feature", "@SRS-002", "@slow")
    assert "TRC-REQ-SCENARIO" in {problem.code for problem in looked_up(project, "SRS-002").problems}
    assert "TRC-REQ-SCENARIO" not in {problem.code for problem in looked_up(project, "SRS-001").problems}


def test_an_id_is_not_taken_for_a_longer_one():
    from requirements_spec.problem import Problem
    from verification.trace.graph import Node

    node = Node("SRS-001", Kind.REQUIREMENT, "x", "a.toml:1")
    problem = Problem("b.toml:1", "TRC-TAG-UNKNOWN", "TC:x", "@SRS-0011", "e", "r", "c")
    assert not show.concerns(problem, node)


def test_stale_evidence_is_named_beside_the_status(project):
    project.replace("device_sw/device.py", "18", "17")
    chain = looked_up(project, "SRS-001")
    assert chain.status == "no evidence"
    assert "the last run is no evidence for what lies here" in show_text.to_text(chain, 200)


def test_a_link_to_nothing_is_a_branch_that_says_so(project):
    project.replace("verification/features/admission.feature", "@SRS-002", "@SRS-099")
    branch = next(branch for branch in looked_up(project, VIEW).up if branch.id == "SRS-099")
    assert (branch.kind, branch.title) == ("missing", "a link to nothing")


@pytest.mark.parametrize("width", [1, 40, 80, 120])
@pytest.mark.parametrize("name", ["SRS-001", "HAZ-001", "SOUP-NUMPY", VIEW])
def test_no_line_is_wider_than_the_terminal(project, name, width):
    text = show_text.to_text(looked_up(project, name), width)
    wide = [line for line in text.split("\n") if len(line) > max(width, show_text.NARROWEST) and " " in line.strip(" │├└─")]
    assert [line for line in wide if all(len(word) < 30 for word in line.split())] == []


def test_a_crowd_is_cut_in_the_text_and_complete_as_data(project, monkeypatch):
    monkeypatch.setattr(show_text, "CROWD", 3)
    chain = looked_up(project, "SOUP-NUMPY")
    assert "more: ./qms show" in show_text.to_text(chain, 100)
    assert "HAZ-001" in json.dumps(show_text.to_json(chain))


def test_data_form_says_the_same_and_is_plain(project):
    data = json.loads(json.dumps(show_text.to_json(looked_up(project, "SRS-001"))))
    assert (data["id"], data["status"], data["last_change"]["reason"]) == ("SRS-001", "passed", "test of the gate")
    assert data["problems"] == []


@pytest.mark.parametrize("code", ["TRC-REQ-SCENARIO", "trc-req-scenario"])
def test_a_code_shows_its_page(project, code):
    page = looked_up(project, code)
    assert page.id in CODES
    assert "How to repair it" in page.text


def test_a_decision_is_shown_and_an_unknown_one_is_answered_with_those_that_exist(project):
    project.write("docs/adr/0003-numbers.md", "# 0003 Numbers\n\nStatus: accepted\n")
    assert looked_up(project, "ADR-0003").text.startswith("# 0003 Numbers")
    assert looked_up(project, "adr-3").where == "docs/adr/0003-numbers.md:1"
    with pytest.raises(show.UnknownItemError, match="ADR-0009") as caught:
        looked_up(project, "ADR-0009")
    assert caught.value.closest == ("ADR-0003",)


def test_every_link_can_be_read_backwards():
    assert set(show.READ_BACKWARDS) == set(Link)


def test_every_item_of_the_graph_has_a_chain(project):
    inputs = gate.read(project.root)
    result = gate.judge(inputs, gate.Level.DEVELOPMENT)
    records = item_records.records(inputs, {})
    for node in result.graph.nodes.values():
        chain = show.chain(result.graph, node, records, result.problems, accepted=result.accepted)
        assert show_text.to_text(chain, 80).startswith(node.id)
