"""The sandbox of a reproduction: a network namespace of its own, and an environment that holds nothing of this machine but what is named here.

Where the kernel gives no such namespace, the network is not cut, and a reproduction says INCONCLUSIVE instead of guessing.

Source: unshare(1), user_namespaces(7), network_namespaces(7), unix(7). The variables of DVC, matplotlib and Python are those of their manuals.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipeline.dvc_runs import KEPT_MEMORY
from pipeline.release.reproduction import guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CALLERS = ("LANG", "LC_ALL", "LC_NUMERIC", "LC_TIME", "PYTHONHASHSEED", "THORATRACE_WORKERS", "TZ", "USER")
"""What is taken over from the caller: results may not depend on it, and taking it over lets that be shown."""

SYSTEM_PATHS = ("/usr/local/bin", "/usr/bin", "/bin")

LONGEST = 36
"""Bytes that the folder of temporary files may take: the address of a Unix socket has 107, and Ray's names below that folder take up to 71 of them."""

SHORT = Path("/tmp")  # noqa: S108  a folder of its own is made below it, for this user alone


@dataclass(frozen=True)
class Sandbox:
    """Where a command runs without a network.

    Attributes:
        python: interpreter of the locked environment.
        checkout: working directory: the source of the release.
        scratch: folder for home, temporary files and compiled Python; nothing of it existed before.
    """

    python: Path
    checkout: Path
    scratch: Path

    def run(self, arguments: Sequence[str]) -> int:
        """Run the interpreter with arguments and return its exit code; 97 says that the network was not cut and nothing ran. Its words go to stderr."""
        (self.scratch / "home").mkdir(parents=True, exist_ok=True)
        command = [*cut(), str(self.python), "-I", "-B", "-S", str(Path(guard.__file__).resolve()), str(self.python), *arguments]
        with self._temporary() as folder:
            return subprocess.run(command, cwd=self.checkout, env=self.environment(folder), stdout=2, check=False).returncode

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Give the folder of temporary files: below the scratch folder, or where sockets could have no address there, a short one that is removed afterwards."""
        folder = self.scratch / "tmp"
        if len(os.fsencode(folder)) <= LONGEST:
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
        else:
            with TemporaryDirectory(prefix="tt-", dir=SHORT, ignore_cleanup_errors=True) as made:
                yield Path(made)

    def environment(self, temporary: Path) -> dict[str, str]:
        """Return every variable of the sandbox; ``temporary`` is the folder of temporary files."""
        kept = {name: os.environ[name] for name in CALLERS if name in os.environ}
        git = shutil.which("git")
        paths = [self.python.parent, *([Path(git).parent] if git else []), *SYSTEM_PATHS]
        return {
            **kept,
            **KEPT_MEMORY,
            "DVC_GLOBAL_CONFIG_DIR": str(self.scratch / "home"),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SYSTEM_CONFIG_DIR": str(self.scratch / "home"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.scratch / "home"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PATH": os.pathsep.join(str(path) for path in dict.fromkeys(paths)),
            "PYTHONNOUSERSITE": "1",
            "PYTHONPATH": str(self.checkout),
            "PYTHONPYCACHEPREFIX": str(self.scratch / "compiled"),
            "TMPDIR": str(temporary),
        }


def cut() -> list[str]:
    """Return the words that put a command into a network namespace of its own.

    >>> cut()
    ['unshare', '--user', '--map-root-user', '--net', '--']
    """
    return ["unshare", "--user", "--map-root-user", "--net", "--"]


def why_not(python: Path) -> str:
    """Return why the network cannot be cut here; empty where it can, which is tried with the guard itself."""
    if shutil.which("unshare") is None:
        return "no unshare (util-linux) on this machine"
    command = [
        *cut(),
        str(python),
        "-I",
        "-B",
        "-S",
        str(Path(guard.__file__).resolve()),
        str(python),
        "-I",
        "-B",
        "-S",
        "-c",
        "",
    ]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    said = tried.stderr.strip().splitlines()
    return "" if tried.returncode == 0 else (said[-1] if said else f"unshare ended with {tried.returncode}")
