"""people.toml: what contradicts itself is named, a successor's key is vouched for, and nobody made by the project passes for a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.verification.trace.signers import START, Signer
from verification.trace.keys import sign
from verification.trace.people import People, Person, Role, Rule, read_people, rotation_message, shown, time_of, time_text

HEAD = """\
schema = "thoratrace/people/1"
project = "tiny"
[[role]]
name = "quality assurance"
signs = "everything"
meanings = ["reviewed", "approved"]
[[role]]
name = "risk management"
signs = "risks"
meanings = ["approved"]
[[rule]]
documents = "risk/data"
roles = ["quality assurance", "risk management"]
"""


def key_text(signer, **more):
    key = signer.key
    values = {
        "id": key.id,
        "public": key.public.line,
        "valid_from": time_text(key.valid_from),
        "valid_until": time_text(key.valid_until),
    }
    return "[[person.key]]\n" + "".join(f'{name} = "{value}"\n' for name, value in (values | more).items())


def person_text(name, *keys, kind="demonstration", role="quality assurance"):
    return f'[[person]]\nname = "{name}"\nkind = "{kind}"\nroles = ["{role}"]\n' + "".join(keys)


@pytest.fixture
def signer():
    return Signer("DEMO-quality", "quality assurance")


@pytest.fixture
def read(tmp_path):
    def reading(text):
        (tmp_path / "people.toml").write_text(text, encoding="utf-8")
        people, problems = read_people(tmp_path)
        return people, [(problem.code, problem.found) for problem in problems]

    return reading


def test_people_with_roles_and_keys_are_read(read, signer):
    people, problems = read(HEAD + person_text("DEMO-quality", key_text(signer)))
    assert problems == []
    assert people.person("DEMO-quality").keys == (signer.key,)
    assert people.required("risk/data/policy.toml") == ("quality assurance", "risk management")
    assert people.required("risk/database.toml") == ()
    assert people.person("nobody") is None


def test_without_the_file_nobody_has_a_role(tmp_path):
    assert read_people(tmp_path) == (People(), ())


def test_the_shipped_file_holds_and_knows_demonstration_identities_only():
    people, problems = read_people(__import__("pathlib").Path(__file__).resolve().parents[3])
    assert problems == ()
    assert all(person.name.startswith("DEMO-") and person.kind == "demonstration" for person in people.persons)
    held = {role for person in people.persons for role in person.roles}
    assert held >= {role for rule in people.rules for role in rule.roles}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (HEAD.replace('name = "risk management"', 'name = "quality assurance"'), "SIG-PERSON", "a role that stands there twice"),
        (
            HEAD.replace('"quality assurance", "risk management"]', '"quality assurance", "director"]'),
            "SIG-PERSON",
            "the role director",
        ),
        (HEAD + person_text("DEMO-a") * 2, "SIG-PERSON", "a name that another person has"),
        (HEAD + person_text("DEMO-a", kind="person"), "SIG-PERSON", "a name of another kind"),
        (HEAD + person_text("Real Name"), "SIG-PERSON", "a name of another kind"),
        (HEAD + person_text("DEMO-a", role="director"), "SIG-PERSON", "the role director"),
        (HEAD + person_text("DEMO-a") + "age = 3\n", "SPC-UNKNOWN-KEY", "the key 'age'"),
        (HEAD.replace("people/1", "people/2"), "SPC-VALUE", "'thoratrace/people/2'"),
        ("schema = [", "SPC-TOML", ""),
    ],
)
def test_each_contradiction_is_named(read, text, code, said):
    _, problems = read(text)
    assert [found for each, found in problems if each == code and said in found], problems


FIRST_PERSON, SECOND_PERSON = "people.toml:14", "people.toml:18"
"""Where the persons stand after ``HEAD``, each without a key."""

ANOTHER = "SHA256:" + "A" * 43
"""The id of a key that nobody has."""

CONTRADICTIONS = {
    "a role twice": (
        HEAD + HEAD[HEAD.index("[[role]]") : HEAD.index("[[rule]]")],
        ("SIG-PERSON", "people.toml", "quality assurance", "a role that stands there twice"),
        ("SIG-PERSON", "people.toml", "risk management", "a role that stands there twice"),
    ),
    "a rule for a role that is not there": (
        HEAD.replace(', "risk management"]', ', "director"]'),
        ("SIG-PERSON", "people.toml", "risk/data", "the role director, which does not exist"),
    ),
    "a name twice": (
        HEAD + person_text("DEMO-a") * 2,
        ("SIG-PERSON", SECOND_PERSON, "DEMO-a", "a name that another person has"),
    ),
    "a person called a demonstration": (
        HEAD + person_text("DEMO-a", kind="person"),
        ("SIG-PERSON", FIRST_PERSON, "DEMO-a", "a name of another kind than person"),
    ),
    "a demonstration called otherwise": (
        HEAD + person_text("Real Name"),
        ("SIG-PERSON", FIRST_PERSON, "Real Name", "a name of another kind than demonstration"),
    ),
    "a person in a role that is not there": (
        HEAD + person_text("DEMO-a") + person_text("DEMO-b", role="director"),
        ("SIG-PERSON", SECOND_PERSON, "DEMO-b", "the role director, which does not exist"),
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_names_place_and_person(tmp_path, case):
    text, *expected = CONTRADICTIONS[case]
    (tmp_path / "people.toml").write_text(text, encoding="utf-8")
    assert [(each.code, each.where, each.item, each.found) for each in read_people(tmp_path)[1]] == expected


def test_everything_the_file_says_is_there(tmp_path, signer):
    more = {"revoked": "2026-12-01T00:00:00Z", "revoked_reason": "the laptop was lost"}
    (tmp_path / "people.toml").write_text(HEAD + person_text("DEMO-quality", key_text(signer, **more)), encoding="utf-8")
    people, problems = read_people(tmp_path)
    assert problems == ()
    assert people.project == "tiny"
    assert people.roles == (
        Role("quality assurance", "everything", ("reviewed", "approved")),
        Role("risk management", "risks", ("approved",)),
    )
    assert people.rules == (Rule("risk/data", ("quality assurance", "risk management")),)
    assert people.role("risk management").signs == "risks"
    assert people.role("director") is None
    revoked = replace(signer.key, revoked=time_of("2026-12-01T00:00:00Z"), revoked_reason="the laptop was lost")
    assert people.persons == (Person("DEMO-quality", "demonstration", ("quality assurance",), (revoked,)),)
    assert [each.where for each in (*people.rules, *people.persons, *people.persons[0].keys)] == [
        "people.toml:11",
        "people.toml:14",
        "people.toml:18",
    ]


UNSOUND = {
    "another id": ({"id": ANOTHER}, "the id {another} for a key with the fingerprint {id}"),
    "no time between": ({"valid_until": time_text(START - timedelta(days=1))}, "a key that ends before it begins"),
    "no reason": ({"revoked": "2027-01-01T00:00:00Z"}, "a revoked key without a reason, or a reason without a time"),
    "no time of it": ({"revoked_reason": "the laptop was lost"}, "a revoked key without a reason, or a reason without a time"),
    "no signature": ({"replaces": ANOTHER}, "a key that replaces another without that key's signature"),
    "nothing replaced": ({"vouched": "AAAA"}, "a key that replaces another without that key's signature"),
    "unknown": ({"replaces": ANOTHER, "vouched": "AA"}, "the predecessor {another}, which is no key of DEMO-quality"),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_an_unsound_key_is_told_with_its_place_and_person(tmp_path, signer, case):
    more, words = UNSOUND[case]
    (tmp_path / "people.toml").write_text(HEAD + person_text("DEMO-quality", key_text(signer, **more)), encoding="utf-8")
    assert [(each.code, each.where, each.item, each.found) for each in read_people(tmp_path)[1]] == [
        ("SIG-KEY", "people.toml:18", "DEMO-quality", words.format(id=signer.key.id, another=ANOTHER))
    ]


def test_no_key_vouches_for_itself(read, signer):
    message = rotation_message("DEMO-quality", signer.key.public, signer.key.public)
    vouched = {"replaces": signer.key.id, "vouched": sign(signer.private, message)}
    _, problems = read(HEAD + person_text("DEMO-quality", key_text(signer, **vouched)))
    assert problems == [("SIG-KEY", f"the predecessor {signer.key.id}, which is no key of DEMO-quality")]


def test_one_unsound_key_does_not_hide_the_next(read, signer):
    second = Signer("DEMO-quality", "quality assurance")
    text = key_text(signer, id=ANOTHER) + key_text(second, revoked_reason="the laptop was lost")
    _, problems = read(HEAD + person_text("DEMO-quality", text))
    assert len(problems) == 2


def test_the_longest_rule_that_fits_decides():
    people = People(rules=(Rule("risk", ("a",)), Rule("risk/data/", ("b",)), Rule("docs/x.md", ("c",))))
    assert [people.required(each) for each in ("risk/x", "risk/data/y", "docs/x.md", "docs/x.md2", "risks")] == [
        ("a",),
        ("b",),
        ("c",),
        (),
        (),
    ]


def test_one_key_under_two_names_is_named(read, signer):
    _, problems = read(HEAD + person_text("DEMO-quality", key_text(signer)) + person_text("DEMO-twin", key_text(signer)))
    assert problems == [("SIG-KEY-SHARED", "the key of DEMO-quality")]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"id": "SHA256:" + "A" * 43}, "for a key with the fingerprint"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "ends before it begins"),
        ({"revoked": "2027-01-01T00:00:00Z"}, "without a reason"),
        ({"revoked_reason": "the laptop was lost"}, "without a reason, or a reason without a time"),
        ({"public": "ssh-ed25519 AAAA"}, "shorter than it says"),
        ({"valid_from": "2026-13-01T00:00:00Z"}, "does not match format"),
        ({"replaces": "SHA256:" + "A" * 43}, "without that key's signature"),
        ({"replaces": "SHA256:" + "A" * 43, "vouched": "AAAA"}, "which is no key of"),
    ],
)
def test_an_unsound_key_is_named(read, signer, more, said):
    _, problems = read(HEAD + person_text("DEMO-quality", key_text(signer, **more)))
    assert [code for code, found in problems if said in found] == ["SIG-KEY"], problems


def test_a_successor_needs_its_predecessors_signature(read, signer):
    new = Signer("DEMO-quality", "quality assurance")
    message = rotation_message("DEMO-quality", signer.key.public, new.key.public)
    vouched = {"replaces": signer.key.id, "vouched": sign(signer.private, message)}
    _, problems = read(HEAD + person_text("DEMO-quality", key_text(signer), key_text(new, **vouched)))
    assert problems == []
    forged = {"replaces": signer.key.id, "vouched": sign(new.private, message)}
    _, problems = read(HEAD + person_text("DEMO-quality", key_text(signer), key_text(new, **forged)))
    assert [code for code, found in problems if "its predecessor did not sign" in found] == ["SIG-KEY"]


def test_times_are_whole_seconds_in_utc():
    later = START + timedelta(milliseconds=400)
    assert time_of(time_text(later)) == START
    with pytest.raises(ValueError, match="does not match format"):
        time_of("2026-11-21 08:00")


def test_a_demonstration_is_called_one_wherever_it_is_printed(signer):
    assert signer.person.shown == shown("DEMO-quality") == "DEMO-quality (demonstration identity, no natural person)"
    assert shown("Real Name") == "Real Name"
