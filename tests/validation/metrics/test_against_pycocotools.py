"""The matching, AP and AR equal pycocotools on random finite cases, ties included."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from validation.metrics import average_precision as ap
from validation.metrics.matching import COCO_IOUS, match

FINDINGS = ("one", "two")


def random_boxes(generator, count):
    corner = generator.integers(0, 24, size=(count, 2))
    size = generator.integers(1, 24, size=(count, 2))
    return np.unique(np.hstack([corner, corner + size]), axis=0).astype(float)


def random_case(seed):
    """A few films with boxes on an integer grid and scores of one decimal, so that IoU and score ties are frequent; up to 130 detections a film."""
    generator = np.random.default_rng(seed)
    truths, detections = {}, {}
    for film in range(generator.integers(1, 7)):
        truths[f"f{film}"] = {name: random_boxes(generator, generator.integers(0, 5)) for name in FINDINGS}
        detections[f"f{film}"] = {name: _random_detections(generator, truths[f"f{film}"][name]) for name in FINDINGS}
    return truths, detections


def _random_detections(generator, truth):
    count = generator.choice([0, 1, 3, 12, 130], p=[0.2, 0.2, 0.3, 0.2, 0.1])
    noise = random_boxes(generator, count)
    near = truth + generator.integers(-2, 3, size=truth.shape) if generator.random() < 0.8 else truth[:0]
    near = near[(near[:, 2] > near[:, 0]) & (near[:, 3] > near[:, 1])]
    boxes = np.unique(np.vstack([noise, near]), axis=0)
    generator.shuffle(boxes)
    return np.hstack([boxes, generator.integers(0, 11, size=(len(boxes), 1)) / 10])


def reference(truths, detections, ious):
    """Return pycocotools' (T, R, K, A, M) precision and (T, K, A, M) recall."""
    number = {film: index for index, film in enumerate(truths, start=1)}
    categories = [{"id": index, "name": name} for index, name in enumerate(FINDINGS, start=1)]
    annotations = [
        {"image_id": number[film], "category_id": category["id"], "bbox": [*box[:2], *(box[2:] - box[:2])], "iscrowd": 0}
        for film, found in truths.items()
        for category in categories
        for box in found[category["name"]]
    ]
    results = [
        {"image_id": number[film], "category_id": category["id"], "bbox": [*row[:2], *(row[2:4] - row[:2])], "score": row[4]}
        for film, found in detections.items()
        for category in categories
        for row in found[category["name"]]
    ]
    for index, annotation in enumerate(annotations, start=1):
        annotation |= {"id": index, "area": annotation["bbox"][2] * annotation["bbox"][3]}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": value} for value in number.values()],
            "categories": categories,
            "annotations": annotations,
            "info": {},
        }
        truth.createIndex()
        found = COCO()
        found.dataset = {
            **truth.dataset,
            "annotations": [
                {**row, "id": index, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
                for index, row in enumerate(results, start=1)
            ],
        }
        found.createIndex()
        run = COCOeval(truth, found, "bbox")
        run.params.iouThrs = np.array(ious)
        run.evaluate()
        run.accumulate()
    return run.eval["precision"], run.eval["recall"]


@pytest.mark.parametrize("block", range(10))
def test_ap_and_ar_equal_pycocotools_within_1e_12(block):
    ious = (0.3, 0.4, *COCO_IOUS)
    compared = 0
    for seed in range(block * 20, block * 20 + 20):
        truths, detections = random_case(seed)
        precision, recall = reference(truths, detections, ious)
        matched = match(truths, detections, FINDINGS, ious)
        for column, name in enumerate(FINDINGS):
            if matched[name].truth_count == 0:
                assert (precision[:, :, column] == -1).all()
                assert ap.average_precision(matched[name], ious).value is None
                continue
            for row, iou in enumerate(ious):
                assert ap.average_precision(matched[name], (iou,)).value == pytest.approx(
                    precision[row, :, column, 0, 2].mean(), abs=1e-12
                )
            for place, most in enumerate((1, 10, 100)):
                expected = recall[2:, column, 0, place].mean()
                assert ap.average_recall(matched[name], most).value == pytest.approx(expected, abs=1e-12)
            compared += 1
    assert compared > 15
