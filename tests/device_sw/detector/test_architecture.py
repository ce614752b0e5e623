"""The numbers of a network: strict in both directions, one class a family, no training library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from device_sw.detector.architecture import ARCHITECTURES, FasterRCNNSmall, architecture_from_json
from device_sw.detector.families.registry import FAMILIES

from .conftest import ARCHITECTURE


def test_every_family_has_a_network():
    assert set(FAMILIES) == set(ARCHITECTURES.values())


def test_json_and_back_is_the_same_architecture():
    assert architecture_from_json(ARCHITECTURE.to_json()) == ARCHITECTURE


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
    with pytest.raises(ValueError, match="3 lists of anchors and 4 widths"):
        FasterRCNNSmall(**{**_fields(ARCHITECTURE), "anchors": ARCHITECTURE.anchors[:2]})


def test_reading_the_numbers_loads_no_torch():
    code = "import sys, device_sw.detector.bundle, device_sw.detector.regions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _fields(architecture):
    return {name: getattr(architecture, name) for name in architecture.to_json() if name != "family"}
