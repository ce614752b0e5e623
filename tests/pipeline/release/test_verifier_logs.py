"""The logs of approvals, openings and releases, as the stand-alone verifier judges them: sealed in a release, and in a clone that has gone on since."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.release import verifier
from tests.pipeline.release.sealed import QUALITY, SAFETY, STRANGER, Log, Sealed, content_of, people_toml
from tests.pipeline.release.verdicts import verify


def four():
    """Return a log with a freezing, an opening, a release and its approval."""
    log = Log()
    for event, person in (
        ("protocol-frozen", SAFETY),
        ("locked-cohort-opened", QUALITY),
        ("release-recorded", QUALITY),
        ("release-approved", SAFETY),
    ):
        log.add(person, event=event)
    return log


def faults(lines, head, people=None):
    """Return the codes of a log's faults."""
    text = b"".join(line + b"\n" for line in lines)
    known = people_toml(QUALITY, SAFETY) if people is None else people
    return [fault.args[0] for fault in verifier._log_faults(text, head, "entries", known, "log")]


def test_a_log_that_holds():
    log = four()
    assert faults(log.lines, log.head) == []


def test_the_empty_log_holds():
    assert faults([], Log().head) == []


@pytest.mark.parametrize("at", range(4))
def test_a_deleted_line_is_found(at):
    log = four()
    lines = log.lines[:at] + log.lines[at + 1 :]
    found = set(faults(lines, log.head))
    assert "VER-LOG-HEAD" in found
    assert ("VER-LOG-CHAIN" in found) == (at < 3)


@pytest.mark.parametrize("at", range(4))
def test_a_deleted_line_is_found_even_when_the_head_is_written_anew(at):
    log = four()
    shorter = Log()
    shorter.lines = log.lines[:at] + log.lines[at + 1 :]
    assert ("VER-LOG-CHAIN" in faults(shorter.lines, shorter.head)) == (at < 3)


def test_a_log_cut_off_with_its_head_is_found_against_what_was_sealed(tmp_path, capsys):
    log = four()
    sealed = Sealed(tmp_path, parts=content_of(log))
    shorter = Log()
    shorter.lines = log.lines[:3]
    clone(tmp_path, shorter)
    verdict = verify(capsys, sealed.folder, "--repository", tmp_path)
    assert "VER-LOG-SHORTER" in verdict.by_check["audit log"]


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (2, 3), (0, 3)])
def test_reordered_lines_are_found(one, other):
    log = four()
    lines = [*log.lines]
    lines[one], lines[other] = lines[other], lines[one]
    moved = Log()
    moved.lines = lines
    assert "VER-LOG-CHAIN" in faults(lines, moved.head)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_changed_byte_of_a_log_goes_unnoticed(data):
    log = four()
    lines = [*log.lines]
    at = data.draw(st.integers(0, 3))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != lines[at][place]))
    lines[at] = lines[at][:place] + bytes([other]) + lines[at][place + 1 :]
    assert faults(b"\n".join(lines).split(b"\n"), log.head)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2000))
def test_no_cut_of_a_log_goes_unnoticed(length):
    log = four()
    text = log.text[: min(length, len(log.text) - 1)]
    known = people_toml(QUALITY, SAFETY)
    assert list(verifier._log_faults(text, log.head, "entries", known, "log"))


def test_a_line_of_a_stranger_is_found_though_the_chain_holds():
    log = four().add(STRANGER)
    assert faults(log.lines, log.head) == ["VER-LOG-SIGNED"]


def test_a_line_by_the_key_of_another_name_is_found():
    log = Log().add(QUALITY, name=SAFETY.name)
    assert faults(log.lines, log.head) == ["VER-LOG-SIGNED"]


@pytest.mark.parametrize(
    "times",
    [
        {"valid_from": "2026-11-21T10:00:01Z"},
        {"valid_until": "2026-11-21T09:59:59Z"},
        {"revoked": "2026-11-21T10:00:00Z", "revoked_reason": "the laptop was lost"},
    ],
)
def test_a_line_signed_when_the_key_did_not_count_is_found(times):
    log = Log().add()
    assert faults(log.lines, log.head, people_toml(QUALITY, **times)) == ["VER-LOG-SIGNED"]


def test_a_line_signed_before_the_key_was_revoked_holds():
    log = Log().add()
    assert faults(log.lines, log.head, people_toml(QUALITY, revoked="2026-11-21T10:00:01Z")) == []


def test_a_time_that_runs_back_is_found():
    log = Log().add().add(time="2026-11-21T09:00:00Z")
    assert faults(log.lines, log.head) == ["VER-LOG-SIGNED"]


@pytest.mark.parametrize("time", ["2026-11-21", "2026-11-21T10:00:00+01:00", "9"])
def test_a_time_in_another_form_is_found(time):
    log = Log().add(time=time)
    assert faults(log.lines, log.head) == ["VER-LOG-SIGNED"]


def test_lines_signed_with_ssh_keygen_hold():
    log = Log().add(form="ssh").add(SAFETY, form="ssh")
    assert faults(log.lines, log.head) == []


@pytest.mark.parametrize("part", [b"SSHSIG", b"thoratrace", b"sha512"])
def test_an_ssh_signature_for_something_else_does_not_hold(part):
    import base64

    log = Log().add(form="ssh")
    entry = json.loads(log.lines[0])
    blob = base64.b64decode(entry["signature"])
    entry["signature"] = base64.b64encode(blob.replace(part, part[::-1], 1)).decode()
    from tests.pipeline.release.sealed import canonical

    log.lines = [canonical(entry)]
    assert faults(log.lines, log.head) == ["VER-LOG-SIGNED"]


@pytest.mark.parametrize("head", [b"", b"{}", b"[]", b'{"entries": 3, "sha256": "0"}'])
def test_a_head_that_says_something_else_is_found(head):
    assert set(faults(four().lines, head)) <= {"VER-LOG-HEAD", "VER-LOG-CHAIN"}
    assert faults(four().lines, head)


def test_a_last_line_replaced_by_another_signed_one_is_found():
    """The number of lines is right, the chain and every signature hold: only the head's hash tells."""
    log, other = Log().add().add(), Log().add().add(SAFETY)
    assert faults(other.lines, log.head) == ["VER-LOG-HEAD"]


# --- sealed, and in a clone ---


def clone(root, log, people=(QUALITY, SAFETY)):
    """Write the log of a working tree."""
    Sealed.write(root / "AUDIT.jsonl", log.text)
    Sealed.write(root / "AUDIT.head.json", log.head)
    Sealed.write(root / "people.toml", people_toml(*people))


@pytest.fixture
def log():
    return Log().add(SAFETY, event="protocol-frozen")


@pytest.fixture
def sealed(tmp_path, log):
    return Sealed(tmp_path, parts=content_of(log))


def recorded(sealed, version="0.1.0"):
    return {"version": version, "record_sha256": sealed.sha256, "commit": "c" * 40}


def audit(capsys, sealed, root):
    """Return what the verifier says of the clone's log; there is no commit in these clones."""
    return verify(capsys, sealed.folder, "--repository", root)


def test_a_log_that_went_on_holds(sealed, log, tmp_path, capsys):
    clone(tmp_path, log.add(facts=recorded(sealed)).add(SAFETY, event="release-approved", facts={}))
    assert audit(capsys, sealed, tmp_path).states["audit log"] == "GOOD"


def test_a_release_that_the_log_does_not_hold_is_found(sealed, log, tmp_path, capsys):
    clone(tmp_path, log)
    assert audit(capsys, sealed, tmp_path).by_check["audit log"] == {"VER-LOG-RELEASE"}


def test_a_release_that_the_log_holds_by_another_record_is_found(sealed, log, tmp_path, capsys):
    clone(tmp_path, log.add(facts=recorded(sealed) | {"record_sha256": "0" * 64}))
    assert audit(capsys, sealed, tmp_path).by_check["audit log"] == {"VER-LOG-RELEASE"}


def test_a_release_that_the_log_holds_twice_is_found(sealed, log, tmp_path, capsys):
    clone(tmp_path, log.add(facts=recorded(sealed)).add(facts=recorded(sealed)))
    assert audit(capsys, sealed, tmp_path).by_check["audit log"] == {"VER-LOG-RELEASE"}


def test_a_log_written_anew_is_found(sealed, tmp_path, capsys):
    clone(tmp_path, Log().add(facts=recorded(sealed)))
    assert audit(capsys, sealed, tmp_path).by_check["audit log"] == {"VER-LOG-SHORTER"}


@pytest.mark.parametrize("name", ["AUDIT.jsonl", "AUDIT.head.json"])
def test_a_log_without_its_other_half_is_found(sealed, log, tmp_path, name, capsys):
    clone(tmp_path, log.add(facts=recorded(sealed)))
    (tmp_path / name).unlink()
    assert audit(capsys, sealed, tmp_path).by_check["audit log"] == {"VER-MISSING"}


def test_no_log_in_the_clone_is_found(sealed, tmp_path, capsys):
    Sealed.write(tmp_path / "people.toml", people_toml(QUALITY))
    assert audit(capsys, sealed, tmp_path).by_check["audit log"] == {"VER-LOG-SHORTER", "VER-LOG-RELEASE"}


def test_a_release_without_a_sealed_log_is_found(tmp_path, capsys):
    parts = {name: content for name, content in content_of().items() if "audit" not in name}
    assert verify(capsys, Sealed(tmp_path, parts=parts).folder).by_check == {"sealed logs": {"VER-LOG-MISSING"}}


def test_a_sealed_head_without_its_log_is_found(tmp_path, capsys):
    parts = {name: content for name, content in content_of().items() if name != "files/audit.jsonl"}
    trial = Sealed(tmp_path, parts=parts, kind="trial", signers=())
    assert verify(capsys, trial.folder).by_check == {"sealed logs": {"VER-LOG-MISSING"}}


def test_sealed_approvals_are_judged_as_well(tmp_path, capsys):
    approvals = Log("records").add(SAFETY, form="ssh").add()
    parts = content_of() | {"files/approvals.jsonl": approvals.text, "files/approvals.head.json": approvals.head}
    assert verify(capsys, Sealed(tmp_path, parts=parts).folder).exit == 0
    parts["files/approvals.jsonl"] = approvals.lines[1] + b"\n"
    assert verify(capsys, Sealed(tmp_path, parts=parts).folder).by_check == {"sealed logs": {"VER-LOG-CHAIN", "VER-LOG-HEAD"}}


def test_the_gate_and_the_verifier_read_the_same_log(tmp_path):
    """What the project's own commands enter is what the file that was carried away believes; they share no code."""
    from tests.verification.trace.audit_entries import Log as Entered
    from tests.verification.trace.audit_entries import people_toml as written
    from tests.verification.trace.audit_entries import quality

    signer = quality()
    log = Entered(signer)
    log.frozen()
    log.opened()
    text = "".join(f"{line}\n" for line in log.lines).encode()
    head = json.dumps({"entries": 2, "sha256": hashlib.sha256(log.lines[-1].encode()).hexdigest()}).encode()
    assert list(verifier._log_faults(text, head, "entries", written(signer).encode(), "AUDIT.jsonl")) == []
