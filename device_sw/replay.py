"""Builds a recorded result again and compares it byte by byte: the record itself, and every file written with it that lies where it was written.

A record names its film by index and content hash; the file is given, or found through the folder's ``index.json``. Nothing is compared before film, device
version, bundle and numeric class are those of the record, because another of them may give other bytes without anything being wrong.

Codes: ``REP-RECORD`` no record of this device; ``REP-NO-INPUT`` the film's file is not known; ``REP-INPUT`` another file; ``REP-VERSION``, ``REP-BUNDLE``,
``REP-NUMERIC`` another device, bundle or numeric class; ``REP-DIFFERENCE`` the first difference of a file from what the device builds.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydicom

from device_sw.batch.examination import Job, examine
from device_sw.decision_trace import numeric_identity
from device_sw.dicom.boundary import silence
from device_sw.dicom.reader import file_bytes
from device_sw.errors import InputRefused, ReplayFailed
from device_sw.report.outputs import Wanted
from device_sw.report.page import stated_time
from device_sw.types import ExplanationMethod, Policy

if TYPE_CHECKING:
    from device_sw.device import Device

NOT_COMPARABLE = frozenset({"REP-VERSION", "REP-BUNDLE", "REP-NUMERIC", "REP-NO-INPUT"})
"""Codes that say that nothing was compared, so nothing is known against the record."""

OF_THE_BATCH = "ADM-DUPLICATE"
"""The one refusal that follows from another input, so that it cannot be built again from its own film."""

_RESULT, _REFUSAL = "thoratrace/result/", "thoratrace/refusal/"
_SHOWN = 60
_ABSENT = object()


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A recorded result or refusal, as it lies on the disk, and what a replay needs of it.

    Attributes:
        path: of the JSON file.
        content: its bytes.
        value: its JSON value.
        index: the input's number in its folder.
        content_sha256: of the film's file.
        policy: the admission policy.
        methods: how marks were explained.
        device_version: of the device that wrote it.
        bundle_sha256: of its bundle.
    """

    path: Path
    content: bytes
    value: dict[str, Any]
    index: int
    content_sha256: str
    policy: Policy
    methods: tuple[ExplanationMethod, ...]
    device_version: str
    bundle_sha256: str

    @property
    def analysed(self) -> bool:
        """Whether it is the result of an analysed film; else it is a refusal."""
        return str(self.value["schema"]).startswith(_RESULT)

    @property
    def root(self) -> Path:
        """The output folder it lies in."""
        return self.path.resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was built again and equals what was recorded, byte for byte.

    Attributes:
        same: names of the files compared, the record first.
        absent: names of files that belong to the record and do not lie where it was written.
    """

    same: tuple[str, ...]
    absent: tuple[str, ...]


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        ReplayFailed: ``REP-RECORD``, it is no result or refusal with the fields of one.
    """
    try:
        content = path.read_bytes()
        value = json.loads(content)
        if not str(value["schema"]).startswith((_RESULT, _REFUSAL)):
            raise _no_record(path, f"schema {_shown(value['schema'])}")
        if value.get("code") == OF_THE_BATCH:
            raise _no_record(path, f"a refusal {OF_THE_BATCH}, which follows from another input of its batch")
        explanation = value.get("explanation", {})
        stem = f"{value['input']['index']:04d}-{value['input']['content_sha256'][:8]}"
        if path.stem != stem:
            raise _no_record(path, "a file whose name does not belong to its index and content hash")
        return Record(
            path=path,
            content=content,
            value=value,
            index=int(value["input"]["index"]),
            content_sha256=str(value["input"]["content_sha256"]),
            policy=Policy(value["policy"]),
            methods=tuple(ExplanationMethod(name) for name in explanation.get("lesion_methods", ())),
            device_version=str(value["device"]["version"]),
            bundle_sha256=str(value["model"]["bundle_sha256"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise _no_record(path, type(err).__name__) from err


def _no_record(path: Path, found: str) -> ReplayFailed:
    expected = "a result or refusal that this device wrote"
    return ReplayFailed(
        "REP-RECORD", where=path.name, found=found, expected=expected, repair="give a file of results/ or refusals/"
    )


def find_input(record: Record, given: Path | None = None) -> Path:
    """Return the film's file: the one given, or the one the folder's index names; its content has to be the record's.

    Raises:
        ReplayFailed: ``REP-NO-INPUT`` there is no path to it, ``REP-INPUT`` its content is another.
    """
    path = given or _indexed(record)
    if path is None:
        raise ReplayFailed(
            "REP-NO-INPUT",
            where="index.json",
            found=f"no readable entry {record.index}",
            expected="the path of the film",
            repair="give the film's file with --input",
        )
    try:
        digest = hashlib.sha256(file_bytes(path)).hexdigest()
    except InputRefused as refusal:
        raise ReplayFailed(
            "REP-NO-INPUT",
            where="input",
            found=f"{refusal.code}, {refusal.found}",
            expected="the file that the record was made from",
            repair="give the film's file with --input",
        ) from refusal
    if digest != record.content_sha256:
        raise _other(
            "REP-INPUT", "input", _shown(digest), _shown(record.content_sha256), "give the file that the record was made from"
        )
    return path


def _indexed(record: Record) -> Path | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        rows = json.loads((record.root / "index.json").read_text(encoding="utf-8"))["inputs"]
        found = [row["path"] for row in rows if row["index"] == record.index]
        return Path(found[-1]) if found else None
    return None


def _other(code: str, where: str, found: str, expected: str, repair: str) -> ReplayFailed:
    return ReplayFailed(code, where=where, found=found, expected=expected, repair=repair)


def require_same_version(record: Record, version: str) -> None:
    """Refuse a record of another version of the device.

    Raises:
        ReplayFailed: ``REP-VERSION``.
    """
    if record.device_version != version:
        raise _other(
            "REP-VERSION", "device.version", version, _shown(record.device_version), "replay it with the version that wrote it"
        )


def require_same_device(record: Record, device: Device) -> None:
    """Refuse a record of another version, bundle or numeric class.

    Raises:
        ReplayFailed: ``REP-VERSION``, ``REP-BUNDLE`` or ``REP-NUMERIC``.
    """
    require_same_version(record, device.version)
    if record.bundle_sha256 != device.bundle_sha256:
        shown = _shown(device.bundle_sha256), _shown(record.bundle_sha256)
        raise _other("REP-BUNDLE", "model.bundle_sha256", *shown, "give the bundle of the record with --bundle")
    if not record.analysed:
        return
    engine = device.engine_identity
    here = {
        "engine": {
            "name": engine.name,
            "version": engine.version,
            "precision": engine.precision,
            "instruction_set": engine.instruction_set,
        },
        "numeric": numeric_identity().to_json(),
    }
    trace = record.value.get("trace")
    told = {name: trace.get(name) if isinstance(trace, dict) else None for name in here}
    difference = first_difference(told, here, "trace")
    if difference is not None:
        where, found, expected = difference
        raise _other("REP-NUMERIC", where, expected, found, "replay it on a machine of the record's numeric class")


def replay(record: Record, device: Device, film: Path) -> Rebuilt:
    """Build a record and the files beside it again and compare them.

    Args:
        record: what was written.
        device: of the record's policy and explanation methods.
        film: the film's file, from `find_input`.

    Raises:
        ReplayFailed: version, bundle or numeric class is another, or ``REP-DIFFERENCE`` with the first difference.
    """
    require_same_device(record, device)
    stem = f"{record.index:04d}-{record.content_sha256[:8]}"
    job = Job(position=0, index=record.index, path=film, content_sha256=record.content_sha256)
    built = examine(device, job, _wanted(record, stem))
    folder, name = built.record.split("/")
    if folder != record.path.resolve().parent.name or name != record.path.name:
        raise _differs(
            record.path.name, "status", _shown(record.value.get("status")), _shown(f"{built.status} {built.code or ''}".strip())
        )
    _compare_record(record, built.files[built.record])
    beside = [name for name in built.files if name != built.record]
    found = [name for name in beside if (record.root / name).is_file()]
    for name in found:
        _compare_file(name, (record.root / name).read_bytes(), built.files[name])
    return Rebuilt((built.record, *found), tuple(name for name in beside if name not in found))


def _wanted(record: Record, stem: str) -> Wanted:
    """Return what the run was asked for, as far as the record tells, and its time, as the DICOM objects beside it or its page tell."""
    objects = record.value.get("dicom_objects")
    told: dict[str, Any] = objects if isinstance(objects, dict) else {}
    written = told.get("written")
    kinds = [row.get("kind") for row in written if isinstance(row, dict)] if isinstance(written, list) else []
    return Wanted(
        run_time=_run_time(record.root, stem),
        dicom=told.get("withheld") != "not asked for",
        secondary_capture="sc" in kinds,
        page=record.value.get("page") is True or _page(record.root, stem).exists(),
    )


def _run_time(root: Path, stem: str) -> datetime:
    """Return the time that a DICOM object or the page of the record states; where there is neither, none is compared and any time will do."""
    for path in sorted((root / "dicom" / stem).glob("*.dcm")):
        with (
            suppress(Exception),
            silence(),
        ):  # whatever a damaged object does to the parser, it will differ from the one built again
            stated = pydicom.dcmread(path, stop_before_pixels=True).ContributingEquipmentSequence[-1].ContributionDateTime
            return datetime.strptime(str(stated), "%Y%m%d%H%M%S%z").astimezone(UTC)
    with suppress(OSError, ValueError):
        return stated_time(_page(root, stem).read_text(encoding="utf-8"))
    return datetime(2000, 1, 1, tzinfo=UTC)


def _page(root: Path, stem: str) -> Path:
    return root / "pages" / f"{stem}.html"


def _compare_record(record: Record, built: bytes) -> None:
    if record.content == built:
        return
    difference = first_difference(record.value, json.loads(built), "")
    if difference is None:
        raise _differs(record.path.name, *_first_byte(record.content, built))
    raise _differs(record.path.name, *difference)


def _compare_file(name: str, recorded: bytes, built: bytes) -> None:
    if recorded != built:
        raise _differs(name, *_first_byte(recorded, built))


def _first_byte(recorded: bytes, built: bytes) -> tuple[str, str, str]:
    place = next((n for n, (a, b) in enumerate(zip(recorded, built, strict=False)) if a != b), min(len(recorded), len(built)))
    return (
        f"byte {place}",
        f"{len(recorded)} bytes, {recorded[place : place + 4].hex() or 'the end'}",
        f"{len(built)} bytes, {built[place : place + 4].hex() or 'the end'}",
    )


def _differs(name: str, where: str, found: str, expected: str) -> ReplayFailed:
    repair = (
        "do not rely on the recorded file; analyse the film again, and report a record that nobody changed to the manufacturer"
    )
    return ReplayFailed("REP-DIFFERENCE", where=f"{name} {where}".strip(), found=found, expected=expected, repair=repair)


def first_difference(recorded: Any, built: Any, where: str) -> tuple[str, str, str] | None:
    """Return place, recorded and built text of the first difference of two JSON values, in the order of the built one; None where they are equal.

    >>> first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "")
    ('a[1].b', '2', '3')
    >>> first_difference({"a": 1, "b": 2}, {"a": 1}, ""), first_difference([1], [1, 2], "list"), first_difference({"a": 1.0}, {"a": 1.0}, "")
    (('b', '2', 'nothing'), ('list[1]', 'nothing', '2'), None)
    """
    if isinstance(recorded, dict) and isinstance(built, dict):
        pairs = [(key, recorded.get(key, _ABSENT), built.get(key, _ABSENT)) for key in dict.fromkeys((*built, *recorded))]
        named = ((f"{where}.{key}" if where else str(key), one, other) for key, one, other in pairs)
    elif isinstance(recorded, list) and isinstance(built, list):
        named = ((f"{where}[{n}]", *pair) for n, pair in enumerate(zip_longest(recorded, built, fillvalue=_ABSENT)))
    elif type(recorded) is type(built) and recorded == built:
        return None
    else:
        return (where, _shown(recorded), _shown(built))
    return next((found for place, one, other in named if (found := first_difference(one, other, place)) is not None), None)


def _shown(value: Any) -> str:
    """Return a value as a message shows it: JSON, cut to 60 characters."""
    text = "nothing" if value is _ABSENT else json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
