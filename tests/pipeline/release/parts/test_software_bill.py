"""The software bill is valid CycloneDX, the same bytes each time, and every component in it is needed by the device."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from device_sw._version import __version__
from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts.bill import document
from pipeline.release.parts.components import Component, Pin, components
from pipeline.release.parts.software_bill import declared, depends_on, software_bill
from pipeline.release.parts.wheel import Wheel
from pipeline.run import REPOSITORY

WHEEL = Wheel("thoratrace-0.1.0-py3-none-any.whl", b"wheel")
TIME = "2026-11-21T00:00:00Z"


@pytest.fixture(scope="module")
def text():
    return software_bill(REPOSITORY, WHEEL, TIME)


def component(name, version="1", marker=""):
    return Component(Pin(name, version, marker, ()), "somebody", "MIT", "loaded", "", "", False, {})


def test_it_is_valid_and_the_same_bytes_again(text):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None
    assert software_bill(REPOSITORY, WHEEL, TIME) == text


def test_it_lists_every_component_once_and_names_the_wheel(text):
    bill = json.loads(text)
    assert {each["bom-ref"] for each in bill["components"]} == {each.purl for each in components(REPOSITORY)}
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": WHEEL.sha256}]
    assert len({each["ref"] for each in bill["dependencies"]}) == len(bill["components"]) + 1


def test_a_library_states_supplier_licence_use_support_and_accepted_files(text):
    bill = json.loads(text)
    torch = next(each for each in bill["components"] if each["name"] == "torch")
    said = {each["name"]: each["value"] for each in torch["properties"]}
    assert torch["supplier"] == {"name": "PyTorch Foundation"}
    assert said["thoratrace:soup"] == "SOUP-TORCH"
    assert said["thoratrace:end_of_support"] == "not assessed"
    assert all(len(each["content"]) == 64 for each in torch["externalReferences"][0]["hashes"])
    cudnn = next(each for each in bill["components"] if each["name"] == "nvidia-cudnn-cu13")
    assert {"name": "thoratrace:condition", "value": "sys_platform == 'linux'"} in cudnn["properties"]


def test_no_address_of_an_index_and_no_place_of_this_machine_enters(text):
    assert b"://" not in text
    assert str(REPOSITORY).encode() not in text


def test_what_depends_on_what(text):
    edges = {each["ref"]: each["dependsOn"] for each in json.loads(text)["dependencies"]}
    assert "pkg:pypi/typing-extensions@4.16.0" in edges["pkg:pypi/torch@2.15.0"]
    assert "pkg:pypi/torch@2.15.0" in edges[f"pkg:pypi/thoratrace@{__version__}"]
    assert any("nvidia-cufft" in each for each in edges["pkg:pypi/cuda-toolkit@13.2.2"])


def test_edges_follow_extras_and_conditions_of_other_systems():
    needs = {"a": ("b[x] ; sys_platform == 'win32'", "ghost"), "b": ("c ; extra == 'x'", "d ; extra == 'y'"), "c": (), "d": ()}
    found = tuple(component(name) for name in "abc")
    edges = depends_on(found, ("a>=1",), needs.get)
    assert edges[""] == {"pkg:pypi/a@1"}
    assert edges["pkg:pypi/a@1"] == {"pkg:pypi/b@1"}
    assert edges["pkg:pypi/b@1"] == {"pkg:pypi/c@1"}


def test_a_component_that_nothing_needs_is_refused():
    with pytest.raises(ReleaseRefused, match="REL-BILL-UNREACHED at pkg:pypi/d@1: found nothing that needs it"):
        depends_on((component("a"), component("d")), ("a",), lambda _: ())


def test_a_library_that_should_be_installed_and_is_not_is_refused():
    with pytest.raises(ReleaseRefused, match="REL-BILL-METADATA at a: found not installed"):
        depends_on((component("a"),), ("a",), lambda _: None)
    elsewhere = component("a", marker="sys_platform == 'win32'")
    assert depends_on((elsewhere,), ("a",), lambda _: None)[""] == {"pkg:pypi/a@1"}


def test_what_the_schema_does_not_know_is_refused():
    with pytest.raises(ReleaseRefused, match="REL-BILL-SCHEMA at x: found"):
        document({"type": "library", "name": "x", "colour": "red"}, {"components": []}, TIME)


def test_the_device_declares_its_interpreter_and_what_it_takes_on_request():
    assert {"python", "ray>=2.60,<2.61", "torch==2.15.0"} <= set(declared(REPOSITORY))
