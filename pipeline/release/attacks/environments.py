"""Attacks on the environment of a reproduction: the wheelhouse it is installed from, and what lies in it afterwards."""

from __future__ import annotations

import hashlib
import py_compile
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from pipeline.release.attacks.attack import Aim, Attack, CheckName, Holds, Outcome, Sign
from pipeline.release.attacks.content import rewrite
from pipeline.release.attacks.outcomes import coded
from pipeline.release.wheelhouse.installation import PACKAGES, compare
from pipeline.release.wheelhouse.pins import read_pins
from pipeline.release.wheelhouse.wheelhouse import survey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.release.attacks.bench import Bench

WHEEL = "alpha-1.0-py3-none-any.whl"
_FILES = {
    "alpha/__init__.py": "value = 1\n",
    "alpha-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n",
    "alpha-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "alpha-1.0.dist-info/RECORD": "alpha/__init__.py,,\n",
}


def _wheel(path: Path, text: str) -> None:
    """Write the one wheel of the bench, with one module of this text."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**_FILES, "alpha/__init__.py": text}.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def _house(bench: Bench) -> Path:
    return bench.beside("wheelhouse")


def _environment(bench: Bench) -> Path:
    return bench.beside("environment") / "venv"


def _packages(bench: Bench) -> Path:
    return _environment(bench) / PACKAGES


def _with_wheelhouse(bench: Bench) -> None:
    """Lay out a wheelhouse of one wheel, and the lock that knows its hash."""
    _wheel(_house(bench) / WHEEL, _FILES["alpha/__init__.py"])
    digest = hashlib.sha256((_house(bench) / WHEEL).read_bytes()).hexdigest()
    (bench.beside("locks") / "requirements.lock").write_text(f"alpha==1.0 \\\n    --hash=sha256:{digest}\n", encoding="utf-8")


def _with_environment(bench: Bench) -> None:
    """Lay out an environment into which that wheel was unpacked."""
    _with_wheelhouse(bench)
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    subprocess.run([interpreter, "-I", "-m", "venv", "--without-pip", _environment(bench)], check=True, capture_output=True)
    for path in (_environment(bench) / "bin").iterdir():
        if not path.is_symlink():
            path.unlink()
    with zipfile.ZipFile(_house(bench) / WHEEL) as archive:
        archive.extractall(_packages(bench))


def check_wheelhouse(bench: Bench) -> Outcome:
    """Ask whether the bench's wheelhouse holds the files of the lock and nothing else."""
    pins = read_pins((bench.beside("locks") / "requirements.lock").read_text(encoding="utf-8"))
    return coded(lambda: survey(_house(bench), pins).require_whole())


def check_environment(bench: Bench) -> Outcome:
    """Compare the bench's environment with its wheel, file by file."""
    return coded(lambda: compare(_environment(bench), [_house(bench) / WHEEL], lambda *_: None))


def _wheel_swapped(bench: Bench) -> tuple[Sign, ...]:
    """Put another wheel of the same name into the wheelhouse."""
    _wheel(_house(bench) / WHEEL, "value = 2\n")
    return (Sign("WHL-FOREIGN", "wheelhouse", WHEEL),)


def _wheel_added(bench: Bench) -> tuple[Sign, ...]:
    """Put a newer wheel beside the locked one, in the hope that the installer prefers it."""
    name = WHEEL.replace("1.0", "1.1")
    _wheel(_house(bench) / name, "value = 2\n")
    return (Sign("WHL-FOREIGN", "wheelhouse", name),)


def _wheel_removed(bench: Bench) -> tuple[Sign, ...]:
    (_house(bench) / WHEEL).unlink()
    return (Sign("WHL-MISSING", "wheelhouse", "alpha"),)


def _module_edited(bench: Bench) -> tuple[Sign, ...]:
    rewrite(_packages(bench) / "alpha" / "__init__.py", b"value = 2\n")
    return (Sign("ENV-ALTERED", f"environment {PACKAGES}/alpha/__init__.py"),)


def _put(name: str, text: str) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that puts a file among the packages of the environment."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        (_packages(bench) / name).write_text(text, encoding="utf-8")
        return (Sign("ENV-EXTRA", f"environment {PACKAGES}/{name}"),)

    return deed


def _cache_poisoned(bench: Bench) -> tuple[Sign, ...]:
    """Compile other code and put it where the interpreter looks for the module's own: the source still reads well, and never runs."""
    source = _packages(bench) / "alpha" / "__init__.py"
    content, cached = source.read_bytes(), source.parent / "__pycache__" / f"__init__.{sys.implementation.cache_tag}.pyc"
    rewrite(source, b"value = 2\n")
    py_compile.compile(str(source), cfile=str(cached), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    rewrite(source, content)
    return (Sign("ENV-EXTRA", f"environment {cached.relative_to(_environment(bench)).as_posix()}"),)


def _packages_let_in(bench: Bench) -> tuple[Sign, ...]:
    """Let the environment see the packages of the system."""
    path = _environment(bench) / "pyvenv.cfg"
    path.write_text(path.read_text(encoding="utf-8").replace("site-packages = false", "site-packages = true"), encoding="utf-8")
    return (Sign("ENV-ALTERED", "environment pyvenv.cfg"),)


def _interpreter_replaced(bench: Bench) -> tuple[Sign, ...]:
    """Put a script in the place of the interpreter that runs something before it."""
    path = _environment(bench) / "bin" / "python"
    path.unlink()
    path.write_text('#!/bin/sh\nexec python3 "$@"\n', encoding="utf-8")
    return (Sign("ENV-ALTERED", "environment bin/python"),)


def _attack(name: str, deed: str, check: CheckName, harm: Callable[[Bench], tuple[Sign, ...]]) -> Attack:
    prepare = _with_wheelhouse if check is CheckName.WHEELS else _with_environment
    return Attack(name, Aim.ENVIRONMENT, Holds.TOOLS, deed, check, harm, prepare)


_RUNS = "import os; os.environ['OMP_NUM_THREADS'] = '2'\n"

ATTACKS = (
    _attack("wheel-swapped", "another wheel of the same name lies in the wheelhouse", CheckName.WHEELS, _wheel_swapped),
    _attack("wheel-added", "a newer wheel lies beside the locked one", CheckName.WHEELS, _wheel_added),
    _attack(
        "wheel-removed",
        "a wheel is taken from the wheelhouse, so that the installer looks elsewhere",
        CheckName.WHEELS,
        _wheel_removed,
    ),
    _attack("module-edited", "an installed module is edited; size and time stay", CheckName.PACKAGES, _module_edited),
    _attack(
        "pth-in-environment",
        "a .pth file that runs at every start is put into the environment",
        CheckName.PACKAGES,
        _put("evil.pth", _RUNS),
    ),
    _attack(
        "sitecustomize-in-environment",
        "a sitecustomize.py is put into the environment",
        CheckName.PACKAGES,
        _put("sitecustomize.py", _RUNS),
    ),
    _attack(
        "compiled-cache-poisoned",
        "other code lies compiled beside a module whose source is untouched",
        CheckName.PACKAGES,
        _cache_poisoned,
    ),
    _attack(
        "system-packages-let-in", "the environment is told to use the system's packages too", CheckName.PACKAGES, _packages_let_in
    ),
    _attack("interpreter-replaced", "a script lies in the place of the interpreter", CheckName.PACKAGES, _interpreter_replaced),
)
