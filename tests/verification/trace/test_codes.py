"""One table of codes: everything the gate can say is in it, and the page in docs is made from it."""

import re
from pathlib import Path

import pytest

from verification.trace import codes
from verification.trace.checks.results import CODE_OF
from verification.trace.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "verification/trace/codes.toml").read_text(encoding="utf-8")


def used():
    """Return every code that stands as a literal in the packages whose problems reach the gate."""
    files = [path for package in ("requirements_spec", "risk", "verification/trace") for path in (ROOT / package).rglob("*.py")]
    return {
        code
        for path in files
        for code in re.findall(r'"((?:SPC|RSK|CHG|TRC|ANO|OBL|SIG|EXC|AUD)-[A-Z-]+)"', path.read_text(encoding="utf-8"))
    }


def test_every_code_in_use_is_in_the_table_and_the_other_way_round():
    assert used() == set(codes.CODES)


def test_page_is_generated_from_the_table():
    assert (ROOT / "docs/codes.md").read_text(encoding="utf-8") == codes.page(), (
        "run: python -m verification.trace.codes > docs/codes.md"
    )


def test_page_has_a_heading_for_each_code():
    assert re.findall(r"^## (.+)$", codes.page(), re.MULTILINE) == list(codes.CODES)


def test_every_outcome_but_a_pass_has_a_code():
    assert set(CODE_OF) == set(Outcome) - {Outcome.PASSED}
    assert set(CODE_OF.values()) <= set(codes.CODES)


@pytest.mark.parametrize("entry", codes.CODES.values(), ids=list(codes.CODES))
def test_every_entry_says_everything(entry):
    for part in (entry.title, entry.expected, entry.repair, entry.clause, entry.example):
        assert part.strip()
        assert not part.endswith(".")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT.replace("codes/1", "codes/2", 1), "schema"),
        (TEXT.replace("title = ", "titel = ", 1), "missing or unknown keys"),
        (TEXT.replace("TRC-TAG-LOST", "TRC-TAG-UNKNOWN", 1), "stands there twice"),
    ],
)
def test_a_faulty_table_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        codes.read_table(text)


def test_an_unknown_code_cannot_be_used():
    with pytest.raises(KeyError, match="TRC-INVENTED"):
        codes.problem("TRC-INVENTED", "a.toml:1", "SRS-001", found="nothing")
