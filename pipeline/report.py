"""Says in a few lines what a run of another profile or budget came to: its films, its figures and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.run import read_json

if TYPE_CHECKING:
    from pipeline.run import Run


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
