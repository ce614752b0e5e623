"""Installed libraries are those of the lock, file by file, and nothing else lies among them."""

import base64
import hashlib
import os

import importlib_metadata
import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.installed import installed
from pipeline.release.wheelhouse.pins import LockUnreadable

HASH = f"    --hash=sha256:{'0' * 64}\n"
ALPHA = f"alpha==1.0 \\\n{HASH}"
LOCK = f"{ALPHA}beta==2.0 ; python_version >= '3' \\\n{HASH}"


def install(site, name, version, files):
    """Write what an installer writes: the files, and a RECORD with their hashes."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    contents = {**files, f"{info.name}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    rows = []
    for path, text in contents.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    rows += [f"../../../bin/{name},sha256=abc,3", f"{name}/__pycache__/a.pyc,,", f"{info.name}/RECORD,,"]
    (info / "INSTALLER").write_text("pip\n", encoding="utf-8")
    (info / "RECORD").write_text("\n".join(rows), encoding="utf-8")


@pytest.fixture
def site(tmp_path):
    install(tmp_path, "alpha", "1.0", {"alpha/__init__.py": "a = 1"})
    install(tmp_path, "beta", "2.0", {"beta.py": "b = 1"})
    install(tmp_path, "pip", "26.0", {"pip.py": ""})
    return tmp_path


def test_each_distribution_is_named_by_what_its_wheel_brought(site, tmp_path_factory):
    found = installed(LOCK, site)
    assert {name: each.version for name, each in found.items()} == {"alpha": "1.0", "beta": "2.0"}
    other = tmp_path_factory.mktemp("elsewhere")
    install(other, "alpha", "1.0", {"alpha/__init__.py": "a = 1"})
    assert installed(ALPHA, other)["alpha"] == found["alpha"]


def test_two_installers_leave_the_same_libraries_whatever_they_note_beside_them(site):
    before = installed(LOCK, site)
    info = site / "alpha-1.0.dist-info"
    (info / "uv_build.json").write_text("{}", encoding="utf-8")
    (info / "INSTALLER").write_text("uv\n", encoding="utf-8")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"{}").digest()).rstrip(b"=").decode()
    record = (info / "RECORD").read_text(encoding="utf-8")
    (info / "RECORD").write_text(f"{record}\nalpha-1.0.dist-info/uv_build.json,sha256={digest},2\n", encoding="utf-8")
    assert installed(LOCK, site) == before


def test_a_library_that_was_altered_with_date_and_size_kept_is_refused(site):
    path = site / "alpha" / "__init__.py"
    dates = path.stat()
    path.write_text("a = 2", encoding="utf-8")
    os.utime(path, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    with pytest.raises(ReleaseRefused, match=r"REL-ENVIRONMENT-FILE at alpha: alpha/__init__\.py: found"):
        installed(LOCK, site)


def test_a_library_whose_file_is_gone_is_refused_whatever_was_imported_before(site):
    """The backport of importlib.metadata, which other libraries import, puts a finder of its own in place that leaves out files that are gone."""
    assert importlib_metadata.version("importlib-metadata")
    (site / "beta.py").unlink()
    with pytest.raises(ReleaseRefused, match=r"REL-ENVIRONMENT-FILE at beta: beta\.py: found no file"):
        installed(LOCK, site)


@pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "alpha/more.py", "alpha/more.pyc"])
def test_a_file_that_no_wheel_brought_is_refused(site, name):
    (site / name).write_text("import os", encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=f"REL-ENVIRONMENT-EXTRA at {name}"):
        installed(LOCK, site)


@pytest.mark.parametrize(
    ("lock", "where", "found", "expected"),
    [
        (LOCK.replace("alpha==1.0", "alpha==1.1"), "alpha", r"1\.0", r"1\.1"),
        (f"{LOCK}gamma==3.0 \\\n{HASH}", "gamma", "not installed", r"3\.0"),
        (ALPHA, "beta", r"2\.0", "not installed, since no lock names it"),
    ],
)
def test_a_distribution_that_the_lock_does_not_pin_is_refused(site, lock, where, found, expected):
    with pytest.raises(ReleaseRefused, match=f"REL-ENVIRONMENT-LOCK at {where}: found {found}, expected {expected}"):
        installed(lock, site)


def test_a_weaker_hash_is_refused(site):
    record = site / "beta-2.0.dist-info" / "RECORD"
    record.write_text(record.read_text(encoding="utf-8").replace("beta.py,sha256=", "beta.py,md5="), encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=r"REL-ENVIRONMENT-FILE at beta: beta\.py: found a hash by md5"):
        installed(LOCK, site)


def test_pins_of_other_systems_are_not_asked_for(site):
    assert installed(f"{LOCK}gamma==3.0 ; sys_platform == 'nowhere' \\\n{HASH}", site) == installed(LOCK, site)


def test_a_lock_that_cannot_be_read_is_refused_and_not_taken_for_an_empty_one(site):
    with pytest.raises(LockUnreadable, match=r"LOK-LINE at requirements\.lock:1: found '--index-url somewhere'"):
        installed(f"--index-url somewhere\n{LOCK}", site)
