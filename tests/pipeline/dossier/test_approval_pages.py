"""The page of approvals prints each signature in full, what lacks one, and nothing that the gate refuses."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import signing
from pipeline.dossier.approval_pages import NOTHING_SIGNED, ApprovalPages
from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.subject import sound_inputs
from pipeline.dossier.tables import plain
from pipeline.file_error import FileError
from tests.pipeline.test_signing import begin, small  # noqa: F401  fixtures of a small project with people and keys
from tests.verification.trace.conftest import project, sealed  # noqa: F401
from verification.trace.approvals import APPROVALS
from verification.trace.checks.levels import content_is_signed
from verification.trace.keys import Form

ROOT = Path(__file__).resolve().parents[3]
TARGET = "risk/data/policy.toml"


@pytest.fixture
def signed(small, begin):  # noqa: F811
    small_project, ring = small
    desk = signing.open_desk(small_project.root, TARGET)
    words = signing.Words("DEMO-quality", "", "approved", "read the matrix cell by cell")
    now = begin + timedelta(minutes=1)
    signing.append(desk, signing.signed(signing.draft(desk, TARGET, words, Form.PLAIN, now), ring), now)
    return small_project.root


def pages_of(root):
    return ApprovalPages(sound_inputs(root), EvidenceBook(root))


def row_of(text, document):
    """Return the cells of a document's row."""
    row = text.split(f"`{document}`", 1)[1].split("\n* - ", 1)[0].split("\n```", 1)[0]
    return [cell.strip() for cell in row.split("\n  - ")[1:]]


def test_a_signature_is_printed_in_full(signed):
    pages = pages_of(signed)
    content = sound_inputs(signed).documents[TARGET].sha256
    text = pages.records()
    for said in ("DEMO-quality (demonstration identity, no natural person)", "quality assurance", "approved", TARGET, content):
        assert said in text
    assert f"1 <source-verification-approvals-jsonl::{APPROVALS}::" in text
    assert re.search(r"quality assurance: approved, 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)


def test_a_document_names_the_roles_that_are_missing(signed):
    cells = row_of(pages_of(signed).documents(), TARGET)
    assert cells[1] == "quality assurance"
    assert cells[2].endswith("; missing risk management")


def test_a_changed_document_has_lost_its_approval(signed):
    path = signed / TARGET
    path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    cells = row_of(pages_of(signed).documents(), TARGET)
    assert cells[1] == "nobody"
    assert "quality assurance" in cells[2]


def test_a_signature_that_does_not_hold_stops_the_build(signed):
    path = signed / APPROVALS
    path.write_text(path.read_text(encoding="utf-8").replace("cell by cell", "not at all"), encoding="utf-8")
    with pytest.raises(FileError, match=r"^FILE-DATA at verification/approvals\.(jsonl:1|head\.json): found SIG-"):
        sound_inputs(signed)


def test_people_that_cannot_be_read_stop_the_build(signed):
    (signed / "people.toml").write_text('schema = "other"\n', encoding="utf-8")
    with pytest.raises(FileError, match=r"^FILE-DATA at people\.toml"):
        sound_inputs(signed)


def test_a_project_without_signatures_says_so(small):  # noqa: F811
    assert pages_of(small[0].root).records() == NOTHING_SIGNED


def test_what_a_document_lacks_is_what_the_gate_asks_for_at_release_level(signed):
    inputs = sound_inputs(signed)
    asked = {each.where: each.found for each in content_is_signed(SimpleNamespace(inputs=inputs)) if each.code == "TRC-SIGNATURE"}
    pages = pages_of(signed)
    assert pages.unsigned() == f"{len(asked)} of {len(inputs.reviewed)}"
    for name in inputs.reviewed:
        assert row_of(pages.documents(), name)[2] == (plain(asked[name]) if name in asked else "nothing")


def test_documents_of_this_project_are_counted():
    pages = pages_of(ROOT)
    counted = pages.unsigned().split(" of ")
    assert int(counted[0]) <= int(counted[1])
    assert int(counted[1]) == pages.documents().count("\n* - ") - 1


def test_roles_and_rules_are_those_of_the_people():
    pages = pages_of(ROOT)
    assert "DEMO-clinical-safety (demonstration identity, no natural person)" in pages.roles()
    assert "`risk/data`" in pages.rules()
    assert "risk management and clinical safety" in pages.rules()
