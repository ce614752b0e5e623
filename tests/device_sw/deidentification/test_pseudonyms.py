"""Pseudonyms need the key, are the same for the same value, and tell nothing without it; the table opens for its own key only."""

import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from device_sw.deidentification.pseudonyms import MOST_DAYS, Pseudonyms, new_key, read_key
from device_sw.errors import DeidentificationError

ONE, OTHER = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)


@given(st.text(max_size=64), st.text(max_size=64))
def test_a_pseudonym_depends_on_value_and_key(one, other):
    assert ONE.patient(one) == ONE.patient(one) != OTHER.patient(one)
    assert (ONE.patient(one) == ONE.patient(other)) == (one == other)
    assert 1 <= ONE.days(one) <= MOST_DAYS


@given(st.text(max_size=16), st.text(max_size=16))
def test_issuer_and_id_are_not_one_text(issuer, name):
    assert (ONE.patient(name, issuer) == ONE.patient(f"{issuer}{name}", "")) == (issuer == "")


@given(st.from_regex(r"1\.2(\.[1-9][0-9]{0,8}){1,5}", fullmatch=True))
def test_a_new_uid_is_a_valid_uid_of_a_uuid(uid):
    new = UID(ONE.uid(uid))
    number = int(new.removeprefix("2.25."))
    assert new.is_valid
    assert len(new) <= 64
    assert (number >> 76 & 0xF, number >> 62 & 0x3) == (8, 2)


def test_the_key_shows_in_no_text_form():
    assert "aaaa" not in repr(ONE)


def test_a_sealed_table_opens_for_its_key_and_says_nothing_to_others():
    sealed = ONE.seal({"2.25.1": {"patient_id": "PLANTEDID"}})
    assert ONE.open(sealed) == {"2.25.1": {"patient_id": "PLANTEDID"}}
    assert b"PLANTED" not in sealed
    with pytest.raises(DeidentificationError, match=r"^DEI-TABLE at .*this key does not open"):
        OTHER.open(sealed)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"nonce": 1, "sealed": 2}'])
def test_what_is_no_table_is_named(content):
    with pytest.raises(DeidentificationError, match=r"^DEI-TABLE"):
        ONE.open(content)


def test_one_changed_digit_of_a_table_shows():
    data = json.loads(ONE.seal({"a": 1}))
    data["sealed"] = ("0" if data["sealed"][0] != "0" else "1") + data["sealed"][1:]
    with pytest.raises(DeidentificationError, match=r"^DEI-TABLE"):
        ONE.open(json.dumps(data).encode())


def test_a_new_key_is_random_private_and_never_overwritten(tmp_path):
    new_key(tmp_path / "one")
    new_key(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600
    assert read_key(tmp_path / "one").key == (tmp_path / "one").read_bytes()
    with pytest.raises(
        DeidentificationError, match=r"^DEI-KEY at key file: found a file that cannot be made \(FileExistsError\)"
    ):
        new_key(tmp_path / "one")


@pytest.mark.parametrize(("content", "mode", "found"), [(b"short", 0o600, "5 bytes"), (b"x" * 32, 0o644, "others may read")])
def test_what_is_no_key_is_refused(tmp_path, content, mode, found):
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(DeidentificationError, match=f"^DEI-KEY at key file: found .*{found}"):
        read_key(path)


def test_a_missing_key_is_named(tmp_path):
    with pytest.raises(DeidentificationError, match=r"^DEI-KEY .*FileNotFoundError"):
        read_key(tmp_path / "none")
