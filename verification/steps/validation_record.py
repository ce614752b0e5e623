"""Steps on the record of the validation of the shipped bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_bdd import parsers, then, when

from device_sw.findings import all_findings
from verification.steps import bundles

if TYPE_CHECKING:
    from pathlib import Path


@when("the validation record of the shipped bundle is read", target_fixture="validation")
def _validation(repository: Path) -> dict[str, Any]:
    path = repository / "artifacts" / "validation" / "validation.json"
    assert path.is_file(), "expected artifacts/validation/validation.json, observed none; run `./qms demo` first"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@then("it was made with exactly this bundle")
def _this_bundle(validation: dict[str, Any], shipped_bundle: Path) -> None:
    expected, observed = bundles.sha256(shipped_bundle / "manifest.json"), validation["device"]["bundle_sha256"]
    assert observed == expected, f"expected the bundle {expected[:12]}, observed {observed[:12]}"


@then(parsers.parse("its macro AP at IoU 0.5 over the seven findings is at least {goal:f} and above the trivial detector's"))
def _goal(validation: dict[str, Any], goal: float) -> None:
    ours, trivial = (validation[name]["ap50"]["macro"]["value"] for name in ("figures", "figures_trivial"))
    assert ours is not None, f"expected a figure, observed none: {validation['figures']['ap50']['macro']}"
    assert ours >= goal, f"expected at least {goal}, observed {ours}"
    assert trivial is not None, "expected a figure of the trivial detector, observed none"
    assert ours > trivial, f"expected more than the trivial detector's {trivial}, observed {ours}"


@then("it gives each of the seven findings a figure with a patient-level bootstrap interval")
def _each(validation: dict[str, Any]) -> None:
    figures = validation["figures"]["ap50"]
    for row in all_findings():
        figure = figures.get(row.id, {})
        interval = figure.get("interval") or {}
        assert figure.get("value") is not None, f"expected a figure for {row.id}, observed {figure}"
        assert interval.get("replicates", 0) >= 500, f"expected a bootstrap interval for {row.id}, observed {interval}"
        assert interval["low"] <= figure["value"] <= interval["high"], (
            f"expected {figure['value']} inside its interval, observed {interval}"
        )
