"""Whether weights and bundle of the canonical run come back through a DVC remote, and what DVC says of an object that was changed there.

    python -m tests.benchmarks.dvc_remote --out evidence/dvc_remote/dvc_remote.json

A remote is a matter of configuration: a clone with the finished run pushes training and bundle to a folder; a clone without anything pulls them, with `verify true`. Every
file is compared by SHA-256. Then one byte of a pushed object is changed, size kept, and pulled by further clones: with its rights as DVC leaves them (read-only, which DVC
takes for proof), made writable, and with and without `verify`. What DVC lets pass shows why integrity rests on the release record. The remote is a folder: this says nothing of an object store.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pipeline.dvc_runs import stage_environment
from pipeline.run import REPOSITORY, Run, file_sha256, write_json

STAGES = ("train", "package")
FOLDERS = ("training", "bundle")


def dvc(root, *arguments):
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, env=stage_environment(Run(root)), capture_output=True, text=True, check=False)


def must(done):
    """Return what a command printed.

    Raises:
        RuntimeError: it ended with an error.
    """
    if done.returncode:
        raise RuntimeError(f"{done.args}: {done.stderr[-2000:]}")
    return done.stdout


def clone(root, remote, *, verify):
    """Clone the repository and name the remote in its local configuration."""
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(REPOSITORY), str(root)], check=True, capture_output=True)
    must(dvc(root, "remote", "add", "--local", "--default", "archive", str(remote)))
    must(dvc(root, "remote", "modify", "--local", "archive", "verify", "true" if verify else "false"))
    return root


def hashes(root):
    files = [path for name in FOLDERS for path in sorted((root / "artifacts" / name).rglob("*")) if path.is_file()]
    return {path.relative_to(root).as_posix(): file_sha256(path) for path in files}


def push(root, cache):
    """Push what the lock names from the cache of the finished run."""
    must(dvc(root, "cache", "dir", "--local", str(cache)))
    must(dvc(root, "push", *STAGES))


def pulled(root, expected):
    """Pull and say what DVC answered and whether the files are the pushed ones."""
    done = dvc(root, "pull", *STAGES)
    return {"exit_code": done.returncode, "files_equal": hashes(root) == expected}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=REPOSITORY / "evidence" / "dvc_remote" / "dvc_remote.json")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / ".dvc" / "cache", help="of the finished run; only read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, remote = Path(place), Path(place) / "remote"
        remote.mkdir()
        source = clone(folder / "source", remote, verify=True)
        push(source, options.cache.resolve())
        expected = hashes(REPOSITORY)
        runs = {"unchanged, verify true": pulled(clone(folder / "clean", remote, verify=True), expected)}
        victim = max((path for path in remote.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        rights = victim.stat().st_mode
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        for writable in (False, True):
            for verify in (True, False):
                os.chmod(victim, 0o644)  # noqa: PTH101
                victim.write_bytes(content)
                os.chmod(victim, 0o644 if writable else rights)  # noqa: PTH101
                name = f"one byte changed, {'writable' if writable else 'as DVC left it'}, verify {str(verify).lower()}"
                runs[name] = pulled(clone(folder / name.replace(" ", "-").replace(",", ""), remote, verify=verify), expected)
        record = {
            "schema": "thoratrace/dvc-remote/1",
            "date": datetime.now(UTC).date().isoformat(),
            "dvc": version("dvc"),
            "remote": "a folder",
            "rights_of_objects": oct(rights & 0o777),
            "files": len(expected),
            "runs": runs,
            "comes_back": runs["unchanged, verify true"] == {"exit_code": 0, "files_equal": True},
            "changed_and_let_pass": sorted(
                name for name, run in runs.items() if name.startswith("one") and run["exit_code"] == 0
            ),
        }
    write_json(options.out, record)
    print(json.dumps(record, indent=1))  # noqa: T201
    return 0 if record["comes_back"] else 1


if __name__ == "__main__":
    sys.exit(main())
