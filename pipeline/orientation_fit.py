"""Fits the numbers with which the device tells how a chest film is shown, and writes them to `device_sw/dicom/orientation.json`.

    python -m pipeline.orientation_fit --films ../shared/data/cxr_boxes --cohort artifacts/cohort

What is fitted: one function f of a 64 x 64 picture of ranks. A film of the training splits, real or phantom, is shifted, scaled, tilted, collimated, partly covered and clipped at
random, so that none of this decides; f is to be larger for the film as it lies than for copies of it that are mirrored, turned or inverted (softmax
over the film and four copies: the mirrored one, one negative, two turned ones). Nothing of a validation or test film enters; films are told apart by patient.

It is no stage of the pipeline: its result is a part of the device, changed by a change of the device, and its real films are not in the repository.
The same command on the same machine class gives the same numbers.

Source: conditional logit, McFadden 1974 ("Conditional logit analysis of qualitative choice behavior"); AdamW, Loshchilov and Hutter, ICLR 2019; one-cycle
schedule, Smith and Topin 2018 (arXiv 1708.07120). Films: NIH ChestX-ray14, Wang et al., CVPR 2017, provided by the NIH Clinical Center.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch import nn
from torch.nn import functional

from device_sw.dicom.orientation import GRID, blocks, laid
from device_sw.dicom.reader import read
from device_sw.preprocessing.intensity import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = ROOT / "device_sw" / "dicom" / "orientation.json"
PROVENANCE = (
    "Fitted by pipeline/orientation_fit.py on {real} training films of the NIH ChestX-ray14 set (Wang et al., CVPR 2017, provided by the NIH Clinical Center) and {phantom} training films "
    "of the phantom cohort; weights of a network over ranks of 64 x 64 blocks, no picture of any film."
)
DIGITS = 4


@dataclass(frozen=True)
class Plan:
    """What is chosen before fitting, on validation films only."""

    channels: tuple[int, int, int] = (8, 16, 24)
    epochs: int = 120
    batch: int = 48
    rate: float = 4e-3
    decay: float = 0.02
    dropout: float = 0.2
    phantom_weight: float = 0.5
    seed: int = 0


def main() -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--films", type=Path, default=ROOT.parent / "shared" / "data" / "cxr_boxes", help="folder with manifest.csv and images/"
    )
    parser.add_argument(
        "--cohort", type=Path, default=ROOT / "artifacts" / "cohort", help="phantom cohort with cohort.json and films/"
    )
    parser.add_argument("--out", type=Path, default=PARAMETERS)
    options = parser.parse_args()
    plan = Plan()
    real, phantom = real_films(options.films, "train"), phantom_films(options.cohort, "train")
    weights = torch.cat([torch.ones(len(real)), torch.full((len(phantom),), plan.phantom_weight)])
    network = fit(torch.from_numpy(np.concatenate([real, phantom])[:, None]), weights, plan)
    options.out.write_text(written(network, len(real), len(phantom)), encoding="utf-8")
    return 0


def real_films(folder: Path, split: str) -> NDArray[np.float32]:
    """Return the block means of the real films of a split, (films, 64, 64) in [0, 1]."""
    with (folder / "manifest.csv").open(encoding="utf-8") as table:
        names = [row["file"] for row in csv.DictReader(table) if row["split"] == split]
    return np.stack([blocks(grey(folder / name)) for name in _shown(names, "real films")]).astype(np.float32)


def _shown(work: Sequence[Any], title: str) -> Iterable[Any]:
    return track(work, title, console=Console(stderr=True))


def grey(path: Path) -> NDArray[np.float32]:
    """Return a greyscale picture file as float32 in [0, 1]."""
    return np.asarray(Image.open(path).convert("L"), dtype=np.float32) / np.float32(255.0)


def phantom_films(folder: Path, split: str) -> NDArray[np.float32]:
    """Return the block means of the phantom films of a split, as the device's preprocessing shows them."""
    films = json.loads((folder / "cohort.json").read_text(encoding="utf-8"))["films"]
    paths = [folder / film["path"] for film in films if film["split"] == split]
    return np.stack([blocks(normalise(read(path)).pixels) for path in _shown(paths, "phantom films")]).astype(np.float32)


class Network(nn.Module):
    """f: three convolutions with stride 2, and one weight for each place."""

    def __init__(self, plan: Plan) -> None:
        """Start from the library's random weights."""
        super().__init__()
        first, second, third = plan.channels
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(1, first, 5, 2, 2),
                nn.Conv2d(first, second, 3, 2, 1),
                nn.Conv2d(second, third, 3, 2, 1),
            ]
        )
        self.dropout = nn.Dropout(plan.dropout)
        self.head = nn.Linear(third * (GRID // 8) ** 2, 1, bias=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return f of each picture, (n,)."""
        for layer in self.layers:
            pictures = functional.relu(layer(pictures))
        return self.head(self.dropout(pictures.flatten(1)))[:, 0]


def fit(films: torch.Tensor, weights: torch.Tensor, plan: Plan) -> Network:
    """Return f fitted to the films (n, 1, 64, 64), block means."""
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    random = np.random.default_rng(plan.seed)
    network = Network(plan)
    steps = len(films) // plan.batch
    optimiser = torch.optim.AdamW(network.parameters(), plan.rate, weight_decay=plan.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, total_steps=plan.epochs * steps)
    for _ in _shown(range(plan.epochs), "epochs"):
        for chosen in _batches(random, len(films), plan.batch):
            loss = _loss(network, ranked(varied(films[chosen], random)), weights[chosen], random)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def _batches(random: np.random.Generator, count: int, size: int) -> Iterator[NDArray[np.int64]]:
    order = random.permutation(count)
    edges = range(0, count + 1, size)
    return (order[first:last] for first, last in pairwise(edges))


def _loss(network: Network, ranks: torch.Tensor, weights: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    ways = [0, 1, 8 + int(random.integers(8)), *(int(way) for way in random.choice([2, 3, 4, 5, 6, 7], 2, replace=False))]
    scores = network(torch.cat([_laid(ranks, way) for way in ways])).view(len(ways), -1)
    return ((torch.logsumexp(scores, 0) - scores[0]) * weights).mean()


def _laid(ranks: torch.Tensor, way: int) -> torch.Tensor:
    """Lay a batch as `device_sw.dicom.orientation.laid` lays one picture; ways from 8 on are negatives."""
    order = laid(np.arange(GRID * GRID).reshape(GRID, GRID), way).ravel()
    turned = ranks.flatten(2)[:, :, torch.from_numpy(order.copy())].view_as(ranks)
    return -turned if way & 8 else turned


def ranked(pictures: torch.Tensor) -> torch.Tensor:
    """Return the ranks of each picture's blocks in (-1, 1), as `device_sw.dicom.orientation.ranked` gives them."""
    flat = pictures.flatten(1).contiguous()
    ascending = flat.sort(1).values
    below, upto = (torch.searchsorted(ascending, flat, right=right) for right in (False, True))
    return ((below + upto).float() / flat.shape[1] - 1).view_as(pictures)


def varied(pictures: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Return the pictures shifted, scaled, tilted (up to 11 degrees), with noise, and some of them covered, collimated or clipped."""
    moved = _moved(pictures, random)
    return torch.stack([_clipped(_collimated(_covered(picture, random), random), random) for picture in moved])


def _moved(pictures: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    count = len(pictures)
    strength = np.where(random.random(count) < 0.3, 0.3, 1.0)
    angle, scale, aspect, right, down = (strength * random.uniform(-most, most, count) for most in (0.2, 0.2, 0.12, 0.2, 0.2))
    scale, aspect = 1 + scale, 1 + aspect
    rows = [
        [scale * aspect * np.cos(angle), -scale * np.sin(angle), right],
        [scale * np.sin(angle), scale / aspect * np.cos(angle), down],
    ]
    matrices = torch.from_numpy(np.asarray(rows, dtype=np.float32).transpose(2, 0, 1).copy())
    places = functional.affine_grid(matrices, list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures, places, padding_mode="border", align_corners=False)
    low, high = pictures.amin((2, 3), keepdim=True), pictures.amax((2, 3), keepdim=True)
    filled = torch.from_numpy(random.random((count, 1, 1, 1)) < 0.7) & (places.abs() > 1).any(-1)[:, None]
    moved = torch.where(filled, torch.where(torch.from_numpy(random.random((count, 1, 1, 1)) < 0.75), low, high), moved)
    noise = torch.from_numpy(random.standard_normal(tuple(moved.shape), dtype=np.float32))
    return moved + 0.02 * (high - low) * noise


def _covered(picture: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Lay a rectangle of one grey over the picture, such as a marker or a device."""
    if random.random() >= 0.4:
        return picture
    (height, width), low, high = random.integers(2, 14, 2), float(picture.min()), float(picture.max())
    top, left = random.integers(0, GRID - height), random.integers(0, GRID - width)
    picture[0, top : top + height, left : left + width] = low + random.random() * (high - low)
    return picture


def _collimated(picture: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Blank some of the borders, black more often than white."""
    if random.random() >= 0.3:
        return picture
    fill = float(picture.min() if random.random() < 0.7 else picture.max())
    for side in range(4):
        if random.random() < 0.5:
            torch.rot90(picture[0], side)[: int(random.random() * 0.16 * GRID)] = fill
    return picture


def _clipped(picture: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Let the darkest and the brightest parts run together, as a narrow window does."""
    if random.random() >= 0.3:
        return picture
    low, high = np.quantile(picture.numpy(), [random.random() * 0.25, 1 - random.random() * 0.25])
    return picture.clamp(float(low), float(high))


def written(network: Network, real: int, phantom: int) -> str:
    """Return the parameter file: numbers of four significant digits, one line for each output of a layer."""
    stored = {
        "schema": "thoratrace/orientation/1",
        "provenance": PROVENANCE.format(real=real, phantom=phantom),
        "date": datetime.now(UTC).date().isoformat(),
        "layers": [{"weights": _rounded(layer.weight), "bias": _rounded(layer.bias)} for layer in network.layers],
        "weights": _rounded(network.head.weight.view(-1, GRID // 8, GRID // 8)),
    }
    return _text(stored)


def _rounded(tensor: torch.Tensor) -> Any:
    if tensor.ndim == 0:
        return float(f"{float(tensor):.{DIGITS}g}")
    return [_rounded(part) for part in tensor.detach()]


def _text(stored: dict[str, Any]) -> str:
    """Return JSON in which each output of a layer stands on its own line."""
    head = [f" {json.dumps(key)}: {json.dumps(stored[key])}" for key in ("schema", "provenance", "date")]
    layers = ",\n".join(
        f'  {{"bias": {json.dumps(layer["bias"])}, "weights": [\n   {_lines(layer["weights"], 3)}]}}'
        for layer in stored["layers"]
    )
    return "{\n" + ",\n".join([*head, f' "layers": [\n{layers}]', f' "weights": [\n  {_lines(stored["weights"], 2)}]']) + "\n}\n"


def _lines(rows: list[Any], indent: int) -> str:
    return (",\n" + " " * indent).join(json.dumps(row, separators=(",", ":")) for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
