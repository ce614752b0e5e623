"""The source: the commit's files by content, and a tree that hides a change is found out."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.source import commit_time, read_source, require_clean
from pipeline.release.record.canonical import digest

ENVIRONMENT = {
    **os.environ,
    **{f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(root, *arguments):
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.txt").write_bytes(b"one\n")
    (tmp_path / "run").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / ".gitignore").write_bytes(b"made/\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_the_source_names_every_file_by_mode_and_content(clone):
    source, files = read_source(clone)
    assert files == {
        ".gitignore": ["100644", sha256(b"made/\n")],
        "a.txt": ["100644", sha256(b"one\n")],
        "link": ["120000", sha256(b"a.txt")],
        "run": ["100755", sha256(b"#!/bin/sh\n")],
    }
    assert source.files_sha256 == digest(files)
    assert (source.commit, source.tree) == (git(clone, "rev-parse", "HEAD"), git(clone, "rev-parse", "HEAD^{tree}"))


def test_the_time_of_a_commit_is_its_own_in_utc(clone):
    (clone / "a.txt").write_bytes(b"two\n")
    done = ENVIRONMENT | {"GIT_COMMITTER_DATE": "2026-11-21T10:00:00+08:00"}
    subprocess.run(["git", "commit", "-qam", "second"], cwd=clone, check=True, env=done)
    assert commit_time(clone, "HEAD") == "2026-11-21T02:00:00Z"


def test_a_clean_tree_passes_whatever_is_ignored(clone):
    (clone / "made").mkdir()
    (clone / "made" / "x").write_bytes(b"x")
    require_clean(clone, read_source(clone)[1])


def test_what_only_this_machine_ignores_counts_as_unknown(clone):
    git(clone, "config", "core.excludesFile", str(clone.parent / "mine"))
    for place in (clone / ".git/info/exclude", clone.parent / "mine"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("conftest.py\n", encoding="utf-8")
    (clone / "conftest.py").write_bytes(b"")
    with pytest.raises(ReleaseRefused, match=r"REL-DIRTY.*conftest\.py is neither committed nor ignored"):
        require_clean(clone, read_source(clone)[1])


def unlink(path):
    path.unlink()


def hide(path):
    """Change a file so that git itself says nothing."""
    git(path.parent, "update-index", "--assume-unchanged", path.name)
    path.write_bytes(b"two\n")


@pytest.mark.parametrize(
    ("name", "harm", "message"),
    [
        ("a.txt", lambda path: path.write_bytes(b"two\n"), "a.txt changed"),
        ("a.txt", hide, "a.txt changed"),
        ("a.txt", unlink, "a.txt is missing"),
        ("run", lambda path: path.chmod(0o644), "run has another mode"),
        ("a.txt", lambda path: path.chmod(0o755), "a.txt has another mode"),
        ("link", lambda path: (path.unlink(), path.symlink_to("run")), "link changed"),
        ("link", lambda path: (path.unlink(), path.write_bytes(b"a.txt")), "link has another mode"),
        ("new.txt", lambda path: path.write_bytes(b""), "new.txt is neither committed nor ignored"),
    ],
)
def test_a_tree_that_is_not_the_commit_is_refused(clone, name, harm, message):
    _, files = read_source(clone)
    harm(clone / name)
    with pytest.raises(ReleaseRefused, match=f"REL-DIRTY at the working tree: found {message}"):
        require_clean(clone, files)


def test_what_is_staged_and_taken_back_in_the_tree_is_refused(clone):
    _, files = read_source(clone)
    (clone / "a.txt").write_bytes(b"two\n")
    git(clone, "add", "a.txt")
    (clone / "a.txt").write_bytes(b"one\n")
    with pytest.raises(ReleaseRefused, match=r"REL-DIRTY at the working tree: found a\.txt is staged"):
        require_clean(clone, files)


def test_only_the_named_files_may_differ(clone):
    _, files = read_source(clone)
    (clone / "a.txt").write_bytes(b"two\n")
    require_clean(clone, files, allowed=("a.txt",))
    (clone / "run").write_bytes(b"")
    with pytest.raises(ReleaseRefused, match="found run changed"):
        require_clean(clone, files, allowed=("a.txt",))


def test_a_replacement_object_does_not_mislead(clone):
    source, _ = read_source(clone)
    (clone / "a.txt").write_bytes(b"two\n")
    git(clone, "commit", "-qam", "second")
    git(clone, "replace", source.commit, "HEAD")
    assert read_source(clone, source.commit)[0] == source


def test_a_folder_without_a_commit_is_refused(tmp_path):
    with pytest.raises(ReleaseRefused, match="REL-SOURCE at the repository"):
        read_source(tmp_path)
