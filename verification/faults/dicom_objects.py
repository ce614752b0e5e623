"""Defects of the objects for the archive: misplaced boxes, other films, other patients, polarity, words and UIDs."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from verification.faults.alteration import replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def box_shifted(module: ModuleType) -> None:
    """Boxes lie one pixel to the right of their detections (device_sw.report.dicom_objects.structured_report or presentation_state)."""

    def outline(original: Any, *arguments: Any) -> Any:
        return tuple((x + 1.0, y) for x, y in original(*arguments))

    wrap(module, "outline", outline)


def other_film(module: ModuleType) -> None:
    """Regions refer to another instance than the film (device_sw.report.dicom_objects.structured_report)."""
    wrap(module, "_film", lambda original, origin: changed(original(origin), sop_instance_uid=origin.source.series_instance_uid))


def uids_drawn(module: ModuleType) -> None:
    """UIDs are drawn at random (device_sw.report.dicom_objects.identity)."""
    replace(module, "derived_uid", lambda _name: f"2.25.{uuid4().int}")


def policy_not_in_the_uid(module: ModuleType) -> None:
    """Objects of both policies have the same UIDs (device_sw.report.dicom_objects.identity)."""
    wrap(module, "Origin.name", lambda original, self, role: original(self, role).replace(self.policy.value, "any"))


def polarity_left_out(module: ModuleType) -> None:
    """The presentation state shows every film as MONOCHROME2 (device_sw.report.dicom_objects.presentation_state)."""

    def greyscale(original: Any, dataset: Any, attributes: Any) -> None:
        original(dataset, attributes)
        dataset.PresentationLUTShape = "IDENTITY"

    wrap(module, "_greyscale", greyscale)


def faults_of_identity_ignored(module: ModuleType) -> None:
    """Objects are written although it is not known whose they are (device_sw.dicom.source)."""
    replace(module, "SourceHeader.bindable", property(lambda _self: True))


def name_cut_to_latin(module: ModuleType) -> None:
    """Only the first group of a name is carried (device_sw.report.dicom_objects.header)."""

    def patient(original: Any, dataset: Any, origin: Any) -> None:
        original(dataset, origin)
        dataset.PatientName = str(dataset.PatientName).partition("=")[0]

    wrap(module, "_patient_and_study", patient)


def series_of_the_film(module: ModuleType) -> None:
    """Objects are added to the film's own series (device_sw.report.dicom_objects.header)."""

    def series(original: Any, dataset: Any, origin: Any, kind: Any) -> None:
        original(dataset, origin, kind)
        dataset.SeriesInstanceUID = origin.source.series_instance_uid

    wrap(module, "_series", series)


def empty_result_called_normal(module: ModuleType) -> None:
    """Objects of a film without marks call it normal (device_sw.report.dicom_objects.structured_report or presentation_state)."""
    replace(module, "conclusion", lambda _result: "No finding was marked: normal film.")


def refused_without_objects(module: ModuleType) -> None:
    """A refused film leaves no object (device_sw.report.outputs)."""
    replace(module, "refusal_files", lambda *_arguments: {})


def refused_as_analysed(module: ModuleType) -> None:
    """The report of a refused film says that the analysis succeeded (device_sw.report.dicom_objects.structured_report)."""
    replace(module, "NOT_ATTEMPTED", module.SUCCEEDED)


def objects_unmarked(module: ModuleType) -> None:
    """Objects of the research policy do not say so in their header (device_sw.report.dicom_objects.header)."""
    replace(module, "mark", lambda _policy: None)


def objects_without_statement(module: ModuleType) -> None:
    """The header of an object does not say that the device is not cleared (device_sw.report.dicom_objects.header)."""
    replace(module, "STATEMENT", "-")


def capture_called_original(module: ModuleType) -> None:
    """A Secondary Capture says that it is an original radiograph (device_sw.report.dicom_objects.secondary_capture)."""

    def encoded(original: Any, dataset: Any, origin: Any) -> Any:
        dataset.ImageType, dataset.BurnedInAnnotation = ["ORIGINAL", "PRIMARY"], "NO"
        return original(dataset, origin)

    wrap(module, "encoded", encoded)


def institution_carried(module: ModuleType) -> None:
    """Objects carry the institution (device_sw.dicom.source)."""
    replace(module, "CARRIED", (*module.CARRIED, "InstitutionName"))


def objects_without_operating_point(module: ModuleType) -> None:
    """The algorithm's parameters leave the operating point out (device_sw.report.dicom_objects.structured_report)."""
    wrap(module, "_parameters", lambda original, *arguments: tuple(p for p in original(*arguments) if "point" not in p))
