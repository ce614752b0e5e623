"""The wheel holds the device and nothing else, and the device runs with nothing but what it declares."""

import importlib.metadata
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from device_sw.launcher import numeric_environment

ROOT = Path(__file__).resolve().parents[2]

IMPORT_ALL = """
import importlib, pkgutil, device_sw
names = [m.name for m in pkgutil.walk_packages(device_sw.__path__, "device_sw.") if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """The interpreter of an environment that holds the wheel, the packages of device.lock and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for name in {name for distribution in declared() for name in top_names(distribution)}:
        (packages / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-index", "--no-deps", "--quiet"]
    subprocess.run([*install, "--target", str(packages), str(wheel)], check=True, cwd=folder)
    return folder / "bin" / "python"


def declared():
    """Return the installed distributions of device.lock; those of other platforms are not here."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "device.lock").read_text(encoding="utf-8"), re.MULTILINE)
    return [distribution for name in sorted(set(names)) for distribution in importlib.metadata.distributions(name=name)]


def top_names(distribution):
    """Return the files and folders that a distribution puts into site-packages."""
    return {file.parts[0] for file in distribution.files or () if file.parts[0] not in {"..", "__pycache__", "bin"}}


def run_bare(bare, *arguments):
    environment = {name: value for name, value in numeric_environment().items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    return subprocess.run([str(bare), *arguments], cwd=bare.parent, env=environment, capture_output=True, text=True, check=False)


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_holds_only_the_device(wheel):
    tops = {name.partition("/")[0] for name in names_in(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"device_sw"}


def test_wheel_holds_every_file_of_the_device(wheel):
    listing = subprocess.run(["git", "ls-files", "-z", "device_sw"], cwd=ROOT, capture_output=True, text=True, check=True)
    missing = set(filter(None, listing.stdout.split("\0"))) - set(names_in(wheel))
    assert {name for name in missing if (ROOT / name).exists()} == set()


@pytest.mark.parametrize("name", ["device_sw/findings.toml", "device_sw/py.typed", "device_sw/launcher.py"])
def test_wheel_holds_what_is_not_found_by_importing(wheel, name):
    assert name in names_in(wheel)


def test_wheel_carries_the_licence_and_the_command(wheel):
    names = names_in(wheel)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with zipfile.ZipFile(wheel) as archive:
        entry_points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert "thoratrace = device_sw.cli:main" in entry_points


def test_two_builds_give_the_same_bytes(wheel, tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert next(tmp_path.glob("*.whl")).read_bytes() == wheel.read_bytes()


def test_bare_wheel_prints_help(bare):
    finished = run_bare(bare, "-m", "device_sw", "--help")
    assert finished.returncode == 0, finished.stderr
    assert "analyse" in finished.stdout


def test_every_module_of_the_bare_wheel_imports(bare):
    finished = run_bare(bare, "-c", IMPORT_ALL)
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) > 10


@pytest.mark.parametrize("name", ["scipy", "matplotlib", "pytest", "dvc", "mlflow", "sphinx"])
def test_no_tool_is_reachable(bare, name):
    finished = run_bare(bare, "-c", f"import {name}")
    assert finished.returncode == 1
    assert f"No module named '{name}'" in finished.stderr


@pytest.mark.parametrize("name", ["risk", "pipeline", "validation", "verification", "phantom", "requirements_spec"])
def test_no_other_package_of_the_project_is_reachable(bare, name):
    finished = run_bare(bare, "-c", f"import {name}")
    assert finished.returncode == 1
    assert f"No module named '{name}'" in finished.stderr
