"""A test protocol has every step of every scenario with what came of each row, and nothing that did not pass looks as if it had."""

import json

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.protocol_pages import read_protocols
from pipeline.dossier.verification_pages import VERDICTS, VerificationPages
from pipeline.file_error import FileError

FEATURE = """Feature: Admission
  @SRS-001
  Scenario: A film is read
    Given a film
    When it is read
    Then there is a record
    And it says
      | code | word |
      | 1    | good |

  @SRS-002 @RC-001 @needs_run
  Scenario Outline: A view is refused
    Given a film of <view>
    When it is read
    Then it is refused with <code>

    Examples:
      | view | code  |
      | LL   | ADM-1 |
      | RL   | ADM-2 |
      | AP   | ADM-3 |
"""


def verdict(scenario, line="", outcome="passed"):
    return {"feature": "a_b.feature", "scenario": scenario, "row": line, "tags": [], "outcome": outcome, "reason": "it differs"}


@pytest.fixture
def protocols(tmp_path):
    rows = [
        verdict("A film is read"),
        verdict("A view is refused", "view=LL, code=ADM-1"),
        verdict("A view is refused", "view=RL, code=ADM-2", "failed"),
    ]
    (tmp_path / VERDICTS).parent.mkdir(parents=True)
    (tmp_path / VERDICTS).write_text(json.dumps({"verdicts": rows}), encoding="utf-8")
    (tmp_path / "verification/features").mkdir(parents=True)
    (tmp_path / "verification/features/a_b.feature").write_text(FEATURE, encoding="utf-8")
    book = EvidenceBook(tmp_path)
    return read_protocols(tmp_path, VerificationPages(book), book)


@pytest.fixture
def page(protocols, tmp_path):
    protocols.write(tmp_path)
    assert protocols.contents() == "Admission <scenarios-a-b>"
    return (tmp_path / "scenarios-a-b.md").read_text(encoding="utf-8")


def test_every_step_stands_once_and_expected_ones_apart(page):
    first = page[page.index("A film is read") : page.index("A view is refused")]
    procedure, expected = first.split("  - - **3**")
    assert "**1** Given a film" in procedure
    assert "**2** When it is read" in procedure
    assert "Then there is a record" in expected
    assert "Then" not in procedure


def test_a_table_of_a_step_is_printed_with_it(page):
    assert "**4** And it says: " in page
    assert "good" in page


def test_every_row_says_its_values_and_only_a_pass_says_nothing_more(page):
    assert "1 of 3 rows passed" in page
    assert "*view; code:*" in page
    assert "- LL; ADM-1\n" in page
    assert '- RL; ADM-2 <span class="failed">failed</span>: it differs' in page
    assert '- AP; ADM-3 <span class="failed">no result</span>' in page


def test_placeholders_stay_readable_and_ids_lead_to_their_place(page):
    assert "Given a film of &lt;view&gt;" in page
    assert "[RC-001](#rc-001), [SRS-002](#srs-002)\n" in page
    assert "needs_run" not in page


def test_the_list_counts_against_what_is_owed(protocols):
    assert "[Admission](scenarios-a-b.md)\n  - 2\n  - {ev}`2 of 4" in protocols.listed()


def test_a_feature_file_that_cannot_be_read_is_named(tmp_path, protocols):
    (tmp_path / "verification/features/bad.feature").write_text("Scenario without feature", encoding="utf-8")
    with pytest.raises(FileError, match=r"FILE-DATA at verification/features/bad\.feature"):
        read_protocols(tmp_path, protocols.verification, protocols.book)
