"""Identity changes with every file of its slice and with the lineage, and with nothing else."""

import pytest

from verification.trace.evidence import VERDICTS
from verification.trace.identity import Identity, difference, digest, read_identity
from verification.trace.slices import SLICES

IN_VERIFICATION = (
    "device_sw/device.py",
    "phantom/thorax.py",
    "pipeline/training/loop.py",
    "params.yaml",
    "requirements.lock",
    "requirements_spec/data/user_needs.toml",
    "risk/data/policy.toml",
    "validation/protocol.toml",
    "verification/conftest.py",
    "verification/features/admission.feature",
    "verification/steps/film.py",
    "verification/test_features.py",
)
OUTSIDE = ("docs/user-needs.md", "verification/trace/gate.py", "pyproject.toml")


def sha256(project, name="verification"):
    identity = read_identity(project.root, name)
    assert identity.sha256, identity.reason
    return identity.sha256


@pytest.mark.parametrize("name", IN_VERIFICATION)
def test_every_file_of_the_slice_counts(project, name):
    before = read_identity(project.root, "verification")
    project.write(name, project.read(name) + "\n")
    after = read_identity(project.root, "verification")
    assert after.sha256 != before.sha256
    assert difference(before, after) == (f"{name} changed",)


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_outside_the_slice_counts(project, name):
    before = sha256(project)
    project.write(name, project.read(name) + "\n")
    assert sha256(project) == before


def test_docs_belong_to_the_file_slice_only(project):
    before = {name: sha256(project, name) for name in SLICES}
    project.write("docs/user-needs.md", "# Other\n")
    changed = {name for name in SLICES if sha256(project, name) != before[name]}
    assert changed == {"file"}


def test_steps_do_not_touch_the_training_slice(project):
    before = sha256(project, "training")
    project.write("verification/steps/film.py", "AGE = 1\n")
    assert sha256(project, "training") == before


def test_new_and_removed_files_are_named(project):
    before = read_identity(project.root, "verification")
    project.write("device_sw/new.py", "")
    (project.root / "verification/steps/film.py").unlink()
    named = difference(before, read_identity(project.root, "verification"))
    assert named == ("device_sw/new.py added", "verification/steps/film.py removed")


def test_ignored_files_do_not_count(project):
    before = sha256(project)
    project.write("device_sw/__pycache__/device.cpython-311.pyc", "x")
    assert sha256(project) == before


def test_a_link_counts_as_the_text_it_holds(project):
    (project.root / "device_sw/alias.py").symlink_to("device.py")
    before = sha256(project)
    (project.root / "device_sw/alias.py").unlink()
    (project.root / "device_sw/alias.py").symlink_to("../device_sw/device.py")
    assert sha256(project) != before


def test_a_commit_changes_nothing_but_the_note(project):
    before = read_identity(project.root, "verification")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "all")
    after = read_identity(project.root, "verification")
    assert before.commit is None
    assert len(after.commit) == 40
    assert after == before


def test_lineage_counts(project):
    before = read_identity(project.root, "verification")
    project.replace("dvc.lock", "profile: phantom", "profile: coco")
    named = difference(before, read_identity(project.root, "verification"))
    assert named == ("stages > cohort > params > params.yaml > profile changed",)


def test_another_model_is_named(project):
    before = read_identity(project.root, "verification")
    project.replace("artifacts/bundle/manifest.json", "0.1.0", "0.2.0")
    named = difference(before, read_identity(project.root, "verification"))
    assert set(named) == {"model > bundle_sha256 changed", "model > version changed"}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("dvc.lock", None, "no dvc.lock"),
        ("dvc.lock", "stages: {}", "no entry for stage cohort"),
        ("dvc.lock", "a: [", "unreadable"),
        ("dvc.lock", "stages: 3", "no table of stages"),
        ("artifacts/bundle/manifest.json", None, "no packaged model"),
        ("artifacts/bundle/manifest.json", "{}", "manifest.json is unreadable"),
        ("artifacts/bundle/weights.safetensors", "other", "are not those of the bundle's manifest"),
    ],
)
def test_missing_lineage_gives_no_identity_but_a_reason(project, name, text, reason):
    if text is None:
        (project.root / name).unlink()
    else:
        project.write(name, text)
    identity = read_identity(project.root, "verification")
    assert identity.sha256 is None
    assert reason in identity.reason


def test_no_git_tree_gives_no_identity(tmp_path):
    identity = read_identity(tmp_path, "training")
    assert identity.sha256 is None
    assert "git" in identity.reason


def test_two_unstated_identities_are_not_the_same():
    one, two = Identity("file", None, "no dvc.lock"), Identity("file", None, "no dvc.lock")
    assert difference(one, two) == ("no recorded identity: no dvc.lock", "no current identity: no dvc.lock")


def test_record_survives_the_round_trip(project):
    identity = read_identity(project.root, "verification")
    assert Identity.from_json(identity.to_json()) == identity


def test_an_edited_record_is_refused(project):
    data = read_identity(project.root, "verification").to_json()
    data["files"]["device_sw/device.py"] = "0" * 64
    with pytest.raises(ValueError, match="not the hash of the files"):
        Identity.from_json(data)


def test_digest_separates_names_from_hashes():
    assert digest("file", {"a": "bc"}, {}) != digest("file", {"ab": "c"}, {})


@pytest.mark.parametrize("name", ["device_sw/device.py", "risk/data/policy.toml", "verification/steps/film.py"])
def test_stale_evidence_is_refused_and_the_file_named(project, name):
    project.write(name, project.read(name) + "# later\n")
    result = project.check()
    stale = [problem for problem in result.problems if problem.code == "TRC-EVIDENCE-STALE"]
    assert [problem.where for problem in stale] == [VERDICTS]
    assert f"{name} changed" in stale[0].found
    assert not result.accepted
    assert result.graph.verdicts == {}


def test_foreign_evidence_is_refused(project):
    def steal(data):
        data["identity"]["files"]["device_sw/device.py"] = "0" * 64
        data["identity"]["sha256"] = digest("verification", data["identity"]["files"], data["identity"]["lineage"])

    project.edit_verdicts(steal)
    assert project.codes() == ["TRC-EVIDENCE-STALE"]


def test_evidence_of_a_document_change_stays_valid(project):
    project.write("docs/user-needs.md", "# User needs, better said\n")
    assert project.codes() == []


def test_many_differences_are_counted_not_dropped(project):
    for index in range(20):
        project.write(f"device_sw/part_{index:02}.py", "")
    stale = next(problem for problem in project.check().problems if problem.code == "TRC-EVIDENCE-STALE")
    assert "part_00.py added" in stale.found
    assert stale.found.endswith("; and 12 more")
