"""A prepared data set small enough to train on in a test: bright discs and bars on noise."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.training.configuration import NetworkSize, TrainingConfiguration, TransferConfiguration
from pipeline.training.dataset import quantise, write_split
from pipeline.training.sampling import Sampling

SIZE = 64


def _film(generator):
    image = generator.normal(0.4, 0.03, (SIZE, SIZE)).astype(np.float32)
    boxes, labels = [], []
    for label, (width, height) in enumerate([(20, 16), (8, 30)], start=1):
        x, y = generator.integers(0, SIZE - width), generator.integers(0, SIZE - height)
        image[y : y + height, x : x + width] += 0.3
        boxes.append([float(x), float(y), float(x + width), float(y + height)])
        labels.append(label)
    return quantise(np.clip(image, 0, 1)), boxes, labels


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Folder with 8 training and 3 validation films of 64 px, two findings on each."""
    folder = tmp_path_factory.mktemp("prepared")
    generator = np.random.default_rng(3)
    for split, count in (("train", 8), ("val", 3)):
        made = [_film(generator) for _ in range(count)]
        rows = [{"film_id": f"{split}{i}", "boxes": boxes, "labels": labels} for i, (_, boxes, labels) in enumerate(made)]
        write_split(folder, split, np.stack([pixels for pixels, _, _ in made]), rows)
    return folder


@pytest.fixture(scope="session")
def configuration():
    """A configuration of a few seconds; every layer and every loss takes part."""
    sizes = {"widths": [8, 16, 16, 16], "blocks": 1, "pyramid": 16, "box_head": 16}
    counts = {"proposals_train": 40, "proposals_test": 20, "anchors_per_level": 2}
    network = NetworkSize("faster_rcnn_small", {**sizes, **counts})
    return TrainingConfiguration(
        findings=("cardiac_hypertrophy", "scoliosis"),
        seed=5,
        epochs=2,
        batch=4,
        learning_rate=0.02,
        momentum=0.9,
        weight_decay=0.0005,
        warmup_steps=2,
        clip_norm=5.0,
        average_decay=0.9,
        patience=2,
        rotation_deg=5.0,
        exposure=0.1,
        sampling=Sampling.EVERY_FILM,
        scales=(1.0,),
        focal_gamma=0.0,
        transfer=TransferConfiguration(None, ("backbone",), (), 1.0),
        network=network,
    )
