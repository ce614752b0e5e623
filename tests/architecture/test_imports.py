"""The layout of design and ADR 0001 as tests: who may import whom, and nothing runs when a package is imported."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("device_sw", "requirements_spec", "risk", "phantom", "verification", "validation", "pipeline")
PACKAGE_FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py"))


def test_import_contracts_hold():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "0 broken" in finished.stdout


def test_import_contracts_name_every_package():
    holding_python = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert holding_python == set(PACKAGES)


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_package_files_hold_no_code(path):
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    assert [node for node in statements if not _is_docstring(node)] == []


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_no_module_is_a_drawer_for_everything():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    found = [
        str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.stem in drawers
    ]
    assert found == []
