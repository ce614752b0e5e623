"""Attacks on the source: the record names a commit, and the repository is made to show another one under its name."""

from __future__ import annotations

import os
import subprocess
import zlib
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks.attack import Aim, Attack, CheckName, Holds, Sign
from pipeline.release.attacks.forgery import statement_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.release.attacks.bench import Bench

SMUGGLED = "device_sw/_version.py"
"""File of the source that is changed."""

_NOBODY = {
    "GIT_AUTHOR_NAME": "nobody",
    "GIT_AUTHOR_EMAIL": "nobody@example.org",
    "GIT_COMMITTER_NAME": "nobody",
    "GIT_COMMITTER_EMAIL": "nobody@example.org",
}


def git(repository: Path, *arguments: str, content: bytes | None = None) -> str:
    """Run git in the clone as the attacker, who is nobody, and return what it printed."""
    done = subprocess.run(
        ["git", *arguments], cwd=repository, input=content, capture_output=True, check=True, env={**os.environ, **_NOBODY}
    )
    return done.stdout.decode().strip()


def _clone(bench: Bench) -> None:
    """Make the clone, so that the check is asked about it before the deed, with every object in a file of its own."""
    clone = bench.repository
    packs = clone / ".git" / "objects" / "pack"
    moved = [path.rename(bench.beside("packs") / path.name) for path in sorted(packs.glob("pack-*.*"))]
    for path in moved:
        if path.suffix == ".pack":
            git(clone, "unpack-objects", "-q", content=path.read_bytes())


def _commit(bench: Bench) -> str:
    return str(statement_of(bench)["predicate"]["source"]["commit"])


def _other_commit(bench: Bench) -> str:
    """Return a new commit in the clone: the recorded one with a file of the device changed."""
    commit, clone = _commit(bench), bench.repository
    git(clone, "checkout", "-q", "--detach", commit)
    with (clone / SMUGGLED).open("a", encoding="utf-8") as stream:
        stream.write("# changed\n")
    git(clone, "commit", "-q", "-a", "--no-verify", "--no-gpg-sign", "-m", "as before")
    return git(clone, "rev-parse", "HEAD")


def _object(bench: Bench, name: str) -> Path:
    return bench.repository / ".git" / "objects" / name[:2] / name[2:]


def _overwrite(path: Path, kind: str, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"%b %d\0%b" % (kind.encode(), len(content), content)))


def _blob_overwritten(bench: Bench) -> tuple[Sign, ...]:
    blob = git(bench.repository, "rev-parse", f"{_commit(bench)}:{SMUGGLED}")
    content = subprocess.run(["git", "cat-file", "blob", blob], cwd=bench.repository, capture_output=True, check=True).stdout
    _overwrite(_object(bench, blob), "blob", content + b"# changed\n")
    return (Sign("VER-SOURCE", str(statement_of(bench)["predicate"]["source"]["tree"])),)


def _commit_overwritten(bench: Bench) -> tuple[Sign, ...]:
    """Put the other commit's text under the name of the recorded one."""
    commit, other = _commit(bench), _other_commit(bench)
    content = subprocess.run(["git", "cat-file", "commit", other], cwd=bench.repository, capture_output=True, check=True).stdout
    _overwrite(_object(bench, commit), "commit", content)
    return (Sign("VER-SOURCE", commit),)


def _replaced(bench: Bench) -> tuple[Sign, ...]:
    """Delete the recorded commit and have git show the other one in its place: `git show` of the recorded name then prints the other."""
    commit, other = _commit(bench), _other_commit(bench)
    git(bench.repository, "replace", "-f", commit, other)
    _object(bench, commit).unlink()
    return (Sign("VER-SOURCE", commit),)


def _history_rewritten(bench: Bench) -> tuple[Sign, ...]:
    """Rewrite the history and move every branch and tag: the recorded commit is gone."""
    commit, other = _commit(bench), _other_commit(bench)
    for line in git(bench.repository, "for-each-ref", "--format=%(refname)").splitlines():
        git(bench.repository, "update-ref", "--no-deref", line, other)
    _object(bench, commit).unlink()
    return (Sign("VER-SOURCE", commit),)


def _attack(name: str, deed: str, harm: Any) -> Attack:
    return Attack(name, Aim.SOURCE, Holds.FOLDER, deed, CheckName.SOURCE, harm, _clone)


ATTACKS = (
    _attack(
        "source-file-overwritten", "a file's object in the repository gets other content under its old name", _blob_overwritten
    ),
    _attack("source-commit-overwritten", "another commit's text lies under the recorded commit's name", _commit_overwritten),
    _attack("source-commit-replaced", "git is told to show another commit in the place of the recorded one", _replaced),
    _attack("history-rewritten", "history, branches and tags are rewritten; the recorded commit is gone", _history_rewritten),
)
