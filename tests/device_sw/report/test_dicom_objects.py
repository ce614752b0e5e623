"""Objects for the archive: two readers agree on them, they hold what they must and nothing else, and their UIDs follow from what they name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.sr._concepts_dict import concepts

from device_sw.errors import InputRefused
from device_sw.findings import Code, all_findings
from device_sw.report.dicom_objects import presentation_state, secondary_capture, structured_report
from device_sw.report.dicom_objects.content_tree import Container, Item, Number, Text, content_sequence
from device_sw.report.dicom_objects.files import refusal_files, result_files, result_origin
from device_sw.report.dicom_objects.header import DicomFile
from device_sw.report.dicom_objects.identity import derived_uid
from device_sw.types import Box, Detection, Policy
from tests.device_sw.report import random_reports
from tests.device_sw.report.broken_reports import BROKEN
from tests.device_sw.stand_ins import IDS
from verification import presentation_state as viewer
from verification import structured_report as checker

NOON = random_reports.NOON


def parsed(made):
    return pydicom.dcmread(BytesIO(made.content))


def objects(result, time=NOON):
    return {kind: parsed(made) for kind, made in result_files(result, time, page=Image.new("RGB", (31, 21), "red")).items()}


def with_source(**carried):
    base = random_reports.analysed()
    return replace(base, source=replace(base.source, carried={**base.source.carried, **carried}))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**9))
def test_two_readers_agree_on_random_reports(seed):
    result = random_reports.random_result(seed)
    dataset = random_reports.written(result)
    ours = random_reports.by_checker(dataset)
    assert ours[0] == "read", ours[1]
    assert ours == random_reports.by_highdicom(dataset)
    meant = [mark for row in all_findings() for mark in result.of(row)]
    limits = (result.film.columns, result.film.rows) * 2
    for region, mark in zip(ours[1][0], meant, strict=True):
        for edge, wanted, limit in zip(region[2], mark.box.as_tuple(), limits, strict=True):
            assert abs(edge - min(max(wanted, 0.0), limit)) <= 0.5


@pytest.mark.parametrize("name", BROKEN)
def test_the_checker_refuses_every_broken_report(name):
    dataset = random_reports.written(random_reports.random_result(1, count=3))
    assert checker.problems(dataset) == ()
    BROKEN[name](dataset)
    assert checker.problems(dataset)


@pytest.mark.parametrize("failed", [False, True])
def test_reports_of_what_was_not_analysed_keep_to_the_templates(failed):
    dataset = random_reports.refused(random_reports.random_result(3), failed=failed)
    assert checker.problems(dataset) == ()
    report = checker.read(dataset)
    assert report.regions == ()
    assert set(report.states.values()) == {checker.FAILED if failed else checker.NOT_ATTEMPTED} == {report.status}
    assert report.sentences[0] == "Not analysed."


def test_a_finding_that_was_not_looked_for_is_not_absent():
    base = random_reports.analysed()
    looked = IDS[:3]
    trained = replace(base.settings, findings=looked, thresholds=dict.fromkeys(looked, 0.5))
    states = checker.read(random_reports.written(replace(base, settings=trained, detections=(), candidates=()))).states
    assert [states[row.type.value, row.type.scheme] for row in all_findings()] == [checker.ABSENT] * 3 + [
        checker.NOT_ATTEMPTED
    ] * 4


def test_standard_codes_exist_in_an_independent_dictionary():
    """SNOMED CT 8186001 (Cardiomegaly) is older than pydicom's table, and UMLS is not in it."""
    used = [value for value in vars(structured_report).values() if isinstance(value, Code)]
    used += [code for row in all_findings() for code in (row.type, row.site) if row.confirmed or code is row.site]
    known = {
        (code, scheme): meaning
        for scheme, names in concepts.items()
        for codes in names.values()
        for code, (meaning, _) in codes.items()
    }
    missing = {
        (code.value, code.scheme)
        for code in used
        if code.scheme in {"DCM", "SCT", "UCUM", "LN"} and (code.value, code.scheme) not in known
    }
    assert missing <= {("8186001", "SCT")}
    assert all(known.get((code.value, "DCM"), code.meaning) == code.meaning for code in used if code.scheme == "DCM")


def test_the_tree_is_what_pydicom_would_read_and_write():
    long = Code("1" * 17, "SCT", "A code of more than sixteen characters")
    tree = (
        Item("CONTAINS", long, Container("1410"), (Item("CONTAINS", None, Text("心脈肥大 é")),)),
        Item("CONTAINS", Code("a", "DCM", "b"), Number(1 / 3, Code("1", "UCUM", "no units"))),
    )
    dataset = random_reports.written(random_reports.random_result(0))
    dataset.ContentSequence = []
    buffer = BytesIO()
    dataset.save_as(buffer)
    empty = buffer.getvalue()
    read = pydicom.dcmread(BytesIO(empty[: empty.rindex(b"\x40\x00\x30\xa7")] + content_sequence(tree)))
    first, second = read.ContentSequence
    assert first.ConceptNameCodeSequence[0].LongCodeValue == "1" * 17
    assert first.ContentSequence[0].TextValue == "心脈肥大 é"
    assert second.MeasuredValueSequence[0].NumericValue == pytest.approx(1 / 3, abs=1e-9)


@pytest.mark.parametrize(
    "box", [(10.0, 10.0, 10.0001, 400.0), (-5.0, -5.0, 1e-5, 1e-5), (511.99999, 0.0, 512.0, 512.0), (600.0, 600.0, 700.0, 700.0)]
)
def test_a_box_stays_a_box_on_the_film(box):
    base = replace(random_reports.analysed(), detections=(Detection(IDS[0], Box(*box), 0.9),))
    made = objects(base)
    assert checker.problems(made["sr"]) == ()
    for x0, y0, x1, y1 in (checker.read(made["sr"]).regions[0].box, viewer.shown(made["gsps"]).boxes[0]):
        assert 0 <= x0 < x1 <= 512
        assert 0 <= y0 < y1 <= 512


def test_what_the_film_leaves_out_is_empty_and_not_invented():
    base = random_reports.analysed()
    for made in objects(replace(base, source=replace(base.source, carried={}))).values():
        for keyword in (
            "PatientName",
            "PatientID",
            "PatientBirthDate",
            "PatientSex",
            "StudyID",
            "StudyDate",
            "StudyTime",
            "AccessionNumber",
        ):
            assert keyword in made
            assert not made[keyword].value
        assert "PatientAge" not in made


def test_objects_hold_no_private_element_and_no_pixel_of_the_film_but_the_capture():
    for kind, made in objects(random_reports.analysed()).items():
        assert not [element for element in made.iterall() if element.tag.is_private]
        assert ("PixelData" in made) == (kind == "sc")


def test_the_time_is_the_runs_in_the_films_own_zone():
    run = datetime(2026, 12, 31, 20, 30, 15, tzinfo=UTC)
    made = objects(with_source(TimezoneOffsetFromUTC="+0800"), run)
    assert (made["sr"].ContentDate, made["sr"].ContentTime) == ("20270101", "043015")
    assert made["gsps"].PresentationCreationTime == "043015"
    assert made["sr"].ContributingEquipmentSequence[0].ContributionDateTime == "20261231203015+0000"
    behind = objects(with_source(TimezoneOffsetFromUTC="-0330"), run)
    assert behind["sr"].ContentTime == "170015"
    assert objects(with_source(), run.astimezone(timezone(timedelta(hours=1))))["sr"].ContentTime == "213015"


def test_every_part_of_a_name_leads_to_another_uid():
    origin = result_origin(random_reports.analysed(), NOON)
    others = [
        replace(origin, content_sha256="c" * 64),
        replace(origin, outcome="not analysed: ADM-VIEW"),
        replace(origin, policy=Policy.RESEARCH),
        replace(origin, device_version="9.9.9"),
        replace(origin, bundle_sha256="d" * 64),
        replace(origin, source=replace(origin.source, sop_instance_uid="1.2.3")),
        replace(origin, source=replace(origin.source, study_instance_uid="1.2.3")),
    ]
    uids = {made.uid("structured-report/instance") for made in (origin, *others)} | {origin.uid("presentation-state/instance")}
    assert len(uids) == 9
    assert origin.uid("a") == replace(origin, run_time=NOON + timedelta(days=1)).uid("a")
    assert all(len(uid) <= 64 and pydicom.uid.UID(uid).is_valid for uid in uids)


def test_the_derivation_of_uids_never_changes():
    """Archives hold objects with these UIDs; another derivation would file a second copy of each."""
    assert derived_uid("structured-report/instance") == "2.25.267585250891319624834035662502308399141"


def test_nothing_is_written_for_a_film_that_cannot_be_bound():
    base = random_reports.analysed()
    unbound = replace(base, source=replace(base.source, faults=("(0010,0010) PatientName",)))
    assert result_files(unbound, NOON, page=None) == {}


@pytest.mark.parametrize(
    ("change", "shown"), [({}, True), ({"photometric": "RGB"}, False), ({"samples": 3}, False), ({"rows": 0}, False)]
)
def test_only_a_greyscale_film_of_known_size_has_a_greyscale_presentation_state(change, shown):
    base = random_reports.analysed()
    attributes = replace(base.source.attributes, **change)
    origin = result_origin(replace(base, source=replace(base.source, attributes=attributes)), NOON)
    error = InputRefused("ADM-COLOUR", where="there", found="that", expected="this", repair="so")
    assert (presentation_state.refusal_state(origin, error) is not None) == shown


def test_an_input_without_header_leaves_no_object():
    from device_sw.errors import InputRefused

    error = InputRefused("IN-NOT-DICOM", where="file", found="text", expected="DICOM", repair="send a film")
    assert refusal_files(error, {}, NOON) == {}


def test_a_finished_object_shows_no_content():
    made = result_files(with_source(PatientName="Doe^Jane"), NOON, page=None)["sr"]
    assert repr(made) == f"DicomFile({made.sop_instance_uid})"
    assert "Doe" not in repr(with_source(PatientName="Doe^Jane").source)


def test_long_reasons_end_with_a_pointer_to_the_report():
    words = [f"line {n} " + "x" * 60 for n in range(40)]
    state = parsed(presentation_state._state(*_origin_and_attributes(), [], words))
    text = state.GraphicAnnotationSequence[-1].TextObjectSequence[0].UnformattedTextValue
    assert len(text) <= 1024
    assert text.endswith("... continued in the structured report")


def _origin_and_attributes():
    origin = result_origin(random_reports.analysed(), NOON)
    return origin, presentation_state.KIND, origin.source.attributes


def test_a_capture_holds_its_page_and_pads_it_to_even_length():
    page = Image.fromarray(np.arange(3 * 5 * 7, dtype=np.uint8).reshape(5, 7, 3))
    made = secondary_capture.capture(result_origin(random_reports.analysed(), NOON), page)
    assert isinstance(made, DicomFile)
    assert np.array_equal(parsed(made).pixel_array, np.asarray(page))
    assert len(parsed(made).PixelData) == 106
