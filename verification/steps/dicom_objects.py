"""Steps on the objects for the archive: what they hold, whom they belong to, how a viewer would show the film with them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import highdicom.sr
import numpy as np
import pydicom
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName
from pytest_bdd import given, parsers, then, when

from device_sw.errors import DeviceError
from device_sw.findings import all_findings, finding
from device_sw.report.folder import StagedFiles
from device_sw.report.outputs import Wanted, stage_refusal, stage_result
from device_sw.report.overlay import overlay
from device_sw.report.refusal import refusal_record
from device_sw.types import Policy
from verification import presentation_state, structured_report
from verification.steps import films
from verification.steps.admission import Ending, analysed
from verification.steps.outputs import ASSESSMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from device_sw.device import Device
    from device_sw.report.content import AnalysisResult

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
CARRIED = (
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_TIMES = re.compile(r"(Date|Time|DateTime)$")


@dataclass(frozen=True)
class Written:
    """The files of one input: objects by kind (``sr``, ``gsps``, ``sc``), the JSON record, and the film that was sent."""

    objects: dict[str, Dataset]
    record: dict[str, Any]
    film: Dataset | None = None

    def object(self, kind: str) -> Dataset:
        """The object of a kind, which is expected to be there."""
        assert kind in self.objects, f"expected an object of kind {kind}, observed {sorted(self.objects)}"
        return self.objects[kind]

    @property
    def report(self) -> structured_report.Report:
        """What the structured report holds."""
        return structured_report.read(self.object("sr"))

    @property
    def shown(self) -> presentation_state.Shown:
        """What the presentation state draws."""
        return presentation_state.shown(self.object("gsps"))


def _written(ending: AnalysisResult | DeviceError, policy: Policy, wanted: Wanted, film: Dataset | None) -> Written:
    staged = StagedFiles()
    if isinstance(ending, DeviceError):
        record = refusal_record(ending, index=1, policy=policy, device_version="0.0.0", bundle_sha256="b" * 64)
        names = stage_refusal(staged, ending, record, 1, "film", wanted)
    else:
        names = stage_result(staged, ending, 1, "film", wanted)
    objects = {
        name.split("/")[-1].split(".")[0]: pydicom.dcmread(BytesIO(staged.contents[name]))
        for name in names
        if name.endswith(".dcm")
    }
    return Written(objects, json.loads(staged.contents[names[0]]), film)


def _ended(ending: Ending) -> AnalysisResult | DeviceError:
    return ending.analysis if ending.error is None else ending.error


def _text(dataset: Dataset) -> str:
    """Return all text of an object, on one line."""
    parts: list[str] = []
    dataset.walk(lambda _, element: parts.append(str(element.value)) if element.VR in {"UT", "ST", "LO", "CS", "LT"} else None)
    return " ".join(" ".join(parts).split())


@given("an analysed chest film of 512 x 512 pixels without detection", target_fixture="drawn_result")
def _no_detection(devices: Callable[[str], Device], tmp_path: Path) -> AnalysisResult:
    path = films.write(films.film(), tmp_path / "film.dcm")
    return replace(analysed(devices("intended-use"), path).analysis, detections=(), candidates=())


@given("a chest film for the archive", target_fixture="sent_film")
def _chest_film() -> FileDataset:
    return films.film()


@given(parsers.parse("a chest film for the archive whose patient is named {name} in {sets}"), target_fixture="sent_film")
def _named(name: str, sets: str) -> FileDataset:
    """Pydicom encodes the name, but for ISO 2022 IR 58, which it writes without the escape sequences that PS3.5 K.2 shows."""
    dataset = films.film()
    dataset.SpecificCharacterSet = sets.split("\\")
    dataset.PatientName = name
    if sets.endswith("ISO 2022 IR 58"):
        encodings = convert_encodings(dataset.SpecificCharacterSet)
        dataset.PatientName = PersonName(b"Wang^XiaoDong=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab", encodings)
    return dataset


@given(parsers.parse("a chest film for the archive with {fault}"), target_fixture="sent_film")
def _faulty(fault: str) -> FileDataset:
    dataset = films.film()
    match fault:
        case "a name in characters it does not declare":
            dataset.PatientName = "Wang^XiaoDong=\u00cd\u00f5^\u00d0\u00a1\u00b6\u00ab"
        case "a character set that nobody knows":
            dataset.SpecificCharacterSet = "ISO_IR 999"
        case "no Study Instance UID":
            del dataset.StudyInstanceUID
        case "no Series Instance UID":
            del dataset.SeriesInstanceUID
        case "a script in its accession number":
            dataset.AccessionNumber = "<script>"
        case _:
            raise ValueError(fault)
    return dataset


@given("a lateral chest film for the archive with a window of width 0", target_fixture="sent_film")
def _refusable() -> FileDataset:
    dataset = films.film()
    dataset.ViewPosition = "LL"
    dataset.WindowWidth = "0"
    return dataset


@given(parsers.parse("a chest film for the archive that is shown by {means}"), target_fixture="sent_film")
def _shown_by(means: str) -> FileDataset:
    dataset = films.film()
    _MEANS[means](dataset)
    return dataset


def _table(entries: list[int], first: int, bits: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return item


def _voi_table(dataset: Dataset) -> None:
    del dataset.WindowCenter, dataset.WindowWidth
    dataset.VOILUTSequence = [_table([min(4095, round(4095 * (k / 4095) ** 0.8)) for k in range(4096)], 0, 12)]


def _signed_voi_table(dataset: Dataset) -> None:
    films.show(dataset, (films.picture().astype(np.int16) - 2048).astype(np.int16))
    del dataset.WindowCenter, dataset.WindowWidth
    dataset.VOILUTSequence = [_table(list(range(4096)), -2048, 12)]


def _modality_table(dataset: Dataset) -> None:
    del dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType
    item = _table([min(65535, k * 16) for k in range(4096)], 0, 16)
    item.ModalityLUTType = "US"
    dataset.ModalityLUTSequence = [item]
    dataset.WindowCenter, dataset.WindowWidth = "32768", "65536"


def _set(**values: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


_MEANS: dict[str, Callable[[Any], None]] = {
    "a window": lambda _dataset: None,
    "a window, stored inverted as MONOCHROME1": films.complement,
    "a narrow window with slope and intercept": _set(
        RescaleSlope="2", RescaleIntercept="-100", WindowCenter="4000", WindowWidth="6000"
    ),
    "a sigmoid": _set(VOILUTFunction="SIGMOID", WindowCenter="1500", WindowWidth="3000"),
    "a linear exact window": _set(VOILUTFunction="LINEAR_EXACT", WindowCenter="2000", WindowWidth="3500"),
    "a VOI look-up table": _voi_table,
    "a modality look-up table": _modality_table,
    "a VOI look-up table, signed": _signed_voi_table,
}


@when("its DICOM objects are written", target_fixture="written")
def _result_written(drawn_result: AnalysisResult) -> Written:
    return _written(drawn_result, Policy.INTENDED_USE, Wanted(NOON), None)


def _analysed_and_written(
    sent_film: FileDataset, devices: Callable[[str], Device], folder: Path, policy: str, wanted: Wanted
) -> Written:
    path = films.write(sent_film, folder / "film.dcm")
    ending = _ended(analysed(devices(policy), path))
    return _written(ending, Policy(policy), wanted, pydicom.dcmread(path))


@when("it is analysed and its DICOM objects are written", target_fixture="written")
def _analysed_written(sent_film: FileDataset, devices: Callable[[str], Device], tmp_path: Path) -> Written:
    return _analysed_and_written(sent_film, devices, tmp_path, "intended-use", Wanted(NOON))


@when("it is analysed for research and its DICOM objects are written", target_fixture="written")
def _research_written(sent_film: FileDataset, devices: Callable[[str], Device], tmp_path: Path) -> Written:
    return _analysed_and_written(sent_film, devices, tmp_path, "research", Wanted(NOON))


@when(
    parsers.parse("it is analysed under the {policy} policy and all kinds of DICOM objects are written"), target_fixture="written"
)
def _all_written(sent_film: FileDataset, devices: Callable[[str], Device], tmp_path: Path, policy: str) -> Written:
    return _analysed_and_written(sent_film, devices, tmp_path, policy, Wanted(NOON, secondary_capture=True))


@when("it is analysed twice an hour apart, and once under the research policy", target_fixture="runs")
def _three_runs(sent_film: FileDataset, devices: Callable[[str], Device], tmp_path: Path) -> list[Written]:
    times = (("intended-use", NOON), ("intended-use", NOON + timedelta(hours=1)), ("research", NOON))
    return [_analysed_and_written(sent_film, devices, tmp_path, policy, Wanted(time)) for policy, time in times]


@then("the report keeps to every row of its templates")
def _conformant(written: Written) -> None:
    problems = structured_report.problems(written.object("sr"))
    assert not problems, f"expected no problem, observed {problems}"


@then("each detection is a region of the report within 0.5 pixel, with its finding, site and score, on that film")
def _regions(written: Written, drawn_result: AnalysisResult) -> None:
    regions = written.report.regions
    assert len(regions) == len(drawn_result.detections) > 0, f"expected one region a detection, observed {len(regions)}"
    for region, detection in zip(regions, drawn_result.detections, strict=True):
        row = finding(detection.finding)
        away = max(abs(a - b) for a, b in zip(region.box, detection.box.as_tuple(), strict=True))
        assert away <= 0.5, f"expected the box within 0.5 pixel, observed {away}"
        assert region.finding == (row.type.value, row.type.scheme), f"expected {row.type}, observed {region.finding}"
        assert region.site == (row.site.value, row.site.scheme), f"expected {row.site}, observed {region.site}"
        assert abs(region.score - detection.score) < 1e-6, f"expected {detection.score}, observed {region.score}"
        assert region.film == drawn_result.film.sop_instance_uid, "expected the analysed film, observed another"


@then("highdicom reads the same regions")
def _second_reader(written: Written) -> None:
    report = highdicom.sr.Comprehensive3DSR.from_dataset(written.object("sr"))
    groups = report.content.get_planar_roi_measurement_groups()
    assert len(groups) == len(written.report.regions), f"expected as many regions, observed {len(groups)}"
    for group, region in zip(groups, written.report.regions, strict=True):
        points = np.asarray(group.roi.value)
        observed = (*points.min(axis=0), *points.max(axis=0))
        assert np.allclose(observed, region.box), f"expected {region.box}, observed {observed}"
        assert group.tracking_uid == region.tracking_uid, "expected the same tracking UID, observed another"


@then(parsers.parse("each of the seven findings has one group that says {state}"))
def _states(written: Written, state: str) -> None:
    code = {"Present": structured_report.PRESENT, "Absent": structured_report.ABSENT}[state]
    expected = {(row.type.value, row.type.scheme): code for row in all_findings()}
    assert written.report.states == expected, f"expected {expected}, observed {written.report.states}"


@then("each group names version, model, bundle, preprocessing and operating point")
def _algorithm(written: Written, drawn_result: AnalysisResult) -> None:
    settings = drawn_result.settings
    groups = [
        item
        for container in written.object("sr").ContentSequence
        if structured_report.concept_of(container) == ("126010", "DCM")
        for item in container.ContentSequence
    ]
    assert len(groups) == 14, f"expected seven regions and seven groups, observed {len(groups)}"
    for group in groups:
        text = _text(group)
        point = settings.thresholds[next(row.id for row in all_findings() if row.type.meaning in text)]
        for told in (
            drawn_result.device_version,
            f"model {settings.model_version}",
            drawn_result.bundle_sha256,
            settings.preprocessing_id,
            f"operating point {point:g}",
        ):
            assert told in text, f"expected {told!r}, observed {text!r}"


@then("both objects say that no finding was marked, and none of them says normal, healthy or negative")
def _not_normal(written: Written) -> None:
    assert set(written.objects) == {"sr", "gsps"}, f"expected two objects, observed {sorted(written.objects)}"
    for kind, dataset in written.objects.items():
        assert "No finding was marked" in _text(dataset), f"expected the sentence in {kind}, observed {_text(dataset)!r}"
        assert not ASSESSMENT.search(_text(dataset)), f"expected no assessment in {kind}, observed {_text(dataset)!r}"


@then(parsers.parse("each object holds the name {name} in Unicode, and the film's patient and study as they are"))
def _same_patient(written: Written, name: str) -> None:
    assert set(written.objects) == {"sr", "gsps"}, f"expected two objects, observed {written.record['dicom_objects']}"
    assert written.film is not None, "expected the film"
    for kind, dataset in written.objects.items():
        raw = pydicom.dcmread(_again(dataset), stop_before_pixels=True).get_item("PatientName")
        assert raw.value.decode("utf-8").strip() == name.strip("="), f"expected the name in {kind}, observed another"
        assert dataset.SpecificCharacterSet == "ISO_IR 192", f"expected ISO_IR 192, observed {dataset.SpecificCharacterSet}"
        other = [keyword for keyword in CARRIED if dataset.get(keyword) != written.film.get(keyword)]
        assert not other, f"expected the film's values in {kind}, observed others at {other}"


def _again(dataset: Dataset) -> BytesIO:
    buffer = BytesIO()
    dataset.save_as(buffer)
    buffer.seek(0)
    return buffer


@then("each object lies in a series of its own and refers to the film")
def _references(written: Written) -> None:
    assert written.film is not None, "expected the film"
    series = {str(dataset.SeriesInstanceUID) for dataset in written.objects.values()}
    assert len(series | {str(written.film.SeriesInstanceUID)}) == 3, f"expected two series besides the film's, observed {series}"
    for kind, dataset in written.objects.items():
        found: list[tuple[str, str]] = []
        dataset.walk(
            lambda inner, element, found=found: (
                found.append((str(inner.ReferencedSOPClassUID), str(element.value)))
                if element.keyword == "ReferencedSOPInstanceUID"
                else None
            )
        )
        expected = {(str(written.film.SOPClassUID), str(written.film.SOPInstanceUID))}
        assert set(found) == expected, f"expected references to the film only in {kind}, observed {set(found)}"


@then(parsers.parse("there is no DICOM object, and the record names {place}"))
def _withheld(written: Written, place: str) -> None:
    told = written.record["dicom_objects"]
    assert not written.objects, f"expected no object, observed {sorted(written.objects)}"
    assert told["written"] == [], f"expected none in the record, observed {told['written']}"
    assert place in told["withheld"], f"expected {place}, observed {told['withheld']}"


@then("both runs give the same UIDs, and the objects differ in nothing but their times")
def _same_uids(runs: list[Written]) -> None:
    first, second, _ = runs
    for kind in ("sr", "gsps"):
        before, after = (_elements(run.object(kind)) for run in (first, second))
        differing = {name for (name, value), (_, other) in zip(before, after, strict=True) if value != other}
        assert differing, f"expected other times in {kind}, observed the same"
        assert all(_TIMES.search(name) for name in differing), f"expected differences in times only, observed {differing}"


def _elements(dataset: Dataset) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    dataset.walk(lambda _, element: found.append((element.keyword, str(element.value))) if element.VR != "SQ" else None)
    return found


@then("the research run gives other UIDs for its instances, series and tracked marks")
def _other_uids(runs: list[Written]) -> None:
    ours = [
        {value for kind in ("sr", "gsps") for _, value in _elements(run.object(kind)) if value.startswith("2.25.")}
        for run in runs
    ]
    shared = ours[0] & ours[2]
    assert len(ours[0]) >= 12, f"expected the UIDs of instances, series, groups and device, observed {len(ours[0])}"
    assert len(shared) == 1, f"expected the device's own UID in both, observed {len(shared)} shared"


@then("the report is partial, holds no region, and each of its groups says Not Attempted")
def _not_attempted(written: Written) -> None:
    report, dataset = written.report, written.object("sr")
    assert dataset.CompletionFlag == "PARTIAL", f"expected PARTIAL, observed {dataset.CompletionFlag}"
    assert not report.regions, f"expected no region, observed {len(report.regions)}"
    assert set(report.states.values()) == {structured_report.NOT_ATTEMPTED} == {report.status}, f"observed {report.states}"
    assert len(report.states) == 7, f"expected seven groups, observed {len(report.states)}"


@then("both objects hold ADM-VIEW and ADM-WINDOW-WIDTH and say that the film was not analysed")
def _reasons(written: Written) -> None:
    assert set(written.objects) == {"sr", "gsps"}, f"expected two objects, observed {sorted(written.objects)}"
    for kind, dataset in written.objects.items():
        for told in ("Not analysed", "ADM-VIEW", "ADM-WINDOW-WIDTH"):
            assert told in _text(dataset), f"expected {told} in {kind}, observed {_text(dataset)!r}"


@then("each object says that the device is not cleared")
def _status(written: Written) -> None:
    assert set(written.objects) == {"sr", "gsps", "sc"}, f"expected three objects, observed {sorted(written.objects)}"
    for kind, dataset in written.objects.items():
        assert "not cleared, not for clinical use" in _text(dataset), (
            f"expected the status in {kind}, observed {_text(dataset)!r}"
        )


@then(parsers.parse("{count:d} of the three objects say RESEARCH"))
def _research_marks(written: Written, count: int) -> None:
    marked = [kind for kind, dataset in written.objects.items() if "RESEARCH" in _text(dataset)]
    assert len(marked) == count, f"expected {count}, observed {marked}"


@then("the Secondary Capture shows the overlay and is marked as derived, secondary and with burned-in text")
def _capture(written: Written, devices: Callable[[str], Device], tmp_path: Path) -> None:
    dataset = written.object("sc")
    page = np.asarray(overlay(analysed(devices("intended-use"), tmp_path / "film.dcm").analysis).convert("RGB"))
    assert np.array_equal(dataset.pixel_array, page), "expected the overlay's pixels, observed others"
    assert list(dataset.ImageType[:2]) == ["DERIVED", "SECONDARY"], f"observed {dataset.ImageType}"
    assert dataset.BurnedInAnnotation == "YES", f"expected YES, observed {dataset.BurnedInAnnotation}"


@then("the device refuses the Secondary Capture, and without the option there is none")
def _no_input(written: Written, devices: Callable[[str], Device], tmp_path: Path) -> None:
    path = films.write(written.object("sc"), tmp_path / "capture.dcm")
    assert analysed(devices("intended-use"), path).code == "ADM-MODALITY", "expected ADM-MODALITY"
    result = analysed(devices("intended-use"), tmp_path / "film.dcm").analysis
    without = _written(result, Policy.INTENDED_USE, Wanted(NOON), None)
    assert "sc" not in without.objects, "expected none without the option, observed one"


@then("the presentation state draws each detection within 0.5 pixel, labelled with its finding and score")
def _drawn(written: Written, drawn_result: AnalysisResult) -> None:
    shown = written.shown
    assert len(shown.boxes) == len(drawn_result.detections) > 0, f"expected one box a detection, observed {len(shown.boxes)}"
    for box, label, detection in zip(shown.boxes, shown.labels, drawn_result.detections, strict=True):
        away = max(abs(a - b) for a, b in zip(box, detection.box.as_tuple(), strict=True))
        assert away <= 0.5, f"expected the box within 0.5 pixel, observed {away}"
        for told in (finding(detection.finding).name, f"{detection.score:.2f}"):
            assert told in label, f"expected {told}, observed {label!r}"


@then("the presentation state shows the stored values as the device read them, to a thousandth of full scale")
def _as_read(written: Written, devices: Callable[[str], Device], tmp_path: Path) -> None:
    assert written.film is not None, "expected the film"
    result = analysed(devices("intended-use"), tmp_path / "film.dcm").analysis
    stored = np.frombuffer(written.film.PixelData, "<i2" if written.film.PixelRepresentation else "<u2").reshape(
        result.picture.shape
    )
    away = float(np.abs(presentation_state.picture(written.object("gsps"), stored) - result.picture).max())
    assert away <= 1e-3, f"expected the device's picture, observed a difference of {away}"


@then("the presentation state draws no box and says that no finding was marked")
def _says_none(written: Written) -> None:
    shown = written.shown
    assert not shown.boxes, f"expected no box, observed {len(shown.boxes)}"
    assert "No finding was marked at the operating points" in shown.words, f"observed {shown.words!r}"
    assert not ASSESSMENT.search(shown.words), f"expected no assessment, observed {shown.words!r}"


@then("the presentation state draws no box and says that the film was not analysed, with every reason")
def _says_why(written: Written) -> None:
    shown = written.shown
    assert not shown.boxes, f"expected no box, observed {len(shown.boxes)}"
    for told in ("Not analysed, because ADM-VIEW", "Not analysed, because ADM-WINDOW-WIDTH"):
        assert told in shown.words, f"expected {told}, observed {shown.words!r}"
