"""A specification of a few items, read whole: every value where it belongs, and every broken link told in words."""

import pytest

from requirements_spec.loader import load
from requirements_spec.model import (
    Interface,
    Method,
    Requirement,
    RequirementType,
    SoftwareItem,
    SoftwareSystem,
    Soup,
    UserNeed,
)
from tests.edits import edit

DATA = "requirements_spec/data"
FILES = {
    f"{DATA}/user_needs.toml": """\
schema = "thoratrace/user-needs/1"
author = "DEMO-one"
status = "draft"
[[need]]
id = "UN-001"
title = "Adults only"
role = "radiologist"
text = "No result for a child."
rationale = "Another anatomy."
sections = ["user-needs"]
""",
    f"{DATA}/software_requirements/device.toml": """\
schema = "thoratrace/software-requirements/1"
item = "SWI-DEVICE"
author = "DEMO-two"
status = "draft"
[[requirement]]
id = "SRS-002"
title = "Tell the view"
text = "The device shall write the view."
rationale = "Readers ask."
type = "data"
needs = ["UN-001"]
safety = false
not_risk_related = "It repeats the film."
sections = ["software-requirements", "verification"]
verification = "inspection"
acceptance = "The record holds it."
[[requirement]]
id = "SRS-001"
title = "Refuse a child"
text = "The device shall refuse a child."
rationale = "Intended use."
type = "functional"
needs = ["UN-001"]
safety = true
controls = ["RC-001"]
sections = ["software-requirements"]
verification = "test"
acceptance = "A film of age 17 is refused."
""",
    f"{DATA}/architecture.toml": """\
schema = "thoratrace/architecture/1"
author = "DEMO-three"
status = "draft"
[system]
id = "SWS-TINY"
title = "Tiny"
safety_class = "C"
class_rationale = "It may harm."
documentation_level = "Enhanced"
external_interfaces = ["reads: a film"]
[[item]]
id = "SWI-DEVICE"
title = "Device"
purpose = "Everything."
modules = ["device_sw.device", "device_sw.types"]
[[interface]]
from = "SWI-DEVICE"
to = "SWI-DEVICE"
passes = "itself"
""",
    f"{DATA}/soup.toml": """\
schema = "thoratrace/soup/1"
author = "DEMO-four"
status = "draft"
[[soup]]
id = "SOUP-NUMPY"
title = "NumPy"
distribution = "numpy"
manufacturer = "NumPy Developers"
purpose = "Arrays."
used_by = ["SWI-DEVICE"]
requirements = ["adds", "subtracts"]
needs = "a processor"
anomalies = "its issue list"
licence = "BSD-3-Clause"
safety = "Wrong sums."
""",
    "pyproject.toml": '[project]\nname = "tiny"\nrequires-python = ">=3.11"\ndependencies = ["numpy>=2.4,<3"]\n',
    "requirements.lock": "numpy==2.4.0 \\\n    --hash=sha256:00\n",
}


@pytest.fixture
def tiny(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def told(root, code):
    return [
        (each.where, each.item, each.found, each.expected, each.repair, each.clause)
        for each in load(root)[1]
        if each.code == code
    ]


def test_every_value_is_where_it_belongs(tiny):
    specification, problems = load(tiny)
    assert problems == ()
    assert specification.needs == (
        UserNeed(
            id="UN-001",
            title="Adults only",
            role="radiologist",
            text="No result for a child.",
            rationale="Another anatomy.",
            sections=("user-needs",),
            author="DEMO-one",
            status="draft",
            where=f"{DATA}/user_needs.toml:4",
        ),
    )
    first, second = specification.requirements
    assert first == Requirement(
        id="SRS-001",
        title="Refuse a child",
        text="The device shall refuse a child.",
        rationale="Intended use.",
        type=RequirementType.FUNCTIONAL,
        needs=("UN-001",),
        item="SWI-DEVICE",
        safety=True,
        controls=("RC-001",),
        not_risk_related=None,
        sections=("software-requirements",),
        verification=Method.TEST,
        acceptance="A film of age 17 is refused.",
        author="DEMO-two",
        status="draft",
        where=f"{DATA}/software_requirements/device.toml:17",
    )
    assert second == Requirement(
        id="SRS-002",
        title="Tell the view",
        text="The device shall write the view.",
        rationale="Readers ask.",
        type=RequirementType.DATA,
        needs=("UN-001",),
        item="SWI-DEVICE",
        safety=False,
        controls=(),
        not_risk_related="It repeats the film.",
        sections=("software-requirements", "verification"),
        verification=Method.INSPECTION,
        acceptance="The record holds it.",
        author="DEMO-two",
        status="draft",
        where=f"{DATA}/software_requirements/device.toml:5",
    )
    assert [each.where for each in specification.requirements] == [
        f"{DATA}/software_requirements/device.toml:{line}" for line in (17, 5)
    ]
    assert specification.system == SoftwareSystem(
        id="SWS-TINY",
        title="Tiny",
        safety_class="C",
        class_rationale="It may harm.",
        documentation_level="Enhanced",
        external_interfaces=("reads: a film",),
        where=f"{DATA}/architecture.toml:4",
    )
    assert specification.items == (
        SoftwareItem(
            id="SWI-DEVICE",
            title="Device",
            purpose="Everything.",
            modules=("device_sw.device", "device_sw.types"),
            author="DEMO-three",
            status="draft",
            where=f"{DATA}/architecture.toml:11",
        ),
    )
    assert specification.interfaces == (
        Interface(source="SWI-DEVICE", target="SWI-DEVICE", passes="itself", where=f"{DATA}/architecture.toml:16"),
    )
    assert specification.soup == (
        Soup(
            id="SOUP-NUMPY",
            title="NumPy",
            distribution="numpy",
            manufacturer="NumPy Developers",
            purpose="Arrays.",
            used_by=("SWI-DEVICE",),
            requirements=("adds", "subtracts"),
            needs="a processor",
            anomalies="its issue list",
            licence="BSD-3-Clause",
            safety="Wrong sums.",
            version="2.4.0",
            author="DEMO-four",
            status="draft",
            where=f"{DATA}/soup.toml:4",
        ),
    )


def test_places_are_those_of_the_files(tiny):
    specification, _ = load(tiny)
    assert [
        each.where for each in (*specification.needs, *specification.items, *specification.interfaces, *specification.soup)
    ] == [
        f"{DATA}/user_needs.toml:4",
        f"{DATA}/architecture.toml:11",
        f"{DATA}/architecture.toml:16",
        f"{DATA}/soup.toml:4",
    ]
    assert specification.system.where == f"{DATA}/architecture.toml:4"


REQUIREMENTS, ARCHITECTURE, SOUP = (f"{DATA}/{name}.toml" for name in ("software_requirements/device", "architecture", "soup"))
DANGLING = ("the id of an item that exists", "correct the id or add the item", "IEC 62304 5.1.1 c, 5.2.6 f")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        (REQUIREMENTS, '["UN-001"]', '["UN-009"]', (f"{REQUIREMENTS}:5", "SRS-002", "a link to UN-009")),
        (SOUP, '["SWI-DEVICE"]', '["SWI-OTHER"]', (f"{SOUP}:4", "SOUP-NUMPY", "a link to SWI-OTHER")),
        (ARCHITECTURE, 'to = "SWI-DEVICE"', 'to = "SWI-X"', (f"{ARCHITECTURE}:16", "SWI-DEVICE -> SWI-X", "a link to SWI-X")),
    ],
)
def test_a_link_to_nothing_is_told(tiny, name, old, new, expected):
    edit(tiny, name, old, new)
    assert told(tiny, "SPC-DANGLING") == [(*expected, *DANGLING)]


def test_a_file_for_an_item_that_is_not_there_is_told_for_each_requirement(tiny):
    edit(tiny, REQUIREMENTS, 'item = "SWI-DEVICE"', 'item = "SWI-GONE"')
    assert [each[1:3] for each in told(tiny, "SPC-DANGLING")] == [
        ("SRS-001", "a link to SWI-GONE"),
        ("SRS-002", "a link to SWI-GONE"),
    ]
    assert told(tiny, "SPC-ITEM-IDLE") == [
        (
            f"{ARCHITECTURE}:11",
            "SWI-DEVICE",
            "no requirement allocated to this software item",
            "at least one requirement",
            "add a file under software_requirements for the item, or remove the item",
            "IEC 62304 5.3.1",
        )
    ]


def test_an_item_with_a_fault_of_its_own_is_not_dangling_too(tiny):
    edit(tiny, f"{DATA}/user_needs.toml", 'role = "radiologist"\n', "")
    specification, problems = load(tiny)
    assert specification.needs == ()
    assert [each.code for each in problems] == ["SPC-MISSING-KEY"]


def test_a_need_that_nothing_serves_is_told(tiny):
    text = FILES[f"{DATA}/user_needs.toml"]
    second = text[text.index("[[need]]") :].replace("UN-001", "UN-002")
    (tiny / f"{DATA}/user_needs.toml").write_text(text + second)
    assert told(tiny, "SPC-NEED-UNSERVED") == [
        (
            f"{DATA}/user_needs.toml:11",
            "UN-002",
            "no requirement that names this need",
            "at least one requirement with it in `needs`",
            "write the requirement, or withdraw the need with a reason",
            "ISO 13485 7.3.3; IEC 62304 5.2.1",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "item", "found"),
    [
        ("safety = true", "safety = false", "SRS-001", "safety = false with 1 controls"),
        ("safety = false", "safety = true", "SRS-002", "safety = true with 0 controls"),
        ('not_risk_related = "It repeats the film."\n', "", "SRS-002", "neither controls nor not_risk_related"),
        (
            'controls = ["RC-001"]',
            'controls = ["RC-001"]\nnot_risk_related = "x"',
            "SRS-001",
            "both controls and not_risk_related",
        ),
    ],
)
def test_a_disposition_that_is_none_is_told(tiny, old, new, item, found):
    edit(tiny, REQUIREMENTS, old, new)
    ((where, *said),) = told(tiny, "SPC-DISPOSITION")
    assert where == f"{REQUIREMENTS}:{5 if item == 'SRS-002' else 17 - (old.startswith('not_risk'))}"
    assert said == [
        item,
        found,
        "either controls with safety = true, or not_risk_related with a reason and safety = false",
        "name the risk controls that the requirement implements, or give the reason why there is none",
        "design 4, rule of the house; IEC 62304 5.2.3",
    ]


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ('"device_sw.a", "device_sw.a.b"', "the module device_sw.a.b, which SWI-DEVICE claims as device_sw.a"),
        ('"device_sw.a.b", "device_sw.a"', "the module device_sw.a, which SWI-DEVICE claims as device_sw.a.b"),
        ('"device_sw.a", "device_sw.ab"', None),
    ],
)
def test_a_module_claimed_twice_is_told(tiny, modules, found):
    edit(tiny, ARCHITECTURE, '"device_sw.device", "device_sw.types"', modules)
    said = ("each module in exactly one software item", "remove one of the two claims", "IEC 62304 5.3.1")
    assert told(tiny, "SPC-MODULE-TWICE") == ([(f"{ARCHITECTURE}:11", "SWI-DEVICE", found, *said)] if found else [])


def test_soup_that_the_lock_does_not_pin_is_told(tiny):
    edit(tiny, SOUP, 'distribution = "numpy"', 'distribution = "numpi"')
    assert told(tiny, "SPC-SOUP-UNLOCKED") == [
        (
            f"{SOUP}:4",
            "SOUP-NUMPY",
            "no pin of numpi in the lock",
            "a SOUP item whose version the lock pins",
            "correct the distribution's name, or remove the item when the device no longer loads it",
            "IEC 62304 8.1.2",
        )
    ]


def test_a_lock_that_is_not_there_is_told(tiny):
    (tiny / "requirements.lock").unlink()
    assert ("requirements.lock", "requirements.lock", "FileNotFoundError") in [each[:3] for each in told(tiny, "SPC-FILE")]


def test_an_id_that_stands_twice_is_told_for_the_second(tiny):
    (tiny / SOUP).write_text(FILES[SOUP] + FILES[SOUP][FILES[SOUP].index("[[soup]]") :])
    assert [each[:3] for each in told(tiny, "SPC-DUPLICATE-ID")] == [
        (f"{SOUP}:16", "SOUP-NUMPY", f"an id that {SOUP}:4 has already")
    ]


def test_problems_of_all_files_come_at_once_sorted_by_place(tiny):
    for name in (REQUIREMENTS, ARCHITECTURE, SOUP, f"{DATA}/user_needs.toml"):
        edit(tiny, name, 'status = "draft"', 'status = "draft"\nextra = 1')
    found = [each.where.split(":")[0] for each in load(tiny)[1] if each.code == "SPC-UNKNOWN-KEY"]
    assert found == [ARCHITECTURE, REQUIREMENTS, SOUP, f"{DATA}/user_needs.toml"]
