"""Two locks: the device's closure is part of the whole environment, both carry hashes, and neither names an index."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("device.lock", "requirements.lock")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? \\$")


def lines(lock):
    return (ROOT / lock).read_text(encoding="utf-8").splitlines()


def pins(lock):
    """Return {(name, version, marker)} of a lock."""
    found = [PIN.match(line) for line in lines(lock) if not line.startswith(" ")]
    assert all(found), f"{lock} holds a line that is no pin"
    return {(match["name"], match["version"], match["marker"]) for match in found}


def hashes(lock):
    return {line.strip().removesuffix(" \\") for line in lines(lock) if line.startswith("    --hash=sha256:")}


def test_device_lock_is_part_of_requirements_lock():
    whole = {(name, version) for name, version, _ in pins("requirements.lock")}
    surplus = {(name, version) for name, version, _ in pins("device.lock")} - whole
    assert surplus == set(), "device.lock pins what requirements.lock does not: make it again as CONTRIBUTING.md says"


def test_device_lock_accepts_no_other_file_than_requirements_lock():
    assert hashes("device.lock") <= hashes("requirements.lock")


def test_device_lock_holds_every_declared_dependency():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=!~ ]", row)[0] for row in declared}
    assert names <= {name for name, _, _ in pins("device.lock")}


@pytest.mark.parametrize("lock", LOCKS)
def test_each_pin_carries_a_hash(lock):
    text = lines(lock)
    bare = [
        line
        for line, following in zip(text, [*text[1:], ""], strict=True)
        if PIN.match(line) and "--hash=sha256:" not in following
    ]
    assert bare == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_index(lock):
    suspicious = [
        line
        for line in lines(lock)
        if "://" in line or line.lstrip().startswith(("-i", "--index", "--extra-index", "--find-links", "-f"))
    ]
    assert suspicious == []


def test_tools_of_verification_and_pipeline_are_no_part_of_the_device():
    tools = {
        "dvc",
        "mlflow",
        "pytest",
        "pytest-bdd",
        "sphinx",
        "hypothesis",
        "matplotlib",
        "scipy",
        "import-linter",
        "ruff",
        "mypy",
    }
    assert tools & {name for name, _, _ in pins("device.lock")} == set()
    assert tools <= {name for name, _, _ in pins("requirements.lock")}
