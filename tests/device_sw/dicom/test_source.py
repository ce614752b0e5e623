"""The film's identity: read character by character, or named as a fault; never guessed, never shown."""

import pytest
from pydicom.valuerep import PersonName

from device_sw.dicom.reader import open_file
from verification.steps import films


def header(tmp_path, change=None):
    dataset = films.film()
    if change:
        change(dataset)
    return open_file(films.write(dataset, tmp_path / "film.dcm")).source


def assign(**values):
    def change(dataset):
        for keyword, value in values.items():
            films.assign(dataset, keyword, value)

    return change


def test_a_good_film_is_bound(tmp_path):
    source = header(tmp_path)
    assert source.bindable
    assert source.carried["PatientName"] == "PLANTEDNAME^ZOE"
    assert (source.attributes.rows, source.attributes.columns) == (512, 512)
    assert "InstitutionName" not in source.carried
    assert repr(source) == "SourceHeader(bindable=True)"


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", ["absent", "empty", "1.2.x", "1.02", "1." * 33 + "1"])
def test_a_uid_that_is_none_is_a_fault(tmp_path, keyword, value):
    source = header(tmp_path, assign(**{keyword: value}))
    assert [fault.split()[1] for fault in source.faults] == [keyword]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("PatientID", "x" * 65), ("PatientID", "a\x07b"), ("AccessionNumber", "x" * 17), ("IssuerOfPatientID", "<script>")],
)
def test_what_binds_is_copied_or_a_fault(tmp_path, keyword, value):
    assert [fault.split()[1] for fault in header(tmp_path, assign(**{keyword: value})).faults] == [keyword]


@pytest.mark.parametrize(
    ("keyword", "value"), [("StudyTime", "25:61"), ("PatientAge", "66"), ("StudyID", "x" * 17), ("PatientSex", "x" * 17)]
)
def test_what_binds_nothing_is_left_out_where_it_is_not_valid(tmp_path, keyword, value):
    source = header(tmp_path, assign(**{keyword: value}))
    assert source.bindable
    assert keyword not in source.carried


def test_a_film_without_patient_id_is_bound_by_its_study(tmp_path):
    source = header(tmp_path, assign(PatientID="absent", PatientName="empty"))
    assert source.bindable
    assert not {"PatientID", "PatientName"} & set(source.carried)


def test_a_byte_of_a_backslash_within_a_character_separates_nothing(tmp_path):
    """The second byte of 俓 is 0x5C in GB 18030; a parser that splits values before it decodes them loses half of the name."""
    assert "俓".encode("gb18030")[-1:] == b"\\"

    def change(dataset):
        dataset.SpecificCharacterSet = "GB18030"
        dataset.PatientName = PersonName("Jing^A=俓^一".encode("gb18030"), ["gb18030"])

    assert header(tmp_path, change).carried["PatientName"] == "Jing^A=俓^一"


@pytest.mark.parametrize("sets", ["ISO_IR 999", "UTF8"])
def test_an_unknown_character_set_is_a_fault(tmp_path, sets):
    assert "(0008,0005) SpecificCharacterSet" in header(tmp_path, assign(SpecificCharacterSet=sets)).faults


def test_private_elements_stay_behind(tmp_path):
    def change(dataset):
        dataset.private_block(0x0011, "VENDOR", create=True).add_new(0x01, "LO", "PRIVATE")

    assert "PRIVATE" not in "".join(header(tmp_path, change).carried.values())
