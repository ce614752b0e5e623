"""The detailed design says what the code says, and a unit that says nothing stops the build."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.dossier.design_pages import designs, index_page, item_page
from pipeline.dossier.design_units import Kind, read_unit
from pipeline.file_error import FileError
from requirements_spec import loader

ROOT = Path(__file__).resolve().parents[3]

MODULE = '''"""Measures films."""

LIMIT: float = 0.5
"""Largest share."""

TABLE = {"a": "a very long value that nobody wants to read on paper, because it goes on and on"}
"""Names."""

UNSAID = 3
_HIDDEN = 4
"""Not shown."""


class Film(Base):
    """A film."""

    rows: int
    _inner: int

    @property
    def size(self) -> int:
        """Rows squared."""

    def _own(self): ...


def measure(film: Film, *, twice: bool = False) -> float:
    """Return the share."""


def _helper(): ...
'''


@pytest.fixture(scope="module")
def specification():
    return loader.load(ROOT)[0]


@pytest.fixture(scope="module")
def found(specification):
    return designs(ROOT, specification)


def unit(tmp_path, text=MODULE):
    path = tmp_path / "films.py"
    path.write_text(text, encoding="utf-8")
    return read_unit(path, "device_sw.films")


def test_a_unit_offers_what_is_public_and_described(tmp_path):
    offers = unit(tmp_path).offers
    assert [(each.kind, each.signature) for each in offers] == [
        (Kind.CONSTANT, "LIMIT: float = 0.5"),
        (Kind.CONSTANT, "TABLE"),
        (Kind.CLASS, "class Film(Base)"),
        (Kind.FUNCTION, "measure(film: Film, *, twice: bool=False) -> float"),
    ]
    assert [each.signature for each in offers[2].members] == ["rows: int", "property size() -> int"]


def test_a_unit_without_words_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"^FILE-CONTENT at device_sw/films\.py: found no docstring, expected what the unit does"):
        unit(tmp_path, "def measure(): ...\n")


def test_an_empty_module_says_and_offers_nothing(tmp_path):
    empty = unit(tmp_path, "")
    assert (empty.docstring, empty.offers) == ("", ())


def test_every_module_of_the_device_is_on_exactly_one_page(found):
    named = [unit.name for design in found for unit in design.units]
    with_words = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for path in (ROOT / "device_sw").rglob("*.py")
        if path.stat().st_size
    }
    assert sorted(named) == sorted(with_words)


def test_a_module_of_no_item_is_refused(specification):
    orphaned = replace(specification, items=tuple(item for item in specification.items if item.id != "SWI-AUDIT"))
    with pytest.raises(FileError, match=r"FILE-CONTENT at device_sw\.audit: found a module of no software item"):
        designs(ROOT, orphaned)


def test_a_page_has_units_requirements_and_the_drawing(found, specification):
    page = item_page(next(each for each in found if each.item.id == "SWI-DICOM"), specification)
    for said in (
        "# Detailed design: Reading and admission",
        "[SRS-001](#srs-001)",
        "units-swi-dicom.svg",
        "## `device_sw.dicom.reader`",
    ):
        assert said in page


def test_the_index_counts_units_and_lists_every_page(found):
    page = index_page(found)
    assert f"each of the {sum(len(each.units) for each in found)} software units" in page
    assert all(each.page.removeprefix("design/") in page for each in found)


def test_units_stand_above_what_they_import(found):
    for design in found:
        order = {name: index for index, name in enumerate(design.structure.parts())}
        assert [edge for edge in design.structure.imports if order[edge[0]] > order[edge[1]]] == [], design.item.id
