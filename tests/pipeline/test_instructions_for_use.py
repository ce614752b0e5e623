"""The instructions for use that scenarios read are the ones of the technical file, and what they are made from is part of what is verified."""

import subprocess
import sys
from pathlib import Path

from verification.trace.slices import SLICES

ROOT = Path(__file__).resolve().parents[2]
LOADED = "import sys, pipeline.instructions_for_use; print(*(m for m in sys.modules if m.startswith('pipeline.')))"


def test_everything_the_page_is_made_from_is_in_the_slice_of_the_scenarios_that_read_it():
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = {f"{name.replace('.', '/')}.py" for name in done.stdout.split()}
    modules = {path for path in paths if (ROOT / path).is_file()}
    covered = set(SLICES["verification"].paths)
    assert modules | {"docs/labelling.md", "docs/conf.py"} <= covered
    assert "pipeline/dossier/risk_pages.py" in modules


def test_page_and_builder_are_those_of_the_technical_file():
    text = (ROOT / "pipeline/instructions_for_use.py").read_text(encoding="utf-8")
    file = (ROOT / "pipeline/dossier/subject.py").read_text(encoding="utf-8")
    for name in ("RiskPages", "ValidationPages", "OrientationPages"):
        assert name in text
        assert name in file
    assert "{{ risk.instructions() }}" in (ROOT / "docs/labelling.md").read_text(encoding="utf-8")
