"""The launcher for people empties nothing that is not its own."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_an_environment_that_another_checkout_owns_is_never_emptied(tmp_path):
    """A link as .venv, and a lock that the environment behind it was not made from: setting up would clear the other checkout's."""
    checkout, foreign = tmp_path / "checkout", tmp_path / "foreign"
    checkout.mkdir()
    foreign.mkdir()
    (foreign / "kept").write_text("by another checkout", encoding="utf-8")
    (foreign / "requirements.lock.sha256").write_text("of another lock\n", encoding="utf-8")
    shutil.copy(ROOT / "qms", checkout / "qms")
    (checkout / "requirements.lock").write_text("nothing==1.0\n", encoding="utf-8")
    (checkout / ".venv").symlink_to(foreign)
    finished = subprocess.run([sys.executable, str(checkout / "qms"), "check"], capture_output=True, text=True, check=False)
    assert finished.returncode == 3
    assert finished.stderr.startswith("ENV-SHARED at .venv: found a link to ")
    assert sorted(path.name for path in foreign.iterdir()) == ["kept", "requirements.lock.sha256"]


def test_a_link_that_leads_nowhere_is_named_too(tmp_path):
    shutil.copy(ROOT / "qms", tmp_path / "qms")
    (tmp_path / "requirements.lock").write_text("nothing==1.0\n", encoding="utf-8")
    (tmp_path / ".venv").symlink_to(tmp_path / ".venv")
    finished = subprocess.run([sys.executable, str(tmp_path / "qms"), "check"], capture_output=True, text=True, check=False)
    assert finished.returncode == 3
    assert finished.stderr.startswith(f"ENV-SHARED at .venv: found a link to {tmp_path / '.venv'}")


def test_a_link_as_environment_is_never_committed():
    """A pattern that ends in a slash ignores folders only, and git replaces an ignored folder by a committed link without a word."""
    assert ".venv" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
