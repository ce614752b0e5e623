"""The claims of dvc.lock are recomputed, and DVC's own hash of a folder agrees with ours."""

import hashlib
import re
import shutil

import pytest
import yaml

from verification.trace.lineage import REHASH_LIMIT, LineageError, md5_of, read_lineage, read_yaml, stale_stages
from verification.trace.slices import SLICES

STAGES = SLICES["verification"].stages


def stale(project):
    return [(entry.stage, entry.what) for entry in stale_stages(project.root, STAGES)]


def test_a_fresh_run_is_not_stale(project):
    assert stale(project) == []


@pytest.mark.parametrize(
    ("name", "stage", "what"),
    [
        ("phantom/thorax.py", "cohort", "input phantom"),
        ("pipeline/training/loop.py", "train", "input pipeline/training"),
        ("device_sw/device.py", "predict", "input device_sw"),
        ("artifacts/validation/validation.json", "validate", "output artifacts/validation"),
        ("artifacts/bundle/manifest.json", "package", "output artifacts/bundle"),
    ],
)
def test_a_changed_input_or_output_is_named(project, name, stage, what):
    project.write(name, project.read(name) + " ")
    assert (stage, what) in stale(project)
    assert "TRC-PIPELINE-STALE" in project.codes()


def test_a_changed_parameter_is_named(project):
    project.write("params.yaml", "profile: coco\n")
    assert ("cohort", "parameter profile of params.yaml") in stale(project)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda stage: stage.update(cmd="python -m other"), "command"),
        (lambda stage: stage["deps"].append("risk"), "deps of dvc.yaml: risk"),
        (lambda stage: stage["deps"].remove("phantom"), "deps of dvc.yaml: phantom"),
        (lambda stage: stage["outs"].append("artifacts/more"), "outs of dvc.yaml: artifacts/more"),
    ],
)
def test_a_stage_defined_otherwise_is_named(project, change, what):
    definitions = yaml.safe_load(project.read("dvc.yaml"))
    change(definitions["stages"]["cohort"])
    project.write("dvc.yaml", yaml.safe_dump(definitions))
    assert stale(project) == [("cohort", what)]


def test_without_definitions_every_stage_is_stale(project):
    (project.root / "dvc.yaml").unlink()
    assert {stage for stage, _ in stale(project)} == set(STAGES)


def test_a_missing_output_is_named(project):
    (project.root / "artifacts/predictions/predictions.json").unlink()
    (project.root / "artifacts/predictions").rmdir()
    assert ("predict", "output artifacts/predictions") in stale(project)


def test_stages_that_do_not_fit_together_are_named(project):
    project.write("artifacts/train/out.txt", "another training")
    lock = yaml.safe_load(project.read("dvc.lock"))
    lock["stages"]["train"]["outs"][0]["md5"] = md5_of(project.root / "artifacts/train")
    project.write("dvc.lock", yaml.safe_dump(lock))
    assert stale(project) == [("package", "input artifacts/train")]


def test_validation_of_another_pipeline_is_not_shown(project):
    project.write("phantom/thorax.py", "RIBS = 23\n")
    assert project.check().counts["endpoints"] == 0


def test_folder_hash_is_that_of_dvc(tmp_path):
    hashing = pytest.importorskip("dvc_data.hashfile.tree")
    meta = pytest.importorskip("dvc_data.hashfile.meta")
    info = pytest.importorskip("dvc_data.hashfile.hash_info")
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "sub" / "a.txt").write_text("a")
    tree = hashing.Tree()
    for key in (("b.txt",), ("sub", "a.txt")):
        tree.add(key, meta.Meta(), info.HashInfo("md5", md5_of(tmp_path.joinpath(*key))))
    tree.digest()
    assert md5_of(tmp_path) == tree.hash_info.value


def test_what_dvc_ignores_does_not_count(tmp_path):
    (tmp_path / "a.py").write_text("a")
    before = md5_of(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.cpython-311.pyc").write_text("x")
    assert md5_of(tmp_path) == before
    assert md5_of(tmp_path / "absent") == "nothing"


def relocked(project, change):
    """Let ``change`` edit dvc.lock as parsed."""
    lock = yaml.safe_load(project.read("dvc.lock"))
    change(lock)
    project.write("dvc.lock", yaml.safe_dump(lock))


def told(project):
    return [(each.stage, each.what, each.locked, each.found) for each in stale_stages(project.root, STAGES)]


def test_what_is_stale_is_told_with_both_states(project):
    locked = md5_of(project.root / "phantom")
    project.write("phantom/thorax.py", "RIBS = 23\n")
    assert told(project) == [("cohort", "input phantom", locked, md5_of(project.root / "phantom"))]


def test_a_parameter_and_a_command_are_told_with_both_values(project):
    project.write("params.yaml", "profile: coco\n")
    assert ("cohort", "parameter profile of params.yaml", '"phantom"', '"coco"') in told(project)
    project.write("params.yaml", "[")
    assert ("cohort", "parameter profile of params.yaml", '"phantom"', "null") in told(project)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s.update(cmd="python  -m\nother"), ("command", "python -m pipeline.stages.cohort", "python -m other")),
        (lambda s: s.pop("cmd"), ("command", "python -m pipeline.stages.cohort", "nothing")),
        (lambda s: s["deps"].append("risk"), ("deps of dvc.yaml: risk", "nothing", "named")),
        (lambda s: s["deps"].remove("phantom"), ("deps of dvc.yaml: phantom", "named", "nothing")),
        (lambda s: s.update(metrics=[{"m.json": {"cache": False}}]), ("outs of dvc.yaml: m.json", "nothing", "named")),
        (lambda s: s.update(plots=["p.json"]), ("outs of dvc.yaml: p.json", "nothing", "named")),
    ],
)
def test_a_stage_defined_otherwise_is_told_with_both_definitions(project, change, expected):
    definitions = yaml.safe_load(project.read("dvc.yaml"))
    change(definitions["stages"]["cohort"])
    project.write("dvc.yaml", yaml.safe_dump(definitions))
    assert told(project) == [("cohort", *expected)]


@pytest.mark.parametrize("odd", [3, {"deps": 3}, {"deps": [3]}, {"outs": [{}]}, {"metrics": "m"}, {"plots": [None]}])
def test_a_definition_that_is_none_differs_from_what_was_locked(project, odd):
    definitions = yaml.safe_load(project.read("dvc.yaml"))
    definitions["stages"]["cohort"] = odd
    project.write("dvc.yaml", yaml.safe_dump(definitions))
    assert ("cohort", "command", "python -m pipeline.stages.cohort", "nothing") in told(project)


def test_a_large_output_is_believed_while_it_is_there(project):
    def grown(size):
        return lambda lock: lock["stages"]["cohort"]["outs"][0].update(size=size, md5="0" * 32)

    relocked(project, grown(REHASH_LIMIT))
    actual = md5_of(project.root / "artifacts/cohort")
    assert ("cohort", "output artifacts/cohort", "0" * 32, actual) in told(project)
    relocked(project, grown(REHASH_LIMIT + 1))
    assert "output artifacts/cohort" not in {what for _, what, *_ in told(project)}
    shutil.rmtree(project.root / "artifacts/cohort")
    assert ("cohort", "output artifacts/cohort", "0" * 32, "nothing") in told(project)


def test_a_large_output_is_compared_with_what_the_stages_after_it_read_and_not_with_the_disk(project):
    def moved_on(lock):
        lock["stages"]["cohort"]["outs"][0].update(size=REHASH_LIMIT + 1, md5="0" * 32)
        lock["stages"]["prepare"]["deps"][0].update(md5="0" * 32)

    relocked(project, moved_on)
    assert told(project) == []
    relocked(project, lambda lock: lock["stages"]["prepare"]["deps"][0].update(md5="1" * 32))
    assert told(project) == [("prepare", "input artifacts/cohort", "1" * 32, "0" * 32)]


def test_the_lineage_holds_hashes_and_the_model_and_no_sizes(project):
    lineage = read_lineage(project.root, ("cohort", "package"))
    assert set(lineage) == {"stages", "model"}
    assert set(lineage["stages"]) == {"cohort", "package"}
    assert lineage["stages"]["cohort"] == {
        "cmd": "python -m pipeline.stages.cohort",
        "deps": {"phantom": md5_of(project.root / "phantom")},
        "params": {"params.yaml": {"profile": "phantom"}},
        "outs": {"artifacts/cohort": md5_of(project.root / "artifacts/cohort")},
    }
    manifest = project.read("artifacts/bundle/manifest.json").encode()
    assert lineage["model"] == {
        "version": "0.1.0",
        "weights_sha256": hashlib.sha256(b"weights").hexdigest(),
        "bundle_sha256": hashlib.sha256(manifest).hexdigest(),
    }


def test_a_stage_may_leave_its_sides_and_parameters_out(project):
    relocked(project, lambda lock: lock["stages"].update(cohort={"cmd": "x"}))
    assert read_lineage(project.root, ("cohort",))["stages"]["cohort"] == {"cmd": "x", "deps": {}, "params": {}, "outs": {}}
    relocked(project, lambda lock: lock["stages"].update(cohort={"outs": [{"path": "a"}]}))
    assert read_lineage(project.root, ("cohort",))["stages"]["cohort"] == {"cmd": "", "deps": {}, "params": {}, "outs": {"a": ""}}


OTHER, WEIGHTS = (hashlib.sha256(content).hexdigest()[:12] for content in (b"other", b"weights"))
NO_MODEL = "no packaged model under artifacts/bundle; run ./qms demo"
REFUSED = {
    "no lock": (lambda p: (p.root / "dvc.lock").unlink(), "no dvc.lock; run ./qms demo"),
    "no YAML": (
        lambda p: p.write("dvc.lock", "["),
        "dvc.lock is unreadable (ValueError); restore it, or run ./qms demo",
    ),
    "no stages": (lambda p: p.write("dvc.lock", "a: 1"), "dvc.lock is unreadable (KeyError); restore it, or run ./qms demo"),
    "a list": (lambda p: p.write("dvc.lock", "[1]"), "dvc.lock is unreadable (TypeError); restore it, or run ./qms demo"),
    "stages that are a list": (
        lambda p: p.write("dvc.lock", "stages: [1]"),
        "dvc.lock holds no table of stages; restore it, or run ./qms demo",
    ),
    "an odd stage": (
        lambda p: p.write("dvc.lock", "stages: {cohort: {deps: 1}}"),
        "dvc.lock has an entry for stage cohort that DVC does not write; restore it, or run ./qms demo",
    ),
    "stages missing": (
        lambda p: relocked(p, lambda lock: [lock["stages"].pop(name) for name in ("cohort", "package")]),
        "dvc.lock has no entry for stage cohort, package; run ./qms demo",
    ),
    "no bundle": (lambda p: shutil.rmtree(p.root / "artifacts/bundle"), NO_MODEL),
    "no weights": (lambda p: (p.root / "artifacts/bundle/weights.safetensors").unlink(), NO_MODEL),
    "no manifest": (
        lambda p: p.write("artifacts/bundle/manifest.json", "[]"),
        "artifacts/bundle/manifest.json is unreadable (TypeError); run ./qms demo",
    ),
    "other weights": (
        lambda p: p.write("artifacts/bundle/weights.safetensors", "other"),
        f"weights {OTHER} are not those of the bundle's manifest, {WEIGHTS}; run ./qms demo",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_lineage_that_cannot_be_read_is_told(project, case):
    change, words = REFUSED[case]
    change(project)
    with pytest.raises(LineageError, match=f"^{re.escape(words)}$"):
        read_lineage(project.root, ("cohort", "package"))


@pytest.mark.parametrize(
    "entry",
    [
        "3",
        "{deps: x}",
        "{deps: [x]}",
        "{deps: [{md5: x}]}",
        "{deps: [{path: 1}]}",
        "{outs: [{path: a, size: big}]}",
        "{params: [1]}",
        "{params: {params.yaml: 1}}",
    ],
)
def test_an_entry_of_another_shape_is_refused(project, entry):
    project.write("dvc.lock", f"stages: {{fine: {{deps: [{{path: a, size: 1}}], params: {{p.yaml: {{a: 1}}}}}}, odd: {entry}}}")
    with pytest.raises(LineageError, match=r"for stage odd that DVC does not write"):
        read_lineage(project.root, ())


def nested(levels):
    return "a: " + "[" * (levels - 1) + "]" * (levels - 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x 1\nb: *x\n", "an alias"),
        (nested(33), "nested deeper than 32 levels"),
        ("1: a", "a key that is no text"),
        ("a: [{2: b}]", "a key that is no text"),
        ("a: 2026-11-21", "a date"),
        ("a: .inf", "a float"),
        ("a: [", r"f\.yaml is no plain YAML \(ParserError\)"),
    ],
)
def test_yaml_that_is_not_plain_is_refused(tmp_path, text, words):
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(ValueError, match=f"^{words}$"):
        read_yaml(tmp_path / "f.yaml")


def test_plain_yaml_is_read(tmp_path):
    (tmp_path / "f.yaml").write_text("a: [1, 0.5, true, null, x]\nb: {c: d}\n")
    assert read_yaml(tmp_path / "f.yaml") == {"a": [1, 0.5, True, None, "x"], "b": {"c": "d"}}
    (tmp_path / "f.yaml").write_text(nested(32))
    assert list(read_yaml(tmp_path / "f.yaml")) == ["a"]
    with pytest.raises(FileNotFoundError, match="none"):
        read_yaml(tmp_path / "none.yaml")


def test_a_file_has_its_own_md5_and_a_folder_that_of_its_sorted_list(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_text("x")
    (tmp_path / "a.txt").write_text("a")
    one, two = (hashlib.md5(text, usedforsecurity=False).hexdigest() for text in (b"a", b"x"))
    assert md5_of(tmp_path / "a.txt") == one
    listing = f'[{{"md5": "{one}", "relpath": "a.txt"}}, {{"md5": "{two}", "relpath": "b/x.txt"}}]'
    assert md5_of(tmp_path) == hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest() + ".dir"
