"""What the figures say they were made from and judged by, beside what lies here: build, protocol, cohort. Read with suspicion, judged elsewhere.

The pipeline's lock binds files to files. It does not say that a record names the model it was made with, or that its verdicts follow from its own
figures: both are statements inside a file, and are counted again here without the code that wrote them.

Source: traceability reference 5.9; IEC 62304 5.7.5, 5.8.4; FDA AI-enabled device software guidance (draft), test data independent of training data.
"""

from __future__ import annotations

import ast
import json
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from verification.trace.assembly import VALIDATION
from verification.trace.executed_protocol import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREDICTIONS = "artifacts/predictions/predictions.json"
COHORT = "artifacts/cohort/cohort.json"
MANIFEST = "artifacts/bundle/manifest.json"
VERSION = "device_sw/_version.py"
PARAMS = "params.yaml"


@dataclass(frozen=True)
class Statement:
    """What one file says of the build it belongs to; None where it says nothing.

    Attributes:
        where: the file.
        device_version: of the device software.
        model_version: of the model.
        bundle_sha256: of the bundle's manifest.
    """

    where: str
    device_version: str | None = None
    model_version: str | None = None
    bundle_sha256: str | None = None


@dataclass(frozen=True)
class ValidatedBuild:
    """Everything that has to agree.

    Attributes:
        here: versions as the sources state them, and the hash of the bundle that lies here.
        stated: what the bundle, the predictions and the validation record state; files that do not exist are left out.
        owed: endpoints of the protocol for the profile and budget of the parameters, by id.
        places: ``file:line`` of each of those endpoints.
        splits: patient to the splits of the cohort that hold a film of this patient.
        contents: SHA-256 of a film to the splits that hold it.
    """

    here: Statement = field(default_factory=lambda: Statement(PARAMS))
    stated: tuple[Statement, ...] = ()
    owed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    contents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_validated_build(root: Path, bundle_sha256: str | None) -> ValidatedBuild:
    """Read the statements; ``bundle_sha256`` is that of the manifest as it lies here. Never raises: what cannot be read states nothing."""
    params = _yaml(root / PARAMS)
    owed, places = _owed(root, str(params.get("profile")), str(params.get("budget")))
    films = _json(root / COHORT).get("films")
    known = [film for film in films if isinstance(film, dict)] if isinstance(films, list) else []
    return ValidatedBuild(
        here=Statement(PARAMS, _version(root), _text(params.get("model_version")), bundle_sha256),
        stated=tuple(_stated(root)),
        owed=owed,
        places=places,
        splits=_by(known, "patient_id"),
        contents=_by(known, "sha256"),
    )


def _stated(root: Path) -> list[Statement]:
    found = []
    for name, keys in ((VALIDATION, ("device",)), (PREDICTIONS, ()), (MANIFEST, ())):
        data = _json(root / name)
        for key in keys if data else ():
            inner = data.get(key)
            data = inner if isinstance(inner, dict) else {"": None}
        if data:
            stated = (_text(data.get(key)) for key in ("device_version", "model_version", "bundle_sha256"))
            found.append(Statement(name, *stated))
    return found


def _by(films: list[dict[str, Any]], key: str) -> dict[str, tuple[str, ...]]:
    table: dict[str, set[str]] = defaultdict(set)
    for film in films:
        table[str(film.get(key))].add(str(film.get("split")))
    return {name: tuple(sorted(splits)) for name, splits in table.items()}


def _owed(root: Path, profile: str, budget: str) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the endpoints that the protocol sets for a profile and budget, with the line of each id."""
    try:
        text = (root / PROTOCOL).read_text(encoding="utf-8")
        sets = stated_protocol(text).get("set", [])
        chosen = [each for each in sets if each.get("profile") == profile and budget in each.get("budgets", ())]
        owed = {str(each["id"]): dict(each) for one in chosen for each in one.get("endpoint", ())}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, {}
    return owed, {name: f"{PROTOCOL}:{_line(text, name)}" for name in owed}


@lru_cache(maxsize=4)
def stated_protocol(text: str) -> Mapping[str, Any]:
    """Return what the protocol states, unjudged; remembered by its text, because a campaign of mutants reads the same one thousands of times.

    Raises:
        ValueError: no TOML.
    """
    return MappingProxyType(tomllib.loads(text))


def owed_endpoints(root: Path) -> dict[str, dict[str, Any]]:
    """Return the endpoints that the protocol sets for its locked cohort, by id; none where it plans none."""
    try:
        plan = stated_protocol((root / PROTOCOL).read_text(encoding="utf-8"))["locked"]
        profile, budget = str(plan["profile"]), str(plan["budget"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return _owed(root, profile, budget)[0]


def _line(text: str, endpoint: str) -> int:
    """Return the line of the first endpoint of this id; ids repeat from set to set, and the place of one is enough to find the others."""
    found = (number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == f'id = "{endpoint}"')
    return next(found, 1)


def _version(root: Path) -> str | None:
    """Return the version that the device's source states, without running it."""
    try:
        tree = ast.parse((root / VERSION).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and ast.unparse(node.targets[0]) == "__version__"
        ):
            return _text(node.value.value)
    return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
