"""Whether the objects for the archive are what the standard says, by readers and checkers that are not ours, and what writing one costs.

    python -m tests.benchmarks.dicom_conformance [--random 1000] [--out evidence/dicom_conformance]

Needs dicom3tools (dciodvfy, dcentvfy) and DCMTK (dsrdump); refuses to start without them. Four parts, each kept in its own file, and kept again only
where the command is given again with ``--again``: conformance (0, 1, 10, 100 marks and a refused film), readers (random and broken structured reports
read by the project's checker and by highdicom), speed (processor time of one report), picture (a film drawn with its presentation state).
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
from pydicom.sr.codedict import codes

from device_sw._version import __version__
from device_sw.findings import all_findings
from device_sw.report.dicom_objects import files, structured_report
from device_sw.report.overlay import overlay
from device_sw.report.refusal import refusal_record
from device_sw.types import Policy
from tests.device_sw.report import random_reports
from tests.device_sw.report.broken_reports import BROKEN
from tests.device_sw.stand_ins import device
from verification import presentation_state
from verification.steps import films

MARKS = (0, 1, 10, 100)
GOAL_MS, GOAL_PX = 60.0, 0.5
_RUNS = 21


def conformance(_arguments: argparse.Namespace) -> dict[str, Any]:
    """Return errors and warnings of dciodvfy for each object, and what dcentvfy and dsrdump say."""
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        for title, made in _objects():
            for kind, content in made.items():
                path = folder / f"{kind}-{title.replace(' ', '-')}.dcm"
                path.write_bytes(content)
                told = _told("dciodvfy", "-new", str(path))
                errors = [line for line in told if line.startswith("Error")]
                warnings = sorted({re.sub(r"\[\d+\]", "[]", line) for line in told if line.startswith("Warning")})
                kinds = sorted({line.rsplit(" - ", 1)[-1] for line in warnings})
                rows.append({"object": kind, "marks": title, "bytes": len(content), "errors": errors, "kinds_of_warning": kinds})
        pairs = [str(path) for path in sorted(folder.glob("*-10-marks.dcm"))]
        source = films.write(films.film(), folder / "film.dcm")
        entities = [line for line in _told("dcentvfy", str(source), *pairs) if line.startswith("Error")]
        dumps = [
            subprocess.run(["dsrdump", str(path)], check=False, capture_output=True).returncode for path in folder.glob("sr-*")
        ]
    return {
        "objects": rows,
        "dciodvfy_errors": sum(len(row["errors"]) for row in rows),
        "dcentvfy_errors": entities,
        "dsrdump_reads": {"reports": len(dumps), "read": dumps.count(0)},
    }


def _objects() -> list[tuple[str, dict[str, bytes]]]:
    made = []
    for count in MARKS:
        result = _marked(count)
        objects = files.result_files(result, random_reports.NOON, page=overlay(result))
        made.append((f"{count} marks", {kind: item.content for kind, item in objects.items()}))
    refused = files.refusal_files(*_refused(), random_reports.NOON)
    return [*made, ("refused", {kind: item.content for kind, item in refused.items()})]


def _marked(count: int) -> Any:
    """Return a result with so many marks on the film itself, for its own policy and patient."""
    base, drawn = random_reports.analysed(), random_reports.random_result(count, count=count)
    settings = replace(base.settings, thresholds=dict.fromkeys(base.settings.findings, 0.5))
    scale = (512 / drawn.film.columns, 512 / drawn.film.rows)
    marks = tuple(replace(mark, box=_scaled(mark.box, scale)) for mark in drawn.detections)
    return replace(base, detections=marks, candidates=marks, settings=settings)


def _scaled(box: Any, scale: tuple[float, float]) -> Any:
    return replace(box, x0=box.x0 * scale[0], x1=box.x1 * scale[0], y0=box.y0 * scale[1], y1=box.y1 * scale[1])


def _refused() -> tuple[Any, dict[str, Any]]:
    dataset = films.film()
    dataset.ViewPosition, dataset.WindowWidth = "LL", "0"
    with TemporaryDirectory() as name:
        try:
            device().analyse(films.write(dataset, Path(name) / "film.dcm"))
        except Exception as error:  # noqa: BLE001 - the refusal is what is looked at
            return error, refusal_record(
                error, index=1, policy=Policy.INTENDED_USE, device_version=__version__, bundle_sha256="b" * 64
            )  # type: ignore[arg-type]
    raise RuntimeError("expected a refusal")


def readers(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how often the two readers agree on random reports, how far boxes move, and what each says of broken ones."""
    progress = arguments.out / "readers.part.json"
    done = (
        json.loads(progress.read_text(encoding="utf-8"))
        if progress.exists()
        else {"next": 0, "wrong": [], "furthest": 0.0, "regions": 0}
    )
    for seed in range(done["next"], arguments.random):
        result = random_reports.random_result(seed)
        dataset = random_reports.written(result)
        ours, theirs = random_reports.by_checker(dataset), random_reports.by_highdicom(dataset)
        if ours != theirs or ours[0] != "read":
            done["wrong"].append(seed)
        else:
            done["regions"] += len(ours[1][0])
            done["furthest"] = max([done["furthest"], *_distances(result, ours[1][0])])
        done["next"] = seed + 1
        if done["next"] % 25 == 0:
            progress.write_text(json.dumps(done), encoding="utf-8")
            print(f"{done['next']} of {arguments.random}: {len(done['wrong'])} disagreements", file=sys.stderr)  # noqa: T201
    told = {
        "random_reports": arguments.random,
        "regions": done["regions"],
        "disagreements": done["wrong"],
        "furthest_box_edge_px": round(done["furthest"], 6),
        "goal_px": GOAL_PX,
        "broken": _broken(),
    }
    progress.unlink(missing_ok=True)
    return told


def _distances(result: Any, regions: list[Any]) -> list[float]:
    """Distances of each edge from the detection's, which counts as far as it lies on the film."""
    limits = (result.film.columns, result.film.rows) * 2
    ordered = [mark for row in all_findings() for mark in result.of(row)]
    return [
        abs(written - min(max(meant, 0.0), limit))
        for region, mark in zip(regions, ordered, strict=True)
        for written, meant, limit in zip(region[2], mark.box.as_tuple(), limits, strict=True)
    ]


def _broken() -> dict[str, Any]:
    """Break one report in every way; highdicom checks less than the templates say, and whatever it refuses the checker has to refuse."""
    rows = {}
    for name, change in BROKEN.items():
        verdicts = []
        for reader in (random_reports.by_checker, random_reports.by_highdicom):
            dataset = random_reports.written(random_reports.random_result(1, count=3))
            change(dataset)
            verdicts.append(reader(dataset)[0])
        rows[name] = dict(zip(("checker", "highdicom"), verdicts, strict=True))
    return {
        "ways": len(rows),
        "refused_by_the_checker": sum(row["checker"] == "refused" for row in rows.values()),
        "refused_by_highdicom": sum(row["highdicom"] == "refused" for row in rows.values()),
        "refused_by_highdicom_alone": [name for name, row in rows.items() if row == {"checker": "read", "highdicom": "refused"}],
        "read_by_highdicom": [name for name, row in rows.items() if row["highdicom"] == "read"],
    }


def speed(_arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the processor time of a report, ours and one of the same content made with highdicom."""
    rows: dict[str, Any] = {}
    for count in MARKS:
        result = _marked(count)
        origin = files.result_origin(result, random_reports.NOON)
        ours = _milliseconds(lambda origin=origin, result=result: structured_report.result_report(origin, result), _RUNS)
        rows[f"{count} marks"] = {"median_ms": round(median(ours), 2), "worst_ms": round(max(ours), 2)}
    theirs = _milliseconds(lambda: _by_highdicom(10), 5)
    rows["10 marks, by highdicom"] = {"median_ms": round(median(theirs), 2), "worst_ms": round(max(theirs), 2)}
    return {"processor_time": rows, "goal_ms": GOAL_MS, "goal_met": rows["10 marks"]["worst_ms"] <= GOAL_MS}


def _milliseconds(make: Any, runs: int) -> list[float]:
    make()
    spent = []
    for _ in range(runs):
        start = time.process_time()
        make()
        spent.append((time.process_time() - start) * 1000)
    return spent


def _by_highdicom(count: int) -> bytes:
    """Write a report of the same templates with highdicom: what the device would cost if it used it for writing."""
    film = films.film()
    film.StudyTime, film.StudyID = "", ""
    sr = hd.sr
    algorithm = sr.AlgorithmIdentification(name="a", version="1", parameters=["a", "b", "c", "d", "e"])
    line = np.array([[1, 1], [50, 1], [50, 50], [1, 50], [1, 1]], float)
    site = [sr.FindingSite(codes.SCT.Lung)]
    own = {name: sr.CodedConcept(f"TT-{name}", "99THORATRACE", name) for name in ("MARK", "SCORE")}
    groups: list[Any] = [
        sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(hd.UID(), "a"),
            referenced_region=sr.ImageRegion("POLYLINE", line, sr.SourceImageForRegion(film.SOPClassUID, film.SOPInstanceUID)),
            finding_type=codes.SCT.Mass,
            geometric_purpose=codes.SCT.BoundedBy,
            algorithm_id=algorithm,
            measurements=[sr.Measurement(name=own["SCORE"], value=0.5, unit=codes.UCUM.NoUnits)],
            finding_sites=site,
        )
        for _ in range(count)
    ]
    groups += [
        sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(hd.UID(), "a"),
            source_images=[sr.SourceImageForMeasurementGroup(film.SOPClassUID, film.SOPInstanceUID)],
            finding_type=codes.SCT.Mass,
            algorithm_id=algorithm,
            finding_sites=site,
            qualitative_evaluations=[sr.QualitativeEvaluation(own["MARK"], codes.SCT.Present)],
        )
        for _ in range(7)
    ]
    observer = sr.ObserverContext(codes.DCM.Device, sr.DeviceObserverIdentifyingAttributes(uid=hd.UID(), name="a"))
    report = sr.MeasurementReport(
        sr.ObservationContext(observer_device_context=observer), codes.LN.XRUnspecifiedBodyRegion, groups
    )
    document = sr.Comprehensive3DSR([film], report, hd.UID(), 1, hd.UID(), 1, manufacturer="a", is_complete=True)
    buffer = BytesIO()
    document.save_as(buffer)
    return buffer.getvalue()


def picture(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw one phantom film, or the cartoon chest where there is none, with its presentation state, and a refused one."""
    result, stored = _shown_film()
    objects = files.result_files(result, random_reports.NOON, page=None)
    presentation_state.drawn(_parsed(objects["gsps"].content), stored).save(arguments.out / "presentation_state.png")
    refused = files.refusal_files(*_refused(), random_reports.NOON)
    presentation_state.drawn(_parsed(refused["gsps"].content), films.picture()).save(
        arguments.out / "presentation_state_refused.png"
    )
    return {"files": ["presentation_state.png", "presentation_state_refused.png"]}


def _shown_film() -> tuple[Any, Any]:
    dataset = films.film(films.picture(900, 800))
    with TemporaryDirectory() as name:
        return device().analyse(films.write(dataset, Path(name) / "film.dcm")), films.picture(900, 800)


def _parsed(content: bytes) -> Any:
    return pydicom.dcmread(BytesIO(content))


def _told(*command: str) -> list[str]:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()


def _tools() -> dict[str, str]:
    packages = {}
    for package in ("dicom3tools", "dcmtk"):
        told = _told("dpkg-query", "-W", "-f", "${Version}", package)
        packages[package] = told[0] if told else "unknown"
    return {**packages, **{name: version(name) for name in ("highdicom", "pydicom")}, "python": platform.python_version()}


PARTS = {"conformance": conformance, "speed": speed, "picture": picture, "readers": readers}


def main() -> int:
    """Run the parts that are not kept yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("evidence/dicom_conformance"))
    parser.add_argument("--part", choices=sorted(PARTS), action="append")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    missing = [tool for tool in ("dciodvfy", "dcentvfy", "dsrdump") if shutil.which(tool) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}; apt-get install dicom3tools dcmtk", file=sys.stderr)  # noqa: T201
        return 3
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.part or PARTS:
        kept = arguments.out / f"{name}.json"
        if arguments.again or not kept.exists():
            head = {"schema": "thoratrace/dicom-conformance/1", "part": name, "device_version": __version__, "tools": _tools()}
            value = {**head, "date": datetime.now(UTC).date().isoformat(), **PARTS[name](arguments)}
            kept.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"{name}: {kept}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
