"""Random results and broken reports: what the two readers of structured reports are compared on."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import highdicom.sr
import numpy as np
import pydicom

from device_sw.errors import InferenceFailed, InputRefused
from device_sw.report.dicom_objects import structured_report
from device_sw.report.dicom_objects.files import result_origin
from device_sw.types import Box, Detection, Policy
from tests.device_sw.stand_ins import IDS, device
from verification import structured_report as checker
from verification.steps import films

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
NAMES = (
    "Doe^Jane",
    "Wang^XiaoDong=王^小東=",
    "Zhang^Wei=张^伟",
    "=李^雷",
    "Buc^Jérôme",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "",
)


@cache
def analysed():
    """Return one result that the random ones are made from."""
    with TemporaryDirectory() as folder:
        return device().analyse(films.write(films.film(), Path(folder) / "film.dcm"))


def random_result(seed, count=None):
    """Return a result with ``count`` marks anywhere on a film of any size, with any name, policy, findings looked for and cautions."""
    rng = random.Random(seed)
    base = analysed()
    columns, rows = rng.randint(400, 5000), rng.randint(400, 5000)
    looked = tuple(row for row in IDS if rng.random() < 0.9) or IDS[:1]
    marks = tuple(_mark(rng, looked, columns, rows) for _ in range(rng.randint(0, 12) if count is None else count))
    below = tuple(replace(_mark(rng, looked, columns, rows), score=rng.uniform(0.02, 0.5)) for _ in range(rng.randint(0, 3)))
    carried = {**base.source.carried, "PatientName": rng.choice(NAMES), "PatientID": rng.choice(("1", "x" * 64, "病歷12"))}
    source = replace(base.source, carried={key: text for key, text in carried.items() if text})
    thresholds = {row: rng.uniform(0.05, 1.0) for row in looked}
    settings = replace(base.settings, findings=looked, thresholds=thresholds)
    return replace(
        base,
        film=replace(base.film, rows=rows, columns=columns),
        source=source,
        policy=rng.choice(list(Policy)),
        detections=marks,
        candidates=(*marks, *below),
        cautions=tuple(f"caution {n}" for n in range(rng.randint(0, 3))),
        settings=settings,
    )


def _mark(rng, looked, columns, rows):
    """Boxes of all sizes, thin ones, ones at the edges and ones that reach beyond the film."""
    x0, y0 = rng.uniform(-2, columns - 0.001), rng.uniform(-2, rows - 0.001)
    width, height = (10 ** rng.uniform(-4, 3.5) for _ in range(2))
    return Detection(rng.choice(looked), Box(x0, y0, x0 + width, y0 + height), rng.choice((0.0, 1.0, rng.random())))


def written(result):
    """Return the report of a result as any program would read it."""
    return pydicom.dcmread(BytesIO(structured_report.result_report(result_origin(result, NOON), result).content))


def refused(result, *, failed=False):
    """Return the report of a refused or failed analysis."""
    parts = {"where": "(0018,5101) ViewPosition", "found": "LL", "expected": "PA or AP", "repair": "send the frontal view"}
    error = InferenceFailed("INF-NONFINITE", **parts) if failed else InputRefused("ADM-VIEW", **parts)
    return pydicom.dcmread(BytesIO(structured_report.refusal_report(result_origin(result, NOON), error).content))


def by_checker(dataset):
    """Return what the project's own reader says: refused, or the regions and states."""
    if problems := checker.problems(dataset):
        return "refused", problems
    report = checker.read(dataset)
    regions = [(r.finding, r.site, _rounded(r.box), round(r.score, 9), r.tracking_uid, r.film) for r in report.regions]
    return "read", (regions, report.states)


def by_highdicom(dataset):
    """Return what highdicom's reader says: refused, or the same. It takes the dataset over."""
    try:
        content = highdicom.sr.Comprehensive3DSR.from_dataset(dataset, copy=False).content
        regions = [_region(group) for group in content.get_planar_roi_measurement_groups()]
        states = dict(_state(group) for group in content.get_image_measurement_groups())
    except Exception as error:  # noqa: BLE001 - whatever a reader raises on a broken report is its refusal
        return "refused", (type(error).__name__,)
    return "read", (regions, states)


def _code(concept):
    return (concept.CodeValue, concept.CodingSchemeDesignator)


def _rounded(box):
    return tuple(round(float(edge), 3) for edge in box)


def _region(group):
    points = np.asarray(group.roi.value)
    box = (*points.min(axis=0), *points.max(axis=0))
    (measurement,) = group.get_measurements()
    (purpose,) = (item for item in group.get_qualitative_evaluations() if _code(item.name) == ("130400", "DCM"))
    if _code(purpose.value) != ("75958009", "SCT"):
        raise ValueError("not bounded by")
    (site,) = group.finding_sites
    film = group.roi.ContentSequence[0].referenced_sop_instance_uid
    score = round(float(measurement.value), 9)
    return (_code(group.finding_type), _code(site.value), _rounded(box), score, str(group.tracking_uid), str(film))


def _state(group):
    (state,) = (item for item in group.get_qualitative_evaluations() if _code(item.name) == ("TT-MARK", "99THORATRACE"))
    return _code(group.finding_type), _code(state.value)
