"""The privacy assessment says what the code does: attributes come from the device, treatment from its profile, and a name that leads nowhere stops the build."""

import shutil
from pathlib import Path

import pytest

from device_sw.dicom.source import BINDING, CARRIED
from pipeline.dossier.privacy import PRIVACY, load_privacy
from pipeline.dossier.privacy_pages import PrivacyPages
from pipeline.dossier.tables import NOTHING
from pipeline.file_error import FileError
from tests.edits import edit

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pages(known, risk, evaluation, verdicts):
    return PrivacyPages(load_privacy(ROOT, *known), risk, evaluation, verdicts)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('letter = "R"', 'letter = "Q"', r"identifier: found ABCDEFGHIJKLMNOPQQ"),
        ('"PatientBirthName"', '"PatientNickname"', r"identifier A: found no attribute of DICOM PatientNickname"),
        ('requirements = ["SRS-052"]', 'requirements = ["SRS-999"]', r"Results, refusal records: found no requirement SRS-999"),
        ('situations = ["HS-021"]', 'situations = ["HS-999"]', r"GDPR Article 5\(1\)\(b\): found no hazardous situation HS-999"),
        ('controls = ["RC-032"]', 'controls = ["RC-999"]', r"GDPR Article 5\(1\)\(b\): found no control RC-999"),
    ],
)
def test_what_leads_nowhere_is_named(tmp_path, known, old, new, said):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / PRIVACY, tmp_path / PRIVACY)
    edit(tmp_path, PRIVACY, old, new)
    with pytest.raises(FileError, match=rf"^FILE-CONTENT at docs/privacy\.toml {said}"):
        load_privacy(tmp_path, *known)


def test_every_carried_attribute_is_stated_with_its_condition(pages):
    text = pages.carried()
    assert all(f"`{keyword}`" in text for keyword in CARRIED)
    assert text.count("or no object is written") == len(BINDING)


def test_no_identifier_of_the_list_is_kept_without_a_word(pages):
    rows = pages.identifiers().split("* - ")[2:]
    assert len(rows) == 18
    assert not [row for row in rows if "kept</span>" in row and row.rstrip().endswith(NOTHING)]


def test_moved_dates_are_not_called_removed(pages):
    text = pages.identifiers()
    assert "`StudyDate`: moved back by the patient's days" in text
    assert "`PatientBirthDate`: emptied" in text
    assert "`PatientAge`: removed; kept on request" in text


def test_risks_to_persons_are_the_disclosures_of_the_risk_file(pages, known):
    told = {f"HS-{row[:3]}" for row in pages.risks().split("[HS-")[1:]}
    assert {"HS-013", "HS-018", "HS-028", "HS-045"} == told
    assert all("isclosure" in each.harm for each in known[1].situations if each.id in told)


def test_both_laws_are_there(pages):
    assert "Article 22" in pages.provisions("GDPR")
    assert pages.provisions("HIPAA").count("45 CFR 164.") >= 10
