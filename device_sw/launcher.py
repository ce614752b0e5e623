"""Fixes threads, instruction set and hash seed before numpy, torch or the inference engine is imported.

Floating-point results depend on the number of threads and on the vector instructions a library picks at import, so both are settings of the
device, not of the machine. `./qms` loads this file by path before any environment exists; `thoratrace` starts itself again with it.
Only the standard library is imported here.

Source: what each variable does is measured in docs/adr/0003-numeric-environment.md and docs/adr/0043-one-instruction-set.md.
"""

from __future__ import annotations

import os
import sys

NUMERIC_ENVIRONMENT: dict[str, str] = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OV_CPU_MAX_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
"""Variables that decide numbers; every process of the device and of the pipeline runs under exactly these."""

MARKER = "THORATRACE_LAUNCHED"
"""Set in a process that was started with the environment, so that it is not started a second time."""


def numeric_environment() -> dict[str, str]:
    """Return a copy of the process environment with the numeric variables set."""
    return {**os.environ, **NUMERIC_ENVIRONMENT, MARKER: "1"}


def is_launched() -> bool:
    """Say whether this process already runs under the numeric environment."""
    return os.environ.get(MARKER) == "1" and all(os.environ.get(name) == value for name, value in NUMERIC_ENVIRONMENT.items())


def relaunch() -> None:
    """Replace this process by itself, same command line, under the numeric environment, unless it already runs under it.

    Raises:
        RuntimeError: one of the numeric libraries was imported first, so the variables could no longer take effect.
    """
    if is_launched():
        return
    early = [name for name in ("numpy", "openvino", "torch") if name in sys.modules]
    if early:
        raise RuntimeError(f"{', '.join(early)} imported before the numeric environment was set; call relaunch first")
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], numeric_environment())  # noqa: S606
