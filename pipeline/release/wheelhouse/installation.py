"""The environment of a reproduction: made from the wheelhouse without a network, and compared with the wheels, file by file, before each use.

    lock -> wheelhouse (hashes of the lock) -> pip, offline, by hash -> environment
    each use: RECORD inside each wheel -> expected path and SHA-256 -> every file that lies there; nothing more, nothing less

What the installer wrote about itself is not asked. Generated start scripts are removed, because everything is started as a module; so there is nothing in
the environment that no wheel vouches for, but the links to the interpreter, its configuration, and a few notes of the installer. Of a distribution that
exists only as source every installed file has to be one of its archive.

Source: PEP 405 (virtual environments); PEP 376 and PEP 427 for what the wheels say.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.release.wheelhouse.installer import pip, run
from pipeline.release.wheelhouse.wheel_files import NOTES, files_of_sources, files_of_wheels
from pipeline.release.wheelhouse.wheelhouse import WheelhouseUnfit, survey
from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pipeline.progress import Report
    from pipeline.release.wheelhouse.pins import Pin

PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
"""Folder of packages of an environment of this interpreter (PEP 405)."""

STAMP = "made-from.sha256"
"""File that is written last: the SHA-256 of the lock."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment that was compared with its wheels.

    Attributes:
        folder: where it lies.
        files: number of files that were compared.
    """

    folder: Path
    files: int

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


def prepare(folder: Path, wheelhouse: Path, pins: Sequence[Pin], lock_sha256: str, progress: Report) -> Environment:
    """Return the environment of a lock, made where it is not there or unfinished, and compared with the wheels in any case.

    Raises:
        WheelhouseUnfit: the wheelhouse is not whole, the installer failed, or an installed file is not that of its wheel.
    """
    files = survey(wheelhouse, pins).require_whole()
    stamp = folder / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8").strip() != lock_sha256:
        progress(0, 1, "making the environment, offline, by hash (minutes)")
        install(folder, wheelhouse, files)
        stamp.write_text(lock_sha256 + "\n", encoding="utf-8")
    return Environment(folder, compare(folder, tuple(files.values()), progress))


def install(folder: Path, wheelhouse: Path, files: Mapping[Pin, Path]) -> None:
    """Install wheels first, then sources with what is installed by then, so that no build fetches anything.

    Raises:
        WheelhouseUnfit: WHL-SETUP.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([_interpreter(), "-I", "-m", "venv", "--without-pip", folder], check=True)
    wheels = {pin for pin, path in files.items() if path.suffix == ".whl"}
    for chosen, options in ((wheels, ["--only-binary", ":all:"]), (files.keys() - wheels, ["--no-build-isolation"])):
        if chosen:
            _install(folder, wheelhouse, sorted(chosen, key=lambda pin: pin.name), options)
    _remove_scripts(folder, files.values())


def _install(folder: Path, wheelhouse: Path, pins: Sequence[Pin], options: Sequence[str]) -> None:
    wanted = folder / "requirements.txt"
    wanted.write_text("".join(f"{pin.to_requirement()}\n" for pin in pins), encoding="utf-8")
    command = [*pip(), "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-index", "--no-cache-dir"]
    command += ["--find-links", str(wheelhouse), "--no-deps", "--require-hashes", "--no-compile", *options, "-r", str(wanted)]
    run(command, "WHL-SETUP", f"environment {folder.name[:12]}", offline=True)
    wanted.unlink()


def _interpreter() -> Path:
    """Return the interpreter that this program's own environment was made with."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def _remove_scripts(folder: Path, archives: Collection[Path]) -> None:
    """Remove every file of bin/ that is neither the interpreter nor a file of a wheel as it lies in it."""
    kept = files_of_wheels((path for path in archives if path.suffix == ".whl"), PACKAGES)
    for path in sorted((folder / "bin").iterdir()):
        if not path.is_symlink() and f"bin/{path.name}" not in kept:
            path.unlink()


def compare(folder: Path, archives: Collection[Path], progress: Report) -> int:
    """Compare every file of an environment with the archives it was made from and return how many were compared.

    Raises:
        WheelhouseUnfit: ENV-ALTERED, ENV-EXTRA or ENV-MISSING; the first by path is named.
    """
    wheels = [path for path in archives if path.suffix == ".whl"]
    expected = files_of_wheels(wheels, PACKAGES)
    sources = files_of_sources(path for path in archives if path.suffix != ".whl")
    _require_skeleton(folder)
    present = sorted(name for name in _present(folder) if name in expected or not _is_own(name))
    if missing := sorted(expected.keys() - set(present)):
        raise _refused("ENV-MISSING", missing[0], f"no such file ({len(missing)} in all)", "every file of the wheels")
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda name: _plain_sha256(folder / name), present)
        for done, (name, digest) in enumerate(zip(present, digests, strict=True), start=1):
            if name not in expected and not sources.know(name, digest):
                raise _refused("ENV-EXTRA", name, "a file that belongs to no wheel", "the files of the wheels only")
            if digest not in expected.get(name, {digest}):
                raise _refused("ENV-ALTERED", name, f"SHA-256 {digest[:16]}", f"{min(expected[name])[:16]}, as in its wheel")
            progress(done, len(present), "environment against its wheels")
    return len(present)


def _plain_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or a word that equals no hash where it is a link or no file."""
    return file_sha256(path) if path.is_file() and not path.is_symlink() else "a link"


def _present(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _is_own(name: str) -> bool:
    """Say whether a file is one that every environment has, or a note of the installer.

    >>> _is_own("bin/python3"), _is_own("lib/python3.11/site-packages/a-1.dist-info/RECORD"), _is_own("lib/python3.11/site-packages/evil.pth")
    (True, True, False)
    """
    path = PurePosixPath(name)
    is_note = path.parent.name.endswith(".dist-info") and path.name in NOTES
    is_interpreter = path.parent.name == "bin" and path.name.startswith("python")
    return name in {"pyvenv.cfg", STAMP, "lib64"} or is_interpreter or is_note


def _require_skeleton(folder: Path) -> None:
    """Refuse an interpreter that is not the one this program runs on, and a configuration that lets foreign packages in."""
    base = _interpreter()
    for path in sorted((folder / "bin").glob("python*")):
        if not path.is_symlink() or path.resolve() != base:
            raise _refused("ENV-ALTERED", f"bin/{path.name}", "another interpreter", "a link to the interpreter in use")
    lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    written = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    if written.get("include-system-site-packages") != "false" or Path(written.get("home", "")).resolve() != base.parent:
        raise _refused("ENV-ALTERED", "pyvenv.cfg", "another interpreter, or system packages let in", "what venv writes")
    if (folder / "lib64").exists() and (folder / "lib64").resolve() != (folder / "lib").resolve():
        raise _refused("ENV-ALTERED", "lib64", "a link to elsewhere", "a link to lib")


def _refused(code: str, name: str, found: str, expected: str) -> WheelhouseUnfit:
    return WheelhouseUnfit(
        code,
        where=f"environment {name}",
        found=found,
        expected=expected,
        repair="delete the environment's folder; it is made again from the wheelhouse",
    )
