"""Stage `prepare`: the films as the network sees them, through the device's own reader and preprocessing."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.dicom.reader import read
from device_sw.preprocessing.geometry import letterbox
from device_sw.preprocessing.intensity import normalise
from pipeline.progress import bar
from pipeline.run import Run, available_workers, read_json
from pipeline.training.dataset import quantise, write_split

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def main() -> None:
    """Write artifacts/prepared/{train,val}.{npy,json} from artifacts/cohort."""
    run = Run.here()
    params = run.params()
    films = read_json(run.artifact("cohort") / "cohort.json")["films"]
    usable = [film for film in films if film["split"] in {"train", "val"} and is_usable(film, params["train"]["findings"])]
    arrays = _prepared_pixels(run, params["prepare"], usable)
    run.artifact("prepared").mkdir(parents=True, exist_ok=True)
    for split in ("train", "val"):
        chosen = [index for index, film in enumerate(usable) if film["split"] == split]
        rows = [network_truth(usable[i], params["train"]["findings"], params["prepare"]["input_size"]) for i in chosen]
        write_split(run.artifact("prepared"), split, np.stack([arrays[i] for i in chosen]), rows)


def is_usable(film: dict[str, Any], findings: list[str]) -> bool:
    """Say whether a film may be learned from: it is scored, somebody looked for every finding that is trained, and each that is there has a box.

    A status of None means that nobody looked; a finding that is there without a box would be shown as background. Either would teach a false negative.
    """
    boxed = {box["finding"] for box in film["boxes"]}
    return bool(film["scored"]) and all(film["status"][name] == (1 if name in boxed else 0) for name in findings)


def network_truth(film: dict[str, Any], findings: list[str], size: int) -> dict[str, Any]:
    """Return a film's boxes in network pixels with class labels from 1, in the order of ``findings``."""
    scale = size / max(film["rows"], film["columns"])
    kept = [box for box in film["boxes"] if box["finding"] in findings]
    return {
        "film_id": film["film_id"],
        "boxes": [[edge * scale for edge in box["box"]] for box in kept],
        "labels": [findings.index(box["finding"]) + 1 for box in kept],
    }


def _prepared_pixels(run: Run, section: dict[str, Any], films: list[dict[str, Any]]) -> list[NDArray[np.uint16]]:
    work = partial(prepared_film, preprocessing_id=section["preprocessing"], size=section["input_size"])
    paths = [run.artifact("cohort") / film["path"] for film in films]
    arrays = []
    with ProcessPoolExecutor(available_workers(), mp_context=get_context("spawn")) as pool, bar("prepare") as report:
        for done, pixels in enumerate(pool.map(work, paths, chunksize=8), start=1):
            arrays.append(pixels)
            report(done, len(paths), "")
    return arrays


def prepared_film(path: Path, preprocessing_id: str, size: int) -> NDArray[np.uint16]:
    """Return one film at network size as 16-bit integers."""
    return quantise(letterbox(normalise(read(path), preprocessing_id), size).pixels)


if __name__ == "__main__":
    main()
