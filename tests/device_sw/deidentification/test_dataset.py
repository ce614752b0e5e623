"""Every attribute of the profile, planted in a film and in a nested sequence, is gone or replaced; nothing planted is left in any byte."""

import copy
import io
from datetime import date

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from device_sw.deidentification.dataset import capped_age, deidentify, moved_back, removal_for
from device_sw.deidentification.profile import MEANING, Action, action_of, table
from device_sw.deidentification.pseudonyms import Pseudonyms
from verification.steps import films

KEY = Pseudonyms(bytes(range(32)))
PLANTED = "PLANTEDSECRET"
VALUES = {
    "DA": "19620304", "DT": "19620304101112", "TM": "101112", "UI": "1.2.3.4.5678", "AS": "047Y", "DS": "1234567", "IS": "1234567",
    "US": 4711, "SS": 4711, "UL": 4711, "SL": 4711, "FD": 4711.5, "FL": 4711.5, "OB": b"PLANTEDSECRE", "OW": b"PLANTEDSECRE", "UN": b"PLANTEDSECRE",
    "AE": PLANTED, "CS": PLANTED, "AT": 0x00100010,
}  # fmt: skip


def planted(tag):
    """Return an element of the table with a value that could identify somebody."""
    representation = dictionary_VR(tag).split(" or ")[0]
    value = Sequence([_item()]) if representation == "SQ" else VALUES.get(representation, PLANTED)
    return pydicom.DataElement(tag, representation, value)


def _item():
    item = Dataset()
    item.add(pydicom.DataElement(0x00100010, "PN", PLANTED))
    item.add(pydicom.DataElement(0x00081155, "UI", "1.2.3.4.5678"))
    return item


BARE = films.film()
del BARE.PixelData

KNOWN = [tag for tag in table() if keyword_for_tag(tag)]


def cleaned(dataset, **options):
    deidentify(dataset, removal_for(dataset, KEY, **options), pixels_cleaned=False)
    return dataset


@pytest.mark.parametrize("tag", KNOWN, ids=keyword_for_tag)
def test_nothing_planted_in_an_attribute_of_the_table_is_left(tag):
    inner, outer = Dataset(), copy.deepcopy(BARE)
    inner.add(planted(tag))
    outer.add(planted(tag))
    outer.RequestAttributesSequence = Sequence([Dataset()])
    outer.AnatomicRegionSequence = Sequence([inner])
    clean = cleaned(outer)
    for element in clean.iterall():
        if element.VR != "SQ":
            assert PLANTED not in str(element.value)
            assert b"PLANTED" not in bytes(element.value) if isinstance(element.value, bytes) else True
            assert "1.2.3.4.5678" not in str(element.value)
            assert not str(element.value).startswith("19620304")
            assert str(element.value) not in {"4711", "4711.5", "1234567"}


def test_the_table_has_every_kind_of_action_and_each_has_one_meaning():
    assert len(table()) == 652
    assert {MEANING[code] for code in table().values()} == {Action.REMOVE, Action.EMPTY, Action.DUMMY, Action.REPLACE_UID}


def test_private_attributes_curves_and_overlay_data_go():
    assert {action_of(tag) for tag in (0x00091001, 0x50003000, 0x60003000, 0x601E4000)} == {Action.REMOVE}


def test_name_and_id_become_one_pseudonym_of_the_patient():
    clean = cleaned(films.film())
    other = films.film()
    other.PatientID = "another"
    assert clean.PatientName == clean.PatientID
    assert str(clean.PatientID).startswith("TT-")
    assert cleaned(films.film()).PatientID == clean.PatientID
    assert cleaned(other).PatientID != clean.PatientID


def test_two_films_of_a_study_stay_in_one_study_with_other_uids():
    one, two = films.film(), films.film()
    two.SOPInstanceUID = f"{two.SOPInstanceUID}.1"
    before = one.StudyInstanceUID
    one, two = cleaned(one), cleaned(two)
    assert one.StudyInstanceUID == two.StudyInstanceUID != before
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert UID(one.SOPInstanceUID).is_valid
    assert one.SOPClassUID == films.film().SOPClassUID


def test_uids_that_the_standard_registers_stay_and_all_others_change_in_nested_sequences_too():
    film, reference = films.film(), Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", film.SOPInstanceUID
    film.SourceImageSequence = Sequence([reference])
    clean = cleaned(film)
    assert clean.SourceImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.1"
    assert clean.SourceImageSequence[0].ReferencedSOPInstanceUID == clean.SOPInstanceUID


def test_dates_of_a_patient_move_by_the_same_days_and_times_stay():
    film = films.film()
    film.StudyDate, film.SeriesDate, film.StudyTime = "20260310", "20260301", "101112"
    clean = cleaned(film)
    study, series = (date.fromisoformat(clean[name].value) for name in ("StudyDate", "SeriesDate"))
    assert (study - series).days == 9
    assert 1 <= (date(2026, 3, 10) - study).days <= 3650
    assert clean.StudyTime == "101112"


def test_birth_date_and_birth_time_go_where_other_dates_move():
    film = films.film()
    film.PatientBirthDate, film.PatientBirthTime = "19620304", "0102"
    clean = cleaned(film)
    assert not clean.get("PatientBirthDate")
    assert not clean.get("PatientBirthTime")


def test_characteristics_stay_only_where_they_are_asked_for_and_high_ages_are_not_told():
    film, other = films.film(), films.film()
    film.PatientAge = other.PatientAge = "093Y"
    film.PatientSex = other.PatientSex = "F"
    kept, gone = cleaned(film, keep_characteristics=True), cleaned(other)
    assert (kept.PatientAge, kept.PatientSex) == ("090Y", "F")
    assert (gone.get("PatientAge"), gone.get("PatientSex")) == (None, None)
    assert "113108" in {item.CodeValue for item in kept.DeidentificationMethodCodeSequence}


def test_the_object_says_what_was_done():
    clean = cleaned(films.film())
    assert clean.PatientIdentityRemoved == "YES"
    assert clean.LongitudinalTemporalInformationModified == "MODIFIED"
    assert [item.CodeValue for item in clean.DeidentificationMethodCodeSequence] == ["113100", "113107"]


def test_person_names_and_dates_that_the_table_does_not_know_go_too():
    film = films.film()
    film.add_new(0x00081048, "PN", PLANTED)
    film.add_new(0x00189920, "DA", "20260310")
    clean = cleaned(film)
    assert PLANTED not in str(clean)
    assert "20260310" not in str(clean)


def test_a_code_that_is_named_by_an_address_keeps_it():
    film, item = films.film(), Dataset()
    item.URNCodeValue, item.CodingSchemeURL = "urn:oid:1.2.3", "https://codes.example"
    film.AnatomicRegionSequence = Sequence([item])
    kept = cleaned(film).AnatomicRegionSequence[0]
    assert (kept.URNCodeValue, kept.CodingSchemeURL) == ("urn:oid:1.2.3", "https://codes.example")


def test_web_addresses_go_in_nested_sequences_too():
    film = films.film()
    film.RetrieveURL = f"https://{PLANTED}/studies/1"
    item = Dataset()
    item.RetrieveURL = f"https://{PLANTED}/series/1"
    film.ReferencedImageSequence = Sequence([item])
    assert PLANTED not in str(cleaned(film))


@given(st.dates(min_value=date(1900, 1, 1)), st.integers(1, 3650))
def test_a_moved_date_lies_exactly_that_many_days_before(day, days):
    moved = moved_back(f"{day:%Y%m%d}" if day.year > 999 else day.isoformat().replace("-", ""), days)
    assert (day - date.fromisoformat(moved)).days == days


@given(st.text(max_size=8))
def test_what_is_no_date_or_age_says_nothing(text):
    assert moved_back(text, 1) == "" or text[:8].isdigit()
    assert capped_age(text) in {None, text, "090Y"}


def test_a_cleaned_film_can_be_written_and_read():
    clean, stream = cleaned(films.film()), io.BytesIO()
    pydicom.dcmwrite(stream, clean, enforce_file_format=True)
    stream.seek(0)
    assert pydicom.dcmread(stream).PatientID == clean.PatientID
