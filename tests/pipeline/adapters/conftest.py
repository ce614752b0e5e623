"""A COCO folder in the exact layout of the real one, drawn from arithmetic: no picture of a person is in it."""

import json

import numpy as np
import pytest
from PIL import Image

from pipeline.adapters import importing
from pipeline.adapters.importing import bring
from tests.pipeline.adapters.eda_folder import small
from validation import cohort

CATEGORIES = (
    *(
        "cardiac_hypertrophy",
        "aortic_atherosclerosis_calcification",
        "aortic_curvature",
        "pleural_thickening",
        "lung_infiltration",
    ),
    *("degenerative_joint_disease_thoracic_spine", "scoliosis", "x_effusion"),
)
SIDE = 576


def picture(seed):
    """Two dark ovals beside a bright band: enough for the device's reader."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    lungs = sum(np.exp(-(((x - cx) / 0.13) ** 2 + ((y - 0.45) / 0.28) ** 2)) for cx in (0.28, 0.72))
    noise = np.random.default_rng(seed).normal(0, 4, size=(SIDE, SIDE))
    return Image.fromarray(np.clip(200 - 150 * lungs + 20 * y + noise, 0, 255).astype(np.uint8), mode="L")


def image(number, patient, **changes):
    status = dict.fromkeys(("normal", *CATEGORIES[:7]))
    values = {
        "id": number,
        "file_name": f"images/{number:08d}_000.jpg",
        "width": SIDE,
        "height": SIDE,
        "patient": patient,
        "view": "PA",
        "sex": "F",
        "age": 50,
        "reviewed_by": ["team"],
        "rsna_class": None,
        "disputed": False,
        "weak_labels": [],
    }
    return values | changes | {"status": status | changes.get("status", {})}


def annotation(image_id, label, bbox, *, primary=True):
    return {
        "image_id": image_id,
        "category_id": CATEGORIES.index(label) + 1,
        "bbox": bbox,
        "iscrowd": 0,
        "source": "team",
        "primary": primary,
    }


@pytest.fixture
def coco_splits():
    """The three annotation files as values; each film shows one rule of the adapter."""
    looked = {"lung_infiltration": 1, "cardiac_hypertrophy": 0, "pleural_thickening": 0}
    train = [
        image(1, "0001", status=looked),
        image(2, "0001", view="AP", status={"pleural_thickening": 1}),
        image(3, "0002", status={"pleural_thickening": 1}),
        image(4, "0003", disputed=True, status={"lung_infiltration": 0}),
        image(5, "0004", age=12),
        image(6, "0005", age=None, sex="M"),
    ]
    boxes = [
        annotation(1, "lung_infiltration", [100, 150.5, 80, 90]),
        annotation(1, "lung_infiltration", [105, 155, 80, 90], primary=False),
        annotation(1, "x_effusion", [300, 400, 50, 50]),
        annotation(2, "pleural_thickening", [100, 40, 90, 60]),
        annotation(3, "pleural_thickening", [100, 400, 90, 60]),
        annotation(4, "lung_infiltration", [200, 200, 50, 50]),
    ]
    val = [image(7, "0006", status={"lung_infiltration": 0})]
    test = [image(8, "0007", status=looked)]
    test_boxes = [annotation(8, "lung_infiltration", [300, 150, 80, 90])]
    categories = [{"id": number, "name": name} for number, name in enumerate(CATEGORIES, start=1)]
    parts = {"train": (train, boxes), "val": (val, []), "test": (test, test_boxes)}
    return {
        name: {"info": {}, "licenses": [], "categories": categories, "images": i, "annotations": a}
        for name, (i, a) in parts.items()
    }


@pytest.fixture
def coco_folder(tmp_path, coco_splits):
    """Return a function that writes the splits and their pictures and returns the folder."""

    def write():
        folder = tmp_path / "data"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for name, value in coco_splits.items():
            (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
            for entry in value["images"]:
                picture(entry["id"]).save(folder / entry["file_name"], quality=90)
        return folder

    return write


@pytest.fixture
def without_page(monkeypatch):
    """Leave the page for people out, which has tests of its own and is most of an import's time."""
    monkeypatch.setattr(importing, "write_page", lambda *_: None)


@pytest.fixture
def imported(tmp_path, without_page):
    """Return a function that imports a folder under a profile and returns films by id and the report."""

    def run(profile, data, **options):
        destination = tmp_path / "cohort"
        bring(profile, data, destination, seed=1, progress=lambda done, total: None, options=options)
        films = {film.film_id: film for film in cohort.load(destination / "cohort.json").films}
        return films, json.loads((destination / "dataset_report.json").read_text(encoding="utf-8"))

    return run


@pytest.fixture
def eda(tmp_path):
    """The small E-Da folder, not written yet."""
    return small(tmp_path / "eda")
