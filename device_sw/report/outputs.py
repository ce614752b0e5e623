"""Every file that one input leaves behind: stages all of them, so that they become visible together or not at all.

An analysed film leaves its result and its overlay; an input that was not analysed leaves its record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_sw.report.json_report import json_report
from device_sw.report.overlay import overlay

if TYPE_CHECKING:
    from datetime import datetime

    from device_sw.errors import DeviceError
    from device_sw.report.content import AnalysisResult
    from device_sw.report.folder import OutputFolder


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run was asked to write beside its results, and when the run began.

    Attributes:
        run_time: when the run began, with its time zone; the content date and time of every DICOM object of the run.
        dicom: whether DICOM objects are written.
        secondary_capture: whether a Secondary Capture is among them.
        page: whether a page for people is written.
    """

    run_time: datetime
    dicom: bool = True
    secondary_capture: bool = False
    page: bool = True


def stage_result(folder: OutputFolder, result: AnalysisResult, index: int, stem: str, wanted: Wanted) -> list[str]:
    """Stage every file of an analysed film and return their names, the JSON result first.

    Args:
        folder: that receives the files; the caller commits.
        result: of the film.
        index: the input's number in the folder.
        stem: the name that the film's files share.
        wanted: what the run was asked for.

    Raises:
        OutputFailed: a file could not be written in full.
    """
    del wanted
    names = [f"results/{stem}.json", f"overlays/{stem}.png"]
    folder.stage_json(names[0], json_report(result, index))
    folder.stage_image(names[1], overlay(result))
    return names


def stage_refusal(  # noqa: PLR0913, PLR0917 - the folder, and what is known of one input
    folder: OutputFolder, error: DeviceError, record: dict[str, Any], index: int, stem: str, wanted: Wanted
) -> list[str]:
    """Stage every file of an input that was not analysed and return their names, the JSON record first.

    Args:
        folder: that receives the files; the caller commits.
        error: why the input was not analysed.
        record: what `device_sw.report.refusal.refusal_record` says of it.
        index: the input's number in the folder.
        stem: the name that the input's files share.
        wanted: what the run was asked for.

    Raises:
        OutputFailed: a file could not be written in full.
    """
    del error, index, wanted
    names = [f"refusals/{stem}.json"]
    folder.stage_json(names[0], record)
    return names
