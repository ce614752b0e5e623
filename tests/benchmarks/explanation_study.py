"""Whether the maps of marks say anything: where they lie, whether they follow the network's weights, whether they rank places as the score does, and what they cost.

    python -m tests.benchmarks.explanation_study --work FOLDER --out evidence/explanation

Over phantom films of the validation part, analysed by the device with the shipped bundle, for each mark and each method:

* localisation: the share of the map's energy in the box of the mark, against the box's share of the film, and whether the map's maximum lies in it; the
  same for the true box of that finding where the mark overlaps one (IoU at least 0.3), and for the phantom's mask of the organ concerned. Grad-CAM and
  AblationCAM are 0 outside the region that the network read, so that being near the box is no merit of theirs; the map that is even over that region is
  the yardstick beside them;
* faithfulness, in the 7 x 7 places of that region: rank correlation with the true fall of the log odds when one place is replaced by the film's mean, and the
  fall when the ten best places are replaced at once; beside the forms as first published, which average over places, and ten places drawn at random;
* sanity (Adebayo et al. 2018): the network's parts are given fresh random weights one after the other from the head down, the target held fixed; rank
  correlation inside the box, and structural similarity over the film, of the map with the original. Beside it the same between two networks that are both
  random: what the fixed region alone makes alike;
* processor time of a film, one thread: what a quiet machine takes, whatever else this one does (the first study gave wall-clock time of a busy machine,
  several times as long).

Stated before the first run: the median rank correlation in the box is at most 0.5 for each method once all weights are random, the median energy
in the box is at least twice its area share, and AblationCAM takes at most 20 s a film. Stated before time was measured as processor time: saliency
takes at most 10 s a film. The study ends with 1 where one of these fails.
The command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import uniform_filter
from scipy.stats import spearmanr

from device_sw.detector.activations import explainable
from device_sw.detector.bundle import load_bundle
from device_sw.detector.eager import eager_network
from device_sw.device import Device
from device_sw.errors import DeviceError
from device_sw.explanation import ablation_cam, grad_cam, lesion_maps
from device_sw.preprocessing.geometry import laid_on_film
from device_sw.report.map_figure import map_figure
from device_sw.types import LESION_METHODS, Box, ExplanationMethod, Policy

ROOT = Path(__file__).resolve().parents[2]
CORRELATION_LIMIT, ENERGY_GOAL = 0.5, 2.0
SECONDS_LIMITS = {ExplanationMethod.ABLATION_CAM: 20.0, ExplanationMethod.SALIENCY: 10.0}
"""Stated before they were measured."""

GRID = 128
"""Longest side of the grid over the film on which maps are compared."""

ORGANS = {
    "cardiac_hypertrophy": 2,
    "aortic_atherosclerosis_calcification": 4,
    "aortic_curvature": 4,
    "degenerative_joint_disease_of_the_thoracic_spine": 8,
    "scoliosis": 8,
    "lung_field_infiltration": 1,
    "intercostal_pleural_thickening": 1,
}
"""Bit of the phantom's mask in which the finding lies."""

CASCADE = (
    ("box predictor", ("roi_heads.box_predictor",)),
    ("box head", ("roi_heads.box_head",)),
    ("pyramid", ("backbone.pyramid",)),
    ("backbone", ("backbone.stages", "backbone.stem")),
)
"""The network's parts, from the head down."""

UNIFORM = "even over the region read"


def main() -> int:
    """Run or go on with the study and write its summary; 0 where every statement holds."""
    options = _options()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    cohort = json.loads((options.cohort / "cohort.json").read_text(encoding="utf-8"))["films"]
    films = [film for film in cohort if film["split"] == "val"][: options.films]
    device = Device(options.bundle, Policy.INTENDED_USE, methods=LESION_METHODS)
    network = explainable(eager_network(load_bundle(options.bundle)))
    done = []
    for film in films:
        path = options.work / f"{film['film_id']}.json"
        if not path.exists():
            path.write_text(json.dumps(_film(device, network, options.cohort, film)), encoding="utf-8")
        done.append(json.loads(path.read_text(encoding="utf-8")))
        print(film["film_id"], len(done[-1]["marks"]), "marks", flush=True)  # noqa: T201  progress
    summary = _summary(done, device)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "study.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _charts(summary, options.out)
    _example(device, options.cohort, done, options.out)
    print(json.dumps(summary["statements"], indent=1))  # noqa: T201  the result
    return 0 if all(row["holds"] for row in summary["statements"]) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "artifacts" / "bundle")
    parser.add_argument("--cohort", type=Path, default=ROOT / "artifacts" / "cohort")
    parser.add_argument("--films", type=int, default=50)
    parser.add_argument("--work", type=Path, required=True, help="folder for what each film gave; a second run goes on from it")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def _film(device: Device, network: Any, cohort: Path, film: dict[str, Any]) -> dict[str, Any]:
    try:
        result = device.analyse(cohort / film["path"])
    except DeviceError as error:
        return {"film": film["film_id"], "refused": error.code, "marks": [], "seconds": {}}
    subject = Subject(device, network, cohort / film["path"], result)
    mask = np.asarray(Image.open(cohort / film["mask"]))
    marks = [_mark(subject, number, film, mask) for number in range(len(result.detections))]
    return {
        "film": film["film_id"],
        "refused": None,
        "marks": marks,
        "seconds": subject.seconds(),
        "sanity": subject.sanity(int(film["film_id"][1:5])) if marks else None,
    }


class Subject:
    """One film inside the explanation: its reading, its targets, its maps on the comparison grid."""

    def __init__(self, device: Device, network: Any, path: Path, result: Any) -> None:
        """Read the film again as the device did."""
        from device_sw.dicom import reader
        from device_sw.preprocessing.geometry import letterbox
        from device_sw.preprocessing.intensity import normalise

        self.result, self.network = result, network
        film = normalise(reader.decode(reader.open_file(path)), device.settings.preprocessing_id)
        self.input = letterbox(film, device.settings.input_size)
        self.candidates = device._engine.detector.detect(self.input).candidates
        self.findings = device.settings.findings
        own = lesion_maps._own_scores(result.detections, self.candidates)
        self.film = lesion_maps._read(network, self.input)
        self.targets = lesion_maps._targets(network, self.film, own, self.findings)
        rows, columns = film.pixels.shape
        scale = GRID / max(rows, columns)
        self.shape, self.size = (rows, columns), (max(1, round(rows * scale)), max(1, round(columns * scale)))

    def on_grid(self, grid: np.ndarray, place: tuple[float, ...]) -> np.ndarray:
        """Lay a grid that covers a rectangle of the film on the comparison grid."""
        return laid_on_film(grid, place, *self.shape, self.size)

    def inside(self, box: Box) -> np.ndarray:
        """Say which cells of the comparison grid have their centres in a box."""
        return self.on_grid(np.ones((1, 1), np.float32), box.as_tuple()) > 0.5

    def maps(self, network: Any, number: int) -> dict[str, np.ndarray]:
        """Return the three maps of a mark on the comparison grid by a network, with the targets of the original one."""
        film = lesion_maps._read(network, self.input)
        target, made = self.targets[number], {}
        for method in LESION_METHODS:
            grid, place = lesion_maps._grids(network, film, method, [target])[0]
            made[method.value] = self.on_grid(grid.numpy(), tuple(edge / self.input.letterbox.scale for edge in place))
        return made

    def seconds(self) -> dict[str, float]:
        """Return the processor time of all marks by each method, reading and finding the targets included."""
        spent = {}
        for method in LESION_METHODS:
            start = time.process_time()
            lesion_maps.lesion_maps(self.network, self.input, self.result.detections, self.candidates, self.findings, [method])
            spent[method.value] = round(time.process_time() - start, 4)
        return spent

    def sanity(self, seed: int) -> dict[str, Any]:
        """Return how alike the maps of the best mark stay while the weights become random."""
        number = int(np.argmax([detection.score for detection in self.result.detections]))
        inside = self.inside(self.result.detections[number].box)
        original = self.maps(self.network, number)
        steps = {}
        for name, network in _cascade(self.network.network, seed):
            last = self.maps(network, number)
            steps[name] = {method: _alike(original[method], last[method], inside) for method in original}
        others = [network for _, network in _cascade(self.network.network, seed + 10_000)]
        other = self.maps(others[-1], number)
        return {"steps": steps, "two random": {method: _alike(last[method], other[method], inside) for method in original}}


def _cascade(network: torch.nn.Module, seed: int) -> Any:
    """Yield the network with one part more of random weights at each step, from the head down."""
    changed = copy.deepcopy(network)
    for number, (name, parts) in enumerate(CASCADE):
        torch.manual_seed(1000 * seed + number)
        for part in parts:
            for module in changed.get_submodule(part).modules():
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
        yield name, explainable(copy.deepcopy(changed))


def _alike(one: np.ndarray, other: np.ndarray, inside: np.ndarray) -> dict[str, float | None]:
    """Return rank correlation in the box and structural similarity over the film; None where a map is the same everywhere."""
    a, b = one[inside], other[inside]
    if a.size < 9 or np.ptp(a) <= 0 or np.ptp(b) <= 0:
        return {"rank": None, "ssim": None}
    return {"rank": float(spearmanr(a, b)[0]), "ssim": _ssim(one / one.max(), other / other.max())}


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity with a 7 x 7 window (Wang et al. 2004), values in [0, 1]."""
    mean = lambda x: uniform_filter(x.astype(np.float64), 7)  # noqa: E731  one window for all moments
    ma, mb = mean(a), mean(b)
    va, vb, cab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    return float((((2 * ma * mb + 1e-4) * (2 * cab + 9e-4)) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))).mean())


def _mark(subject: Subject, number: int, film: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
    detection, target = subject.result.detections[number], subject.targets[number]
    truth = _truth(detection, film)
    organ = Image.fromarray(((mask & ORGANS[str(detection.finding)]) > 0).astype(np.uint8) * 255)
    areas = {
        "box": subject.inside(detection.box),
        "truth": None if truth is None else subject.inside(truth),
        "organ": np.asarray(organ.resize(subject.size[::-1], Image.Resampling.NEAREST)) > 0,
    }
    maps = {m.method.value: m for m in subject.result.lesion_maps if m.detection == detection}
    made = {name: None if m.grid is None else subject.on_grid(m.grid, m.place) for name, m in maps.items()}
    if target is not None:
        place = tuple(edge / subject.input.letterbox.scale for edge in subject.network.place(subject.film.reading, target))
        made[UNIFORM] = subject.on_grid(np.ones((1, 1), np.float32), place)
    return {
        "finding": str(detection.finding),
        "score": detection.score,
        "true": truth is not None,
        "reasons": {name: m.reason for name, m in maps.items()},
        "where": {name: None if m is None else {k: _where(m, a) for k, a in areas.items()} for name, m in made.items()},
        "faithful": None if target is None else _faithful(subject, target),
    }


def _truth(detection: Any, film: dict[str, Any]) -> Box | None:
    boxes = [Box(*row["box"]) for row in film["boxes"] if row["finding"] == detection.finding]
    return max((box for box in boxes if _iou(box, detection.box) >= 0.3), key=lambda box: _iou(box, detection.box), default=None)


def _iou(a: Box, b: Box) -> float:
    wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    common = max(wide, 0.0) * max(high, 0.0)
    return common / (a.area + b.area - common)


def _where(values: np.ndarray, area: np.ndarray | None) -> dict[str, Any] | None:
    if area is None or not area.any():
        return None
    return {
        "energy": float(values[area].sum() / values.sum()),
        "share": float(area.mean()),
        "hit": bool(area[np.unravel_index(int(values.argmax()), values.shape)]),
    }


def _faithful(subject: Subject, target: Any) -> dict[str, Any]:
    """Compare each ranking of the region's places with what happens when places are replaced by the film's mean."""
    network, reading = subject.network, subject.film.reading
    with torch.no_grad():
        seen, mean = network.seen(reading, target), grad_cam.film_mean(reading, target)
        base = float(network.log_odds(seen, target))
        places = [(row, column) for row in range(seen.shape[2]) for column in range(seen.shape[3])]
        falls = np.array([base - float(network.log_odds(_without(seen, mean, [place]), target)) for place in places])
    rankings = {
        "grad-cam": grad_cam.grad_cam(network, reading, target),
        "ablation-cam": ablation_cam.ablation_cam(network, reading, target),
        "grad-cam as published": _published_grad_cam(network, seen, target),
        "ablation-cam as published": _published_ablation_cam(network, seen, mean, target),
    }
    generator = np.random.default_rng(0)
    fall = lambda chosen: base - float(network.log_odds(_without(seen, mean, [places[i] for i in chosen]), target))  # noqa: E731
    with torch.no_grad():
        found = {
            name: {
                "rank": _rank(values.numpy().ravel(), falls),
                "ten": fall(np.argsort(-values.numpy().ravel(), kind="stable")[:10]),
            }
            for name, values in rankings.items()
        }
        drawn = [fall(generator.permutation(len(places))[:10]) for _ in range(5)]
    return {**found, "drawn at random": {"rank": 0.0, "ten": float(np.mean(drawn))}}


def _rank(values: np.ndarray, falls: np.ndarray) -> float | None:
    return None if np.ptp(values) <= 0 else float(spearmanr(values, falls)[0])


def _without(seen: torch.Tensor, mean: torch.Tensor, places: list[tuple[int, int]]) -> torch.Tensor:
    changed = seen.clone()
    for row, column in places:
        changed[0, :, row, column] = mean[0, :, 0, 0]
    return changed


def _published_grad_cam(network: Any, seen: torch.Tensor, target: Any) -> torch.Tensor:
    """Selvaraju et al. 2017: channels weighted by the gradient averaged over places."""
    leaf = seen.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network.log_odds(leaf, target).sum(), leaf)
    return (gradient.mean(dim=(2, 3), keepdim=True) * seen).sum(dim=1)[0].clamp_min(0.0)


def _published_ablation_cam(network: Any, seen: torch.Tensor, mean: torch.Tensor, target: Any) -> torch.Tensor:
    """Desai and Ramaswamy 2020: channels weighted by the relative fall of the score when the channel is taken away everywhere (here: put to its mean)."""
    with torch.no_grad():
        variants = seen.repeat(seen.shape[1], 1, 1, 1)
        for channel in range(seen.shape[1]):
            variants[channel, channel] = mean[0, channel]
        falls = network.log_odds(seen, target) - network.log_odds(variants, target)
        return (falls[:, None, None] * (seen - mean)[0]).sum(dim=0).clamp_min(0.0)


def _median(values: list[Any]) -> float | None:
    kept = [value for value in values if value is not None]
    return round(float(np.median(kept)), 4) if kept else None


def _summary(done: list[dict[str, Any]], device: Device) -> dict[str, Any]:
    marks = [mark for film in done for mark in film["marks"]]
    names = [*(method.value for method in LESION_METHODS), UNIFORM]
    localisation = {name: {area: _localised(marks, name, area) for area in ("box", "truth", "organ")} for name in names}
    methods = [method.value for method in LESION_METHODS]
    sanity = _sanity([film["sanity"] for film in done if film.get("sanity")], methods)
    seconds = {
        name: {
            "median": _median([f["seconds"].get(name) for f in done]),
            "largest": max(f["seconds"].get(name, 0.0) for f in done),
        }
        for name in methods
    }
    return {
        "schema": "thoratrace/study/1",
        "study": "maps of marks on phantom films",
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": device.version,
        "model_version": device.settings.model_version,
        "bundle_sha256": device.bundle_sha256,
        "films": len(done),
        "refused": sum(film["refused"] is not None for film in done),
        "marks": len(marks),
        "marks_on_a_true_box": sum(mark["true"] for mark in marks),
        "without_map": {name: sum(mark["reasons"].get(name) is not None for mark in marks) for name in methods},
        "localisation": localisation,
        "faithfulness": _faithfulness(marks),
        "sanity": sanity,
        "processor_seconds_a_film": seconds,
        "statements": _statements(localisation, sanity, seconds, methods),
    }


def _localised(marks: list[dict[str, Any]], name: str, area: str) -> dict[str, Any]:
    rows = [mark["where"][name][area] for mark in marks if mark["where"].get(name) and mark["where"][name][area]]
    return {
        "marks": len(rows),
        "energy_over_area_share": _median([row["energy"] / row["share"] for row in rows]),
        "energy": _median([row["energy"] for row in rows]),
        "at_least_twice": round(float(np.mean([row["energy"] >= 2 * row["share"] for row in rows])), 4) if rows else None,
        "maximum_inside": round(float(np.mean([row["hit"] for row in rows])), 4) if rows else None,
    }


def _faithfulness(marks: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [mark["faithful"] for mark in marks if mark["faithful"]]
    return {
        name: {
            "rank_correlation": _median([row[name]["rank"] for row in rows]),
            "fall_of_log_odds": _median([row[name]["ten"] for row in rows]),
        }
        for name in (rows[0] if rows else {})
    }


def _sanity(rows: list[dict[str, Any]], methods: list[str]) -> dict[str, Any]:
    def of(alike: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "rank": _median([a["rank"] for a in alike]),
            "ssim": _median([a["ssim"] for a in alike]),
            "no_map": sum(a["rank"] is None for a in alike),
        }

    steps = [name for name, _ in CASCADE]
    return {
        "marks": len(rows),
        "steps": {step: {method: of([row["steps"][step][method] for row in rows]) for method in methods} for step in steps},
        "two_random_networks": {method: of([row["two random"][method] for row in rows]) for method in methods},
    }


def _statements(localisation: Any, sanity: Any, seconds: Any, methods: list[str]) -> list[dict[str, Any]]:
    last = CASCADE[-1][0]
    found = [
        (f"{m}: rank correlation in the box, all weights random, at most {CORRELATION_LIMIT}", sanity["steps"][last][m]["rank"])
        for m in methods
    ]
    rows = [{"statement": text, "observed": value, "holds": value is None or value <= CORRELATION_LIMIT} for text, value in found]
    for method in methods:
        value = localisation[method]["box"]["energy_over_area_share"]
        rows.append(
            {
                "statement": f"{method}: energy in box over area share at least {ENERGY_GOAL}",
                "observed": value,
                "holds": value >= ENERGY_GOAL,
            }
        )
    for timed, limit in SECONDS_LIMITS.items():
        slowest = round(seconds[timed.value]["largest"], 3)
        text = f"{timed.value}: at most {limit} s of processor time a film, the slowest"
        rows.append({"statement": text, "observed": slowest, "holds": slowest <= limit})
    return rows


def _charts(summary: dict[str, Any], out: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    methods = list(summary["processor_seconds_a_film"])
    steps = list(summary["sanity"]["steps"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), constrained_layout=True)
    for method, colour in zip(methods, ("#d55e00", "#0072b2", "#009e73"), strict=True):
        values = [summary["sanity"]["steps"][step][method]["rank"] for step in steps]
        left.plot(range(1, len(steps) + 1), [np.nan if v is None else v for v in values], marker="o", color=colour, label=method)
        both = summary["sanity"]["two_random_networks"][method]["rank"]
        if both is not None:
            left.axhline(both, color=colour, linestyle=":", linewidth=1)
    left.axhline(CORRELATION_LIMIT, color="black", linestyle="--", linewidth=1)
    left.text(1.0, CORRELATION_LIMIT + 0.015, "limit stated beforehand", fontsize=8)
    left.set_xticks(range(1, len(steps) + 1), [f"+ {step}" for step in steps], rotation=30, ha="right")
    left.set_ylabel("median rank correlation with the original map, in the box")
    left.set_ylim(-0.3, 1.0)
    left.set_title(
        f"Random weights from the head down ({summary['sanity']['marks']} marks; dotted: two random networks)", fontsize=9
    )
    left.legend(fontsize=8)
    names = [*methods, UNIFORM]
    areas = (("box", "box of the mark"), ("truth", "true box"), ("organ", "organ's mask"))
    for number, (area, label) in enumerate(areas):
        values = [summary["localisation"][name][area]["energy_over_area_share"] or 0.0 for name in names]
        bars = right.bar(np.arange(len(names)) + 0.27 * (number - 1), values, 0.25, label=label)
        right.bar_label(bars, fmt="%.1f", fontsize=7)
    right.axhline(ENERGY_GOAL, color="black", linestyle="--", linewidth=1)
    right.margins(y=0.25)
    right.set_xticks(range(len(names)), names, fontsize=8)
    right.set_ylabel("median energy inside over share of the film's area")
    right.set_title(f"Localisation ({summary['marks']} marks on {summary['films']} phantom films; dashed: goal 2)", fontsize=9)
    right.legend(fontsize=8)
    figure.savefig(out / "study.png", dpi=110)
    plt.close(figure)


def _example(device: Device, cohort: Path, done: list[dict[str, Any]], out: Path) -> None:
    best = max(done, key=lambda film: sum(mark["true"] for mark in film["marks"]))
    page = map_figure(device.analyse(cohort / "films" / f"{best['film']}.dcm"))
    page.resize((1100, round(page.height * 1100 / page.width)), Image.Resampling.LANCZOS).save(out / "example.png", optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
