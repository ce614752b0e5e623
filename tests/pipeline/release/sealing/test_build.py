"""A release: new, from a clean tree, prepared in its workspace, and entered once; one that died goes on."""

from __future__ import annotations

import shutil

import pytest

from pipeline import audit_log
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.record import Kind
from pipeline.release.sealing import build
from pipeline.release.sealing.build import ReleaseOrder, build_release, build_trial, previous_of
from verification.trace.audit_log import Event

BOTH = ("DEMO-quality", "DEMO-regulatory")


def order(bench, version="0.1.0", signers=BOTH):
    enterer = audit_log.Signer("DEMO-quality", "", "built from a clean tree", bench.keyring)
    return ReleaseOrder(version, signers, enterer)


@pytest.fixture
def steps(bench, monkeypatch):
    """Stand-ins for workspace, preparation and sealing, which have tests of their own; says which were taken, in which order."""
    taken = []

    def sealed(root, wanted, folder, report):
        taken.append("seal")
        return bench.release(wanted.version, wanted.kind, previous=wanted.previous).record()

    monkeypatch.setattr(build, "open_workspace", lambda root, run, commit, report: taken.append("open") or root / "ws")
    monkeypatch.setattr(build, "prepare", lambda workspace, commit, report: taken.append("prepare"))
    monkeypatch.setattr(build, "seal", sealed)
    monkeypatch.setattr(build, "close_workspace", lambda root, workspace: taken.append("close"))
    return taken


def run(bench, **changes):
    return build_release(bench.root, order(bench, **changes), lambda *_: None)


def entered(bench):
    return [(each.event, each.fact("version"), each.fact("record_sha256")) for each in audit_log.read_trail(bench.root).entries]


def test_a_release_is_sealed_in_its_workspace_and_entered(bench, steps):
    made = run(bench)
    assert steps == ["open", "prepare", "seal", "close"]
    assert entered(bench) == [(Event.RECORDED, "0.1.0", made.record().sha256)]
    assert made.record().kind is Kind.RELEASE
    assert (made.after / "cover_sheet.html").is_file()


def test_the_next_release_names_the_one_before(bench, steps):
    first = run(bench)
    bench.commit()
    second = run(bench, version="0.1.10")
    assert second.record().previous.record_sha256 == first.record().sha256
    bench.commit()
    assert previous_of(bench.root, "0.2.0").version == "0.1.10"


def test_a_version_is_never_built_again(bench, steps):
    run(bench)
    bench.commit()
    with pytest.raises(ReleaseRefused, match=r"REL-EXISTS at releases/0\.1\.0: found the record .* entered in the audit log"):
        run(bench)
    assert steps == ["open", "prepare", "seal", "close"]


@pytest.mark.parametrize("version", ["0.0.9", "0.1.9"])
def test_an_older_version_than_the_newest_is_refused(bench, steps, version):
    run(bench, version="0.1.10")
    bench.commit()
    with pytest.raises(ReleaseRefused, match=r"REL-VERSION at VERSION: found 0\.[01]\.9, expected a version after 0\.1\.10"):
        run(bench, version=version)


def test_a_build_that_died_before_its_entry_goes_on(bench, steps, monkeypatch):
    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build.audit_log, "enter", dies)
        with pytest.raises(KeyboardInterrupt):
            run(bench)
    made = run(bench)
    assert steps.count("seal") == 1
    assert entered(bench) == [(Event.RECORDED, "0.1.0", made.record().sha256)]


@pytest.mark.parametrize(
    ("lies", "asked", "found"),
    [
        ({"kind": Kind.TRIAL}, {}, r"the record of the trial 0\.1\.0"),
        ({"kind": Kind.RELEASE}, {"signers": ("DEMO-quality",)}, r"the record of the release 0\.1\.0"),
    ],
)
def test_a_record_that_was_not_asked_for_is_never_entered(bench, steps, lies, asked, found):
    made = bench.release(**lies)
    if lies["kind"] is Kind.TRIAL:
        shutil.copytree(made.path, bench.root / "releases/0.1.0")
    with pytest.raises(ReleaseRefused, match=f"REL-EXISTS at releases/0.1.0: found {found}, .* as asked for"):
        run(bench, **asked)
    assert not (bench.root / "AUDIT.jsonl").exists()


def test_a_trial_does_not_take_the_place_of_a_releases_archive(bench, steps):
    made = run(bench)
    bench.commit()
    before = {path: path.read_bytes() for path in made.archive.rglob("*") if path.is_file()}
    with pytest.raises(ReleaseRefused, match=r"REL-EXISTS at releases/0\.1\.0: found a release of this version"):
        build_trial(bench.root, "0.1.0", BOTH, lambda *_: None)
    assert {path: path.read_bytes() for path in made.archive.rglob("*") if path.is_file()} == before != {}


def test_what_was_changed_since_it_was_sealed_is_not_entered(bench, steps, monkeypatch):
    made = bench.release(kind=Kind.RELEASE)
    made.place("bundle/manifest.json").write_bytes(b"[]")
    with pytest.raises(ReleaseRefused, match=r"REL-ALTERED at 0\.1\.0: found bundle/manifest\.json"):
        run(bench)
    assert not (bench.root / "AUDIT.jsonl").exists()


def test_a_tree_with_changes_is_refused_before_anything_is_laid_out(bench, steps):
    (bench.root / "params.yaml").write_text("edited: 1\n", encoding="utf-8")
    with pytest.raises(ReleaseRefused, match="REL-DIRTY"):
        run(bench)
    assert steps == []


def test_a_release_without_its_signers_is_refused_before_anything_is_laid_out(bench, steps):
    with pytest.raises(ReleaseRefused, match=r"REL-SIGNER.*regulatory affairs"):
        run(bench, signers=("DEMO-quality",))
    assert steps == []


def test_without_a_release_run_nothing_is_built(bench):
    with pytest.raises(ReleaseRefused, match="REL-RUN at the release run: found no dvc"):
        run(bench)
    assert not (bench.root / "releases").exists()
