"""The statements that scenarios read are those of the technical file, and what they are made from is part of what is verified."""

import subprocess
import sys
from pathlib import Path

from pipeline import conformance_statements
from pipeline.dossier.conformance_pages import STATEMENTS
from verification.trace.slices import SLICES

ROOT = Path(__file__).resolve().parents[2]
LOADED = "import sys, pipeline.conformance_statements; print(*(m for m in sys.modules if m.startswith('pipeline.')))"


def test_everything_the_statements_are_made_from_is_in_the_slice_of_the_scenarios_that_read_them():
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = {f"{name.replace('.', '/')}.py" for name in done.stdout.split()}
    modules = {path for path in paths if (ROOT / path).is_file()}
    templates = {f"docs/{name}.md" for name in STATEMENTS}
    assert modules | templates <= set(SLICES["verification"].paths)
    assert "pipeline/dossier/conformance_pages.py" in modules


def test_the_tables_are_those_of_the_technical_file(tmp_path):
    """The technical file fills the same templates with the same tables, so nothing is left unfilled and nothing is added."""
    assert "ConformancePages" in (ROOT / "pipeline/dossier/sources.py").read_text(encoding="utf-8")
    for path in conformance_statements.write(ROOT, tmp_path):
        text = path.read_text(encoding="utf-8")
        assert "{{" not in text
        assert text.startswith("# ")
