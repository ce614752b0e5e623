"""The checkout: exactly the recorded commit, and nothing that happens in it reaches the repository."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.release.provenance.source import read_source
from pipeline.release.reproduction.checkout import CheckoutFailed, check_out
from tests.pipeline.release.provenance.test_source import clone, git

__all__ = ["clone"]


def test_an_older_commit_is_laid_out_and_the_repository_stays_as_it_was(clone, tmp_path_factory):
    source = read_source(clone)[0]
    (clone / "a.txt").write_bytes(b"two\n")
    git(clone, "commit", "-qam", "second")
    (clone / "a.txt").write_bytes(b"three\n")
    before = (git(clone, "status", "--porcelain"), git(clone, "worktree", "list"), git(clone, "for-each-ref"))
    folder = tmp_path_factory.mktemp("throw-away") / "checkout"
    check_out(clone, source, folder)
    assert (folder / "a.txt").read_bytes() == b"one\n"
    git(folder, "checkout", "-q", "-b", "mine")
    assert (git(clone, "status", "--porcelain"), git(clone, "worktree", "list"), git(clone, "for-each-ref")) == before


def test_a_commit_that_nobody_has_is_said(clone, tmp_path_factory):
    source = replace(read_source(clone)[0], commit="0" * 40)
    with pytest.raises(
        CheckoutFailed, match=r"REP-COMMIT at 0{40}: found .*, expected a repository with the commit of the record"
    ):
        check_out(clone, source, tmp_path_factory.mktemp("throw-away") / "checkout")


@pytest.mark.parametrize(("part", "digits"), [("tree", 40), ("files_sha256", 64)])
def test_a_commit_with_another_content_than_recorded_is_refused(clone, tmp_path_factory, part, digits):
    source = replace(read_source(clone)[0], **{part: "1" * digits})
    with pytest.raises(CheckoutFailed, match=f"REP-SOURCE at source {part}: found [0-9a-f]+, expected 1+, as recorded"):
        check_out(clone, source, tmp_path_factory.mktemp("throw-away") / "checkout")


def test_a_replaced_object_does_not_come_in(clone, tmp_path_factory):
    source = read_source(clone)[0]
    (clone / "a.txt").write_bytes(b"evil\n")
    git(clone, "commit", "-qam", "second")
    git(clone, "replace", source.commit, "HEAD")
    folder = tmp_path_factory.mktemp("throw-away") / "checkout"
    check_out(clone, source, folder)
    assert (folder / "a.txt").read_bytes() == b"one\n"
