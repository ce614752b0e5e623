"""Where the model came from: the canonical entries of dvc.lock, the bundle they end in, and whether both still belong to this source tree.

dvc.lock says what the pipeline last made and from what. It is believed only after its own claims are recomputed: inputs against the tree, parameters
against params.yaml, outputs against the next stage's inputs and, up to a size, against the disk. This module never starts DVC and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from verification.trace.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REHASH_LIMIT = 64_000_000
"""Bytes: larger outputs (films, arrays) are compared stage to stage only; DVC itself rehashes them before every run."""

IGNORED = frozenset({"__pycache__", ".venv", ".git"})
"""Folder names that .dvcignore keeps out of a folder's hash."""


class LineageError(Exception):
    """The lineage cannot be stated; the message says which part is absent and which command makes it."""


@dataclass(frozen=True, slots=True)
class StaleStage:
    """A stage of dvc.lock that no longer describes what lies in the tree."""

    stage: str
    what: str
    locked: str
    found: str


def read_lineage(root: Path, stages: tuple[str, ...]) -> dict[str, Any]:
    """Return the canonical lineage of the named stages and the model they lead to.

    Sizes and file counts are left out: the hash says it all. Keys: ``stages`` (name to cmd, deps, params, outs) and ``model``
    (``version``, ``weights_sha256``, ``bundle_sha256`` of the manifest).

    Raises:
        LineageError: dvc.lock, one of the stages or the bundle is absent or unreadable, or the weights are not those of the manifest.
    """
    locked = read_lock(root)
    missing = [name for name in stages if name not in locked]
    if missing:
        raise LineageError(f"dvc.lock has no entry for stage {', '.join(missing)}; run ./qms demo")
    return {"stages": {name: _canonical(locked[name]) for name in stages}, "model": _model(root)}


def read_lock(root: Path) -> dict[str, Any]:
    """Return the stages of dvc.lock as DVC wrote them.

    Raises:
        LineageError: no dvc.lock, or not the shape DVC writes.
    """
    try:
        stages = read_yaml(root / "dvc.lock")["stages"]
    except OSError as err:
        raise LineageError("no dvc.lock; run ./qms demo") from err
    except (KeyError, TypeError, ValueError) as err:
        raise LineageError(f"dvc.lock is unreadable ({type(err).__name__}); restore it, or run ./qms demo") from err
    if not isinstance(stages, dict):
        raise LineageError("dvc.lock holds no table of stages; restore it, or run ./qms demo")
    odd = [name for name, entry in stages.items() if not _is_stage(entry)]
    if odd:
        raise LineageError(
            f"dvc.lock has an entry for stage {odd[0][:60]} that DVC does not write; restore it, or run ./qms demo"
        )
    return dict(stages)


def read_yaml(path: Path) -> Any:
    """Return a YAML file of plain values: texts, numbers, truth values, lists, and tables with texts as keys.

    What DVC and people write has no aliases, so a value that stands in two places is refused, and with it text that grows when it is followed.

    Raises:
        OSError: the file cannot be read.
        ValueError: not UTF-8, not YAML, nested too deep, an alias, or a value or key that is not plain.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        _only_shallow(text)
        value = yaml.load(text, Loader=_LOADER)  # noqa: S506 - the C form of the safe loader, or the safe loader
        _only_plain(value)
    except (yaml.YAMLError, RecursionError) as err:
        raise ValueError(f"{path.name} is no plain YAML ({type(err).__name__})") from err
    return value


DEEPEST_YAML = 32
"""Levels of nesting; dvc.lock has six."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _only_shallow(text: str) -> None:
    """Refuse aliases and deep nesting before anything is built: the builder in C follows nesting by recursion until the process dies."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("an alias")  # noqa: TRY004 - a value of the file, not of the program
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST_YAML:
            raise ValueError(f"nested deeper than {DEEPEST_YAML} levels")


def _only_plain(value: object) -> None:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _only_plain(each)
        if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
            raise ValueError("a key that is no text")
    elif not (value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))):
        raise ValueError(f"a {type(value).__name__}")


def _is_stage(entry: object) -> bool:
    """Say whether an entry has the shape DVC writes: sides are lists of tables with a path, sizes are whole, parameters are tables by file."""
    if not isinstance(entry, dict):
        return False
    sides = [entry.get(side) or [] for side in ("deps", "outs")]
    params = entry.get("params") or {}
    return (
        all(isinstance(side, list) and all(_is_hashed(item) for item in side) for side in sides)
        and isinstance(params, dict)
        and all(isinstance(values, dict) for values in params.values())
    )


def _is_hashed(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("path"), str) and isinstance(item.get("size", 0), int)


def _canonical(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "cmd": str(entry.get("cmd", "")),
        "deps": _hashes(entry, "deps"),
        "params": dict(entry.get("params") or {}),
        "outs": _hashes(entry, "outs"),
    }


def _hashes(entry: dict[str, Any], side: str) -> dict[str, str]:
    return {str(item["path"]): str(item.get("md5", "")) for item in entry.get(side) or ()}


def _model(root: Path) -> dict[str, str]:
    """Return version and hashes of the packaged model, after the weights were hashed against the manifest."""
    folder = root / "artifacts" / "bundle"
    try:
        content = (folder / "manifest.json").read_bytes()
        manifest = loads(content)
        claimed = str(manifest["files"]["weights.safetensors"]["sha256"])
        version = str(manifest["model_version"])
        actual = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    except OSError as err:
        raise LineageError("no packaged model under artifacts/bundle; run ./qms demo") from err
    except (ValueError, KeyError, TypeError) as err:
        raise LineageError(f"artifacts/bundle/manifest.json is unreadable ({type(err).__name__}); run ./qms demo") from err
    if actual != claimed:
        raise LineageError(f"weights {actual[:12]} are not those of the bundle's manifest, {claimed[:12]}; run ./qms demo")
    return {"version": version, "weights_sha256": actual, "bundle_sha256": hashlib.sha256(content).hexdigest()}


def stale_stages(root: Path, stages: tuple[str, ...], md5: Callable[[Path], str] | None = None) -> tuple[StaleStage, ...]:
    """Return every claim of dvc.lock about the stages that the tree, params.yaml, another stage or the disk contradicts.

    Args:
        root: the repository.
        stages: their names.
        md5: gives the MD5 of a path, where a caller knows some of them; else `md5_of`.

    Raises:
        LineageError: there is no readable dvc.lock.
    """
    hashed = md5 or md5_of
    locked = read_lock(root)
    produced = {path: md5 for entry in locked.values() for path, md5 in _hashes(entry, "outs").items()}
    defined = _definitions(root)
    found: list[StaleStage] = []
    for name in stages:
        entry = locked.get(name, {})
        found += _stale_definition(name, entry, defined.get(name, {}))
        found += _stale_deps(root, name, entry, produced, hashed)
        found += _stale_params(root, name, entry)
        found += _stale_outs(root, name, entry, hashed)
    return tuple(found)


def _definitions(root: Path) -> dict[str, Any]:
    """Return the stages of dvc.yaml; none where it cannot be read, so that every locked stage differs from its definition."""
    try:
        stages = dict(read_yaml(root / "dvc.yaml")["stages"])
    except (OSError, KeyError, TypeError, ValueError):
        return {}
    return {name: definition for name, definition in stages.items() if _is_definition(definition)}


def _is_definition(definition: object) -> bool:
    """Say whether a stage of dvc.yaml has sides that can be compared: lists of paths, or of tables with the path as their key."""
    if not isinstance(definition, dict):
        return False
    sides = [definition.get(side) or [] for side in ("deps", "outs", "metrics", "plots")]
    return all(
        isinstance(side, list) and all(isinstance(each, str) or (isinstance(each, dict) and each) for each in side)
        for side in sides
    )


def _stale_definition(stage: str, entry: dict[str, Any], definition: dict[str, Any]) -> Iterator[StaleStage]:
    """Compare command, inputs and outputs of dvc.yaml with those that were locked."""
    command = " ".join(str(definition.get("cmd", "nothing")).split())
    locked = " ".join(str(entry.get("cmd", "nothing")).split())
    if command != locked:
        yield StaleStage(stage, "command", locked, command)
    for side in ("deps", "outs"):
        now, then = _named(definition, side), set(_hashes(entry, side))
        for path in sorted(now ^ then):
            yield StaleStage(
                stage, f"{side} of dvc.yaml: {path}", *(("nothing", "named") if path in now else ("named", "nothing"))
            )


def _named(definition: dict[str, Any], side: str) -> set[str]:
    """Return the paths a stage of dvc.yaml names; one with options is a table with the path as its only key, and metrics and plots are outputs.

    >>> sorted(_named({"outs": ["a"], "metrics": [{"b": {"cache": False}}]}, "outs"))
    ['a', 'b']
    """
    lists = ("outs", "metrics", "plots") if side == "outs" else (side,)
    entries = [entry for name in lists for entry in definition.get(name) or ()]
    return {str(next(iter(entry))) if isinstance(entry, dict) else str(entry) for entry in entries}


def _stale_deps(
    root: Path, stage: str, entry: dict[str, Any], produced: dict[str, str], md5_now: Callable[[Path], str]
) -> Iterator[StaleStage]:
    for path, md5 in sorted(_hashes(entry, "deps").items()):
        actual = produced[path] if path in produced else md5_now(root / path)
        if actual != md5:
            yield StaleStage(stage, f"input {path}", md5, actual)


def _stale_params(root: Path, stage: str, entry: dict[str, Any]) -> Iterator[StaleStage]:
    for file, values in sorted((entry.get("params") or {}).items()):
        try:
            current = read_yaml(root / file)
        except (OSError, ValueError):
            current = {}
        for key, value in sorted(values.items()):
            actual = _dotted(current, key)
            if actual != value:
                yield StaleStage(stage, f"parameter {key} of {file}", json.dumps(value), json.dumps(actual))


def _dotted(table: Any, key: str) -> Any:
    """Return ``table[a][b]`` for the key ``a.b``, or None where it does not exist.

    >>> _dotted({"train": {"seed": 7}}, "train.seed")
    7
    """
    for part in key.split("."):
        table = table.get(part) if isinstance(table, dict) else None
    return table


def _stale_outs(root: Path, stage: str, entry: dict[str, Any], md5_now: Callable[[Path], str]) -> Iterator[StaleStage]:
    for item in entry.get("outs") or ():
        path, md5 = str(item["path"]), str(item.get("md5", ""))
        small = int(item.get("size", 0)) <= REHASH_LIMIT
        actual = md5_now(root / path) if small else md5 if (root / path).exists() else "nothing"
        if actual != md5:
            yield StaleStage(stage, f"output {path}", md5, actual)


def md5_of(path: Path) -> str:
    """Return the MD5 DVC gives a file or a folder (``....dir``), or ``nothing`` where there is none.

    A folder's is the MD5 of the JSON list of its files' MD5 and relative path, sorted by path. MD5 is DVC's choice and tells changes apart;
    nothing here relies on it against an attacker.
    Source: DVC 3, dvc_data.hashfile.tree.Tree.as_bytes.
    """
    if path.is_dir():
        files = sorted((file.relative_to(path).as_posix(), _file_md5(file)) for file in _files_below(path))
        listing = json.dumps([{"md5": md5, "relpath": name} for name, md5 in files], sort_keys=True)
        return hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest() + ".dir"
    return _file_md5(path) if path.is_file() else "nothing"


def _file_md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _files_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and path.suffix != ".pyc" and not IGNORED.intersection(parts):
            yield path
