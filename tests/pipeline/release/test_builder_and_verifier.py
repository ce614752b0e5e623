"""What the project builds, signs and enters is what the carried-away file believes: the whole way, in a real repository, with nothing replaced."""

from hashlib import sha256

import pytest

from pipeline import audit_log
from pipeline.release.approval.approval import Approval, approve
from pipeline.release.approval.signers import signers_of
from pipeline.release.parts.collection import subject_of
from pipeline.release.provenance.source import read_source
from pipeline.release.record.folder import folder_of
from pipeline.release.record.record import Kind, Model
from pipeline.release.sealing import sealing
from tests.pipeline.release.bench import PARTS
from tests.pipeline.release.records import record
from tests.pipeline.release.verdicts import verify
from verification.trace.audit_log import Event

SIGNERS = ("DEMO-quality", "DEMO-regulatory")
WORDS = "every part compared with the run"


def enter(bench, version, record_sha256):
    facts = {"version": version, "record_sha256": record_sha256, "commit": "c" * 40}
    audit_log.enter(bench.root, Event.RECORDED, facts, audit_log.Signer("DEMO-quality", "", WORDS, bench.keyring))


@pytest.fixture
def built(bench):
    """A release with a sealed audit log, entered and signed by both."""
    enter(bench, "0.0.9", "9" * 64)
    bench.commit()
    sealed = {"files/people.toml": "people.toml", "files/audit.jsonl": "AUDIT.jsonl", "files/audit.head.json": "AUDIT.head.json"}
    parts = PARTS | {name: (bench.root / path).read_bytes() for name, path in sealed.items()}
    parts |= {"bundle/weights.safetensors": b"weights"}
    made = record(
        kind=Kind.RELEASE,
        subjects=tuple(subject_of(name, content) for name, content in sorted(parts.items())),
        source=read_source(bench.root)[0],
        model=Model("0.1.0", *(sha256(parts[f"bundle/{name}"]).hexdigest() for name in ("weights.safetensors", "manifest.json"))),
        gate={"level": "release", "problems": 0},
        signers=signers_of(bench.root, Kind.RELEASE, SIGNERS),
    )
    folder = folder_of(bench.root, "0.1.0", Kind.RELEASE)
    sealing.write(folder, made, parts)
    enter(bench, "0.1.0", made.sha256)
    return folder


def asked(bench, built, capsys, *more):
    pin = bench.keys["DEMO-regulatory"].id
    return verify(capsys, built.path, "--archive", built.archive / "archive", "--repository", bench.root, "--pin", pin, *more)


def test_the_whole_way_verifies(bench, built, capsys):
    for name in SIGNERS:
        approve(bench.root, built, Approval(name, WORDS, bench.keyring))
    verdict = asked(bench, built, capsys, "--release", "--at-least", "0.1.0", "--require-pin")
    assert (verdict.exit, verdict.words) == (0, "INTEGRITY OK, AUTHENTIC")
    assert set(verdict.states.values()) == {"GOOD"}


def test_half_signed_does_not(bench, built, capsys):
    approve(bench.root, built, Approval("DEMO-regulatory", WORDS, bench.keyring))
    assert asked(bench, built, capsys).by_check == {"signatures": {"VER-UNSIGNED"}}


def test_commits_after_it_change_nothing(bench, built, capsys):
    for name in SIGNERS:
        approve(bench.root, built, Approval(name, WORDS, bench.keyring))
    (bench.root / "params.yaml").write_text("budget: release\n", encoding="utf-8")
    bench.commit()
    assert asked(bench, built, capsys).exit == 0


@pytest.mark.parametrize(
    ("before", "after"), [(WORDS, "nothing compared with nothing...."), ("quality assurance", "regulatory affairs")]
)
def test_a_certificate_with_other_words_is_found(bench, built, capsys, before, after):
    for name in SIGNERS:
        approve(bench.root, built, Approval(name, WORDS, bench.keyring))
    path = built.after / "certificates" / "DEMO-quality.json"
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    assert asked(bench, built, capsys).by_check == {"signatures": {"VER-CERTIFICATE"}}


def test_a_certificate_in_the_name_of_another_is_found(bench, built, capsys):
    for name in SIGNERS:
        approve(bench.root, built, Approval(name, WORDS, bench.keyring))
    path = built.after / "certificates" / "DEMO-quality.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"DEMO-quality"', '"DEMO-regulatory"'), encoding="utf-8")
    assert asked(bench, built, capsys).by_check == {"signatures": {"VER-CERTIFICATE"}}
