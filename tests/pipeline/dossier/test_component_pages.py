"""The table of components is the bill's: each once, with what is known of its support, and what nobody has looked at is said."""

from pathlib import Path

import pytest

from pipeline.dossier.component_pages import REACHED, ComponentPages
from pipeline.dossier.tables import plain
from pipeline.release.parts.components import NOT_ASSESSED, components

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pages():
    return ComponentPages(components(ROOT))


def test_each_component_of_the_bill_has_its_row(pages):
    text = pages.listed()
    found = components(ROOT)
    assert text.count("\n* - ") == len(found) + 1
    assert all(plain(each.pin.version) in text for each in found)


def test_what_was_not_assessed_is_counted_and_leads_to_the_gap(pages):
    found = components(ROOT)
    unknown = [each for each in found if each.support["level"] == NOT_ASSESSED]
    counts = pages.counts()
    assert (counts["pins"], counts["components"]) == (len(found), len({each.pin.name for each in found}))
    assert counts["unassessed"] == len({each.pin.name for each in unknown})
    assert counts["running_unassessed"] == len({each.pin.name for each in unknown if each.use in REACHED})
    assert pages.listed().count("[GAP-016](#gap-016)") == len(unknown)


def test_a_library_in_two_pinned_versions_is_one_component(pages):
    found = components(ROOT)
    twice = [each for each in found if each.pin.name == "numpy"]
    assert len(twice) > 1
    assert ComponentPages(twice).counts()["components"] == 1


def test_the_components_that_are_called_are_the_soup_items(pages, specification):
    assert pages.counts()["called"] == len(specification.soup)


def test_the_word_of_a_supplier_is_shown_as_such(pages):
    found = components(ROOT)
    own = "*Supplier's own statement of its state, not of support:*"
    assert pages.listed().count(own) == sum(bool(each.stated) for each in found)
    assert pages.counts()["stating"] == len({each.pin.name for each in found if each.stated})
    row = next(row for row in pages.listed().split("\n* - ") if row.startswith("**typer**"))
    assert "not assessed" in row
    assert f"{own} 4 - Beta" in row
