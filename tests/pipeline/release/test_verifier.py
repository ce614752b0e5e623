"""The stand-alone verifier: its verdicts and exit codes, and each thing that it has to find, by code and by the check that finds it."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.release import verifier
from tests.pipeline.release.records import record as built
from tests.pipeline.release.sealed import (
    QUALITY,
    SAFETY,
    STRANGER,
    Log,
    Sealed,
    canonical,
    content_of,
    envelope_of,
    people_toml,
    statement_of,
)
from tests.pipeline.release.verdicts import verify

FILE = Path(verifier.__file__)
OK, AUTHENTIC, BAD = "INTEGRITY OK, AUTHENTICITY NOT ESTABLISHED", "INTEGRITY OK, AUTHENTIC", "DOES NOT HOLD"


@pytest.fixture
def sealed(tmp_path):
    return Sealed(tmp_path).later()


def test_without_a_pin_integrity_is_all_that_is_said(sealed, capsys):
    verdict = verify(capsys, sealed.folder)
    assert (verdict.exit, verdict.words, verdict.codes) == (0, OK, frozenset())


def test_with_a_pin_it_is_authentic(sealed, capsys):
    verdict = verify(capsys, sealed.folder, "--pin", QUALITY.key, "--archive", sealed.archive)
    assert (verdict.exit, verdict.words) == (0, AUTHENTIC)


def test_a_pin_of_somebody_else_is_exit_1(sealed, capsys):
    verdict = verify(capsys, sealed.folder, "--pin", STRANGER.key)
    assert (verdict.exit, verdict.words, verdict.by_check) == (1, BAD, {"authenticity": {"VER-PIN"}})


def test_a_file_of_pins_may_hold_comments_and_public_keys(sealed, tmp_path, capsys):
    pins = tmp_path / "pins.txt"
    pins.write_text(f"# told by telephone\n{STRANGER.key}\n{SAFETY.public}  # from a card\n", encoding="utf-8")
    assert verify(capsys, sealed.folder, "--pin", pins, "--require-pin").words == AUTHENTIC


@pytest.mark.parametrize("pin", ["SHA256:abc", "nowhere.txt", os.devnull])
def test_a_pin_that_is_none_is_a_usage_error(sealed, pin, capsys):
    with pytest.raises(SystemExit, match="2"):
        verifier.main([str(sealed.folder), "--pin", pin])
    assert "argument --pin" in capsys.readouterr().err


def test_a_required_pin_that_is_missing_is_exit_3(sealed, capsys):
    assert verifier.main([str(sealed.folder), "--require-pin"]) == 3
    assert "a pin is required" in capsys.readouterr().err


def test_no_folder_is_exit_3(tmp_path, capsys):
    assert verifier.main([str(tmp_path / "nothing")]) == 3
    assert "is no folder" in capsys.readouterr().err


def test_no_cryptography_is_exit_3(sealed, capsys, monkeypatch):
    monkeypatch.setattr(verifier, "Ed25519PublicKey", None)
    assert verifier.main([str(sealed.folder)]) == 3
    assert "cryptography is needed" in capsys.readouterr().err


def test_an_archive_that_is_not_given_is_not_checked_and_never_good(sealed, capsys):
    assert verify(capsys, sealed.folder).states["archive"] == "NOT CHECKED"
    verifier.main([str(sealed.folder)])
    assert re.search(
        r"NOT CHECKED  archive +1 parts, [0-9,]+ bytes, kept outside the repository: no archive", capsys.readouterr().out
    )
    assert verify(capsys, sealed.folder, "--archive", sealed.archive).states["archive"] == "GOOD"


def test_what_the_record_says_of_data_and_environment_is_what_its_parts_say(tmp_path, capsys):
    told = {"data_root": {"root": "1" * 64, "films": 2}, "environment": {"numeric_class": "2" * 64, "system": "Linux"}}
    parts = {f"files/{name}.json": json.dumps(each).encode() for name, each in told.items()}
    good = {"data_root": "1" * 64, "environment": {"numeric_class": "2" * 64}}
    wrong = (
        good | {"data_root": "3" * 64},
        good | {"environment": {"numeric_class": "3" * 64}},
        good | {"environment": {"torch": "2"}},
    )
    found = [
        verify(capsys, Sealed(tmp_path / f"{n}", parts=content_of() | parts, **each).folder)
        for n, each in enumerate((good, *wrong))
    ]
    assert [each.exit for each in found] == [0, 1, 1, 1]
    assert {code for each in found[1:] for code in each.codes} == {"VER-CLAIM"}


def test_a_report_for_people_names_demonstration_and_conclusion(sealed, capsys):
    assert verifier.main([str(sealed.folder), "--pin", STRANGER.key]) == 1
    told = capsys.readouterr().out
    assert "engineering baseline; not acceptable for clinical use" in told
    assert "signed by DEMO-quality (demonstration identity, no natural person) as quality assurance: approved" in told
    assert "VER-PIN at record.dsse.json: found signatures by SHA256:" in told
    assert told.endswith("DOES NOT HOLD\n")


def test_a_record_cannot_draw_a_verdict_of_its_own(tmp_path, capsys):
    forged = Sealed(tmp_path, signers=(), conclusion="fine\n  GOOD         signatures\nINTEGRITY OK, AUTHENTIC\n\x1b[8m")
    assert verifier.main([str(forged.folder)]) == 1
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "INTEGRITY OK, AUTHENTIC" not in told.splitlines()
    assert told.endswith("\nDOES NOT HOLD\n")


def test_a_trial_says_that_it_is_none(tmp_path, capsys):
    trial = Sealed(tmp_path, signers=(), kind="trial", gate={"level": "development", "problems": 0})
    verdict = verify(capsys, trial.folder)
    assert (verdict.exit, verdict.words) == (0, OK)
    assert verifier.main([str(trial.folder)]) == 0
    assert "trial, not a release: 0.1.0" in capsys.readouterr().out
    assert verify(capsys, trial.folder, "--release").by_check == {"version": {"VER-KIND"}}
    assert verify(capsys, trial.folder, "--pin", QUALITY.key).by_check == {"authenticity": {"VER-PIN"}}


def test_a_trial_has_its_archive_inside(tmp_path, capsys):
    trial = Sealed(tmp_path, signers=(), kind="trial")
    inside = trial.folder / "archive"
    trial.archive.rename(inside)
    assert verify(capsys, trial.folder).exit == 0
    Sealed.write(inside / "more.txt", b"more")
    assert verify(capsys, trial.folder).by_check == {"folder": {"VER-EXTRA"}}


# --- what is done to a sealed folder, and the check and code that have to find it ---


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(one, other):
    contents = one.read_bytes(), other.read_bytes()
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])


def replaced_by_link(path):
    target = path.parents[3] / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def folder_link(folder):
    folder.rename(folder.parents[2] / "elsewhere")
    folder.symlink_to(folder.parents[2] / "elsewhere")


def pipe_in_place(path):
    path.unlink()
    os.mkfifo(path)


HARMS = {
    "a byte flipped, size and date kept": (lambda s: flip(s.folder / "bundle/weights.safetensors"), "contents", "VER-HASH"),
    "a byte of the archive flipped": (lambda s: flip(next(s.archive.rglob("*.whl"))), "archive", "VER-HASH"),
    "cut short": (lambda s: os.truncate(s.folder / "files/params.yaml", 3), "contents", "VER-SIZE"),
    "a byte put on": (
        lambda s: s.path("files/params.yaml").write_bytes(s.parts["files/params.yaml"] + b"\n"),
        "contents",
        "VER-SIZE",
    ),
    "two parts swapped": (
        lambda s: swap(s.folder / "files/device.lock", s.folder / "files/requirements.lock"),
        "contents",
        "VER-SIZE",
    ),
    "a part deleted": (lambda s: (s.folder / "files/device.lock").unlink(), "contents", "VER-MISSING"),
    "a part replaced by a link to itself": (lambda s: replaced_by_link(s.folder / "files/device.lock"), "contents", "VER-LINK"),
    "a folder replaced by a link to itself": (lambda s: folder_link(s.folder / "bundle"), "folder", "VER-LINK"),
    "a pipe in the place of a part": (lambda s: pipe_in_place(s.folder / "files/device.lock"), "contents", "VER-LINK"),
    "a folder in the place of a part": (
        lambda s: ((s.folder / "files/device.lock").unlink(), Sealed.write(s.folder / "files/device.lock/x", b"")),
        "contents",
        "VER-LINK",
    ),
    "a file more": (lambda s: Sealed.write(s.folder / "bundle/more.bin", b""), "folder", "VER-EXTRA"),
    "a second archive in the folder, with recorded names": (
        lambda s: Sealed.write(s.folder / "archive/wheel/thoratrace-0.1.0-py3-none-any.whl", b"PK other"),
        "folder",
        "VER-EXTRA",
    ),
    "a file more in the archive": (lambda s: Sealed.write(s.archive / "more.whl", b""), "folder", "VER-EXTRA"),
    "a .gitattributes more": (lambda s: Sealed.write(s.folder / ".gitattributes", b"* text"), "folder", "VER-NAME"),
    "a .git more": (lambda s: Sealed.write(s.folder / "bundle/.git/config", b""), "folder", "VER-NAME"),
    "an empty folder": (lambda s: (s.folder / "files/empty").mkdir(), "folder", "VER-EMPTY"),
    "a program": (lambda s: (s.folder / "files/params.yaml").chmod(0o755), "folder", "VER-MODE"),
    "a twin by case": (lambda s: Sealed.write(s.folder / "files/Params.yaml", b""), "folder", "VER-NAME"),
    "a twin in another alphabet": (lambda s: Sealed.write(s.folder / "files/p\u0430rams.yaml", b""), "folder", "VER-NAME"),
    "a name that ends with a dot": (lambda s: Sealed.write(s.folder / "files/params.yaml.", b""), "folder", "VER-NAME"),
    "a paper about another record": (
        lambda s: Sealed.write(s.folder / "after/cover_sheet.html", b"0" * 64),
        "folder",
        "VER-LATER",
    ),
    "keys.json of a stranger": (
        lambda s: s.write(
            s.folder / "keys.json", (s.folder / "keys.json").read_bytes().replace(b"DEMO-quality", b"DEMO-qualitx")
        ),
        "signers",
        "VER-KEYS",
    ),
    "keys.json gone": (lambda s: (s.folder / "keys.json").unlink(), "signers", "VER-MISSING"),
    "the record gone": (lambda s: (s.folder / "record.dsse.json").unlink(), "record", "VER-MISSING"),
    "one signature taken away": (lambda s: s.seal([QUALITY]), "signatures", "VER-UNSIGNED"),
    "all signatures taken away": (lambda s: s.seal([]), "signatures", "VER-UNSIGNED"),
    "a stranger's signature put on": (lambda s: s.seal([QUALITY, SAFETY, STRANGER]), "signatures", "VER-FOREIGN"),
    "another version's folder": (lambda s: s.folder.rename(s.folder.parent / "0.2.0"), "version", "VER-VERSION"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_each_harm_is_found_by_its_check(sealed, harm, capsys):
    does, check, code = HARMS[harm]
    does(sealed)
    folder = next(sealed.folder.parent.iterdir())
    verdict = verify(capsys, folder, "--archive", sealed.archive, "--pin", QUALITY.key)
    assert verdict.exit == 1
    assert code in verdict.by_check[check]


CHANGES = {
    "weights that are not the part": (
        {"model": {"version": "0.1.0", "weights_sha256": "0" * 64, "bundle_sha256": "0" * 64}},
        "VER-CLAIM",
    ),
    "a release at no known level": ({"gate": {"level": "", "problems": 0}}, "VER-CLAIM"),
    "inputs that changed": ({"stages": {"train": {"before": {"a": "1" * 64}, "after": {"a": "2" * 64}}}}, "VER-CLAIM"),
    "an input that came": ({"stages": {"train": {"before": {}, "after": {"a": "2" * 64}}}}, "VER-CLAIM"),
    "a gate with problems": ({"gate": {"level": "release", "problems": 1}}, "VER-CLAIM"),
    "a release at development level": ({"gate": {"level": "development", "problems": 0}}, "VER-CLAIM"),
    "one signer of a release": ({"signers": [QUALITY.signer]}, "VER-SIGNERS"),
    "nobody signs a release": ({"signers": []}, "VER-SIGNERS"),
    "one person twice": ({"signers": [QUALITY.signer, QUALITY.signer | {"role": "clinical safety"}]}, "VER-SIGNERS"),
    "nobody approves": ({"signers": [each.signer | {"meaning": "reviewed"} for each in (QUALITY, SAFETY)]}, "VER-SIGNERS"),
    "a role not held": ({"signers": [QUALITY.signer, SAFETY.signer | {"role": "risk management"}]}, "VER-SIGNERS"),
    "a key that people.toml does not give": ({"signers": [STRANGER.signer, SAFETY.signer]}, "VER-SIGNERS"),
    "a fingerprint of another key": ({"signers": [QUALITY.signer | {"public": STRANGER.public}, SAFETY.signer]}, "VER-SIGNERS"),
    "a demonstration that hides": ({"signers": [QUALITY.signer | {"demonstration": False}, SAFETY.signer]}, "VER-SIGNERS"),
    "another schema": ({"schema": "thoratrace/release-record/2"}, "VER-RECORD"),
    "another project": ({"project": "thoratrac"}, "VER-RECORD"),
    "a kind between": ({"kind": "candidate"}, "VER-RECORD"),
    "no version": ({"version": "0.1"}, "VER-RECORD"),
    "no conclusion": ({"conclusion": ""}, "VER-RECORD"),
    "a signer without a key": ({"signers": [{**QUALITY.signer, "public": "ssh-ed25519 A"}, SAFETY.signer]}, "VER-RECORD"),
    "a signer of whom more is said": ({"signers": [{**QUALITY.signer, "rank": "1"}, SAFETY.signer]}, "VER-RECORD"),
    "a size missing": ({"sizes": {}}, "VER-RECORD"),
    "a fraction": ({"gate": {"level": "release", "problems": 0.5}}, "VER-RECORD"),
    "something else than a table": ({"gate": []}, "VER-UNEXPECTED"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_everybody_signed_may_still_be_wrong(tmp_path, change, capsys):
    changes, code = CHANGES[change]
    sealed = Sealed(tmp_path)
    sealed.statement["predicate"] |= changes
    sealed.seal()
    verdict = verify(capsys, sealed.folder, "--pin", QUALITY.key)
    assert (verdict.exit, code in verdict.codes) == (1, True)


@pytest.mark.parametrize(
    "name", ["files/../x", "/etc/passwd", "files//x", "files", "other/x", "files/.x", "files/x.", "files/\u0430", "C:/x"]
)
def test_a_part_under_a_dangerous_name_is_refused_before_it_is_touched(tmp_path, name, capsys):
    sealed = Sealed(tmp_path)
    sealed.statement["subject"].append({"name": name, "digest": {"sha256": "0" * 64}})
    sealed.statement["subject"].sort(key=lambda each: each["name"])
    sealed.statement["predicate"]["sizes"][name] = 0
    verdict = verify(capsys, sealed.seal().folder)
    assert verdict.by_check == {"record": {"VER-RECORD"}}


def rewritten(change):
    """Return the bytes of an envelope after a change of its text."""
    content = canonical(envelope_of(canonical(statement_of(content_of())), [QUALITY, SAFETY])) + b"\n"
    return change(content)


def payload_with(change):
    envelope = envelope_of(change(canonical(statement_of(content_of()))), [QUALITY, SAFETY])
    return canonical(envelope) + b"\n"


FORMS = {
    "a space": lambda: rewritten(lambda text: text.replace(b'":', b'": ', 1)),
    "no newline": lambda: rewritten(lambda text: text.rstrip()),
    "two newlines": lambda: rewritten(lambda text: text + b"\n"),
    "another order": lambda: rewritten(lambda text: json.dumps(dict(reversed(json.loads(text).items()))).encode() + b"\n"),
    "a key twice": lambda: rewritten(lambda text: text.replace(b'{"payload":', b'{"payload":"","payload":', 1)),
    "a key more": lambda: rewritten(lambda text: text.replace(b'{"payload":', b'{"note":"","payload":', 1)),
    "another payload type": lambda: rewritten(lambda text: text.replace(b"in-toto+json", b"in-toto+jsom")),
    "base64 in another form": lambda: rewritten(lambda text: text.replace(b'=="}', b'"}', 1)),
    "signatures in another order": lambda: rewritten(
        lambda text: canonical(json.loads(text) | {"signatures": json.loads(text)["signatures"][::-1]}) + b"\n"
    ),
    "no JSON": lambda: b"record\n",
    "nothing": lambda: b"",
    "half a character": lambda: b'{"payload":"\\ud800"}\n',
    "nested deep": lambda: b"[" * 200_000 + b"]" * 200_000 + b"\n",
    "not UTF-8": lambda: b"\xff\xfe\n",
    "a statement with a space": lambda: payload_with(lambda text: text.replace(b'":', b'": ', 1)),
    "a statement with a key twice": lambda: payload_with(lambda text: text.replace(b'{"_type":', b'{"_type":"","_type":', 1)),
    "a statement with NaN": lambda: payload_with(lambda text: text.replace(b'"problems":0', b'"problems":NaN')),
    "a statement that is a list": lambda: payload_with(lambda _: b"[]"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_record_in_another_form_is_no_record(sealed, form, capsys):
    Sealed.write(sealed.folder / "record.dsse.json", FORMS[form]())
    verdict = verify(capsys, sealed.folder)
    assert (verdict.exit, verdict.by_check) == (1, {"record": {"VER-RECORD"}})


def test_a_signature_of_the_payload_alone_does_not_hold(sealed, capsys):
    envelope = json.loads((sealed.folder / "record.dsse.json").read_bytes())
    signatures = [{"keyid": each.key, "sig": each.sign(sealed.payload)} for each in (QUALITY, SAFETY)]
    envelope["signatures"] = sorted(signatures, key=lambda each: each["keyid"])
    Sealed.write(sealed.folder / "record.dsse.json", canonical(envelope) + b"\n")
    verdict = verify(capsys, sealed.folder, "--pin", QUALITY.key)
    assert verdict.by_check == {"signatures": {"VER-SIGNATURE"}, "authenticity": {"VER-PIN"}}


def test_everything_rewritten_with_other_keys_is_whole_but_not_authentic(tmp_path, capsys):
    forger = type(QUALITY)("DEMO-clinical-safety", "clinical safety", "forger")
    parts = content_of(Log().add(STRANGER)) | {"files/people.toml": people_toml(STRANGER, forger)}
    sealed = Sealed(tmp_path, signers=(STRANGER, forger), parts=parts)
    assert verify(capsys, sealed.folder).words == OK
    assert verify(capsys, sealed.folder, "--pin", QUALITY.key, "--pin", SAFETY.key).by_check == {"authenticity": {"VER-PIN"}}


def test_an_older_release_is_no_newer_one(sealed, capsys):
    assert verify(capsys, sealed.folder, "--at-least", "0.1.0").exit == 0
    assert verify(capsys, sealed.folder, "--at-least", "0.10.0").by_check == {"version": {"VER-ROLLBACK"}}


def test_the_records_before_are_followed(tmp_path, capsys):
    first = Sealed(tmp_path, "0.0.9")
    second = Sealed(tmp_path, "0.1.0", previous={"version": "0.0.9", "record_sha256": first.sha256})
    third = Sealed(tmp_path, "0.2.0", previous={"version": "0.1.0", "record_sha256": second.sha256})
    assert verify(capsys, third.folder).states["previous"] == "GOOD"
    first.statement["predicate"]["data_root"] = "b" * 64
    first.seal()
    assert verify(capsys, third.folder).by_check == {"previous": {"VER-PREVIOUS"}}


def test_a_record_before_that_is_not_older_or_not_here(tmp_path, capsys):
    later = Sealed(tmp_path, "0.1.0", previous={"version": "0.1.0", "record_sha256": "0" * 64})
    assert verify(capsys, later.folder).by_check == {"previous": {"VER-PREVIOUS"}}
    gone = Sealed(tmp_path, "0.3.0", previous={"version": "0.2.0", "record_sha256": "0" * 64})
    assert verify(capsys, gone.folder).states["previous"] == "NOT CHECKED"


def test_what_the_builder_writes_is_what_the_verifier_reads(tmp_path):
    """The two share no code, so that they agree is worth a test."""
    from pipeline.release.record.dsse import Envelope
    from tests.pipeline.release.records import KEYS

    made = built()
    folder = tmp_path / made.version
    Sealed.write(folder / "record.dsse.json", Envelope(made.payload).signed(KEYS["DEMO-a"]).to_bytes())
    opened = verifier.opened(verifier.Order(folder))
    assert (opened.sha256, dict(opened.parts)) == (made.sha256, {each.name: (each.sha256, each.size) for each in made.subjects})
    assert verifier.signed(opened) == {made.signers[0].key}


def test_the_reference_implementation_believes_the_same_signatures(sealed):
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    envelope = Envelope.from_dict(json.loads((sealed.folder / "record.dsse.json").read_bytes()))
    raw = [base64.b64decode(each.public.split()[1])[-32:].hex() for each in (QUALITY, SAFETY)]
    keys = [SSlibKey(each.key, "ed25519", "ed25519", {"public": key}) for each, key in zip((QUALITY, SAFETY), raw, strict=True)]
    assert set(envelope.verify(keys, threshold=2)) == {QUALITY.key, SAFETY.key}


def test_it_stands_alone(sealed, tmp_path):
    """Carried away as one file, it needs nothing of this project, and loads none of the great libraries."""
    copy = tmp_path / "carried" / "verifier.py"
    Sealed.write(copy, FILE.read_bytes())
    script = f"import runpy, sys; sys.argv = ['verifier.py', {str(sealed.folder)!r}]\n"
    script += (
        f"try: runpy.run_path({str(copy)!r}, run_name='__main__')\nexcept SystemExit as end: assert end.code == 0, end.code\n"
    )
    script += "heavy = {'torch', 'dvc', 'mlflow', 'numpy', 'pipeline', 'verification', 'device_sw'} & set(sys.modules)\n"
    script += "assert not heavy, heavy"
    done = subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"{OK}\n")


def test_it_can_be_read_in_an_hour():
    assert len(FILE.read_text(encoding="utf-8").splitlines()) < 600


def test_each_check_says_what_is_expected_and_how_to_repair():
    names = [name for name, *_ in verifier.CHECKS]
    assert len(names) == len(set(names)) == 13
    assert all(expected and repair for _, expected, repair, _ in verifier.CHECKS)
