"""Keys that give way: what the command writes, what the verifier makes of it, and what a thief of the old key can still do (nothing)."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pipeline import signing
from pipeline.keyring import Keyring
from pipeline.release.approval.rotation import rotate
from pipeline.release.errors import ReleaseRefused
from tests.pipeline.release.sealed import NEXT, QUALITY, SAFETY, STRANGER, Log, Person, Sealed, people_toml, rotation, sha256
from tests.pipeline.release.verdicts import verify

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
REASON = "the key was a year old"
LATER = Person("DEMO-quality", "quality assurance", "quality, two years later")


@pytest.fixture
def old(tmp_path):
    return Sealed(tmp_path, "0.1.0")


@pytest.fixture
def new(tmp_path, old):
    """A release of the next year, by the key that followed."""
    parts = old.parts | {"files/people.toml": people_toml(NEXT, SAFETY)}
    empty = Log()
    parts |= {"files/audit.jsonl": empty.text, "files/audit.head.json": empty.head}
    return Sealed(tmp_path, "0.2.0", signers=(NEXT, SAFETY), parts=parts)


def write(sealed, *lines):
    Sealed.write(sealed.folder.parent / "keys.jsonl", b"".join(line + b"\n" for line in lines))


def test_without_a_rotation_the_new_key_is_not_believed(old, new, capsys):
    assert verify(capsys, new.folder, "--pin", QUALITY.key).by_check == {"authenticity": {"VER-PIN"}}


def test_the_old_pin_leads_to_the_new_key_and_the_new_pin_to_old_releases(old, new, capsys):
    write(old, rotation(QUALITY, NEXT, [old.sha256]))
    for pin in (QUALITY, NEXT):
        for sealed in (old, new):
            assert verify(capsys, sealed.folder, "--pin", pin.key, "--require-pin").words == "INTEGRITY OK, AUTHENTIC"


def test_rotations_are_followed_over_several_years(old, new, capsys):
    first = rotation(QUALITY, STRANGER, [old.sha256])
    write(old, first, rotation(STRANGER, NEXT, [], previous=sha256(first)))
    assert verify(capsys, new.folder, "--pin", QUALITY.key).exit == 0
    assert verify(capsys, old.folder, "--pin", NEXT.key).exit == 0


def test_a_key_given_up_signs_nothing_more(tmp_path, old, capsys):
    write(old, rotation(QUALITY, NEXT, [old.sha256]))
    forged = Sealed(tmp_path, "0.3.0")
    assert verify(capsys, forged.folder).by_check == {"rotations": {"VER-RETIRED"}}
    assert verify(capsys, old.folder).exit == 0


LINES = {
    "signed by a thief in the place of the new key": lambda: rotation(QUALITY, NEXT, [], signed_to=STRANGER.sign(b"x")),
    "signed by the old key only": lambda: rotation(QUALITY, NEXT, []).replace(b'"signed_to":"', b'"signed_to":"A', 1),
    "another successor put in": lambda: rotation(QUALITY, NEXT, []).replace(NEXT.public.encode(), STRANGER.public.encode()),
    "a record put in": lambda: rotation(QUALITY, NEXT, ["1" * 64]).replace(b"1" * 64, b"2" * 64),
    "another line before": lambda: rotation(QUALITY, NEXT, [], previous="1" * 64),
    "another schema": lambda: rotation(QUALITY, NEXT, [], schema="thoratrace/release-rotation/2"),
    "a space": lambda: rotation(QUALITY, NEXT, []) + b" ",
    "no JSON": lambda: b"rotation",
    "a list": lambda: b"[]",
}


@pytest.mark.parametrize("line", LINES)
def test_a_rotation_that_does_not_hold_holds_nothing(old, line, capsys):
    write(old, LINES[line]())
    verdict = verify(capsys, old.folder, "--pin", QUALITY.key)
    assert (verdict.exit, verdict.by_check["rotations"]) == (1, {"VER-ROTATION"})


@pytest.mark.parametrize("harm", ["deleted", "moved", "cut off"])
def test_the_chain_of_rotations_is_one(old, harm, capsys):
    first = rotation(QUALITY, NEXT, [old.sha256])
    second = rotation(NEXT, STRANGER, [], previous=sha256(first))
    lines = {"deleted": [second], "moved": [second, first], "cut off": [first, second[:-9]]}[harm]
    Sealed.write(old.folder.parent / "keys.jsonl", b"\n".join(lines) + (b"" if harm == "cut off" else b"\n"))
    assert verify(capsys, old.folder).by_check["rotations"] == {"VER-ROTATION"}


@pytest.mark.parametrize("ends", [(QUALITY, STRANGER), (STRANGER, QUALITY)], ids=["vouches", "is vouched for"])
def test_a_key_given_up_ties_nobody_to_a_pin(tmp_path, old, ends, capsys):
    """Whoever finds the old key could otherwise lead a pin on the new one back to it, and on to a key of their own."""
    first = rotation(QUALITY, NEXT, [old.sha256])
    write(old, first, rotation(*ends, [], previous=sha256(first)))
    parts = old.parts | {
        "files/people.toml": people_toml(STRANGER, SAFETY),
        "files/audit.jsonl": b"",
        "files/audit.head.json": Log().head,
    }
    forged = Sealed(tmp_path, "0.3.0", signers=(STRANGER, SAFETY), parts=parts)
    assert verify(capsys, forged.folder, "--pin", NEXT.key).by_check["rotations"] == {"VER-ROTATION"}
    assert verify(capsys, old.folder, "--pin", NEXT.key).by_check["rotations"] == {"VER-ROTATION"}


# --- the command that writes them ---


@pytest.fixture
def keyring(tmp_path):
    """Both private keys, as `./qms people` keeps them."""
    ring = Keyring(tmp_path / "keys")
    ring.folder.mkdir(mode=0o700)
    for person in (QUALITY, NEXT, LATER):
        path = ring.file_of(person.key)
        path.write_bytes(person.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        path.chmod(0o600)
    return ring


def people_with_rotation(root, people):
    """Write people.toml with roles, and let the old key of people.toml give way to the new one."""
    text = people.decode().replace('project = "thoratrace"\n', 'project = "thoratrace"\n[[role]]\nname = "quality assurance"\n'
    'signs = "all"\nmeanings = ["approved"]\n[[role]]\nname = "clinical safety"\nsigns = "all"\nmeanings = ["approved"]\n'
    '[[rule]]\ndocuments = "releases"\nroles = ["quality assurance", "clinical safety"]\n')  # fmt: skip
    (root / "people.toml").write_text(text + following(QUALITY, NEXT, "11:00:00"), encoding="utf-8")


def following(old, new, time):
    """Return a key of people.toml for which another one vouched."""
    from verification.trace.keys import Form, PublicKey, sign
    from verification.trace.people import rotation_message

    keys = [PublicKey.from_line(each.public) for each in (old, new)]
    vouched = sign(old.private, rotation_message("DEMO-quality", *keys), Form.PLAIN)
    text = f'[[person.key]]\nid = "{new.key}"\npublic = "{new.public}"\nvalid_from = "2026-11-21T{time}Z"\n'
    return f'{text}valid_until = "2027-11-21T11:00:00Z"\nreplaces = "{old.key}"\nvouched = "{vouched}"\n'


def test_the_command_names_the_records_that_the_old_key_signed(tmp_path, old, new, keyring, capsys):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    line = rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW)
    assert (line["records"], line["from"], line["to"]) == ([old.sha256], QUALITY.public, NEXT.public)
    for pin in (QUALITY, NEXT):
        assert verify(capsys, old.folder, "--pin", pin.key).exit == 0
        assert verify(capsys, new.folder, "--pin", pin.key).exit == 0


def test_a_signature_that_does_not_hold_is_no_record_of_the_old_key(tmp_path, old, keyring):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    old.statement["predicate"]["data_root"] = "b" * 64
    envelope = (old.folder / "record.dsse.json").read_bytes()
    old.seal()
    swapped = (old.folder / "record.dsse.json").read_bytes()
    cut = swapped.index(b'"payloadType"')
    Sealed.write(old.folder / "record.dsse.json", swapped[:cut] + envelope[envelope.index(b'"payloadType"') :])
    assert rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW)["records"] == []


def test_a_key_that_gave_way_without_a_line_gets_one_before_the_next(tmp_path, old, keyring, capsys):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    with (tmp_path / "people.toml").open("a", encoding="utf-8") as people:
        people.write(following(NEXT, LATER, "11:30:00"))
    line = rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW)
    assert (line["from"], line["to"], line["records"]) == (NEXT.public, LATER.public, [])
    assert verify(capsys, old.folder, "--pin", LATER.key, "--require-pin").words == "INTEGRITY OK, AUTHENTIC"
    forged = Sealed(tmp_path, "0.3.0")
    assert verify(capsys, forged.folder, "--pin", QUALITY.key).by_check["rotations"] == {"VER-RETIRED"}
    with pytest.raises(ReleaseRefused, match="which gave way before"):
        rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW + timedelta(days=1))


def test_a_key_gives_way_once(tmp_path, old, keyring):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW)
    with pytest.raises(ReleaseRefused, match="which gave way before"):
        rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW + timedelta(days=1))


def test_a_chain_that_does_not_hold_is_not_written_on(tmp_path, old, keyring):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    write(old, b"rotation")
    with pytest.raises(ReleaseRefused, match=r"REL-ROTATION at releases/keys\.jsonl"):
        rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW)


def test_a_record_that_cannot_be_read_stops_it(tmp_path, old, keyring):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    (old.folder / "record.dsse.json").unlink()
    with pytest.raises(ReleaseRefused, match=r"VER-MISSING at record\.dsse\.json"):
        rotate(tmp_path, "DEMO-quality", REASON, keyring, NOW)


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [("DEMO-quality", "short", "the reason 'short'"), ("DEMO-nobody", REASON, "holds no DEMO-nobody")],
)
def test_what_cannot_be_entered_is_said(tmp_path, keyring, name, reason, said):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    with pytest.raises(ReleaseRefused, match=said):
        rotate(tmp_path, name, reason, keyring, NOW)


def test_a_first_key_has_nothing_to_give_way(tmp_path, old, keyring):
    people_with_rotation(tmp_path, people_toml(QUALITY))
    with pytest.raises(ReleaseRefused, match="which replaces no key"):
        rotate(tmp_path, "DEMO-quality", REASON, keyring, datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC))


def test_rotation_of_people_and_rotation_of_releases_fit_together(tmp_path, old, capsys):
    """From `./qms people rotate` to a verified release: the same keys, the same person."""
    ring = Keyring(tmp_path / "keys")
    people_with_rotation(tmp_path, people_toml(QUALITY))
    text = (tmp_path / "people.toml").read_text(encoding="utf-8")
    (tmp_path / "people.toml").write_text(text[: text.index("[[person]]")], encoding="utf-8")
    from verification.trace.people import Person

    now = datetime.now(UTC)
    signing.add_key(
        tmp_path, Person("DEMO-quality", "demonstration", ("quality assurance",), ()), ring.create(), 30, now - timedelta(days=1)
    )
    signing.rotate_key(tmp_path, "DEMO-quality", ring, 30, now)
    line = rotate(tmp_path, "DEMO-quality", REASON, ring, now + timedelta(seconds=1))
    assert line["records"] == []
    assert verify(capsys, old.folder, "--pin", QUALITY.key).states["rotations"] == "GOOD"
