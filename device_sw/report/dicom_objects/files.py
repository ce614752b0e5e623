"""Which DICOM objects an input leaves behind, by the names of their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_sw.dicom.source import SourceHeader
from device_sw.report.dicom_objects import presentation_state, secondary_capture, structured_report
from device_sw.report.dicom_objects.identity import Origin
from device_sw.types import Policy

if TYPE_CHECKING:
    from datetime import datetime

    from PIL import Image

    from device_sw.errors import DeviceError
    from device_sw.report.content import AnalysisResult
    from device_sw.report.dicom_objects.header import DicomFile

SR, GSPS, SC = "sr", "gsps", "sc"
"""The kinds of object, as their files are named."""


def result_files(result: AnalysisResult, run_time: datetime, *, page: Image.Image | None) -> dict[str, DicomFile]:
    """Return the objects of an analysed film by their kinds; none where its header does not say which patient and study they belong to.

    Args:
        result: of the film.
        run_time: when the run began, with its time zone.
        page: the overlay, where a Secondary Capture of it is wanted.
    """
    if not result.source.bindable:
        return {}
    origin = result_origin(result, run_time)
    made = {SR: structured_report.result_report(origin, result), GSPS: presentation_state.result_state(origin, result)}
    return {**made, SC: secondary_capture.capture(origin, page)} if page else made


def refusal_files(error: DeviceError, record: dict[str, Any], run_time: datetime) -> dict[str, DicomFile]:
    """Return the objects that say that, and why, a film was not analysed; none where its header does not say where they belong."""
    source = error.source
    if not isinstance(source, SourceHeader) or not source.bindable or error.content_sha256 is None:
        return {}
    codes = [reason["code"] for reason in record["reasons"]]
    origin = Origin(
        source=source,
        content_sha256=error.content_sha256,
        outcome=f"not analysed: {' '.join(codes)}",
        policy=Policy(record["policy"]),
        device_version=record["device"]["version"],
        bundle_sha256=record["model"]["bundle_sha256"],
        run_time=run_time,
    )
    state = presentation_state.refusal_state(origin, error)
    report = {SR: structured_report.refusal_report(origin, error)}
    return report if state is None else {**report, GSPS: state}


def result_origin(result: AnalysisResult, run_time: datetime) -> Origin:
    """Return what the objects of an analysed film are made from."""
    return Origin(
        source=result.source,
        content_sha256=result.film.content_sha256,
        outcome="analysed",
        policy=result.policy,
        device_version=result.device_version,
        bundle_sha256=result.bundle_sha256,
        run_time=run_time,
    )
