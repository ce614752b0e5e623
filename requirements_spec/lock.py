"""Reads which version of each distribution the lock pins, so that the SOUP list need not state it a second time."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOCK = "requirements.lock"
PROJECT = "pyproject.toml"
INTERPRETER = "python"
"""Name under which the SOUP list knows the interpreter; its version is `requires-python`, not a pin of the lock."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]*?))?\s*\\?$")


def locked_versions(root: Path) -> dict[str, str]:
    """Return the pinned version of each distribution, with its markers where there are several.

    Raises:
        OSError: the lock or pyproject.toml cannot be read.
    """
    return dict(_versions((root / LOCK).read_text(encoding="utf-8"), (root / PROJECT).read_text(encoding="utf-8")))


@lru_cache(maxsize=8)
def _versions(lock: str, project: str) -> tuple[tuple[str, str], ...]:
    """Return the pins of a lock and the interpreter of a project; remembered by their texts, because a campaign of mutants asks thousands of times."""
    interpreter = str(tomllib.loads(project)["project"]["requires-python"])
    return tuple({**pins(lock), INTERPRETER: interpreter}.items())


def pins(text: str) -> dict[str, str]:
    r"""Return name -> version of a pip requirements file with pins.

    >>> pins("Torch_Vision==0.29.2 \\\n    --hash=sha256:00\nnumpy==1 ; python_version < '3.12' \\\nnumpy==2 ; python_version >= '3.12' \\\n")
    {'torch-vision': '0.29.2', 'numpy': "1 (python_version < '3.12'), 2 (python_version >= '3.12')"}
    """
    versions: dict[str, str] = {}
    for line in text.splitlines():
        if pin := _PIN.match(line):
            name = re.sub(r"[-_.]+", "-", pin["name"]).lower()
            version = f"{pin['version']} ({pin['marker']})" if pin["marker"] else pin["version"]
            versions[name] = f"{versions[name]}, {version}" if name in versions else version
    return versions
