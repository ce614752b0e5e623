"""The state of a clause follows from its row, and its page says so with places that lead somewhere."""

import json

import pytest

from pipeline.dossier.clause_manifests import Clause, Figure, Manifest
from pipeline.dossier.clause_pages import ClausePages, State, state_of
from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.gaps import Gap
from pipeline.dossier.headings import Heading, Places

EMPTY = {"asks": "A plan.", "group": "", "shown": (), "files": (), "figures": (), "items": (), "gaps": (), "not_applicable": ""}
GAP = Gap("GAP-001", "No readers", ("STD 3",), "risk", "none", "clinic", "a study", "Not for use.")
PLACES = Places({"validation": (Heading(0, "Validation"), Heading(4, "End points"))})


def clause(number, **changes):
    rest = {"permitted": "", "method": "", "standards": (), "where": "m.toml:7"}
    return Clause(**{**EMPTY, **rest, "name": f"STD {number}", "number": number, **changes})


SHOWN = clause("1", group="First", shown=("validation#end-points", "validation"), figures=(Figure("films", "a.json", "/n"),))
AWAY = clause("2", group="Second", not_applicable="No hardware.", permitted="2 asks it of hardware")
OPEN = clause("3", shown=("validation",), items=("SRS-001",), gaps=("GAP-001",), method="trial", standards=("std",))


def pages(tmp_path, *, signed=(), columns=()):
    (tmp_path / "a.json").write_text(json.dumps({"n": 80}), encoding="utf-8")
    made = Manifest("m", 1, "The standard", "STD", "std", "About it.", columns, (SHOWN, AWAY, OPEN))
    return made, ClausePages((made,), dict(signed), {"GAP-001": GAP}, {"std": "STD 2019"}, EvidenceBook(tmp_path))


@pytest.mark.parametrize(
    ("row", "signed", "state"),
    [
        (SHOWN, False, State.EVIDENCE),
        (AWAY, True, State.NOT_APPLICABLE),
        (AWAY, False, State.UNSIGNED),
        (OPEN, True, State.GAP),
    ],
)
def test_a_state_follows_from_the_row(row, signed, state):
    assert state_of(row, signed=signed) is state


def test_counts_have_every_state_and_the_sum(tmp_path):
    _, made = pages(tmp_path)
    counts = made.counts()
    assert "[The standard](#clauses-m)\n  - 3\n  - 1\n  - 0\n  - 1\n  - 1" in counts
    assert "**All**\n  - 3\n  - 1\n  - 0\n  - 1\n  - 1" in counts


def test_a_page_shows_evidence_reasons_and_gaps(tmp_path):
    manifest, made = pages(tmp_path)
    text = made.page(manifest, PLACES)
    assert "[Validation: End points](#at-validation-end-points), [Validation](../validation.md)" in text
    assert "films: {ev}`80 <source-a-json::a.json::" in text
    assert "*Does not apply:* No hardware." in text
    assert "[GAP-001](#gap-001) No readers" in text
    assert "[SRS-001](#srs-001)" in text
    assert "Nobody has signed this manifest, so no reason for not applying counts yet" in text
    assert text.index("## First") < text.index("## Second")
    assert "Method" not in text


def test_a_signed_manifest_says_so(tmp_path):
    manifest, made = pages(
        tmp_path, signed=[("m", "quality: DEMO-q (demonstration identity, no natural person), 2026-11-22T01:00:00Z")]
    )
    text = made.page(manifest, PLACES)
    assert "Approved exactly as it lies here (`verification/approvals.jsonl`): quality: DEMO-q (demonstration identity" in text
    assert "NOT SIGNED</span>" not in text


def test_further_columns_are_printed_where_the_manifest_has_them(tmp_path):
    manifest, made = pages(tmp_path, columns=("method", "standards"))
    assert "trial\n\n    *Standards:* STD 2019" in made.page(manifest, PLACES)


def test_the_record_holds_every_row_with_its_state(tmp_path):
    _, made = pages(tmp_path)
    (record,) = made.record()
    assert [row["state"] for row in record["clauses"]] == ["EVIDENCE", "NOT-APPLICABLE, NOT SIGNED", "GAP"]
    assert record["counts"] == {"EVIDENCE": 1, "GAP": 1, "NOT-APPLICABLE, NOT SIGNED": 1}
    assert record["clauses"][0]["figures"] == [{"label": "films", "file": "a.json", "pointer": "/n"}]
