"""What changed in the settings that a device is made from: every parameter of the pipeline, and every component that a lock pins, with versions.

Source: IEC 62304 5.1.10, 8.1.2, 8.1.3 (tools, configuration items, SOUP).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.items import differences
from requirements_spec.lock import pins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.change_package.ends import Pair
    from pipeline.change_package.items import Field

PARAMETERS = "params.yaml"
DEVICE_LOCK = "device.lock"
TOOL_LOCK = "requirements.lock"
SHOWN = 3
"""Hashes that are shown of a pin whose version is the same and whose hashes are not; the others are counted."""

_HASH = re.compile(r"--hash=(\S+)")


def parameters(before: bytes, after: bytes) -> tuple[Field, ...]:
    r"""Return the parameters that differ, by their path, as JSON: 1, "1" and "" are three values there.

    Raises:
        ChangePackageRefused: ``CPK-SOURCE``, one of them is no table of parameters.

    >>> parameters(b"train: {seed: 7}\n", b"train: {seed: 8}\n")
    (Field(name='train.seed', before='7', after='8'),)
    """
    return differences(dict(_flat(_table(before))), dict(_flat(_table(after))))


def components(before: str, after: str) -> tuple[Field, ...]:
    r"""Return the distributions whose pins differ, in version or in hashes; "" where the lock does not hold one. Of equal versions the hashes that one side only allows are told.

    >>> components("numpy==2.4.0", "numpy==2.4.1")
    (Field(name='numpy', before='2.4.0', after='2.4.1'),)
    >>> components("numpy==2.4.0 \\\n    --hash=sha256:aa", "numpy==2.4.0 \\\n    --hash=sha256:bb")
    (Field(name='numpy', before='2.4.0, with sha256:aa', after='2.4.0, with sha256:bb'),)
    """
    old, new = pins(before), pins(after)
    old_hashes, new_hashes = _hashes(before), _hashes(after)
    for name in old.keys() & new.keys():
        one, other = old_hashes.get(name, frozenset()), new_hashes.get(name, frozenset())
        if old[name] == new[name] and one != other:
            old[name] += f", with {_told(one - other)}"
            new[name] += f", with {_told(other - one)}"
    return differences(old, new)


def _hashes(lock: str) -> dict[str, frozenset[tuple[str, str]]]:
    """Return what a lock allows of each distribution: hashes, each with the pin that it stands under."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    name, version = "", ""
    for line in lock.splitlines():
        name, version = next(iter(pins(line).items()), (name, version))
        found[name] |= {(version, each) for each in _HASH.findall(line)}
    return {each: frozenset(held) for each, held in found.items() if held}


def _told(own: frozenset[tuple[str, str]]) -> str:
    shown = [each[:19] for _, each in sorted(own)]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{', '.join(shown[:SHOWN])}{more}" if shown else "no hash of its own"


def in_use(pair: Pair, sources: tuple[Path, Path], name: str) -> tuple[bytes, bytes]:
    """Return the settings of both ends: where both are sealed, those of their runs; else those of both sources, because a run may have had others than its commit.

    Raises:
        ChangePackageRefused: ``CPK-PART`` or ``CPK-SOURCE``.
    """
    ends, sealed = (pair.before, pair.after), f"files/{name}"
    if not any(end.absence(sealed) for end in ends):
        return ends[0].part(sealed), ends[1].part(sealed)
    one, other = (_read(source / name, f"{name} of {end.title}") for source, end in zip(sources, ends, strict=True))
    return one, other


def _read(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise _refused(where, type(err).__name__) from err


def _table(content: bytes) -> Mapping[str, Any]:
    try:
        value = yaml.safe_load(content)
    except yaml.YAMLError as err:
        raise _refused(PARAMETERS, type(err).__name__) from err
    if not isinstance(value, Mapping):
        raise _refused(PARAMETERS, type(value).__name__)
    return value


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, each in value.items():
        if isinstance(each, Mapping) and each:
            yield from _flat(each, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(each, ensure_ascii=False, default=repr)


def _refused(where: str, found: str) -> ChangePackageRefused:
    return ChangePackageRefused(
        "CPK-SOURCE",
        where=where,
        found=found,
        expected="the table of parameters or the lock",
        repair="restore it from version control",
    )
