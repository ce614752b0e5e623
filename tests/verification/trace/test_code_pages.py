"""A page for each code of the gate: complete, made from the table, and free of links to nothing."""

import re
from pathlib import Path

import pytest

from verification.trace import code_pages
from verification.trace.codes import CODES, address

ROOT = Path(__file__).resolve().parents[3]
GUIDANCE = code_pages.GUIDANCE.read_text(encoding="utf-8")

NAMED_BY = re.compile(r'(?:problem\(|Fault\(|code=)\s*(?:f?"[^"]*",\s*)?"([A-Z]{2,5}-[A-Z]+(?:-[A-Z]+)*)"')
"""A literal that becomes the code of a problem, whatever its prefix."""

NO_GATE = {"requirements_spec/reading_cache.py"}
"""Files whose messages never reach the gate."""


def sources():
    for package in ("requirements_spec", "risk", "verification/trace"):
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if path.relative_to(ROOT).as_posix() not in NO_GATE)


def test_no_problem_is_made_with_a_code_that_has_no_page():
    used = {code: path.name for path in sources() for code in NAMED_BY.findall(path.read_text(encoding="utf-8"))}
    assert {code: name for code, name in used.items() if code not in CODES} == {}
    assert len(used) > 20


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_guidance_in_whole_sentences(code):
    guidance = code_pages.guidance().get(code)
    assert guidance is not None, f"write [{code}] in verification/trace/guidance.toml"
    assert guidance.steps
    for text in (guidance.meaning, *guidance.steps):
        assert text == text.strip()
        assert text.endswith((".", "?", '"', "`")), text


def test_no_guidance_is_left_of_a_code_that_is_gone():
    assert set(code_pages.guidance()) <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_all_its_parts_in_order(code):
    text = code_pages.page(code)
    entry = CODES[code]
    parts = (f"# {code}: {entry.title}", f"expects {entry.expected}.", f"by:* {entry.clause}.", "## How to repair it", "\n1. ")
    places = [*(text.index(part) for part in parts), text.rindex("./qms check")]
    assert places == sorted(places)
    assert "## As the gate prints it" in text or "## Example" in text
    if message := code_pages.messages().get(code):
        assert message.problem.found in text
        assert address(code) in text


def test_links_between_pages_lead_to_pages():
    pages = code_pages.pages()
    targets = {f"codes/{target}" for text in pages.values() for target in re.findall(r"\]\(([A-Z-]+\.md)\)", text)}
    assert targets <= set(pages)
    assert set(re.findall(r"\]\((codes/[A-Z-]+\.md)\)", pages["codes.md"])) == {f"codes/{code}.md" for code in CODES}
    assert all(f"codes/{code}\n" in pages["codes.md"] for code in CODES)


def test_being_related_goes_both_ways():
    for code in CODES:
        assert all(code in code_pages.related(other) for other in code_pages.related(code))
        assert code not in code_pages.related(code)


def test_a_terminal_shows_the_same_words_without_markup():
    text = code_pages.terminal_page("TRC-REQ-SCENARIO")
    assert "```" not in text
    assert "](" not in text
    assert text.startswith("TRC-REQ-SCENARIO: A requirement has no scenario")


def test_commands_in_the_steps_exist():
    from typer.main import get_command

    from pipeline.cli import app

    named = {
        name for entry in code_pages.guidance().values() for step in entry.steps for name in re.findall(r"\./qms ([a-z-]+)", step)
    }
    assert named <= set(get_command(app).commands)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[TRC-NOTHING]\nmeaning = "x"\nsteps = ["y"]\nending = "run"\n', "TRC-NOTHING, which the table"),
        ('[TRC-GAP]\nmeaning = "x"\nsteps = ["y"]\nending = "later"\n', "ends with 'later'"),
        ('[TRC-GAP]\nmeaning = "x"\nending = "run"\n', "missing or unknown keys"),
        ('[TRC-GAP]\nmeaning = "x"\nsteps = ["y"]\nending = "run"\nseverity = 1\n', "missing or unknown keys"),
        ('[TRC-GAP]\nmeaning = "x"\nsteps = ["y"]\nending = "run"\nrelated = ["TRC-NO"]\n', "TRC-NO, which the table"),
    ],
)
def test_faulty_guidance_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        code_pages.read_guidance(text)


def test_a_code_without_guidance_still_has_a_page(monkeypatch):
    monkeypatch.setattr(code_pages, "guidance", dict)
    assert "Close the gap as its plan says." in code_pages.page("TRC-GAP")
