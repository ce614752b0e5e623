"""The wheel of a release holds the committed device, byte for byte, whoever builds it where."""

import io
import subprocess
import sys
import zipfile

import pytest

from device_sw._version import __version__
from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts import wheel as wheels
from pipeline.release.parts.wheel import Wheel, build_wheel, require_content
from pipeline.run import REPOSITORY
from verification.trace.identity import tracked


@pytest.fixture(scope="module")
def wheel():
    return build_wheel(REPOSITORY)


@pytest.fixture
def device():
    return {name: (REPOSITORY / name).read_bytes() for name in tracked(REPOSITORY, "device_sw")}


def rewritten(wheel, change):
    """Return the wheel with one step done to its files."""
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return Wheel(wheel.name, content.getvalue())


def test_the_wheel_is_the_one_that_a_build_by_hand_gives(wheel, tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(REPOSITORY)]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / wheel.name).read_bytes() == wheel.content


def test_the_wheel_is_named_after_the_device(wheel):
    assert wheel.name == f"thoratrace-{__version__}-py3-none-any.whl"
    assert len(wheel.sha256) == 64


@pytest.mark.parametrize(
    ("change", "where", "found"),
    [
        (lambda files: files.update({"device_sw/more.py": b""}), r"device_sw/more\.py", "not of the device"),
        (lambda files: files.pop("device_sw/findings.toml"), r"device_sw/findings\.toml", "not in the wheel"),
        (lambda files: files.update({"device_sw/errors.py": b"x"}), r"device_sw/errors\.py", "another content"),
        (lambda files: files.update({next(n for n in files if n.endswith("METADATA")): b"x"}), ".*METADATA", "not as its RECORD"),
        (lambda files: files.update({"evil.pth": b"import os"}), r"evil\.pth", "not of the device"),
    ],
)
def test_a_wheel_that_is_not_exactly_the_device_is_refused(wheel, device, change, where, found):
    with pytest.raises(ReleaseRefused, match=f"REL-WHEEL-CONTENT at {where}: found {found}"):
        require_content(rewritten(wheel, change), device)


def test_two_builds_that_differ_are_refused(wheel, monkeypatch):
    other = [wheel, Wheel(wheel.name, wheel.content + b"x")]
    monkeypatch.setattr(wheels, "_built", lambda _: other.pop())
    with pytest.raises(ReleaseRefused, match="REL-WHEEL-TWICE at thoratrace"):
        build_wheel(REPOSITORY)


def test_a_build_that_fails_says_why(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "pyproject.toml").write_text("[build-system\n", encoding="utf-8")
    with pytest.raises(ReleaseRefused, match="REL-WHEEL-BUILD at the wheel: found"):
        build_wheel(tmp_path)


def test_outside_a_checkout_nothing_is_built(tmp_path):
    with pytest.raises(ReleaseRefused, match="REL-WHEEL-SOURCE at the checkout: found not a git working tree"):
        build_wheel(tmp_path)
