"""Formatter-independent rules and types of the whole project: what CI and a person run, as tests."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_ruff_finds_nothing():
    finished = run("ruff", "check", "--no-cache", "--output-format", "concise", ".")
    assert finished.returncode == 0, finished.stdout


def test_ruff_would_format_nothing():
    finished = run("ruff", "format", "--no-cache", "--check", ".")
    unformatted = sorted(set(re.findall(r"--> (.+?):", finished.stdout)))
    assert finished.returncode == 0, f"run `ruff format` on {unformatted or finished.stdout}"


def test_mypy_finds_nothing():
    finished = run("mypy")
    assert finished.returncode == 0, finished.stdout
