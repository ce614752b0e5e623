"""Reads the COCO annotation files of a folder as they are: typed, checked, nothing mapped and nothing dropped.

The layout is ``train.json``, ``val.json`` and ``test.json`` beside ``images/``. Besides COCO's own keys an image tells patient, view, sex, age,
``disputed`` and a ``status`` per class (1 present, 0 looked for and absent, null nobody looked), and an annotation tells whether it is ``primary``.

Source: COCO data format, https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.adapters.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SPLITS = ("train", "val", "test")
_IMAGE = ("id", "file_name", "width", "height", "patient", "view", "sex", "age", "disputed", "status")
_ANNOTATION = ("image_id", "category_id", "bbox", "primary")


@dataclass(frozen=True, slots=True)
class SourceBox:
    """One annotation: class name, x0, y0, x1, y1 in image pixels, and whether it is the primary one of its class."""

    label: str
    box: tuple[float, float, float, float]
    primary: bool


@dataclass(frozen=True, slots=True)
class SourceFilm:
    """One image entry with its annotations; ``age`` in years or None."""

    split: str
    file_name: str
    width: int
    height: int
    patient: str
    view: str
    sex: str
    age: int | None
    disputed: bool
    status: Mapping[str, int | None]
    boxes: tuple[SourceBox, ...]

    @property
    def film_id(self) -> str:
        """File name without folder and ending."""
        return self.file_name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def read_folder(data: Path) -> list[SourceFilm]:
    """Return the films of all three splits, in file order.

    Raises:
        DataError: ``DATA-MISSING`` (folder, annotation file or image), ``DATA-FORMAT`` (not COCO as described), ``DATA-BOX`` (a box that is none),
            ``DATA-DUPLICATE`` (an image twice) or ``DATA-SPLIT`` (a patient in two splits).
    """
    if not data.is_dir():
        raise _missing(data.name, "no folder", "a folder with train.json, val.json, test.json and images")
    films = [film for split in SPLITS for film in _read_split(data, split)]
    _require_images(data, films)
    _require_unique(films)
    return films


def _missing(where: str, found: str, expected: str) -> DataError:
    return DataError(
        "DATA-MISSING",
        where=where,
        found=found,
        expected=expected,
        repair="give the folder with --data and check that it is complete",
    )


def _format(where: str, found: str) -> DataError:
    expected = "COCO annotations with patient, view, sex, age, disputed, status and primary"
    return DataError("DATA-FORMAT", where=where, found=found, expected=expected, repair="export the annotations again")


def _read_split(data: Path, split: str) -> list[SourceFilm]:
    path = data / f"{split}.json"
    if not path.is_file():
        raise _missing(path.name, "no file", "COCO annotations of this split")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        labels = {category["id"]: category["name"] for category in value["categories"]}
        images, annotations = value["images"], value["annotations"]
    except (ValueError, KeyError, TypeError) as error:
        raise _format(path.name, f"{type(error).__name__}: {error}") from error
    boxes: dict[Any, list[SourceBox]] = {}
    known = {image.get("id") for image in images}
    for index, annotation in enumerate(annotations):
        where = f"{path.name} $.annotations[{index}]"
        box = _box(annotation, labels, where)
        if annotation["image_id"] not in known:
            raise _format(where, "an image_id that no image has")
        boxes.setdefault(annotation["image_id"], []).append(box)
    return [
        _film(image, split, boxes.get(image.get("id"), []), f"{path.name} $.images[{index}]")
        for index, image in enumerate(images)
    ]


def _box(annotation: dict[str, Any], labels: dict[Any, str], where: str) -> SourceBox:
    missing = [name for name in _ANNOTATION if name not in annotation]
    if missing:
        raise _format(where, f"no {', '.join(missing)}")
    if annotation["category_id"] not in labels:
        raise _format(where, "a category_id that no category has")
    edges = annotation["bbox"]
    good = isinstance(edges, list) and len(edges) == 4 and all(isinstance(edge, int | float) and isfinite(edge) for edge in edges)
    if not good or edges[2] <= 0 or edges[3] <= 0:
        raise _bad_box(where, f"bbox {edges}", "x, y, width and height with positive width and height")
    x, y, width, height = (float(edge) for edge in edges)
    return SourceBox(labels[annotation["category_id"]], (x, y, x + width, y + height), bool(annotation["primary"]))


def _bad_box(where: str, found: str, expected: str) -> DataError:
    return DataError(
        "DATA-BOX",
        where=where,
        found=found,
        expected=expected,
        repair="correct or remove the annotation; it is never repaired silently",
    )


def _film(image: dict[str, Any], split: str, boxes: list[SourceBox], where: str) -> SourceFilm:
    missing = [name for name in _IMAGE if name not in image]
    if missing:
        raise _format(where, f"no {', '.join(missing)}")
    if any(value not in (0, 1, None) for value in image["status"].values()):
        raise _format(where, "a status that is not 0, 1 or null")
    width, height = int(image["width"]), int(image["height"])
    outside = [box for box in boxes if box.box[0] < 0 or box.box[1] < 0 or box.box[2] > width or box.box[3] > height]
    if outside:
        raise _bad_box(
            where, f"a box {outside[0].box} of {outside[0].label} outside {width} x {height}", "boxes inside the image"
        )
    plain = {name: image[name] for name in ("file_name", "view", "sex", "age")}
    return SourceFilm(
        **plain,
        split=split,
        width=width,
        height=height,
        patient=str(image["patient"]),
        disputed=bool(image["disputed"]),
        status=MappingProxyType(dict(image["status"])),
        boxes=tuple(boxes),
    )


def _require_images(data: Path, films: list[SourceFilm]) -> None:
    missing = [film.file_name for film in films if not (data / film.file_name).is_file()]
    if missing:
        raise _missing(missing[0], f"{len(missing)} of {len(films)} images missing", "every image that the annotations name")
    if not films:
        raise _format("train.json", "no images")


def _require_unique(films: list[SourceFilm]) -> None:
    twice = [name for name, count in Counter(film.film_id for film in films).items() if count > 1]
    if twice:
        raise DataError(
            "DATA-DUPLICATE",
            where="images",
            found=f"{len(twice)} images listed twice",
            expected="each image once",
            repair="remove the second entries",
        )
    splits: dict[str, set[str]] = {}
    for film in films:
        splits.setdefault(film.patient, set()).add(film.split)
    shared = sum(len(where) > 1 for where in splits.values())
    if shared:
        raise DataError(
            "DATA-SPLIT",
            where="images",
            found=f"{shared} patients in two splits",
            expected="each patient in one split",
            repair="split by patient",
        )
