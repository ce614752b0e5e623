"""Tiny wheels and a source archive that a real installer installs, for tests without any network."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile

from pipeline.release.wheelhouse.pins import Pin


def quiet(done, total, text):
    """Report nothing."""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def wheel(folder, name, version="1.0", files=None, *, listed=True):
    """Write a wheel with one module (and more files) and return its path; ``listed`` says whether RECORD names them."""
    files = {f"{name}.py": f"NAME = {name!r}\n".encode(), **(files or {})}
    info = f"{name}-{version}.dist-info"
    notes = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [_row(path, content) for path, content in {**(files if listed else {}), **notes}.items()]
    content = {**files, **notes, f"{info}/RECORD": "".join([*rows, f"{info}/RECORD,,\n"]).encode()}
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in content.items():
            archive.writestr(zipfile.ZipInfo(inner), text)
    return path


def _row(path, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"


def source_archive(folder, name, version="2.0"):
    """Write a source archive with one module, built by setuptools."""
    files = {
        "setup.py": f"from setuptools import setup\nsetup(name={name!r}, version={version!r}, py_modules=[{name!r}])\n",
        f"{name}.py": "VALUE = 1\n",
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for inner, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{inner}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def pin(path, marker=""):
    """Return the pin of a wheel or source archive."""
    name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
    return Pin(name, version, marker, frozenset({sha256(path.read_bytes())}))


def lock(pins):
    """Return the text of a lock."""
    return "".join(
        f"{each.name}=={each.version}{f' ; {each.marker}' if each.marker else ''} \\\n"
        + " \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(each.sha256s))
        + "\n"
        for each in pins
    )
