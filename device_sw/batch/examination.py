"""What becomes of one input: every file it leaves, and the facts that its audit line states. Nothing is written here.

An examination is plain data, so that it can be made in another process than the one that writes.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from device_sw import merkle
from device_sw.dicom.reader import file_bytes
from device_sw.errors import DeviceError, InferenceFailed, InputRefused
from device_sw.report.folder import StagedFiles
from device_sw.report.outputs import Wanted, stage_refusal, stage_result
from device_sw.report.refusal import refusal_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_sw.device import Device
    from device_sw.report.content import AnalysisResult
    from device_sw.types import Policy


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes the results of a run: versions, bundle, policy and what is written.

    Attributes:
        wanted: the names of the outputs and of the explanations of marks that were asked for.
    """

    policy: Policy
    device_version: str
    model_version: str
    bundle_sha256: str
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One input to examine.

    Attributes:
        position: its place among the inputs of the run, from 0.
        index: its number in the output folder, from 1.
        path: where it lies.
        content_sha256: of its bytes, or None where they cannot be read.
    """

    position: int
    index: int
    path: Path
    content_sha256: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What became of one input.

    Attributes:
        job: the input.
        status: ``analysed``, ``refused`` or ``failed``.
        code: of the refusal or failure.
        content_sha256: of the bytes that were read, or None.
        sop_instance_uid: of the image, or None.
        picture_sha256: of the film as displayed, where it was analysed.
        detections: the number of marks for each finding that has any.
        leaf: the Merkle leaf of its record.
        message: the refusal or failure in one line.
        files: name below the output folder -> content, the JSON record first.
    """

    job: Job
    status: str
    code: str | None
    content_sha256: str | None
    sop_instance_uid: str | None
    picture_sha256: str | None
    detections: dict[str, int]
    leaf: str
    message: str
    files: dict[str, bytes] = field(repr=False)

    @property
    def record(self) -> str:
        """The name of its JSON record."""
        return next(iter(self.files))


class Examiner(Protocol):
    """What examines the inputs of a run, in this process or in others."""

    identity: Identity

    def examine_all(self, jobs: Iterable[Job]) -> Iterator[Examination]:
        """Yield what became of each input, in the order of the jobs."""

    def refuse(self, job: Job, error: InputRefused) -> Examination:
        """Examine an input again whose result must not be kept, and leave a refusal."""

    def close(self) -> None:
        """End every process that was started."""


class InProcess:
    """Examines one input after the other in this process."""

    def __init__(self, device: Device, wanted: Wanted) -> None:
        """Use this device."""
        self._device, self._wanted = device, wanted
        self.identity = identity(device, wanted)

    def examine_all(self, jobs: Iterable[Job]) -> Iterator[Examination]:
        """Yield what became of each input, in the order of the jobs."""
        return (examine(self._device, job, self._wanted) for job in jobs)

    def refuse(self, job: Job, error: InputRefused) -> Examination:
        """Examine an input again whose result must not be kept, and leave a refusal."""
        return examine(self._device, job, self._wanted, error)

    def close(self) -> None:
        """Nothing was started."""


def identity(device: Device, wanted: Wanted) -> Identity:
    """Return what makes the results of this device."""
    names = sorted(name for name in ("dicom", "page", "secondary_capture") if getattr(wanted, name))
    made = (*names, *sorted(device.methods))
    return Identity(device.policy, device.version, device.settings.model_version, device.bundle_sha256, made)


def examine(device: Device, job: Job, wanted: Wanted, refused: InputRefused | None = None) -> Examination:
    """Analyse one input and make every file it leaves; whatever goes wrong with it becomes its refusal or its failure.

    Args:
        device: what analyses.
        job: the input.
        wanted: what is written.
        refused: a reason from outside the film for which its result is not kept.
    """
    try:
        result = device.analyse(job.path)
        if refused is None:
            return _analysed(result, job, wanted)
        error: DeviceError = _of_film(refused, result)
    except DeviceError as reason:
        error = reason
    except Exception as broken:  # noqa: BLE001 - one input never stops the others; its failure is recorded
        error = _unexpected(broken)
    return not_analysed(identity(device, wanted), error, job, wanted)


def _analysed(result: AnalysisResult, job: Job, wanted: Wanted) -> Examination:
    film, files = result.film, StagedFiles()
    names = stage_result(files, result, job.index, f"{job.index:04d}-{film.content_sha256[:8]}", wanted)
    return Examination(
        job=job,
        status="analysed",
        code=None,
        content_sha256=film.content_sha256,
        sop_instance_uid=film.sop_instance_uid,
        picture_sha256=hashlib.sha256(result.picture.tobytes()).hexdigest(),
        detections=dict(sorted(Counter(str(detection.finding) for detection in result.detections).items())),
        leaf=merkle.leaf(json.loads(files.contents[names[0]])),
        message="",
        files=files.contents,
    )


def not_analysed(made_by: Identity, error: DeviceError, job: Job, wanted: Wanted) -> Examination:
    """Return what an input leaves that was refused, or on which the analysis failed."""
    error.content_sha256 = error.content_sha256 or job.content_sha256
    versions = {"device_version": made_by.device_version, "bundle_sha256": made_by.bundle_sha256}
    record = refusal_record(error, index=job.index, policy=made_by.policy, **versions)
    files, stem = StagedFiles(), f"{job.index:04d}-{(error.content_sha256 or 'unread')[:8]}"
    names = stage_refusal(files, error, record, job.index, stem, wanted)
    return Examination(
        job=job,
        status=record["status"],
        code=error.code,
        content_sha256=error.content_sha256,
        sop_instance_uid=error.sop_instance_uid,
        picture_sha256=None,
        detections={},
        leaf=merkle.leaf(json.loads(files.contents[names[0]])),
        message=str(error),
        files=files.contents,
    )


def _of_film(refused: InputRefused, result: AnalysisResult) -> InputRefused:
    refused.content_sha256 = result.film.content_sha256
    refused.sop_instance_uid = result.film.sop_instance_uid
    refused.source = result.source
    return refused


def _unexpected(broken: Exception) -> InferenceFailed:
    """Name the kind of an unforeseen error and the line it came from; its text could quote the input, so it is left out."""
    frames = traceback.extract_tb(broken.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return InferenceFailed(
        "INF-UNEXPECTED",
        where="analysis",
        found=f"{type(broken).__name__} at {place}",
        expected="a result or a refusal",
        repair="keep the file and report this code with its place",
    )


def content_sha256(path: Path) -> str | None:
    """Return the SHA-256 of an input's bytes, or None where they cannot be read or are too many."""
    try:
        return hashlib.sha256(file_bytes(path)).hexdigest()
    except InputRefused:
        return None
