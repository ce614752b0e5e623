"""Everything that a release asks to be signed can be signed, one by one, and is then no longer asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline import signing
from pipeline.keyring import Keyring
from tests.verification.trace.conftest import project, sealed  # noqa: F401  fixtures of the small project
from verification.trace import gate
from verification.trace.keys import Form
from verification.trace.people import Person

ROLES = ("quality assurance", "risk management", "regulatory affairs")
PEOPLE = (
    'schema = "thoratrace/people/1"\nproject = "tiny"\n'
    + "".join(
        f'[[role]]\nname = "{role}"\nsigns = "everything"\nmeanings = ["authored", "reviewed", "approved"]\n' for role in ROLES
    )
    + '[[rule]]\ndocuments = "risk/data"\nroles = ["risk management", "quality assurance"]\n'
)
SIGNERS = (("DEMO-regulatory", "authored"), ("DEMO-quality", "approved"), ("DEMO-risk", "approved"))


@pytest.fixture
def begin():
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)


@pytest.fixture
def small(project, tmp_path, begin):  # noqa: F811
    project.write("people.toml", PEOPLE)
    ring = Keyring(tmp_path / "keys")
    for role in ROLES:
        name = f"DEMO-{role.split()[0]}"
        signing.add_key(project.root, Person(name, "demonstration", (role,), ()), ring.create(), 1, begin)
    return project, ring


def unsigned(project):  # noqa: F811
    return [problem for problem in project.check(gate.Level.RELEASE).problems if problem.code in {"TRC-SIGNATURE", "SIG-SUSPECT"}]


def test_a_release_is_signed_document_by_document(small, begin):
    small_project, ring = small
    root, minutes = small_project.root, 0
    for document in sorted({problem.where for problem in unsigned(small_project)}):
        for name, meaning in SIGNERS:
            minutes += 1
            now = begin + timedelta(minutes=minutes)
            desk = signing.open_desk(root, document)
            words = signing.Words(name, "", meaning, f"{meaning} {document} line by line")
            signing.append(desk, signing.signed(signing.draft(desk, document, words, Form.PLAIN, now), ring), now)
    assert minutes >= 3 * 8
    assert unsigned(small_project) == []
    assert not [each for each in small_project.check(gate.Level.RELEASE).problems if each.code.startswith(("SIG-", "OBL-"))]


def test_the_same_words_for_everything_are_reported(small, begin):
    small_project, ring = small
    documents = sorted({problem.where for problem in unsigned(small_project)})[:4]
    for minute, document in enumerate(documents):
        now = begin + timedelta(minutes=minute)
        desk = signing.open_desk(small_project.root, document)
        words = signing.Words("DEMO-quality", "", "approved", "looks fine to me")
        signing.append(desk, signing.signed(signing.draft(desk, document, words, Form.PLAIN, now), ring), now)
    found = [each for each in small_project.check(gate.Level.RELEASE).problems if each.code == "SIG-STATEMENT"]
    assert len(found) == 4
    assert "said the same of 4 targets" in found[0].found


def test_who_has_no_author_cannot_be_cleared_of_self_approval(small, begin):
    small_project, ring = small
    target = "verification/features/admission.feature"
    for minute, name in enumerate(("DEMO-quality", "DEMO-risk")):
        now = begin + timedelta(minutes=minute)
        desk = signing.open_desk(small_project.root, target)
        words = signing.Words(name, "", "approved", "read every scenario of it")
        signing.append(desk, signing.signed(signing.draft(desk, target, words, Form.PLAIN, now), ring), now)
    assert ["nobody says to have written it" in each.found for each in unsigned(small_project) if each.where == target] == [True]


def test_a_document_whose_links_changed_is_signed_again_as_it_lies(small, begin):
    small_project, ring = small
    target = "verification/features/admission.feature"

    def sign(hour):
        for minute, (name, meaning) in enumerate(SIGNERS):
            now = begin + timedelta(hours=hour, minutes=minute)
            desk = signing.open_desk(small_project.root, target)
            words = signing.Words(name, "", meaning, f"{meaning} every scenario of it")
            signing.append(desk, signing.signed(signing.draft(desk, target, words, Form.PLAIN, now), ring), now)

    def suspect():
        return [each.found for each in unsigned(small_project) if each.code == "SIG-SUSPECT" and each.where == target]

    sign(1)
    assert suspect() == []
    small_project.replace(
        "requirements_spec/data/software_requirements/device.toml", "a patient under 18.", "a patient under 18 years."
    )
    assert [found.split(" had ")[0].rsplit(" ", 1)[-1] for found in suspect()] == ["SRS-001", "SRS-001"]
    sign(2)
    assert suspect() == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [(b"{}", "not a message"), (b"nothing", "not a message"), (b'{"links": 3}', "not a message")],
)
def test_what_is_no_message_is_not_taken(message, reason):
    with pytest.raises(signing.SigningError, match=reason):
        signing.signed_elsewhere(message, "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n")
