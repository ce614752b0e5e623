"""Whether the map of a mark shows what the mark rests on, lesion by lesion, asked of the finished device through its own door: DICOM films in, scores out.

For each mark and method:

* pointing: whether the map's maximum lies in the box of the mark, and in the true box where the mark overlaps one (IoU at least 0.3);
* energy: the share of the map's sum in the box, over the share of the film's area that the box takes; 1 is chance;
* deletion: the cells that the map ranks highest are blurred away, 10 to 80 % of those under the map, and the film is analysed again; the mean share of
  the mark's score that is left. Lower is better;
* insertion: the same cells are the only ones kept sharp of those under the map; the mean share of the score that is there. Higher is better.

Beside each method the same cells in a drawn order: what lies under the map at all is no merit of the ranking. The score of a mark on a changed film is the best score
of its finding at an IoU of at least 0.5 with it, 0 where there is none.

Stated beforehand: for each method the median energy is at least twice the area's share, the maximum lies in the mark's box in at least 80 % of the marks, and deletion and insertion
are better than in a drawn order, by the lower end of the interval over patients. Randomised weights are another study (``tests/benchmarks/explanation_study.py``),
because no released device has them.

Source: Zhang et al. 2018 (pointing game); Petsiuk, Das and Saenko 2018 (RISE: deletion and insertion, arXiv:1806.07421).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from device_sw.device import Device
from device_sw.errors import InputRefused
from device_sw.preprocessing.geometry import laid_on_film
from device_sw.types import LESION_METHODS
from validation.metrics.intervals import draw, percentile_interval
from validation.metrics.matching import pair_iou
from validation.metrics.result import Metric
from validation.outcomes import outcome_of
from validation.studies.film_file import FilmFile, open_film, write_changed
from validation.studies.goals import Goal
from validation.studies.ledger import Ledger
from validation.studies.subject import digest_of
from validation.studies.wilson import share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from device_sw.types import Detection, LesionMap
    from validation.cohort import Film
    from validation.metrics.intervals import Replicates
    from validation.protocol import Protocol
    from validation.studies.subject import Report, Subject

CELLS = 64
"""Cells along the film's longer side: the grain of ranking and blurring."""

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8)
MARKS = 2
"""Marks of a film that are studied, the best ones: a film without end would decide the figures."""

BLUR = 40.0
"""Deviation of the blur in thousandths of the film's longer side."""

DRAWN = "drawn order"
ENERGY, POINTING = 2.0, 0.8
SAME_MARK, ON_TRUTH = 0.5, 0.3


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return figures per method with intervals over patients, per finding, and the goals."""
    ledger = Ledger(subject.work / "explanation", *subject.device().values(), digest_of(Path(__file__)))
    device = Device(subject.bundle, subject.policy, methods=LESION_METHODS)
    marks: list[dict[str, Any]] = []
    for count, film in enumerate(films, start=1):
        marks += ledger.get(film.sha256, lambda film=film: _marks(device, subject.cohort_folder / film.path, film))
        report(count, len(films), f"{len(marks)} marks")
    drawn = draw({film.film_id: film.patient_id for film in films}, replicates, plan.seed)
    methods = {method.value: _figures(marks, method.value, drawn, plan.level) for method in LESION_METHODS}
    return {
        "goals": [goal for name, found in methods.items() for goal in _judged(name, found)],
        "marks": len(marks),
        "marks_on_a_true_box": sum(mark["true"] for mark in marks),
        "shares": list(SHARES),
        "methods": {name: {key: metric.to_json() for key, metric in found.items()} for name, found in methods.items()},
        "per_finding": _per_finding(marks),
        "curves": {name: _curves(marks, name) for name in (*methods, DRAWN)},
    }


def _judged(name: str, found: dict[str, Metric]) -> Iterator[dict[str, Any]]:
    yield Goal(
        f"{name}-energy", f"{name}: median energy in the mark's box over its area's share", "at-least", ENERGY, "SRS-039"
    ).judged(found["energy"])
    yield Goal(f"{name}-pointing", f"{name}: maximum in the mark's box", "at-least", POINTING, "SRS-039").judged(
        found["pointing"]
    )
    for key in ("deletion", "insertion"):
        title = f"{name}: {key}, better than a drawn order by"
        yield Goal(f"{name}-{key}", title, "above", 0.0, "SRS-039", "lower").judged(found[f"{key}_gain"])


def _marks(device: Device, path: Path, film: Film) -> list[dict[str, Any]]:
    try:
        result = device.analyse(path)
    except InputRefused:
        return []
    best = sorted(result.detections, key=lambda mark: -mark.score)[:MARKS]
    opened = open_film(path)
    blurred = gaussian_filter(opened.picture, BLUR * max(opened.picture.shape) / 1000.0, mode="nearest")
    return [_mark(device, film, opened, blurred, mark, [m for m in result.lesion_maps if m.detection == mark]) for mark in best]


def _mark(  # noqa: PLR0913, PLR0917  one film, one mark, its maps
    device: Device, film: Film, opened: FilmFile, blurred: NDArray[np.float64], mark: Detection, maps: Sequence[LesionMap]
) -> dict[str, Any]:
    size = _grid_size(opened.picture.shape)
    laid = {
        m.method.value: laid_on_film(m.grid, m.place, *opened.picture.shape, size)
        for m in maps
        if m.grid is not None and m.place is not None
    }
    inside, truth = _cells(mark.box.as_tuple(), film, size), _truth(film, mark)
    under = np.any([values > 0 for values in laid.values()], axis=0) if laid else np.zeros(size, dtype=bool)
    orders = {name: _ranked(values, under) for name, values in laid.items()}
    if laid:
        orders[DRAWN] = np.random.Generator(np.random.Philox(len(film.film_id))).permutation(np.flatnonzero(under))
    return {
        "film": film.film_id,
        "finding": str(mark.finding),
        "score": mark.score,
        "true": truth is not None,
        "where": {
            name: _where(values, inside, None if truth is None else _cells(truth, film, size)) for name, values in laid.items()
        },
        "curves": {name: _asked(device, opened, blurred, mark, order, size) for name, order in orders.items()},
        "no_map": {m.method.value: m.reason for m in maps if m.reason},
    }


def _grid_size(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = CELLS / max(shape)
    return max(round(shape[0] * scale), 1), max(round(shape[1] * scale), 1)


def _cells(box: tuple[float, ...], film: Film, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which cells have their centres in a box of the film."""
    y, x = (np.arange(size[0]) + 0.5) * film.rows / size[0], (np.arange(size[1]) + 0.5) * film.columns / size[1]
    return ((y >= box[1]) & (y < box[3]))[:, None] & ((x >= box[0]) & (x < box[2]))[None, :]


def _truth(film: Film, mark: Detection) -> tuple[float, ...] | None:
    boxes = [box.box for box in film.boxes_of(str(mark.finding))]
    overlaps = [(_iou(box, mark.box.as_tuple()), box) for box in boxes]
    return max((pair for pair in overlaps if pair[0] >= ON_TRUTH), default=(0.0, None))[1]


def _iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(pair_iou(np.array([one]), np.array([other]))[0])


def _where(values: NDArray[np.float32], inside: NDArray[np.bool_], truth: NDArray[np.bool_] | None) -> dict[str, Any]:
    peak = np.unravel_index(int(values.argmax()), values.shape)
    area = float(inside.mean())
    return {
        "energy": float(values[inside].sum() / values.sum()) / area if area else None,
        "pointing": bool(inside[peak]),
        "pointing_truth": None if truth is None else bool(truth[peak]),
    }


def _ranked(values: NDArray[np.float32], under: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the flat indices of the cells under any map, the map's highest first."""
    cells = np.flatnonzero(under)
    return cells[np.argsort(-values.ravel()[cells], kind="stable")]


def _asked(  # noqa: PLR0913, PLR0917  one mark, one order
    device: Device,
    opened: FilmFile,
    blurred: NDArray[np.float64],
    mark: Detection,
    order: NDArray[np.int64],
    size: tuple[int, int],
) -> dict[str, list[float]]:
    """Return the share of the mark's score that is left when the first cells of an order are blurred, and that is there when only they are sharp."""
    found: dict[str, list[float]] = {"deletion": [], "insertion": []}
    with TemporaryDirectory() as scratch:
        shown = Path(scratch) / "film.dcm"
        for part in SHARES:
            first, rest = np.split(order, [round(part * len(order))])
            for kind, gone in (("deletion", first), ("insertion", rest)):
                write_changed(opened, _blurred_at(opened.picture, blurred, gone, size), shown)
                found[kind].append(_score(outcome_of(device, shown), mark) / mark.score)
    return found


def _blurred_at(
    picture: NDArray[np.float64], blurred: NDArray[np.float64], cells: NDArray[np.int64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the film with some cells blurred, faded in over half a cell so that no edge is drawn."""
    chosen = np.zeros(size)
    chosen.ravel()[cells] = 1.0
    scale = picture.shape[0] / size[0], picture.shape[1] / size[1]
    weight = np.clip(zoom(chosen, scale, order=1, mode="nearest", grid_mode=True), 0.0, 1.0)
    return picture + weight * (blurred - picture)


def _score(outcome: dict[str, Any], mark: Detection) -> float:
    same = [
        row["score"]
        for row in outcome["candidates"]
        if row["finding"] == mark.finding and _iou(tuple(row["box"]), mark.box.as_tuple()) >= SAME_MARK
    ]
    return max(same, default=0.0)


def _figures(marks: Sequence[dict[str, Any]], method: str, drawn: Replicates, level: float) -> dict[str, Metric]:
    rows = [mark for mark in marks if method in mark["where"]]
    energies = [(mark["film"], mark["where"][method]["energy"]) for mark in rows if mark["where"][method]["energy"] is not None]
    on_truth = [mark["where"][method]["pointing_truth"] for mark in rows if mark["true"]]
    none = "no mark has a map"
    return {
        "energy": _over_patients(energies, np.median, drawn, level, none),
        "pointing": share(sum(mark["where"][method]["pointing"] for mark in rows), len(rows), nothing=none),
        "pointing_truth": share(sum(on_truth), len(on_truth), nothing="no mark overlaps a true box"),
        "deletion_gain": _over_patients([(m["film"], _gain(m, method, "deletion")) for m in rows], np.mean, drawn, level, none),
        "insertion_gain": _over_patients([(m["film"], _gain(m, method, "insertion")) for m in rows], np.mean, drawn, level, none),
    }


def _gain(mark: dict[str, Any], method: str, kind: str) -> float:
    """Return by how much a method's order is better than the drawn one, as a share of the mark's score."""
    ours, theirs = (float(np.mean(mark["curves"][name][kind])) for name in (method, DRAWN))
    return theirs - ours if kind == "deletion" else ours - theirs


def _over_patients(values: Sequence[tuple[str, float]], figure: Any, drawn: Replicates, level: float, nothing: str) -> Metric:
    if not values:
        return Metric.undefined(nothing, denominator=0)
    films, numbers = [film for film, _ in values], np.array([value for _, value in values])
    weights = drawn.of(films)
    resampled = np.array([figure(np.repeat(numbers, row)) if row.any() else np.nan for row in weights])
    return Metric(float(figure(numbers)), denominator=len(values)).with_interval(percentile_interval(resampled, level))


def _per_finding(marks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for finding in sorted({mark["finding"] for mark in marks}):
        rows = [mark for mark in marks if mark["finding"] == finding]
        found[finding] = {"marks": len(rows)} | {
            method.value: _finding_row([mark for mark in rows if method.value in mark["where"]], method.value)
            for method in LESION_METHODS
        }
    return found


def _finding_row(rows: Sequence[dict[str, Any]], method: str) -> dict[str, Any]:
    if not rows:
        return {"pointing": None, "energy": None, "deletion_gain": None, "insertion_gain": None}
    return {
        "pointing": float(np.mean([row["where"][method]["pointing"] for row in rows])),
        "energy": float(
            np.median([row["where"][method]["energy"] for row in rows if row["where"][method]["energy"] is not None])
        ),
        "deletion_gain": float(np.mean([_gain(row, method, "deletion") for row in rows])),
        "insertion_gain": float(np.mean([_gain(row, method, "insertion") for row in rows])),
    }


def _curves(marks: Sequence[dict[str, Any]], name: str) -> dict[str, list[float]]:
    rows = [mark["curves"][name] for mark in marks if name in mark["curves"]]
    return (
        {kind: [float(value) for value in np.mean([row[kind] for row in rows], axis=0)] for kind in ("deletion", "insertion")}
        if rows
        else {}
    )
