"""The pins of a lock with the hashes of their files, and which of them one interpreter on one machine installs.

`requirements_spec.lock` reads names and versions for the SOUP list; here it is the files that count.

Source: PEP 508 (markers); pip, "hash-checking mode" (every file of a requirement that may be installed is listed with its hash).
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

from device_sw.errors import CodedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]*?))?\s*\\?$")
_HASH = re.compile(r"^\s+--hash=sha256:(?P<sha256>[0-9a-f]{64})\s*\\?$")

_ASK = """
import json, os, platform, sys
v = sys.implementation.version
print(json.dumps({
 "implementation_name": sys.implementation.name, "implementation_version": "%d.%d.%d" % v[:3], "os_name": os.name,
 "platform_machine": platform.machine(), "platform_release": platform.release(), "platform_system": platform.system(),
 "platform_version": platform.version(), "python_full_version": platform.python_version(),
 "platform_python_implementation": platform.python_implementation(),
 "python_version": ".".join(platform.python_version_tuple()[:2]), "sys_platform": sys.platform}))
"""


class LockUnreadable(CodedError):
    """A lock whose files cannot be told. Codes: LOK-LINE, a line that is neither pin nor hash; LOK-HASH, a pin without a hash."""


@dataclass(frozen=True)
class Pin:
    """One distribution of a lock.

    Attributes:
        name: normalised (PEP 503).
        version: as the lock writes it.
        marker: where it is installed (PEP 508); empty for everywhere.
        sha256s: of every file that may be installed for it.
    """

    name: str
    version: str
    marker: str
    sha256s: frozenset[str]

    def to_requirement(self) -> str:
        """Return the pin as lines of a requirements file, without its marker: who asks has decided already.

        >>> print(Pin("a", "1", "", frozenset({"0" * 64})).to_requirement()[:25])
        a==1 --hash=sha256:000000
        """
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{each}" for each in sorted(self.sha256s))])

    def is_of(self, name: str, version: str) -> bool:
        """Say whether a file of this name and version is one of the pin's.

        >>> Pin("a-b", "1.0", "", frozenset()).is_of("A_b", "1")
        True
        """
        return canonicalize_name(name) == self.name and Version(version) == Version(self.version)


def read_pins(text: str, lock: str = "requirements.lock") -> tuple[Pin, ...]:
    r"""Return the pins of a lock in its order.

    Raises:
        LockUnreadable: LOK-LINE or LOK-HASH.

    >>> [(pin.name, pin.marker, len(pin.sha256s)) for pin in read_pins("A_b==1 ; os_name == 'nt' \\\n    --hash=sha256:" + "0" * 64 + "\n")]
    [('a-b', "os_name == 'nt'", 1)]
    """
    found: list[tuple[re.Match[str], set[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if pin := _PIN.match(line):
            found.append((pin, set()))
        elif (digest := _HASH.match(line)) and found:
            found[-1][1].add(digest["sha256"])
        else:
            raise _refused("LOK-LINE", f"{lock}:{number}", repr(line[:60]), "NAME==VERSION or --hash=sha256:...")
    for pin, digests in found:
        if not digests:
            raise _refused("LOK-HASH", f"{lock} {pin['name']}", "no hash", "the hash of each of its files")
    return tuple(
        Pin(canonicalize_name(pin["name"]), pin["version"], (pin["marker"] or "").strip(), frozenset(digests))
        for pin, digests in found
    )


def needed(pins: Iterable[Pin], machine: Mapping[str, str]) -> tuple[Pin, ...]:
    """Return the pins whose marker holds on a machine.

    >>> needed([Pin("a", "1", "sys_platform == 'win32'", frozenset())], {"sys_platform": "linux"})
    ()
    """
    return tuple(pin for pin in pins if not pin.marker or Marker(pin.marker).evaluate(dict(machine)))


def machine_of(interpreter: Path) -> dict[str, str]:
    """Return what markers ask of the machine and of an interpreter on it (PEP 508).

    Raises:
        OSError: there is no such interpreter.
        subprocess.CalledProcessError: it does not start.
    """
    asked = subprocess.run([interpreter, "-I", "-B", "-c", _ASK], capture_output=True, text=True, check=True)
    return {str(name): str(value) for name, value in json.loads(asked.stdout).items()}


def _refused(code: str, where: str, found: str, expected: str) -> LockUnreadable:
    return LockUnreadable(code, where=where, found=found, expected=expected, repair="restore the lock from the release")
