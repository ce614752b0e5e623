"""The same truths and detections, handed to pycocotools or another evaluation of its interface; for the tests and the studies.

Conventions: boxes as x, y, width, height; iscrowd 0 everywhere; area range "all"; at most 1, 10 and 100 detections a film and finding; findings apart.
"""

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def datasets(truths, detections, findings):
    """Return the two COCO data sets; films are numbered in the order of the truths."""
    number = {film: index for index, film in enumerate(truths, start=1)}
    frame = {
        "images": [{"id": value, "width": 4096, "height": 4096} for value in number.values()],
        "categories": [{"id": index, "name": name} for index, name in enumerate(findings, start=1)],
        "info": {},
    }
    sets = []
    for boxes, scored in ((truths, False), (detections, True)):
        rows = [
            _annotation(number[film], category, row, scored)
            for film in number
            for category, name in enumerate(findings, start=1)
            for row in np.asarray(boxes[film][name]).tolist()
        ]
        sets.append(frame | {"annotations": [row | {"id": index} for index, row in enumerate(rows, start=1)]})
    return sets


def _annotation(image, category, row, scored):
    width, height = row[2] - row[0], row[3] - row[1]
    found = {
        "image_id": image,
        "category_id": category,
        "bbox": [row[0], row[1], width, height],
        "area": width * height,
        "iscrowd": 0,
    }
    return found | {"score": row[4]} if scored else found


def evaluated(sets, ious, coco=COCO, evaluation=COCOeval):
    """Return the finished evaluation: (T, R, K, A, M) precision and (T, K, A, M) recall under ``eval``, -1 where there is no truth."""
    with contextlib.redirect_stdout(io.StringIO()):
        opened = []
        for dataset in sets:
            one = coco()
            one.dataset = dataset
            one.createIndex()
            opened.append(one)
        run = evaluation(*opened, "bbox")
        run.params.iouThrs = np.array(ious)
        run.evaluate()
        run.accumulate()
    return run


def arrays(truths, detections, findings, ious, **classes):
    """Return precision and recall arrays."""
    found = evaluated(datasets(truths, detections, findings), ious, **classes).eval
    return found["precision"], found["recall"]


def figures(precision, recall, column):
    """Return figure -> value of one finding for thresholds 0.3, 0.4, 0.5, 0.55 ... 0.95, None where the reference has no truth.

    The mean over the 101 recalls of each threshold, and over the thresholds for AP@[.5:.95] and AR, as pycocotools `summarize` forms it.
    """
    if (precision[:, :, column] == -1).all():
        return dict.fromkeys(("ap30", "ap40", "ap50", "ap75", "ap50_95", "ar1", "ar10", "ar100"))
    ap = precision[:, :, column, 0, 2].mean(axis=1)
    ar = recall[2:, column, 0].mean(axis=0)
    return {
        "ap30": ap[0],
        "ap40": ap[1],
        "ap50": ap[2],
        "ap75": ap[7],
        "ap50_95": ap[2:].mean(),
        "ar1": ar[0],
        "ar10": ar[1],
        "ar100": ar[2],
    }
