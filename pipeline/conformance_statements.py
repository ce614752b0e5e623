"""Fills the DICOM conformance statement and the IHE integration statement alone, from the same templates and tables as the technical file.

Scenarios hold the device to what these statements say, and stand below the pipeline that builds documents, so they ask this program for the texts.

    python -m pipeline.conformance_statements ROOT FOLDER

Source: DICOM PS3.2 (conformance); IHE Radiology Technical Framework, AI Results (AIR).
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from device_sw._version import __version__
from pipeline.dossier.conformance_pages import STATEMENTS, ConformancePages


def write(root: Path, folder: Path) -> tuple[Path, ...]:
    """Write both statements as Markdown below ``folder`` and return their paths."""
    environment = Environment(loader=FileSystemLoader(root / "docs"), undefined=StrictUndefined)  # noqa: S701  the output is MyST
    environment.globals.update(conformance=ConformancePages(), subject=SimpleNamespace(device_version=__version__))
    made = []
    for name in STATEMENTS:
        made.append(folder / f"{name}.md")
        made[-1].write_text(environment.get_template(f"{name}.md").render(), encoding="utf-8")
    return tuple(made)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
