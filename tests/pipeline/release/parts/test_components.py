"""Every pin of the device's lock is a component with supplier, licence and measured use, and nothing else is."""

import tomllib
from importlib.metadata import metadata

import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts import components as module
from pipeline.release.parts.components import closure, components, pins
from pipeline.run import REPOSITORY, file_sha256, read_json


@pytest.fixture(scope="module")
def found():
    return components(REPOSITORY)


def copied(tmp_path, change):
    """Return a root with the table changed, and everything else as in the repository."""
    for name in ("requirements_spec", "device_sw", "device.lock", "requirements.lock", "pyproject.toml", "risk", "verification"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    table = tmp_path / module.TABLE
    table.parent.mkdir(parents=True)
    table.write_text(change((REPOSITORY / module.TABLE).read_text(encoding="utf-8")), encoding="utf-8")
    return tmp_path


def test_the_components_are_the_pins_of_the_lock(found):
    locked = pins((REPOSITORY / "device.lock").read_text(encoding="utf-8"))
    assert {(each.pin.name, each.pin.version) for each in closure(found)} == {(pin.name, pin.version) for pin in locked}
    assert all(each.pin.hashes for each in closure(found))
    assert len({each.purl for each in found}) == len(found)


def test_beyond_the_lock_stand_the_interpreter_and_what_is_installed_on_request(found):
    beyond = {each.pin.name: each.optional for each in found if each not in set_of(closure(found))}
    assert beyond == {"python": False, "ray": True}


def set_of(chosen):
    return list(chosen)


def test_soup_items_keep_what_the_soup_list_says(found):
    torch = next(each for each in found if each.pin.name == "torch")
    assert (torch.soup, torch.supplier, torch.use) == ("SOUP-TORCH", "PyTorch Foundation", "called")
    assert "pytorch" in torch.anomalies
    assert torch.support["level"] == "not assessed"


def test_licences_are_those_that_the_libraries_state(found):
    rows = [each for each in closure(found) if not each.soup]
    stated = {each.pin.name: metadata(each.pin.name).get("License-Expression") for each in rows}
    named = {each.pin.name: each.licence for each in rows}
    assert {name: text for name, text in stated.items() if text} == {name: named[name] for name, text in stated.items() if text}


def test_the_development_status_is_the_one_that_the_metadata_of_this_version_states(found):
    libraries = [(each, metadata(each.pin.name)) for each in found if each.pin.name != "python"]
    wanted = {f"{each.pin.name} {each.pin.version}": _status(each, said) for each, said in libraries}
    assert {f"{each.pin.name} {each.pin.version}": each.stated for each, _ in libraries} == wanted


def _status(each, said):
    """Return the classifier of the version that is installed here; of another version nothing is known."""
    rows = said.get_all("Classifier") or () if said["Version"] == each.pin.version else ()
    return next((row.split(" :: ")[1] for row in rows if row.startswith("Development Status")), "")


def test_no_row_states_anything_of_a_version_that_is_not_locked(found):
    rows = tomllib.loads((REPOSITORY / module.TABLE).read_text(encoding="utf-8"))["development_status"]
    assert set(rows) <= {f"{each.pin.name} {each.pin.version}" for each in found}


def test_a_statement_of_a_supplier_is_no_assessment(found):
    stating = [each for each in found if each.stated]
    assert stating
    assert any(each.support["level"] == module.NOT_ASSESSED for each in stating)


def test_the_uses_are_those_that_were_measured_for_this_lock(found):
    measured = read_json(REPOSITORY / "evidence" / "component_use" / "measured.json")
    assert measured["device_lock_sha256"] == file_sha256(REPOSITORY / "device.lock"), "python -m tests.benchmarks.component_use"
    by_use = {use: {each.pin.name for each in closure(found) if each.use == use} for use in module.USES}
    assert by_use["mapped"] == set(measured["mapped_only"])
    assert by_use["unused"] <= set(measured["neither"])
    assert set(measured["imported"]) <= by_use["called"] | by_use["loaded"]


@pytest.mark.parametrize(
    ("change", "where", "found"),
    [
        (lambda text: text.replace("[component.cffi]", "[component.cffy]"), ", cffi", "no row"),
        (
            lambda text: text + '[component.torch]\nsupplier = "x"\nlicence = "MIT"\nuse = "loaded"\n',
            ", torch",
            "a row for no library",
        ),
        (lambda text: text.replace("[support.python]", "[support.perl]"), r", support\.perl", "no such library"),
        (lambda text: text.replace('use = "loaded"', 'use = "perhaps"'), "", "another form"),
        (lambda text: text.replace("supplier =", "maker =", 1), "", "another form"),
        (lambda text: text.replace("components/1", "components/2"), "", "another form"),
        (lambda text: "x" + text, "", "TOMLDecodeError"),
    ],
)
def test_a_table_that_does_not_fit_the_lock_is_refused(tmp_path, change, where, found):
    with pytest.raises(ReleaseRefused, match=rf"REL-BILL-TABLE at pipeline/release/parts/components\.toml{where}: found {found}"):
        components(copied(tmp_path, change))


def test_a_line_of_a_lock_that_is_no_pin_is_refused():
    with pytest.raises(ReleaseRefused, match=r"REL-BILL-LOCK at device\.lock: found --index-url"):
        pins("--index-url nowhere\n")
