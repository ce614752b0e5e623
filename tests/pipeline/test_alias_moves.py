"""Aliases move in order, each move chained to the one before; what was changed, moved or left half done is noticed."""

import json
from types import SimpleNamespace

import pytest

from pipeline import alias_moves
from pipeline.registry_store import MODEL, RegisteredModel, RegistrationRefused


class Registry:
    """The part of MLflow's client that moves need, in memory."""

    def __init__(self):
        self.tags, self.aliases = {}, {}

    def get_registered_model(self, _):
        return SimpleNamespace(tags=dict(self.tags), aliases=dict(self.aliases))

    def get_model_version(self, _, version):
        return SimpleNamespace(tags={"bundle_sha256": f"bundle {version}"})

    def set_registered_model_tag(self, _, key, value):
        self.tags[key] = value

    def set_registered_model_alias(self, _, alias, version):
        self.aliases[alias] = version


@pytest.fixture
def client():
    return Registry()


def model_in(client):
    return RegisteredModel(client, MODEL)


def moved(client, *steps):
    return [alias_moves.move(model_in(client), alias, version, ground="a test", commit="abc") for alias, version in steps]


def test_a_version_lives_from_candidate_to_retired(client):
    moved(
        client,
        ("candidate", "1"),
        ("validated", "1"),
        ("released", "1"),
        ("candidate", "2"),
        ("validated", "2"),
        ("released", "2"),
    )
    moved(client, ("retired", "1"))
    assert client.aliases == {"candidate": "2", "validated": "2", "released": "2", "retired": "1"}
    lines = alias_moves.journal(model_in(client))
    assert [(line.number, line.previous) for line in lines][3:] == [(4, "1"), (5, "1"), (6, "1"), (7, "")]
    assert lines[5].bundle_sha256 == "bundle 2"


def test_an_alias_it_holds_already_is_no_move(client):
    assert moved(client, ("candidate", "1"), ("candidate", "1"))[1] is None
    assert len(alias_moves.journal(model_in(client))) == 1


@pytest.mark.parametrize(
    ("before", "alias"), [([], "validated"), (["candidate"], "released"), (["candidate", "validated"], "retired")]
)
def test_no_alias_is_passed_over(client, before, alias):
    moved(client, ("candidate", "2"), *((name, "1") for name in before))
    with pytest.raises(RegistrationRefused, match=f"REG-ORDER at version 1: found {alias} asked for without"):
        moved(client, (alias, "1"))


def test_no_move_without_ground(client):
    with pytest.raises(RegistrationRefused, match="REG-ORDER at version 1: found candidate asked for without ground"):
        alias_moves.move(model_in(client), "candidate", "1", ground=" ", commit="abc")


def changed(client):
    line = json.loads(client.tags["alias_move.0001"])
    client.tags["alias_move.0001"] = json.dumps(line | {"ground": "another"})


def forged(client):
    line = json.loads(client.tags["alias_move.0001"])
    stated = line.pop("sha256")
    other = alias_moves.AliasMove(**line | {"version": "2"})
    assert other.sha256 != stated
    client.tags["alias_move.0001"] = json.dumps({**line, "version": "2", "sha256": other.sha256})


@pytest.mark.parametrize(
    ("harm", "where", "found"),
    [
        (changed, "0001", "a line that was changed or moved"),
        (forged, "0002", "a line that was changed or moved"),
        (lambda client: client.tags.pop("alias_move.0001"), "0001", "no such line"),
        (lambda client: client.tags.update({"alias_move.0002": "x"}), "0002", "no line of the journal"),
        (
            lambda client: client.tags.update({"alias_move.0002": client.tags["alias_move.0001"]}),
            "0002",
            "a line that was changed or moved",
        ),
    ],
)
def test_a_journal_that_was_touched_is_refused(client, harm, where, found):
    moved(client, ("candidate", "1"), ("validated", "1"))
    harm(client)
    with pytest.raises(RegistrationRefused, match=rf"REG-JOURNAL at alias_move\.{where}: found {found}"):
        moved(client, ("released", "1"))


def test_an_alias_that_was_moved_by_another_way_is_refused(client):
    moved(client, ("candidate", "1"), ("validated", "1"))
    client.set_registered_model_alias(MODEL, "candidate", "7")
    with pytest.raises(RegistrationRefused, match="REG-UNRECORDED at registry: found candidate at 7, journal 1"):
        moved(client, ("candidate", "2"))
    client.aliases.pop("candidate")
    with pytest.raises(RegistrationRefused, match="REG-UNRECORDED at registry: found candidate at no version, journal 1"):
        moved(client, ("candidate", "2"))


def test_a_move_that_was_cut_after_its_line_is_finished(client):
    moved(client, ("candidate", "1"))
    working, client.set_registered_model_alias = client.set_registered_model_alias, lambda *_: None
    with pytest.raises(RegistrationRefused, match="REG-JOURNAL"):
        moved(client, ("validated", "1"))
    client.set_registered_model_alias = working
    assert moved(client, ("validated", "1")) == [None]
    assert client.aliases == {"candidate": "1", "validated": "1"}
    assert len(alias_moves.journal(model_in(client))) == 2


def test_aliases_older_than_the_journal_are_taken_up(client):
    client.aliases = {"candidate": "3", "validated": "3"}
    moved(client, ("candidate", "4"))
    assert [(line.alias, line.version, line.ground) for line in alias_moves.journal(model_in(client))] == [
        ("candidate", "3", alias_moves.FOUND),
        ("validated", "3", alias_moves.FOUND),
        ("candidate", "4", "a test"),
    ]
