"""Asks the finished device about DICOM files and writes down what it says; every prediction that is ever judged comes from here.

A refusal is an outcome with its code, never a gap. The record of many outcomes names device, bundle, policy and operating points, so that nobody can mix two
devices' predictions; `validation.predictions` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_sw.detector.parity import detections_to_json
from device_sw.errors import InputRefused
from validation.predictions import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from device_sw.device import Device


def outcome_of(device: Device, path: Path) -> dict[str, Any]:
    """Return what the device says of one file: its candidates above the score floor, or the code of its refusal.

    Raises:
        InferenceFailed: the network gave no result; that is a defect of the device and no outcome.
    """
    try:
        result = device.analyse(path, explain=False)
    except InputRefused as refusal:
        return {"status": "refused", "code": refusal.code, "candidates": []}
    return {"status": "analysed", "code": None, "candidates": detections_to_json(result.candidates)}


def predictions_of(device: Device, outcomes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the predictions of one device as plain values of the schema that `validation.predictions.load` reads.

    Args:
        device: who was asked.
        outcomes: one for each film: ``film_id`` beside what `outcome_of` returned.
    """
    return {
        "schema": SCHEMA,
        "device_version": device.version,
        "model_version": device.settings.model_version,
        "bundle_sha256": device.bundle_sha256,
        "policy": str(device.policy),
        "findings": list(device.settings.findings),
        "thresholds": dict(device.settings.thresholds),
        "films": list(outcomes),
    }
