"""Who has to sign: the roles of people.toml's rule, each with a key that counts now."""

from __future__ import annotations

import pytest

from pipeline.release.approval.signers import signers_of
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.record import Kind

BOTH = ("DEMO-regulatory", "DEMO-quality")


def test_the_signers_come_with_role_meaning_key_and_what_they_are(bench):
    first, second = signers_of(bench.root, Kind.RELEASE, BOTH)
    assert (first.name, first.role, first.meaning) == ("DEMO-quality", "quality assurance", "approved")
    assert (second.key, second.public) == (bench.keys["DEMO-regulatory"].id, bench.keys["DEMO-regulatory"].line)
    assert first.demonstration


def test_a_trial_may_have_nobody_who_signs(bench):
    assert signers_of(bench.root, Kind.TRIAL, ()) == ()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), "nobody signs as quality assurance, regulatory affairs"),
        (("DEMO-quality",), "nobody signs as regulatory affairs"),
        (("DEMO-quality", "DEMO-author"), "nobody signs as regulatory affairs"),
        (("DEMO-nobody", *BOTH), "people.toml holds no DEMO-nobody"),
    ],
)
def test_a_release_without_its_roles_is_refused(bench, names, found):
    with pytest.raises(ReleaseRefused, match=f"REL-SIGNER at people.toml: found {found}"):
        signers_of(bench.root, Kind.RELEASE, names)


def test_a_key_that_does_not_count_any_more_is_refused(bench):
    people = bench.root / "people.toml"
    text = people.read_text(encoding="utf-8").splitlines()
    text = ['valid_until = "2026-01-02T00:00:00Z"' if line.startswith("valid_until") else line for line in text]
    text = ['valid_from = "2026-01-01T00:00:00Z"' if line.startswith("valid_from") else line for line in text]
    people.write_text("\n".join(text) + "\n", encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=r"REL-SIGNER.*DEMO-quality .*has no key that counts now"):
        signers_of(bench.root, Kind.TRIAL, ("DEMO-quality",))


def test_a_release_of_a_project_without_a_rule_for_releases_is_refused(bench):
    people = bench.root / "people.toml"
    people.write_text(
        people.read_text(encoding="utf-8").replace('documents = "releases"', 'documents = "risk"'), encoding="utf-8"
    )
    with pytest.raises(ReleaseRefused, match="nobody signs as two roles"):
        signers_of(bench.root, Kind.RELEASE, BOTH)


def test_people_that_the_strict_loader_refuses_sign_nothing(bench):
    (bench.root / "people.toml").write_text("people = 1\n", encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=r"REL-SIGNER at people\.toml"):
        signers_of(bench.root, Kind.TRIAL, ())
