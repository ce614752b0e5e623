"""A manifest is signed where two roles approved exactly its bytes, and by nothing less."""

import hashlib
from dataclasses import replace

import pytest

from pipeline.dossier.clause_manifests import Manifest
from pipeline.dossier.clause_signatures import signed_manifests
from tests.verification.trace.signers import Book, Signer, people
from verification.trace import inputs
from verification.trace.approvals import examine
from verification.trace.people import PEOPLE
from verification.trace.subjects import subjects

MANIFEST = Manifest("std", 1, "T", "STD", "std", "A.", (), ())
CONTENT = 'author = "DEMO-author"\n'
SHA = hashlib.sha256(CONTENT.encode()).hexdigest()


@pytest.fixture
def tree(tmp_path):
    (tmp_path / MANIFEST.path).parent.mkdir(parents=True)
    (tmp_path / MANIFEST.path).write_text(CONTENT, encoding="utf-8")
    (tmp_path / PEOPLE).touch()
    return tmp_path


def signed(tree, signers, book):
    """Return what is signed where these people signed so."""
    found, known = inputs.read(tree), people(*signers)
    approvals = examine(book.chain(), known, subjects(found.material), found.now)
    return signed_manifests(replace(found, people=known, approvals=approvals), [MANIFEST])


def approve(book, signer, **fields):
    book.add(
        signer, **{"target": MANIFEST.path, "sha256": SHA, "links": (), "statement": f"read by {signer.person.name}", **fields}
    )


def pair():
    return Signer("DEMO-regulatory", "regulatory affairs"), Signer("DEMO-clinic", "clinical safety")


def test_two_roles_make_it_signed_and_are_named_as_demonstration(tree):
    signers, book = pair(), Book()
    for each in signers:
        approve(book, each)
    found = signed(tree, signers, book)
    assert list(found) == ["std"]
    assert found["std"].count("demonstration identity, no natural person") == 2
    assert "regulatory affairs: DEMO-regulatory" in found["std"]


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, (0,)),
        ({"sha256": "b" * 64}, (0, 1)),
        ({"meaning": "reviewed"}, (0, 1)),
        ({"target": "docs/clauses/other.toml"}, (0, 1)),
    ],
    ids=["one role", "other content", "reviewed only", "another manifest"],
)
def test_less_does_not(tree, fields, names):
    signers, book = pair(), Book()
    for index in names:
        approve(book, signers[index], **fields)
    assert signed(tree, signers, book) == {}


def test_its_author_does_not_count(tree):
    signers, book = (Signer("DEMO-author", "regulatory affairs"), pair()[1]), Book()
    for each in signers:
        approve(book, each)
    assert signed(tree, signers, book) == {}


def test_a_manifest_that_nobody_says_to_have_written_is_not_signed(tree):
    (tree / MANIFEST.path).write_text("", encoding="utf-8")
    signers, book = pair(), Book()
    for each in signers:
        approve(book, each, sha256=hashlib.sha256(b"").hexdigest())
    assert signed(tree, signers, book) == {}


def test_a_later_edit_ends_it(tree):
    signers, book = pair(), Book()
    for each in signers:
        approve(book, each)
    (tree / MANIFEST.path).write_text(CONTENT + "# edited\n", encoding="utf-8")
    assert signed(tree, signers, book) == {}
