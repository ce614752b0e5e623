"""The result of one film as JSON: stable schema, findings in table order, nothing that identifies a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_sw.findings import all_findings
from device_sw.report.content import NO_MARKS, STATEMENT, conclusion, mark, score_note, training_note

if TYPE_CHECKING:
    from device_sw.detector.distribution import Placement
    from device_sw.findings import Finding
    from device_sw.report.content import AnalysisResult
    from device_sw.types import Detection, LesionMap

SCHEMA = "thoratrace/result/1"


def json_report(result: AnalysisResult, index: int) -> dict[str, Any]:
    """Return the JSON value of a result.

    Boxes are [x0, y0, x1, y1] in continuous coordinates of the stored pixel grid. A finding that the model was not trained for is ``not analysed``; a finding
    without detection is ``not marked``.
    """
    return {
        "schema": SCHEMA,
        "status": "analysed",
        **_marked(result),
        "statement": STATEMENT,
        "conclusion": conclusion(result),
        "policy": result.policy.value,
        "input": _input(result, index),
        "device": {"name": "ThoraTrace", "version": result.device_version},
        "model": _model(result),
        "findings": [_finding(result, finding) for finding in all_findings()],
        "scores": score_note(result.settings),
        "distribution": _distribution(result.placement),
        "cautions": list(result.cautions),
        "explanation": {
            "method": "EigenCAM",
            "available": result.heat_map is not None,
            "label": result.heat_map_label,
            "lesion_methods": [method.value for method in result.lesion_methods],
            "lesion_note": NO_MARKS if result.lesion_methods and not result.detections else None,
            "lesion_maps": [_lesion_map(lesion_map) for lesion_map in result.lesion_maps],
        },
        "trace": result.trace.to_json(),
    }


def _marked(result: AnalysisResult) -> dict[str, str]:
    words = mark(result.policy)
    return {} if words is None else {"mark": words}


def _input(result: AnalysisResult, index: int) -> dict[str, Any]:
    film = result.film
    return {
        "index": index,
        "content_sha256": film.content_sha256,
        "sop_instance_uid": film.sop_instance_uid,
        "rows": film.rows,
        "columns": film.columns,
        "modality": film.modality,
        "view_position": film.view_position,
        "photometric_interpretation": film.photometric,
        "transfer_syntax": film.transfer_syntax,
    }


def _model(result: AnalysisResult) -> dict[str, Any]:
    settings = result.settings
    return {
        "version": settings.model_version,
        "bundle_sha256": result.bundle_sha256,
        "preprocessing": settings.preprocessing_id,
        "profile": settings.profile,
        "budget": settings.budget,
        "engine": {"name": settings.engine.name, "version": settings.engine.version, "precision": settings.engine.precision},
        "note": training_note(settings),
    }


def _distribution(placement: Placement | None) -> dict[str, Any]:
    """Say how far the film lies from the films the model was trained on, in median distances of films held out."""
    if placement is None:
        return {"state": "not judged", "picture": None, "network": None, "limit": None}
    state = "outside" if placement.outside else "within"
    return {"state": state, "picture": placement.picture, "network": placement.network, "limit": placement.limit}


def _finding(result: AnalysisResult, finding: Finding) -> dict[str, Any]:
    found = result.of(finding)
    looked = result.looked_for(finding)
    return {
        "id": finding.id,
        "name": finding.name,
        "chinese": list(finding.chinese),
        "state": "marked" if found else "not marked" if looked else "not analysed",
        "operating_point": result.settings.thresholds[finding.id] if looked else None,
        "detections": [_detection(result, finding, detection) for detection in found],
    }


def _lesion_map(lesion_map: LesionMap) -> dict[str, Any]:
    """Return what was explained, how, and whether there is a map; the map itself is in the figure."""
    target = lesion_map.detection
    return {
        "method": lesion_map.method.value,
        "target": {"finding": target.finding, "box": list(target.box.as_tuple()), "score": target.score},
        "available": lesion_map.reason is None,
        "reason": lesion_map.reason,
        "label": lesion_map.label,
    }


def _detection(result: AnalysisResult, finding: Finding, detection: Detection) -> dict[str, Any]:
    return {
        "finding": finding.id,
        "name": finding.name,
        "box": list(detection.box.as_tuple()),
        "score": detection.score,
        "operating_point": result.settings.thresholds[finding.id],
    }
