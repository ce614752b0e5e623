"""The numbers of a network: strict in both directions, one class a family, no training library."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from torch import nn

from device_sw.detector.architecture import ARCHITECTURES, FasterRCNNSmall, architecture_from_json
from device_sw.detector.families.registry import FAMILIES, build

from .conftest import ARCHITECTURE
from .small_architectures import SMALL_ARCHITECTURES


def test_every_family_has_a_network():
    assert set(FAMILIES) == set(ARCHITECTURES.values())


def test_the_small_ones_are_all_there_are():
    assert {*SMALL_ARCHITECTURES, ARCHITECTURE.family} == set(ARCHITECTURES)


@pytest.mark.parametrize("architecture", [ARCHITECTURE, *SMALL_ARCHITECTURES.values()], ids=lambda made: made.family)
def test_json_and_back_is_the_same_architecture(architecture):
    assert architecture_from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


def test_an_architecture_without_a_family_is_the_one_of_older_bundles():
    values = ARCHITECTURE.to_json()
    del values["family"]
    assert architecture_from_json(values) == ARCHITECTURE


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURE.to_json()) - {"family"}))
def test_no_number_is_optional(name):
    values = ARCHITECTURE.to_json()
    del values[name]
    with pytest.raises(TypeError, match=f"faster_rcnn_small without {name}"):
        architecture_from_json(values)


def test_an_unknown_number_is_refused():
    with pytest.raises(TypeError, match="dropout"):
        architecture_from_json({**ARCHITECTURE.to_json(), "dropout": 0.1})


def test_an_unknown_family_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no detector family 'yolov9'; known are faster_rcnn_small"):
        architecture_from_json({**ARCHITECTURE.to_json(), "family": "yolov9"})


def test_levels_without_anchors_are_refused():
    with pytest.raises(ValueError, match="3 lists of anchors, got 2"):
        FasterRCNNSmall(**{**_fields(ARCHITECTURE), "anchors": ARCHITECTURE.anchors[:2]})


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        ("retinanet", {"backbone": {"name": "vgg"}}, "no backbone 'vgg'; known are residual, mobilenet_v3_large, resnet50"),
        ("retinanet", {"backbone": {"name": "resnet50", "norm": "batch"}}, "norm of a backbone must be one of group, frozen"),
        ("faster_rcnn_mobilenet", {"norm": "batch"}, "norm of a backbone must be one of group, frozen"),
        ("ssdlite", {"norm": "batch"}, "norm of a backbone must be one of group, frozen"),
        ("ssd", {"widths": [8, 8, 16, 16, 16]}, "SSD needs 6 widths"),
        ("ssd", {"widths": [8, 8, 16, 16, 16, 12]}, "multiples of 8"),
        ("yolo", {"widths": [8, 16, 32, 32, 48]}, "multiples of 32"),
        ("yolo", {"anchors": [[[8, 8]]]}, "3 lists of anchors, got 1"),
        ("fcos", {"score_floor": 0.0}, "score floor"),
        ("fcos", {"classes": 0}, "there must be a finding"),
        ("fcos", {"input_size": 80}, "multiple of 32"),
    ],
)
def test_numbers_of_no_such_network_are_refused(family, changes, said):
    with pytest.raises(ValueError, match=said):
        architecture_from_json({**SMALL_ARCHITECTURES[family].to_json(), **changes})


def test_a_backbone_is_as_strict():
    with pytest.raises(TypeError, match="resnet50 without norm"):
        architecture_from_json({**SMALL_ARCHITECTURES["fcos"].to_json(), "backbone": {"name": "resnet50"}})


def test_no_network_normalises_over_a_batch():
    for architecture in SMALL_ARCHITECTURES.values():
        assert not [m for m in build(architecture).modules() if isinstance(m, nn.modules.batchnorm._NormBase)]


def test_reading_the_numbers_loads_no_torch():
    code = "import sys, device_sw.detector.bundle, device_sw.detector.regions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _fields(architecture):
    return {name: getattr(architecture, name) for name in architecture.to_json() if name != "family"}
