"""The plan of post-market surveillance as data: windows, and each indicator with its records, the way it is summed up, its limits, and who acts.

An indicator may name only what the device really writes: fields of an audit line are read from the code that writes it, fields of a result from its published
schema. So a plan cannot rest on records that do not exist. An indicator is either summed up by a program, which the plan names with the rules of its limits,
or the plan says why no program can.

Source: MDR Annex III 1.1(b) (indicators and thresholds); ISO 14971 10.1 to 10.3.
"""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.file_error import FileError
from pipeline.handwritten import HS, require_known, sound, value_of
from requirements_spec.datafile import Table, Tables, Text, Texts, Whole

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

PLAN = "docs/surveillance.toml"
WRITER, IDENTITY, RESULTS = "device_sw/batch/run.py", "device_sw/batch/examination.py", "docs/schemas/result.schema.json"
_LINE, _MADE_BY = "_line", "Identity"
_CHAIN = frozenset({"previous"})
"""What the trail itself adds to each line."""

RULES = {
    "refused-share": frozenset({"three-standard-deviations", "twice-baseline"}),
    "failed-count": frozenset({"first-occurrence"}),
    "marked-share": frozenset({"three-standard-deviations", "seven-together"}),
    "unlike-share": frozenset({"three-standard-deviations", "median-outside-quartiles", "kolmogorov-smirnov"}),
    "scores": frozenset({"median-outside-quartiles", "kolmogorov-smirnov"}),
    "installed": frozenset({"released", "one-after-an-update"}),
}
"""Ways of summing up that programs exist for, each with the rules of limits that it can apply."""

_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/surveillance/1"})),
        "window": Table(
            {
                "films": Whole(1, 1_000_000),
                "reason": Text(),
                "baseline_films": Whole(1, 1_000_000),
                "baseline_reason": Text(),
                "least_films": Whole(1, 1_000_000),
                "least_scores": Whole(1, 1_000_000),
                "least_reason": Text(),
            }
        ),
        "indicator": Tables(
            Table(
                {
                    "id": Text(pattern=r"PMI-\d{2}"),
                    "title": Text(),
                    "asks": Text(),
                    "records": Texts(each=Text(pattern=r"(audit|result):[a-z0-9_]+"), least=0),
                    "formula": Text(),
                    "chart": Text(choices=frozenset({"share", "count", "level"})),
                    "limit": Text(),
                    "summed_by": Text(choices=frozenset(RULES), required=False),
                    "rules": Texts(each=Text(choices=frozenset().union(*RULES.values())), required=False),
                    "not_summed": Text(required=False),
                    "action": Text(),
                    "owner_role": Text(),
                    "situations": Texts(each=HS),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """How inputs are gathered into windows, and how many of what are enough for a judgement; the fields are those of the plan."""

    films: int
    reason: str
    baseline_films: int
    baseline_reason: str
    least_films: int
    least_scores: int
    least_reason: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing that is watched; the fields are those of the plan.

    Attributes:
        summed_by: the way of summing up, a key of `RULES`; empty where no program can.
        rules: by which its limits are judged.
        not_summed: why no program can, empty where one does.
    """

    id: str
    title: str
    asks: str
    records: tuple[str, ...]
    formula: str
    chart: str
    limit: str
    action: str
    owner_role: str
    situations: tuple[str, ...]
    summed_by: str = ""
    rules: tuple[str, ...] = ()
    not_summed: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The windows, the indicators in the order of the file, and the SHA-256 of the file."""

    window: WindowPlan
    indicators: tuple[Indicator, ...]
    sha256: str


def load_plan(root: Path, situations: Collection[str], name: str = PLAN) -> Plan:
    """Return the plan.

    Args:
        root: of the repository.
        situations: ids of the hazardous situations of the risk file.
        name: of the file below the root; a site may have fixed windows of its own.

    Raises:
        FileError: FILE-DATA, the file does not hold what it must; FILE-CONTENT, an indicator names a record, a situation or a rule that does not exist,
            or says neither how it is summed up nor why it is not.
    """
    document = sound(root, name, _TABLE, ("indicator",))
    written = {f"audit:{field}" for field in audit_fields(root)} | {f"result:{field}" for field in result_fields(root)}
    indicators = tuple(value_of(Indicator, row.data) for row in document.rows("indicator"))
    for indicator in indicators:
        where = f"{name} {indicator.id}"
        require_known(where, indicator.records, written, "record of the device")
        require_known(where, indicator.situations, situations, "hazardous situation")
        _require_summed(where, indicator)
    return Plan(WindowPlan(**document.data["window"]), indicators, hashlib.sha256((root / name).read_bytes()).hexdigest())


def _require_summed(where: str, indicator: Indicator) -> None:
    if bool(indicator.summed_by) == bool(indicator.not_summed):
        found = "both summed_by and not_summed" if indicator.summed_by else "neither summed_by nor not_summed"
        raise FileError("FILE-CONTENT", where, found, "how it is summed up, or why it cannot be", "keep one of the two")
    if bool(indicator.rules) != bool(indicator.summed_by):
        found = "rules of what is not summed up" if indicator.rules else "no rules"
        raise FileError("FILE-CONTENT", where, found, "rules of the limits of what is summed up", "write or remove the rules")
    if indicator.summed_by:
        require_known(where, indicator.rules, RULES[indicator.summed_by], f"rule of {indicator.summed_by}")


def audit_fields(root: Path) -> frozenset[str]:
    """Return the fields of an audit line, from the code that writes it: the keys of its dictionary, the identity it unfolds, and the link of the chain.

    Raises:
        FileError: FILE-CONTENT, the code that writes a line is not where it was.
    """
    writer, identity = _tree(root, WRITER), _tree(root, IDENTITY)
    keys = {
        key.value
        for function in ast.walk(writer)
        if isinstance(function, ast.FunctionDef) and function.name == _LINE
        for written in ast.walk(function)
        if isinstance(written, ast.Dict)
        for key in written.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    made_by = {
        field.target.id
        for held in ast.walk(identity)
        if isinstance(held, ast.ClassDef) and held.name == _MADE_BY
        for field in held.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    if not (keys and made_by):
        found = f"no {_LINE} with a dictionary, or no {_MADE_BY}"
        raise FileError(
            "FILE-CONTENT", f"{WRITER}, {IDENTITY}", found, "the code that writes an audit line", "name it in plan.py"
        )
    return frozenset(keys | made_by | _CHAIN)


def _tree(root: Path, name: str) -> ast.Module:
    return ast.parse((root / name).read_text(encoding="utf-8"))


def result_fields(root: Path) -> frozenset[str]:
    """Return the fields of a result, from its published schema."""
    schema: dict[str, Any] = json.loads((root / RESULTS).read_text(encoding="utf-8"))
    return frozenset(schema["properties"])
