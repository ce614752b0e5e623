"""What can be signed: an item by its fingerprint, a document by its bytes, each with what it links to and who wrote it."""

import hashlib

import pytest

from verification.trace import gate
from verification.trace.subjects import fingerprints, subjects

REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"


@pytest.fixture
def material(project):
    return gate.read(project.root).material


def test_an_item_is_its_fingerprint_with_those_of_what_it_names_and_its_author(material):
    known = fingerprints(material)
    subject = subjects(material)["SRS-001"]
    assert subject.sha256 == known["SRS-001"]
    assert set(subject.links) == {(name, known[name]) for name in ("UN-001", "RC-001", "SWI-DEVICE")}
    assert subject.authors == {"DEMO-author"}


def test_a_document_is_its_bytes_with_what_its_items_name_outside_it(project, material):
    subject = subjects(material)[REQUIREMENTS]
    assert subject.sha256 == hashlib.sha256((project.root / REQUIREMENTS).read_bytes()).hexdigest()
    assert {"UN-001", "RC-001"} <= {name for name, _ in subject.links}
    assert "SRS-001" not in dict(subject.links)
    assert subject.authors == {"DEMO-author"}


def test_a_scenario_is_signed_with_its_file_and_not_by_itself(material):
    assert not [name for name in subjects(material) if name.startswith("TC:")]
    assert any(name.startswith("TC:") for name in fingerprints(material))
