import re

import pytest

from requirements_spec.loader import load
from requirements_spec.model import SECTIONS, Method
from requirements_spec.modules import module_problems, owner, source_modules

DATA = "requirements_spec/data"


@pytest.fixture(scope="module")
def shipped(root):
    return load(root)


def change(project, file, old, new):
    path = project / DATA / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return [(problem.code, problem.item) for problem in load(project)[1]]


def test_the_shipped_specification_has_no_problem(shipped):
    assert [str(problem) for problem in shipped[1]] == []


def test_the_shipped_specification_is_as_large_as_promised(shipped):
    specification, _ = shipped
    assert len(specification.needs) >= 12
    assert len(specification.requirements) >= 60
    assert {item.id for item in specification.items} == {requirement.item for requirement in specification.requirements}


def test_every_requirement_has_a_need_a_disposition_and_sections(shipped):
    for requirement in shipped[0].requirements:
        assert requirement.needs, requirement.id
        assert bool(requirement.controls) != (requirement.not_risk_related is not None), requirement.id
        assert requirement.sections, requirement.id
        assert set(requirement.sections) <= set(SECTIONS), requirement.id
        assert "software-requirements" in requirement.sections, requirement.id


def test_every_section_that_the_data_can_fill_is_named_by_some_item(shipped):
    named = {section for item in (*shipped[0].needs, *shipped[0].requirements) for section in item.sections}
    assert {
        "user-needs",
        "software-requirements",
        "intended-use",
        "labelling",
        "cybersecurity",
        "validation",
        "risk-management",
    } <= named


def test_requirements_are_texts_of_their_own(shipped):
    requirements = shipped[0].requirements
    for part in ("title", "text", "acceptance"):
        texts = [getattr(requirement, part) for requirement in requirements]
        assert len(set(texts)) == len(texts), part
    assert not [
        requirement.id
        for requirement in requirements
        if re.search(r"\b(appropriate|adequate|user-friendly|etc|fast)\b", requirement.text)
    ]


def test_each_method_of_verification_is_known(shipped):
    assert {requirement.verification for requirement in shipped[0].requirements} == set(Method)


def test_every_module_of_the_device_belongs_to_one_item(shipped, root):
    specification, _ = shipped
    assert [str(problem) for problem in module_problems(specification, source_modules(root))] == []


def test_a_module_without_item_and_a_claim_without_module_are_problems(shipped):
    specification, _ = shipped
    found = module_problems(specification, ["device_sw.dicom.reader", "device_sw.dicomweb"])
    assert ("SPC-MODULE-UNASSIGNED", "device_sw.dicomweb") in [(problem.code, problem.item) for problem in found]
    assert ("SPC-MODULE-ABSENT", "SWI-AUDIT") in [(problem.code, problem.item) for problem in found]
    assert ("SPC-MODULE-ABSENT", "SWI-DICOM") not in [(problem.code, problem.item) for problem in found]


def test_the_owner_of_a_module_is_its_item(shipped):
    assert owner(shipped[0].items, "device_sw.dicom.reader").id == "SWI-DICOM"
    assert owner(shipped[0].items, "device_sw.dicomweb") is None


def test_a_link_to_a_need_that_does_not_exist_is_dangling(project):
    assert ("SPC-DANGLING", "SRS-001") in change(project, "software_requirements/dicom.toml", '"UN-007"', '"UN-777"')


def test_a_requirement_of_an_item_that_does_not_exist_is_dangling(project):
    found = change(project, "software_requirements/audit.toml", '"SWI-AUDIT"', '"SWI-AUDITS"')
    assert ("SPC-DANGLING", "SRS-054") in found
    assert ("SPC-ITEM-IDLE", "SWI-AUDIT") in found


def test_a_need_without_requirement_is_a_problem(project):
    need = '[[need]]\nid = "UN-099"\ntitle = "t"\nrole = "r"\ntext = "x"\nrationale = "y"\nsections = ["user-needs"]\n'
    assert change(project, "user_needs.toml", "[[need]]", need + "\n[[need]]") == [("SPC-NEED-UNSERVED", "UN-099")]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('controls = ["RC-026"]\n', "", "neither"),
        ('controls = ["RC-026"]\n', 'controls = ["RC-026"]\nnot_risk_related = "because"\n', "both"),
    ],
)
def test_a_requirement_has_exactly_one_disposition(project, old, new, found):
    change(project, "software_requirements/audit.toml", old, new)
    (problem,) = load(project)[1]
    assert (problem.code, problem.item) == ("SPC-DISPOSITION", "SRS-055")
    assert problem.found.startswith(found)


def test_a_safety_mark_that_does_not_fit_the_controls_is_a_problem(project):
    assert change(project, "software_requirements/audit.toml", "safety = true", "safety = false") == [
        ("SPC-DISPOSITION", "SRS-054")
    ]


def test_an_id_used_in_two_files_is_a_problem(project):
    found = change(project, "software_requirements/cli.toml", '"SRS-065"', '"SRS-001"')
    assert ("SPC-DUPLICATE-ID", "SRS-001") in found


def test_a_row_with_a_problem_is_left_out_and_not_reported_as_dangling_too(project):
    found = change(project, "user_needs.toml", 'role = "radiologist"', "role = 7")
    assert found == [("SPC-TYPE", "$.need[0].role")]
    assert "UN-001" not in [need.id for need in load(project)[0].needs]


def test_a_section_that_the_technical_file_does_not_have_is_a_problem(project):
    found = change(project, "software_requirements/audit.toml", '"traceability"', '"tracability"')
    assert found == [("SPC-VALUE", "$.requirement[0].sections[1]")]


def test_a_sentence_without_shall_is_no_requirement(project):
    found = change(project, "software_requirements/audit.toml", "The device shall append", "The device appends")
    assert found == [("SPC-VALUE", "$.requirement[0].text")]


def test_a_module_claimed_by_two_items_is_a_problem(project):
    assert ("SPC-MODULE-TWICE", "SWI-AUDIT") in change(
        project, "architecture.toml", '"device_sw.audit"', '"device_sw.dicom.reader"'
    )


def test_a_package_that_holds_the_module_of_an_earlier_item_is_claimed_twice(project):
    found = change(project, "architecture.toml", '["device_sw.dicom"]', '["device_sw.audit.chain"]')
    assert ("SPC-MODULE-TWICE", "SWI-AUDIT") in found


def test_an_interface_to_an_unknown_item_is_dangling(project):
    assert ("SPC-DANGLING", "SWI-CLI -> SWI-DEVIC") in change(
        project, "architecture.toml", 'to = "SWI-DEVICE"', 'to = "SWI-DEVIC"'
    )


def test_a_soup_item_used_by_an_unknown_item_is_dangling(project):
    assert ("SPC-DANGLING", "SOUP-TYPER") in change(project, "soup.toml", 'used_by = ["SWI-CLI"]', 'used_by = ["SWI-TUI"]')


def test_damage_in_several_files_comes_in_one_run(project):
    (project / DATA / "user_needs.toml").write_bytes(b"\xff")
    (project / DATA / "soup.toml").write_text("x = ", encoding="utf-8")
    codes = {problem.code for problem in load(project)[1]}
    assert {"SPC-ENCODING", "SPC-TOML"} <= codes


def test_a_project_without_data_has_problems_and_no_traceback(tmp_path):
    specification, problems = load(tmp_path)
    assert specification.requirements == ()
    assert {problem.code for problem in problems} == {"SPC-FILE"}


def test_a_requirement_is_found_by_its_id(shipped):
    assert shipped[0].requirement("SRS-001").item == "SWI-DICOM"
    with pytest.raises(KeyError, match="no requirement 'SRS-999'"):
        shipped[0].requirement("SRS-999")
