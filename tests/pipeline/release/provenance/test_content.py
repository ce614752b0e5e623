"""Content is named by its bytes: not by date, size, order of listing or a cache."""

import hashlib
import os

import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.content import ABSENT, content_sha256, files_sha256


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tree" / "b").mkdir(parents=True)
    (tmp_path / "tree" / "a.py").write_bytes(b"a")
    (tmp_path / "tree" / "b" / "c.txt").write_bytes(b"c")
    return tmp_path / "tree"


def test_the_hash_of_a_folder_is_that_of_what_sha256sum_prints(folder):
    lines = f"{hashlib.sha256(b'a').hexdigest()}  a.py\n{hashlib.sha256(b'c').hexdigest()}  b/c.txt\n"
    assert content_sha256(folder) == hashlib.sha256(lines.encode()).hexdigest()


def test_a_flipped_byte_with_date_and_size_kept_is_another_content(folder):
    before, dates = content_sha256(folder), (folder / "a.py").stat()
    (folder / "a.py").write_bytes(b"b")
    os.utime(folder / "a.py", ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert content_sha256(folder) != before


@pytest.mark.parametrize(("old", "new"), [("a.py", "A.py"), ("b/c.txt", "c.txt")])
def test_a_renamed_or_moved_file_is_another_content(folder, old, new):
    before = content_sha256(folder)
    (folder / old).rename(folder / new)
    assert content_sha256(folder) != before


def test_caches_of_the_interpreter_do_not_count(folder):
    before = content_sha256(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    assert content_sha256(folder) == before


def test_nothing_is_absent_and_no_hash(tmp_path):
    assert content_sha256(tmp_path / "nothing") == ABSENT
    assert files_sha256(tmp_path) == {}


@pytest.mark.parametrize("name", ["link", "b/link"])
def test_a_link_is_refused(folder, name):
    (folder / name).symlink_to(folder / "a.py")
    with pytest.raises(ReleaseRefused, match=rf"REL-CONTENT-LINK at tree/{name}: found a link"):
        content_sha256(folder)
