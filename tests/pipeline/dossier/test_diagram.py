"""The picture of the architecture shows the imports of the code, and would show one in the wrong direction."""

from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.dossier.diagram import COLUMN, Structure, device_structure, draw, import_table, looks_upwards, repository_structure

ROOT = Path(__file__).resolve().parents[3]
SVG = "{http://www.w3.org/2000/svg}"


def dots(svg, colour):
    return [node for node in ET.fromstring(svg).iter(f"{SVG}circle") if node.get("fill") == colour]


def test_every_import_is_a_dot_and_every_part_a_box():
    structure = Structure((("a",), ("b", "c"), ("d",)), frozenset({("a", "b"), ("b", "d"), ("a", "d")}))
    svg = draw(structure)
    labels = [node.text for node in ET.fromstring(svg).iter(f"{SVG}text")]
    assert len(dots(svg, "#0b5c7a")) == 3
    assert [label for label in labels if label in "abcd"] == ["a", "b", "c", "d"]


def test_an_import_against_the_layers_is_red():
    structure = Structure((("a",), ("b",)), frozenset({("b", "a")}))
    assert len(dots(draw(structure), "#c01818")) == 1
    assert looks_upwards(structure) == [("b", "a")]


def test_the_device_is_drawn_from_its_code():
    structure = device_structure(ROOT)
    assert ("cli", "device") in structure.imports
    assert looks_upwards(structure) == []
    assert set(structure.parts()) >= {"dicom", "detector", "preprocessing", "report", "launcher"}
    assert draw(structure) == draw(device_structure(ROOT))


def test_long_names_stand_beside_the_chart_and_boxes_hold_numbers():
    long = "a_name_of_more_letters_than_a_box_holds"
    svg = draw(Structure(((long,), ("b",)), frozenset({(long, "b")})))
    labels = [node.text for node in ET.fromstring(svg).iter(f"{SVG}text")]
    assert {long, "b", "1", "2"} <= set(labels)
    assert len(dots(svg, "#0b5c7a")) == 1


def test_a_chart_of_many_parts_keeps_to_the_column_of_a_page():
    parts = tuple(f"part_{number}" for number in range(20))
    svg = ET.fromstring(draw(Structure(tuple((part,) for part in parts), frozenset({(parts[0], parts[-1])}))))
    assert float(svg.get("viewBox").split()[2]) <= COLUMN
    assert {"part_0", "20"} <= {node.text for node in svg.iter(f"{SVG}text")}


def test_the_packages_are_drawn_from_their_code_and_point_one_way():
    structure = repository_structure(ROOT)
    assert {("pipeline", "verification"), ("verification", "requirements_spec")} <= structure.imports
    assert not [edge for edge in structure.imports if edge[0] == "device_sw"]
    assert looks_upwards(structure) == []


def test_the_table_says_both_directions():
    text = import_table(Structure((("a",), ("b",)), frozenset({("a", "b")})))
    assert text.count("`a`") == 2
    assert text.count("`b`") == 2
