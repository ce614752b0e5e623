"""The installer: the pip that the interpreter brings along, so that what installs an environment is no part of it.

Source: PEP 453 (every CPython bundles a pip wheel); a wheel of pip is runnable as ``python WHEEL/pip``.
"""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.release.wheelhouse.wheelhouse import WheelhouseUnfit

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES_KEPT = 6
"""Lines of the installer's last words that go into an error."""


def pip() -> list[str]:
    """Return the command that starts the bundled pip.

    Raises:
        WheelhouseUnfit: WHL-SETUP, this interpreter has none.
    """
    wheels = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    if not wheels:
        raise WheelhouseUnfit(
            "WHL-SETUP",
            where="ensurepip",
            found="an interpreter without a bundled pip",
            expected="CPython with ensurepip",
            repair="install the interpreter's venv package, or another CPython of this version",
        )
    return [sys.executable, str(wheels[-1] / "pip"), "--disable-pip-version-check", "--no-input"]


def run(command: Sequence[str], code: str, what: str, *, offline: bool, cwd: Path | None = None) -> None:
    """Run the installer; offline it reads no configuration of user or machine, so that no other place of packages is known to it.

    Raises:
        WheelhouseUnfit: ``code``, it ended with an error; its last words are in the message, without any address.
    """
    done = subprocess.run(command, env=environment(offline=offline), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip() and "://" not in line][-LINES_KEPT:]
        raise WheelhouseUnfit(
            code,
            where=what,
            found=f"the installer ended with {done.returncode}: {' | '.join(said)[-600:]}",
            expected="every file fetched and installed by its hash",
            repair="go online and run ./qms release fetch VERSION"
            if offline
            else "check the connection, and run the command again",
        )


def environment(*, offline: bool) -> dict[str, str]:
    """Return the installer's environment.

    >>> environment(offline=True)["PIP_CONFIG_FILE"] == os.devnull
    True
    """
    if not offline:
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_") and "PROXY" not in name.upper()}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PYTHONDONTWRITEBYTECODE": "1"}
