"""The lineage names everything by SHA-256, and believes dvc.lock only where every byte agrees with it."""

import hashlib
import json
import os

import pytest
import yaml

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.content import content_sha256
from pipeline.release.provenance.lineage import lineage
from verification.trace.lineage import md5_of


@pytest.fixture
def run(tmp_path):
    """A run of two stages, films -> bundle, as DVC would have locked it."""
    bundle = tmp_path / "artifacts" / "bundle"
    bundle.mkdir(parents=True)
    (tmp_path / "artifacts" / "films").mkdir()
    (tmp_path / "artifacts" / "films" / "a.dcm").write_bytes(b"film")
    (bundle / "weights.safetensors").write_bytes(b"weights")
    files = {"weights.safetensors": {"sha256": hashlib.sha256(b"weights").hexdigest(), "size": 7}}
    (bundle / "manifest.json").write_text(json.dumps({"files": files, "model_version": "0.0.1"}), encoding="utf-8")
    (tmp_path / "code.py").write_text("code", encoding="utf-8")
    (tmp_path / "params.yaml").write_text("seed: 7\n", encoding="utf-8")
    stages = {
        "films": {"cmd": "make", "deps": ["code.py"], "params": ["seed"], "outs": ["artifacts/films"]},
        "train": {"cmd": "learn", "deps": ["artifacts/films"], "outs": ["artifacts/bundle"]},
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")
    lock(tmp_path)
    return tmp_path


def lock(root):
    def entry(path):
        return {"path": path, "hash": "md5", "md5": md5_of(root / path), "size": 100_000_000}

    stages = {
        "films": {
            "cmd": "make",
            "deps": [entry("code.py")],
            "params": {"params.yaml": {"seed": 7}},
            "outs": [entry("artifacts/films")],
        },
        "train": {"cmd": "learn", "deps": [entry("artifacts/films")], "outs": [entry("artifacts/bundle")]},
    }
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}), encoding="utf-8")


def test_every_input_and_output_is_named_by_sha256(run):
    found = lineage(run)
    films = {"sha256": content_sha256(run / "artifacts" / "films"), "md5": md5_of(run / "artifacts" / "films")}
    assert found["stages"]["films"]["outs"] == {"artifacts/films": films}
    assert found["stages"]["train"]["deps"] == {"artifacts/films": films}
    assert found["stages"]["films"]["deps"]["code.py"]["sha256"] == hashlib.sha256(b"code").hexdigest()
    assert found["stages"]["films"]["params"] == {"params.yaml": {"seed": 7}}
    assert found["model"]["weights_sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert json.loads(json.dumps(found)) == found


def test_a_large_output_that_kept_its_date_is_still_read(run):
    film = run / "artifacts" / "films" / "a.dcm"
    dates = film.stat()
    film.write_bytes(b"fLlm")
    os.utime(film, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    with pytest.raises(ReleaseRefused, match=r"REL-LINEAGE-STALE at stage (films|train), artifacts/films"):
        lineage(run)


@pytest.mark.parametrize(
    ("path", "text", "where"),
    [
        ("code.py", "other", r"stage films, input code\.py"),
        ("params.yaml", "seed: 8\n", r"stage films, parameter seed of params\.yaml"),
        ("artifacts/bundle/extra", "x", "stage train, artifacts/bundle"),
    ],
)
def test_a_lock_that_does_not_describe_the_tree_is_refused(run, path, text, where):
    (run / path).write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=f"REL-LINEAGE-STALE at {where}"):
        lineage(run)


def test_a_run_without_lock_is_refused(run):
    (run / "dvc.lock").unlink()
    with pytest.raises(ReleaseRefused, match=r"REL-LINEAGE-ABSENT at dvc\.lock: found no dvc\.lock"):
        lineage(run)
