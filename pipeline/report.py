"""Says in a few lines what a run of another profile or budget came to: its films, its figures and where they lie."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.repository import commit
from pipeline.run import REPOSITORY, file_sha256, read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.run import Run

KEPT = (
    "profile",
    "budget",
    "films_are",
    "statement",
    "protocol",
    "endpoints",
    "films",
    "refused",
    "exclusions",
    "figures",
    "figures_trivial",
    "device",
)
"""What is kept of validation.json when a run becomes dated evidence."""


def endpoint_line(endpoint: dict[str, Any]) -> str:
    """Return one endpoint of validation.json with its interval and goal.

    >>> endpoint_line({"id": "ap50-macro", "value": 0.7, "interval": {"low": 0.6, "high": 0.8}, "threshold": 0.65, "reason": None})
    'ap50-macro 0.700 [0.600, 0.800] (goal 0.65)'
    >>> endpoint_line({"id": "ap50-macro", "value": None, "interval": None, "threshold": 0.65, "reason": "no truth boxes"})
    'ap50-macro undefined: no truth boxes (goal 0.65)'
    """
    if endpoint["value"] is None:
        return f"{endpoint['id']} undefined: {endpoint['reason']} (goal {endpoint['threshold']})"
    interval = endpoint["interval"]
    between = f" [{interval['low']:.3f}, {interval['high']:.3f}]" if interval else ""
    return f"{endpoint['id']} {endpoint['value']:.3f}{between} (goal {endpoint['threshold']})"


def summarise(run: Run) -> str:
    """Return the run's films, endpoints and place as lines of text."""
    record = read_json(run.artifact("validation") / "validation.json")
    films = record["films"]
    head = [
        f"{record['profile']}/{record['budget']}: {record['films_are']}",
        f"statement: {record['statement']}",
        f"test films {films['test']}, analysed {films['analysed']}, scored {films['scored']} of {films['scored_patients']} patients",
        f"refused: {record['refused'] or 'none'}",
    ]
    endpoints = [f"{'passed' if e['passed'] else 'NOT PASSED'}: {endpoint_line(e)}" for e in record["endpoints"]]
    return "\n".join([*head, *endpoints, f"results: {run.artifact('validation')}"])


def keep(run: Run, destination: Path) -> None:
    """Write the run's figures as dated evidence: what was judged, by which code, data and parameters.

    Args:
        run: a finished run.
        destination: the JSON file to write, by habit under ``evidence/``.
    """
    record = read_json(run.artifact("validation") / "validation.json")
    params = {name: value for name, value in run.params().items() if name != "data"}
    write_json(
        destination,
        {
            "schema": "thoratrace/run-evidence/1",
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(REPOSITORY),
            "params": params,
            "cohort_sha256": file_sha256(run.artifact("cohort") / "cohort.json"),
            "weights_sha256": file_sha256(run.artifact("training") / "weights.safetensors"),
            "validation_sha256": file_sha256(run.artifact("validation") / "validation.json"),
            "validation": {name: record[name] for name in KEPT},
            "subgroups": record["subgroups"],
        },
    )
