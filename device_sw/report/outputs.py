"""Every file that one input leaves behind: stages all of them, so that they become visible together or not at all.

An analysed film leaves its result, its overlay, its page for people, its DICOM objects and, where the marks were to be explained, a figure of their maps; an
input that was not analysed leaves its record and its page, and DICOM objects that say so where its header tells which patient and study they belong to. Each
JSON file lists the objects by their UIDs, or says why there are none, and says whether a page was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_sw.dicom.source import SourceHeader
from device_sw.report.dicom_objects.files import refusal_files, result_files
from device_sw.report.json_report import json_report
from device_sw.report.map_figure import map_figure
from device_sw.report.overlay import overlay
from device_sw.report.page import refusal_page, result_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from device_sw.errors import DeviceError
    from device_sw.report.content import AnalysisResult
    from device_sw.report.dicom_objects.header import DicomFile
    from device_sw.report.folder import StagedFiles


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run was asked to write beside its results, and when the run began.

    Attributes:
        run_time: when the run began, with its time zone; the content date and time of every DICOM object of the run.
        dicom: whether DICOM objects are written.
        secondary_capture: whether a Secondary Capture is among them.
        page: whether a page for people is written, of results and of inputs that were not analysed.
    """

    run_time: datetime
    dicom: bool = True
    secondary_capture: bool = False
    page: bool = True


def stage_result(folder: StagedFiles, result: AnalysisResult, index: int, stem: str, wanted: Wanted) -> list[str]:
    """Stage every file of an analysed film and return their names, the JSON result first.

    Args:
        folder: that receives the files in memory; the caller writes them.
        result: of the film.
        index: the input's number in the folder.
        stem: the name that the film's files share.
        wanted: what the run was asked for.
    """
    picture = overlay(result)
    capture = picture if wanted.secondary_capture else None
    objects = result_files(result, wanted.run_time, page=capture) if wanted.dicom else {}
    names = [f"results/{stem}.json", f"overlays/{stem}.png"]
    folder.stage_json(names[0], json_report(result, index) | _told(objects, result.source, wanted))
    folder.stage_image(names[1], picture)
    pages = _staged_page(folder, stem, result_page(result, index, stem, wanted.run_time)) if wanted.page else []
    return [*names, *_staged_maps(folder, result, stem), *pages, *_staged(folder, objects, stem)]


def _staged_page(folder: StagedFiles, stem: str, page: str) -> list[str]:
    name = f"pages/{stem}.html"
    folder.stage_bytes(name, page.encode())
    return [name]


def _staged_maps(folder: StagedFiles, result: AnalysisResult, stem: str) -> list[str]:
    """Stage the figure of the maps of the marks, where the marks were to be explained."""
    if not result.lesion_methods:
        return []
    name = f"overlays/{stem}-maps.png"
    folder.stage_image(name, map_figure(result))
    return [name]


def stage_refusal(  # noqa: PLR0913, PLR0917 - the folder, and what is known of one input
    folder: StagedFiles, error: DeviceError, record: dict[str, Any], index: int, stem: str, wanted: Wanted
) -> list[str]:
    """Stage every file of an input that was not analysed and return their names, the JSON record first.

    Args:
        folder: that receives the files in memory; the caller writes them.
        error: why the input was not analysed.
        record: what `device_sw.report.refusal.refusal_record` says of it.
        index: the input's number in the folder.
        stem: the name that the input's files share.
        wanted: what the run was asked for.
    """
    del index
    objects = refusal_files(error, record, wanted.run_time) if wanted.dicom else {}
    source = error.source if isinstance(error.source, SourceHeader) else None
    name = f"refusals/{stem}.json"
    folder.stage_json(name, record | _told(objects, source, wanted))
    pages = _staged_page(folder, stem, refusal_page(record, stem, wanted.run_time)) if wanted.page else []
    return [name, *pages, *_staged(folder, objects, stem)]


def _told(objects: Mapping[str, DicomFile], source: SourceHeader | None, wanted: Wanted) -> dict[str, Any]:
    """Return what the JSON file says of what was made beside it: which DICOM objects, or why none, and whether a page for people."""
    written = [
        {"kind": kind, "sop_class_uid": made.sop_class_uid, "sop_instance_uid": made.sop_instance_uid}
        for kind, made in objects.items()
    ]
    withheld = None if written else _withheld(source, wanted)
    return {"dicom_objects": {"written": written, "withheld": withheld}, "page": wanted.page}


def _withheld(source: SourceHeader | None, wanted: Wanted) -> str:
    if not wanted.dicom:
        return "not asked for"
    if source is None:
        return "the input has no readable header to file an object by"
    return f"the film does not say which patient and study an object belongs to, at {', '.join(source.faults)}"


def _staged(folder: StagedFiles, objects: Mapping[str, DicomFile], stem: str) -> list[str]:
    names = [f"dicom/{stem}/{kind}.dcm" for kind in objects]
    for name, made in zip(names, objects.values(), strict=True):
        folder.stage_bytes(name, made.content)
    return names
