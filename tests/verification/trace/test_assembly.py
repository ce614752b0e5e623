"""The graph of the small project, item by item and link by link: what is read is what stands in the files, at its line, and nothing is lost."""

import json

import pytest

from requirements_spec import loader
from requirements_spec.model import SECTIONS
from risk import loader as risk_loader
from verification.trace.assembly import VALIDATION, Sources, assemble, read_endpoints, read_pages, scenario_id
from verification.trace.gate import TRACE
from verification.trace.graph import Kind, Link
from verification.trace.outcomes import Outcome, Verdict

CHILD, VIEW = "TC:admission.feature::A child's film is refused", "TC:admission.feature::Every view is told"
REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"

ITEMS = {
    "UN-001": ("need", "Adults only", {"role": "radiologist", "text": "No result for a child.", "status": "draft"}),
    "SRS-001": (
        "requirement",
        "Refuse a child's film",
        {
            "text": "The device shall refuse a film of a patient under 18.",
            "type": "functional",
            "safety": True,
            "not_risk_related": None,
            "verification": "test",
            "acceptance": "A film of age 17 is refused.",
            "status": "draft",
        },
    ),
    "SRS-002": (
        "requirement",
        "Tell the view",
        {
            "text": "The device shall write the view into the record.",
            "type": "data",
            "safety": False,
            "not_risk_related": "It repeats what the film says.",
            "verification": "test",
            "acceptance": "The record holds the view.",
            "status": "draft",
        },
    ),
    "SWI-DEVICE": ("software item", "Device", {"purpose": "Everything."}),
    "device_sw.device": ("module", "device_sw.device", {}),
    "SOUP-NUMPY": ("soup", "NumPy", {"distribution": "numpy", "version": "2.4.0", "purpose": "Arrays."}),
    "HAZ-001": (
        "hazard",
        "A child's film",
        {"source": "The router sends it.", "sequence": ["a film of a child enters", "it is marked"]},
    ),
    "HS-001": (
        "situation",
        "Marks on a child's film are believed.",
        {
            "harm": "An unneeded CT.",
            "initial": "unacceptable",
            "initial_level": "S3 P4",
            "residual": "acceptable",
            "residual_level": "S3 P2",
        },
    ),
    "RC-001": (
        "control",
        "Only adults",
        {
            "type": "inherent-design",
            "text": "A film of a patient under 18 is refused.",
            "effect": "No mark.",
            "label_section": None,
            "arising": "",
            "arising_assessment": "None found.",
        },
    ),
    "SD-001": (
        "seeded defect",
        "would fail if the age were not looked at",
        {
            "control": "RC-001",
            "kind": "software",
            "would_fail_if": "the age were not looked at",
            "changes": "device_sw.device:ADULT",
            "scenarios": [CHILD],
            "shown": None,
            "killed_by": [],
            "step": "",
            "assertion": "",
            "reason": "",
        },
    ),
    CHILD: (
        "scenario",
        "A child's film is refused",
        {
            "feature": "admission.feature",
            "feature_title": "Admission",
            "outline": False,
            "rows": [],
            "lost_tags": [],
            "steps": 3,
            "outcomes": 1,
        },
    ),
    VIEW: (
        "scenario",
        "Every view is told",
        {
            "feature": "admission.feature",
            "feature_title": "Admission",
            "outline": True,
            "rows": ["view=PA", "view=LATERAL"],
            "lost_tags": [],
            "steps": 3,
            "outcomes": 1,
        },
    ),
    "VE:ap50-macro": (
        "endpoint",
        "AP50",
        {
            "metric": "ap50.macro",
            "direction": "at-least",
            "threshold": 0.65,
            "bound": "point",
            "primary": True,
            "value": 0.8,
            "passed": True,
            "reason": None,
        },
    ),
    "user-needs": ("section", "user-needs", {"exists": True}),
    "labelling": ("section", "labelling", {"exists": False}),
}

LINKS = {
    ("UN-001", "is rendered in", "user-needs"),
    ("SRS-001", "serves", "UN-001"),
    ("SRS-001", "is allocated to", "SWI-DEVICE"),
    ("SRS-001", "contributes to", "RC-001"),
    ("SRS-001", "is rendered in", "software-requirements"),
    ("SRS-002", "serves", "UN-001"),
    ("SRS-002", "is allocated to", "SWI-DEVICE"),
    ("SRS-002", "is rendered in", "software-requirements"),
    ("SWI-DEVICE", "holds", "device_sw.device"),
    ("SWI-DEVICE", "holds", "device_sw._version"),
    ("SOUP-NUMPY", "is used by", "SWI-DEVICE"),
    ("HS-001", "arises from", "HAZ-001"),
    ("RC-001", "reduces", "HS-001"),
    ("RC-001", "is implemented by", "SRS-001"),
    ("SD-001", "is seeded against", "RC-001"),
    (CHILD, "verifies", "SRS-001"),
    (CHILD, "verifies", "RC-001"),
    (VIEW, "verifies", "SRS-001"),
    (VIEW, "verifies", "SRS-002"),
    ("VE:ap50-macro", "verifies", "SRS-001"),
}


@pytest.fixture
def graph(project):
    return project.check().graph


@pytest.mark.parametrize("item", ITEMS)
def test_each_item_says_what_its_file_says(graph, item):
    node = graph.nodes[item]
    assert (str(node.kind), node.title, dict(node.facts)) == ITEMS[item]


def test_nothing_else_is_an_item_but_pages_and_modules(graph):
    others = {name for name, node in graph.nodes.items() if node.kind not in {Kind.SECTION, Kind.MODULE}}
    assert others == {name for name, (kind, *_) in ITEMS.items() if kind not in {"section", "module"}}
    assert {name for name, node in graph.nodes.items() if node.kind is Kind.SECTION} == set(SECTIONS)
    assert {name for name, node in graph.nodes.items() if node.kind is Kind.MODULE} == {"device_sw.device", "device_sw._version"}


def test_every_link_of_the_files_is_there_and_no_other(graph):
    assert {(each.source, str(each.link), each.target) for each in graph.edges} == LINKS
    assert len(graph.edges) == len(LINKS)


def test_modules_pages_and_endpoints_have_places(graph):
    assert graph.nodes["device_sw.device"].where == "device_sw/device.py:1"
    assert graph.nodes["labelling"].where == "docs/labelling.md:1"
    assert graph.nodes["VE:ap50-macro"].where == "artifacts/validation/validation.json"


def test_the_trace_holds_what_the_graph_holds(project):
    result = project.check()
    trace = json.loads(project.read(TRACE))
    items = {each["id"]: each for each in trace["items"]}
    assert {name: (each["kind"], each["title"], each["facts"]) for name, each in items.items() if name in ITEMS} == ITEMS
    assert {(each["source"], each["link"], each["target"]) for each in trace["links"]} == LINKS
    assert trace["evidence_accepted"] is True
    assert trace["identity"] == result.identity.sha256
    assert trace["counts"]["links"] == len(LINKS)
    assert (items["RC-001"]["implemented"], items["RC-001"]["effective"]) == ("passed", "passed")
    assert items[CHILD]["status"] == items["SRS-001"]["status"] == "passed"


def test_of_two_items_with_one_id_the_first_stays(project):
    project.replace(REQUIREMENTS, 'id = "SRS-002"', 'id = "SRS-001"')
    assert project.check().graph.nodes["SRS-001"].title == "Refuse a child's film"


def test_a_control_that_is_printed_links_to_its_page(project):
    information = 'kind = "information"\noption_analysis = "None."\nlabel_section = "labelling"\nifu_sentence = "Adults only."'
    project.replace("risk/data/controls.toml", 'kind = "inherent-design"', information)
    edges = project.check().graph.edges
    assert [each.target for each in edges if each.source == "RC-001" and each.link is Link.RENDERED_IN] == ["labelling"]


def test_without_an_evaluation_a_situation_has_no_levels(project):
    specification, _ = loader.load(project.root)
    risk, _ = risk_loader.load(project.root, specification)
    facts = assemble(Sources(specification, risk, None)).nodes["HS-001"].facts
    assert facts == {"harm": "An unneeded CT.", "initial": None, "initial_level": None, "residual": None, "residual_level": None}


def test_an_endpoint_without_a_title_is_called_by_its_id(project):
    specification, _ = loader.load(project.root)
    risk, _ = risk_loader.load(project.root, specification)
    bare = {"id": "ap", "requirement": "SRS-001"}
    assert assemble(Sources(specification, risk, None, endpoints=(bare,))).nodes["VE:ap"].title == "ap"


@pytest.mark.parametrize("content", ["", "[", "{}", '{"endpoints": 3}', '{"endpoints": [{"id": "a"}]}', '{"endpoints": [3]}'])
def test_a_record_of_figures_that_cannot_be_read_has_no_endpoints(tmp_path, content):
    assert read_endpoints(tmp_path) is None
    (tmp_path / VALIDATION).parent.mkdir(parents=True)
    (tmp_path / VALIDATION).write_text(content)
    assert read_endpoints(tmp_path) is None


def test_ids_of_endpoints_are_texts(tmp_path):
    (tmp_path / VALIDATION).parent.mkdir(parents=True)
    (tmp_path / VALIDATION).write_text('{"endpoints": [{"id": 7, "requirement": 8, "value": 0.5}]}')
    assert read_endpoints(tmp_path) == ({"id": "7", "requirement": "8", "value": 0.5},)


def test_a_page_is_a_file_and_no_folder(tmp_path):
    (tmp_path / "docs" / "gaps.md").mkdir(parents=True)
    (tmp_path / "docs" / "soup.md").write_text("# SOUP\n")
    (tmp_path / "docs" / "other.md").write_text("# Other\n")
    assert read_pages(tmp_path) == {"soup"}


def test_a_verdict_belongs_to_its_scenario():
    assert scenario_id(Verdict("a.feature", "b", "c", (), Outcome.PASSED, "")) == "TC:a.feature::b"
