"""The wheel of a release: built twice from the committed files alone, in two folders, without network; both must be the same bytes and hold the device only.

The date of every file in it is fixed, to the one that hatchling takes when nobody says anything, so that whoever builds the wheel by hand gets these bytes too.
Source: PyPA, "Binary distribution format"; SOURCE_DATE_EPOCH specification, reproducible-builds.org; IEC 62304 5.8.8.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.release.errors import ReleaseRefused
from verification.trace.identity import SourceTreeError, tracked

EPOCH = 1_580_601_600
"""2020-02-02 UTC, in seconds."""

PACKAGE = "device_sw"
NEEDED = ("pyproject.toml", "README.md", "LICENSE", PACKAGE)
"""What a wheel is made from; of all else the build sees nothing."""

METADATA = frozenset({"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"})
"""Files of the wheel's dist-info folder."""

_KEPT = ("PATH", "HOME", "TMPDIR", "LC_ALL")


@dataclass(frozen=True)
class Wheel:
    """A wheel: its file name and its bytes."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.content).hexdigest()


def build_wheel(root: Path) -> Wheel:
    """Build the wheel of the checkout's committed device and return it, once both builds agree and its content is what it should be.

    Raises:
        ReleaseRefused: ``REL-WHEEL-SOURCE``, no git checkout; ``REL-WHEEL-BUILD``, the build failed; ``REL-WHEEL-TWICE``, the builds differ; ``REL-WHEEL-CONTENT``, a
            file is missing, too many or another one, or the wheel's own list of hashes is wrong.
    """
    with TemporaryDirectory() as folder:
        first, second = (_built(_exported(root, Path(folder) / name)) for name in ("first", "second-elsewhere"))
    if first != second:
        raise _refused(
            "TWICE", first.name, f"SHA-256 {second.sha256[:16]}", first.sha256[:16], "find out what differs between two builds"
        )
    require_content(first, {name: (root / name).read_bytes() for name in tracked(root, PACKAGE)})
    return first


def _exported(root: Path, folder: Path) -> Path:
    """Copy what the wheel is made from, as it lies in the checkout and without what git ignores, with plain modes."""
    try:
        names = tracked(root, *NEEDED)
    except SourceTreeError as err:
        raise _refused("SOURCE", "the checkout", str(err), "a git checkout", "work in a clone") from err
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)
        (folder / name).chmod(0o644)
    return folder


def _built(source: Path) -> Wheel:
    made = source.parent / f"{source.name}-wheel"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(made), str(source)]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"SOURCE_DATE_EPOCH": str(EPOCH), "PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INDEX": "1", "TZ": "UTC"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    wheels = sorted(made.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise _refused(
            "BUILD", "the wheel", said[-1] if said else "no wheel", "a wheel", "run `python -m build --no-isolation --wheel`"
        )
    return Wheel(wheels[0].name, wheels[0].read_bytes())


def require_content(wheel: Wheel, device: dict[str, bytes]) -> None:
    """Refuse a wheel that is not exactly the device and its metadata.

    Args:
        wheel: to be looked into.
        device: path -> bytes of every file of the device.

    Raises:
        ReleaseRefused: ``REL-WHEEL-CONTENT``.
    """
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        files = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        if len(files) != len(archive.infolist()):
            raise _content(wheel.name, "a name twice")
    about = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
    expected = {*device, *(f"{about}/{name}" for name in METADATA)}
    for name in sorted(files.keys() ^ expected):
        raise _content(name, "not in the wheel" if name in expected else "not of the device")
    for name, content in sorted(device.items()):
        if files[name] != content:
            raise _content(name, "another content than in the checkout")
    listed = {row[0]: row[1] for row in csv.reader(files[f"{about}/RECORD"].decode().splitlines())}
    for name, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        if listed.get(name) != (f"sha256={digest}" if name != f"{about}/RECORD" else ""):
            raise _content(name, "not as its RECORD says")


def _content(where: str, found: str) -> ReleaseRefused:
    return _refused(
        "CONTENT", where, found, "exactly the committed device, listed with its hashes", "mend pyproject.toml, or commit the file"
    )


def _refused(what: str, where: str, found: str, expected: str, repair: str) -> ReleaseRefused:
    return ReleaseRefused(f"REL-WHEEL-{what}", where=where, found=found, expected=expected, repair=repair)
