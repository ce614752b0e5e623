"""The way into each detector family: the detection is found again, what the head sees gives its score, and a window is as good as the whole level."""

from collections import OrderedDict
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn
from torchvision.models import detection

from device_sw.detector.activations import Reading, Sought, Tolerance, explainable, of_bundle
from device_sw.detector.bundle import load_bundle
from device_sw.detector.eager import eager_network

from .small_architectures import SMALL_ARCHITECTURES, undecided

SMALL = {"weights": None, "weights_backbone": None, "num_classes": 4, "min_size": 96, "max_size": 96}
FIXED = {"weights": None, "weights_backbone": None, "num_classes": 4, "score_thresh": 0.0}
FAMILIES = {
    "faster r-cnn, resnet-50 fpn": lambda: detection.fasterrcnn_resnet50_fpn(**SMALL, box_score_thresh=0.0),
    "faster r-cnn, resnet-50 fpn v2": lambda: detection.fasterrcnn_resnet50_fpn_v2(**SMALL, box_score_thresh=0.0),
    "faster r-cnn, mobilenet fpn": lambda: detection.fasterrcnn_mobilenet_v3_large_fpn(**SMALL, box_score_thresh=0.0),
    "retinanet": lambda: detection.retinanet_resnet50_fpn(**SMALL, score_thresh=0.0),
    "retinanet v2": lambda: detection.retinanet_resnet50_fpn_v2(**SMALL, score_thresh=0.0),
    "fcos": lambda: detection.fcos_resnet50_fpn(**SMALL, score_thresh=0.0),
    "ssd": lambda: detection.ssd300_vgg16(**FIXED),
    "ssdlite": lambda: detection.ssdlite320_mobilenet_v3_large(**FIXED),
    **{f"our {name}": partial(undecided, architecture) for name, architecture in SMALL_ARCHITECTURES.items()},
}
TOLERANCE = Tolerance(box=0.05, score=1e-5)
EXTENT = (80.0, 96.0)


class Case:
    """A randomly initialised detector, a picture, its reading, its four best answers and what they were read from."""

    def __init__(self, make):
        torch.manual_seed(3)
        network = make().eval()
        self.pixels = torch.rand(len(network.transform.image_mean), 96, 80)
        with torch.no_grad():
            output = network([self.pixels])[0]
        rows = list(zip(output["labels"].tolist(), output["boxes"].tolist(), output["scores"].tolist(), strict=True))[:4]
        self.sought = [Sought(label, tuple(box), score) for label, box, score in rows]
        self.detector = explainable(network)
        with torch.no_grad():
            self.reading = self.detector.read(self.pixels)
        self.targets = self.detector.targets(self.reading, self.sought, EXTENT, TOLERANCE)


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def case(request):
    return Case(FAMILIES[request.param])


def changed(case, target, features):
    """Return the reading with other features at the target's level."""
    levels = OrderedDict(case.reading.levels)
    levels[list(levels)[target.level]] = features
    return Reading(levels, case.reading.images, case.reading.input_size)


def test_what_the_head_sees_gives_the_score_of_the_detection(case):
    assert case.sought
    for target, sought in zip(case.targets, case.sought, strict=True):
        odds = case.detector.log_odds(case.detector.seen(case.reading, target), target)
        assert odds.shape == (1,)
        assert float(odds.sigmoid()) == pytest.approx(sought.score, abs=1e-5)


def test_a_channel_taken_out_of_what_the_head_sees_is_a_channel_taken_out_of_the_level(case):
    target = case.targets[0]
    for channel in (0, 5):
        seen = case.detector.seen(case.reading, target).clone()
        seen[:, channel] = 0.0
        features = case.reading.level(target).clone()
        features[:, channel] = 0.0
        through = case.detector.seen(changed(case, target, features), target)
        assert torch.allclose(case.detector.log_odds(seen, target), case.detector.log_odds(through, target), atol=1e-5)


def test_nothing_beyond_what_the_head_sees_moves_the_score(case):
    target = case.targets[0]
    features = case.reading.level(target).clone().requires_grad_()
    seen = case.detector.seen(changed(case, target, features), target)
    (gradient,) = torch.autograd.grad(case.detector.log_odds(seen, target).sum(), features)
    assert float(gradient.abs().max()) > 0.0
    assert case.detector.log_odds(seen.repeat(3, 1, 1, 1), target).shape == (3,)


def test_the_place_of_what_the_head_sees_lies_on_the_picture(case):
    height, width = case.reading.images.image_sizes[0]
    padded = case.reading.images.tensors.shape[-1] / width, case.reading.images.tensors.shape[-2] / height
    for target in case.targets:
        x0, y0, x1, y1 = case.detector.place(case.reading, target)
        assert 0.0 <= x0 < x1 <= EXTENT[0] * padded[0] + 1e-3
        assert 0.0 <= y0 < y1 <= EXTENT[1] * padded[1] + 1e-3


@pytest.mark.parametrize("name", ["retinanet", "ssd"])
def test_the_window_lies_around_the_anchor_that_gave_the_detection(name):
    case = Case(FAMILIES[name])
    levels = list(case.reading.levels.values())
    boxes = case.detector.network.anchor_generator(case.reading.images, levels)[0]
    scale = torch.tensor([80 / case.reading.images.image_sizes[0][1], 96 / case.reading.images.image_sizes[0][0]])
    for target in case.targets:
        before = sum(f.shape[-2] * f.shape[-1] * a for f, a in list(zip(levels, anchors(case), strict=True))[: target.level])
        index = (
            before + (target.row * levels[target.level].shape[-1] + target.column) * anchors(case)[target.level] + target.anchor
        )
        x, y = ((boxes[index, :2] + boxes[index, 2:]) / 2 * scale).tolist()
        x0, y0, x1, y1 = case.detector.place(case.reading, target)
        assert x0 <= x <= x1
        assert y0 <= y <= y1


def test_a_detection_that_the_network_does_not_make_has_no_target(case):
    first = case.sought[0]
    moved = replace(first, box=tuple(edge + 7.31 for edge in first.box))
    other_score = replace(first, score=first.score / 2 + 0.3)
    found = case.detector.targets(case.reading, [moved, first, other_score], EXTENT, TOLERANCE)
    assert found[1] is not None
    assert found[2] is None
    assert found[0] is None or found[0] != found[1]


def test_gradients_reach_the_pixels(case):
    pixels = case.pixels.clone().requires_grad_()
    with torch.enable_grad():
        odds = case.detector.log_odds(case.detector.seen(case.detector.read(pixels), case.targets[0]), case.targets[0])
    (gradient,) = torch.autograd.grad(odds.sum(), pixels)
    assert gradient.shape == pixels.shape
    assert float(gradient.abs().sum()) > 0.0


@pytest.mark.parametrize("name", ["retinanet", "ssd", "ssdlite"])
def test_a_window_gives_what_the_whole_level_gives(name):
    case = Case(FAMILIES[name])
    for target in case.targets:
        seen = case.detector.seen(case.reading, target)
        level = case.reading.level(target)
        noisy = level + 0.3 * torch.randn(level.shape, generator=torch.Generator().manual_seed(4))
        window = case.detector.seen(changed(case, target, noisy), target)
        assert window.shape == seen.shape
        with torch.no_grad():
            outputs = case.detector.network.head(
                [noisy if n == target.level else f for n, f in enumerate(case.reading.levels.values())]
            )
        before = sum(
            f.shape[-2] * f.shape[-1] * a
            for f, a in list(zip(case.reading.levels.values(), anchors(case), strict=True))[: target.level]
        )
        index = before + (target.row * level.shape[-1] + target.column) * anchors(case)[target.level] + target.anchor
        logits = outputs["cls_logits"][0, index]
        others = torch.cat([logits[: target.label], logits[target.label + 1 :]])
        expected = logits[target.label] - (0.0 if name == "retinanet" else torch.logsumexp(others, 0))
        assert float(case.detector.log_odds(window, target)) == pytest.approx(float(expected), abs=1e-4)


def anchors(case):
    return case.detector.network.anchor_generator.num_anchors_per_location()


def test_the_bundles_own_network_makes_the_released_candidates(pristine):
    bundle = load_bundle(pristine)
    detector = of_bundle(bundle)
    film = bundle.golden_inputs["film_0"]
    reading = detector.read(torch.from_numpy(film)[None])
    findings = list(bundle.settings.findings)
    golden = bundle.golden_outputs["film_0"].candidates
    sought = [Sought(findings.index(row["finding"]) + 1, tuple(row["box"]), row["score"]) for row in golden]
    assert sought
    assert None not in detector.targets(reading, sought, (64.0, 64.0), Tolerance(0.5, 1e-4))


def test_a_network_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="no way to look into a Linear"):
        explainable(nn.Linear(1, 1))


def test_the_weights_are_frozen_and_the_network_evaluates(pristine):
    network = eager_network(load_bundle(pristine)).train()
    explainable(network)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
