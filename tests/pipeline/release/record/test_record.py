"""The record: what it holds is what is read, and what could not be a release is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipeline.release.record.canonical import canonical
from pipeline.release.record.record import CONCLUSION, Kind, Previous, Record, Source, Stage, Subject
from tests.pipeline.release.records import record, signer


def changed(change):
    """Return a payload whose plain data was changed."""
    data = record().to_json()
    change(data)
    return canonical(data)


def test_a_record_is_read_as_it_was_written():
    for each in (record(), record(kind=Kind.RELEASE, previous=Previous("0.0.9", "5" * 64), signers=())):
        assert Record.from_payload(each.payload) == each


def test_the_record_is_an_in_toto_statement_that_says_what_it_is_not():
    data = json.loads(record().payload)
    assert data["_type"] == "https://in-toto.io/Statement/v1"
    assert data["predicate"]["conclusion"] == CONCLUSION == "engineering baseline; not acceptable for clinical use"
    assert data["subject"][0] == {"name": "bundle/manifest.json", "digest": {"sha256": "a" * 64}}
    assert set(data["predicate"]["sizes"]) == {each["name"] for each in data["subject"]}


def test_every_field_changes_the_identity():
    base = record()
    others = [
        record(version="0.1.1"),
        record(kind=Kind.RELEASE),
        record(subjects=base.subjects[:1]),
        record(source=Source("c" * 40, "d" * 40, "f" * 64)),
        record(model=replace(base.model, weights_sha256="6" * 64)),
        record(environment={"python": "3.12.0"}),
        record(data_root="7" * 64),
        record(gate={"level": "release", "problems": 0}),
        record(stages={}),
        record(signers=(signer("DEMO-b"),)),
        record(previous=Previous("0.0.9", "5" * 64)),
    ]
    assert len({each.sha256 for each in (base, *others)}) == len(others) + 1


def test_a_trial_says_that_it_is_none():
    assert record().title == "trial of 0.1.0, not a release"
    assert record(kind=Kind.RELEASE).title == "release 0.1.0"


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "files/../x", "files/", "files//x", "other/x", "files/.hidden", "files/a\\b", "files/é", "files/a\n", "x"],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match="no plain name below archive, bundle, files"):
        Subject(name, "a" * 64, 0)


@pytest.mark.parametrize(("sha256", "size"), [("a" * 63, 0), ("A" * 64, 0), ("a" * 64, -1), ("a" * 64, True)])
def test_a_part_without_hash_or_size_is_refused(sha256, size):
    with pytest.raises(ValueError, match="without SHA-256 and size"):
        Subject("files/a", sha256, size)


def test_an_input_that_changed_while_its_stage_ran_is_refused():
    with pytest.raises(ValueError, match="a, b, c changed while the stage ran"):
        Stage({"a": "1", "b": "1", "d": "4"}, {"a": "2", "c": "3", "d": "4"})


@pytest.mark.parametrize("version", ["1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", "", "1.0.0\n"])
def test_another_version_than_three_numbers_is_refused(version):
    with pytest.raises(ValueError, match="not three numbers"):
        record(version=version)


def test_parts_that_a_file_system_could_take_for_one_are_refused():
    twins = (Subject("files/A", "a" * 64, 0), Subject("files/a", "b" * 64, 0))
    with pytest.raises(ValueError, match="two of one name"):
        record(subjects=twins)
    with pytest.raises(ValueError, match="not sorted"):
        record(subjects=tuple(reversed(record().subjects)))


def test_nobody_signs_twice():
    with pytest.raises(ValueError, match="a key that has to sign twice"):
        record(signers=(signer(), replace(signer(), name="DEMO-c")))


def test_a_key_under_a_foreign_fingerprint_is_refused():
    with pytest.raises(ValueError, match="a public key of another fingerprint"):
        replace(signer(), public=signer("DEMO-b").public)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["predicate"].update(extra=1), "holds more, or other fixed words"),
        (lambda data: data["predicate"].update(conclusion="fit for clinical use"), "holds more, or other fixed words"),
        (lambda data: data["predicate"]["sizes"].update({"files/more": 1}), "holds more, or other fixed words"),
        (lambda data: data["subject"][0]["digest"].update(md5="0"), "holds more, or other fixed words"),
        (lambda data: data["predicate"].pop("gate"), "KeyError"),
        (lambda data: data["predicate"]["signers"][0].pop("role"), "TypeError"),
        (lambda data: data["predicate"].update(signers=None), "TypeError"),
        (lambda data: data["predicate"].update(kind="final"), "'final' is not a valid Kind"),
        (lambda data: data.update(_type="https://in-toto.io/Statement/v0.1"), "other fixed words"),
    ],
)
def test_bytes_that_are_no_record_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Record.from_payload(changed(change))
