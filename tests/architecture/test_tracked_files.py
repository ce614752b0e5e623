"""What is committed: nothing of one machine, of a package index, or that a run makes; and runs leave the tree as it was."""

import re
import subprocess
from pathlib import Path

import pytest

from pipeline.release.parts.collection import BUNDLE_LIMIT

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 1024 * 1024
RUN_WRITES = ("dvc.lock", ".dvc", "artifacts", "releases", "mlruns", "mlflow.db")
"""Where a run would leave a trace if it wrote outside the ignored folders."""

INDEX_HOST = re.compile(r"https?://[^ \"'<>]*(pypi|python" r"hosted|npmjs|conda|debian)\.")
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_.~-])/(?:root|home|work|tmp|Users|mnt)/[A-Za-z0-9_.-]+")


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def tracked():
    return [ROOT / name for name in git("ls-files", "-z").split("\0") if name and (ROOT / name).is_file()]


def texts():
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def lines_matching(pattern):
    return [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path, text in texts()
        if path.name != Path(__file__).name and (found := pattern.search(text))
    ]


def test_no_file_names_a_package_index():
    assert lines_matching(INDEX_HOST) == []


def test_no_file_holds_a_path_of_one_machine():
    assert lines_matching(MACHINE_PATH) == []


@pytest.mark.parametrize("text", [f"see /{'root'}/.cache for it", "'/home/someone/data'", '"/tmp/x"'])
def test_a_machine_path_would_be_found(text):
    assert MACHINE_PATH.search(text)


def release_of(path):
    """Return the folder of the release that a file belongs to; None for a file of no release. What was sealed keeps its size; the release as a whole has a limit."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if len(parts) > 2 and parts[0] == "releases" else None


def test_no_tracked_file_is_large_but_for_what_a_release_sealed():
    large = [path for path in tracked() if path.stat().st_size > LARGEST_BYTES and release_of(path) is None]
    assert [str(path.relative_to(ROOT)) for path in large] == []


def test_no_part_of_a_release_is_large_but_for_its_bundle_and_what_was_sealed_before_this_was_asked():
    """Large parts lie in the archive; 0.1.0 was sealed with its trace matrix of 1.02 MiB among the committed files, and stays as it is."""
    parts = [path.relative_to(ROOT) for path in tracked() if release_of(path) and path.stat().st_size > LARGEST_BYTES]
    large = [path.as_posix() for path in parts if path.parts[2] != "bundle"]
    assert [name for name in large if name != "releases/0.1.0/files/matrix.json"] == []


def test_no_release_is_larger_than_a_clone_should_carry():
    sizes = {}
    for path in tracked():
        if release := release_of(path):
            sizes[release] = sizes.get(release, 0) + path.stat().st_size
    assert {release: size for release, size in sizes.items() if size > BUNDLE_LIMIT} == {}


def test_nothing_tracked_is_ignored():
    assert git("ls-files", "--cached", "--ignored", "--exclude-standard") == ""


def test_no_python_pickle_or_weights_outside_releases():
    suffixes = {".pt", ".pth", ".pkl", ".pickle", ".joblib", ".npy"}
    assert [str(path.relative_to(ROOT)) for path in tracked() if path.suffix in suffixes] == []


@pytest.mark.needs_run
def test_a_run_leaves_the_tree_clean():
    changed = git("status", "--porcelain", "--untracked-files=all", "--", *RUN_WRITES)
    assert changed == "", "commit what changed the canonical run together with its dvc.lock, or restore it"
