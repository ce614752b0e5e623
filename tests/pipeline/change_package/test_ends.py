"""Which ends a change package has, and what is refused before anything is compared."""

import shutil

import pytest

from pipeline.change_package.ends import open_pair
from pipeline.change_package.errors import ChangePackageRefused


def test_a_release_and_the_working_tree(released):
    pair = open_pair(released.root, "0.1.0")
    assert pair.before.sealed.record.version == "0.1.0"
    assert pair.before.sealed.verdict == "INTEGRITY OK, AUTHENTICITY NOT ESTABLISHED"
    assert (pair.after.is_tree, pair.after.sealed, pair.name) == (True, None, "0.1.0..working-tree")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HEAD",
        "HEAD..0.1.0",
        "0.1.0..",
        "0.1.0...HEAD",
        "0.1.0..-x",
        "..0.1.0",
        "0.1.0..no-such",
        "0.1.0..0.1.0",
        "0.1.0..$(x)",
        "0.1.0..HEAD..HEAD",
    ],
)
def test_other_ranges_are_refused(released, text):
    with pytest.raises(ChangePackageRefused, match=r"CPK-RANGE at change-package: .*expected FROM\.\.TO"):
        open_pair(released.root, text)


def test_the_newer_release_comes_second(releases):
    releases.release("0.2.0")
    assert open_pair(releases.root, "0.1.0..0.2.0").after.title == "release 0.2.0"
    with pytest.raises(ChangePackageRefused, match=r"CPK-RANGE.*the newer release first"):
        open_pair(releases.root, "0.2.0..0.1.0")


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda root: (root / "releases/0.1.0/files/params.yaml").write_text("x: 1\n"), "VER-SIZE at files/params.yaml"),
        (lambda root: (root / "releases/0.1.0/keys.json").write_text("{}"), "VER-KEYS at keys.json"),
        (
            lambda root: (root / "artifacts/releases/0.1.0/archive/wheel/device.whl").write_text("PK whale"),
            "VER-HASH at archive/wheel",
        ),
        (lambda root: (root / "releases/0.1.0/record.dsse.json").write_text("{}"), "REL-RECORD"),
        (lambda root: shutil.rmtree(root / ".git"), "VER-SOURCE"),
        (lambda root: (root / "AUDIT.jsonl").write_text(""), "VER-LOG"),
    ],
)
def test_a_release_that_does_not_verify_is_refused(releases, harm, found):
    harm(releases.root)
    with pytest.raises(ChangePackageRefused, match=rf"CPK-RELEASE at release 0\.1\.0: .*{found}.*\./qms release verify 0\.1\.0"):
        open_pair(releases.root, "0.1.0")


def test_a_trial_is_no_release(releases):
    releases.trial("0.3.0")
    with pytest.raises(ChangePackageRefused, match=r"CPK-RELEASE at release 0\.3\.0: found a trial, which releases nothing"):
        open_pair(releases.root, "0.3.0")


def test_a_version_that_was_never_released_is_refused(released):
    with pytest.raises(ChangePackageRefused, match=r"CPK-RELEASE at release 0\.9\.0: .*REL-RECORD"):
        open_pair(released.root, "0.9.0")


def test_a_signer_who_was_not_pinned_is_refused(released):
    with pytest.raises(ChangePackageRefused, match=r"CPK-RELEASE.*VER-PIN"):
        open_pair(released.root, "0.1.0", ("SHA256:" + "A" * 43,))


def test_a_part_that_changes_after_verification_is_refused(releases):
    end = open_pair(releases.root, "0.1.0").before
    (releases.root / "releases/0.1.0/files/params.yaml").write_text("seed: 9\n", encoding="utf-8")
    with pytest.raises(ChangePackageRefused, match=r"CPK-PART at files/params\.yaml: found another SHA-256"):
        end.part("files/params.yaml")


def test_why_a_part_cannot_be_read(releases):
    shutil.rmtree(releases.root / "artifacts/releases")
    pair = open_pair(releases.root, "0.1.0")
    assert pair.before.absence("archive/wheel/device.whl") == "kept in the archive, which is not here"
    assert pair.before.absence("files/none.json") == "the record names no such part"
    assert pair.before.absence("files/validation.json") == ""
    assert pair.after.absence("files/validation.json") == "nothing is sealed yet"
    with pytest.raises(ChangePackageRefused, match=r"CPK-PART at archive/wheel/device\.whl: found kept in the archive"):
        pair.before.part("archive/wheel/device.whl")
