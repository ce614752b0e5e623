"""The matrix as CSV, Excel and JSON says what the graph says, leaves nothing out, and lets no title become a formula."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import openpyxl
import pytest

from verification.trace import matrix, tables
from verification.trace.matrix_rows import rows
from verification.trace.spreadsheet import FORMULA_START, LONGEST_CELL, from_bytes

ROOT = Path(__file__).resolve().parents[3]
FORMULAS = ('=HYPERLINK("http://example.invalid","x")', "+1", "-1", "@SUM(A1)", "=1+1")


@pytest.fixture
def found(project):
    return tables.tables(rows(project.check()))


def table(found, name):
    (one,) = [each for each in found if each.name == name]
    return [dict(zip(one.columns, row, strict=True)) for row in one.rows]


def test_items_hold_every_item_once_and_every_link_from_both_ends(project, found):
    graph = project.check().graph
    items = {row["id"]: row for row in table(found, "items")}
    assert set(items) == set(graph.nodes)
    for edge in graph.edges:
        target = graph.nodes.get(edge.target)
        assert edge.target in items[edge.source][tables.NEIGHBOURS[target.kind] if target else tables.MISSING]
        if target:
            assert edge.source in items[edge.target][tables.NEIGHBOURS[graph.nodes[edge.source].kind]]


def test_a_link_that_leads_nowhere_stands_under_missing(project):
    project.replace("verification/features/admission.feature", "@SRS-002", "@SRS-002 @SRS-999")
    items = {row["id"]: row for row in table(tables.tables(rows(project.check())), "items")}
    assert items["TC:admission.feature::Every view is told"]["missing"] == ("SRS-999",)


def test_every_requirement_is_listed_even_one_that_serves_no_need(project):
    project.replace(
        "requirements_spec/data/software_requirements/device.toml",
        'type = "data"\nneeds = ["UN-001"]',
        'type = "data"\nneeds = ["UN-099"]',
    )
    result = project.check()
    assert [row["id"] for row in table(tables.tables(rows(result)), "requirements")] == ["SRS-001", "SRS-002"]
    assert 'id="no-need"' in matrix.render(result)


def test_tables_hold_what_was_judged(found):
    (control,) = table(found, "controls")
    assert (control["implemented"], control["effective"], control["situations"]) == ("passed", "passed", ("HS-001",))
    scenarios = {row["name"]: row for row in table(found, "scenarios")}
    assert scenarios["Every view is told"]["outcomes"] == ("2 passed",)
    assert scenarios["Every view is told"]["rows"] == 2
    (situation,) = table(found, "situations")
    assert (situation["hazard"], situation["initial"], situation["residual"]) == ("HAZ-001", "S3 P4", "S3 P2")
    (endpoint,) = table(found, "endpoints")
    assert (endpoint["value"], endpoint["threshold"], endpoint["primary"]) == (0.8, 0.65, True)


def test_results_of_refused_evidence_are_in_no_table(project):
    project.write("device_sw/device.py", "ADULT = 16\n")
    found = tables.tables(rows(project.check()))
    assert {row["status"] for row in table(found, "scenarios")} == {"no evidence"}
    assert {row["status"] for row in table(found, "items")} <= {"no evidence", None}
    assert table(found, "problems")


def test_csv_is_read_back_and_opens_in_excel(project, found):
    content = tables.to_csv(found)
    assert content.startswith(b"\xef\xbb\xbf")
    read = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    items = table(found, "items")
    assert [row["id"] for row in read] == [row["id"] for row in items]
    for one, two in zip(read, items, strict=True):
        assert one["scenarios"].split("\n") == (list(two["scenarios"]) or [""])


def put_formulas(project):
    project.replace("requirements_spec/data/user_needs.toml", '"Adults only"', json.dumps(FORMULAS[0]))
    project.replace("requirements_spec/data/software_requirements/device.toml", '"Tell the view"', json.dumps(FORMULAS[1]))
    project.replace("risk/data/hazards.toml", '"An unneeded CT."', json.dumps(FORMULAS[2]))
    project.replace("risk/data/controls.toml", '"Only adults"', json.dumps(FORMULAS[3]))
    project.replace("verification/features/admission.feature", "Every view is told", FORMULAS[4])
    project.seal()
    return rows(project.check())


def test_no_cell_of_the_csv_begins_like_a_formula(project):
    found = put_formulas(project)
    text = tables.to_csv(tables.tables(found)).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(FORMULA_START)]
    assert f"'{FORMULAS[0]}" in cells


def test_no_cell_of_the_workbook_is_a_formula(project):
    found = put_formulas(project)
    content = tables.to_xlsx(found, tables.tables(found))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "n", "b", "inlineStr"}
    texts = {cell.value for rows_ in from_bytes(content).values() for row in rows_ for cell in row}
    assert set(FORMULAS) <= texts


def test_the_workbook_holds_every_table(project, found):
    sheets = from_bytes(tables.to_xlsx(rows(project.check()), found))
    assert list(sheets) == ["overview", *(each.name for each in found)]
    for each in found:
        assert len(sheets[each.name]) == len(each.rows) + 1
        assert [cell.value for cell in sheets[each.name][0]] == list(each.columns)


def test_a_cell_that_excel_cannot_hold_says_where_the_whole_text_is():
    text = "x" * (LONGEST_CELL + 1)
    assert tables._cut(text).endswith("the whole text is in matrix.json)")
    assert len(tables._cut(text)) <= LONGEST_CELL
    assert tables._cut("y" * LONGEST_CELL) == "y" * LONGEST_CELL


def test_json_fits_its_schema_and_the_schema_is_the_committed_one(project, found):
    schema = json.loads((ROOT / "verification/trace/matrix.schema.json").read_text(encoding="utf-8"))
    assert schema == tables.json_schema(), "run: python -m verification.trace.tables > verification/trace/matrix.schema.json"
    content = json.loads(tables.to_json(rows(project.check()), found))
    jsonschema_rs.validate(schema, content)
    broken = {**content, "tables": {**content["tables"], "controls": [{"id": "RC-001"}]}}
    with pytest.raises(jsonschema_rs.ValidationError, match="required property"):
        jsonschema_rs.validate(schema, broken)


def test_json_and_tables_hold_the_same(project, found):
    content = json.loads(tables.to_json(rows(project.check()), found))
    for each in found:
        assert content["tables"][each.name] == json.loads(
            json.dumps([dict(zip(each.columns, row, strict=True)) for row in each.rows])
        )


def test_a_result_that_a_bridge_carried_over_is_marked_in_every_format(project):
    result = project.check()
    verdicts = {name: tuple(replace(each, bridge="BR-001") for each in found) for name, found in result.graph.verdicts.items()}
    carried = rows(replace(result, graph=replace(result.graph, verdicts=verdicts)))
    assert {row["bridges"] for row in table(tables.tables(carried), "scenarios")} == {("BR-001",)}
    assert matrix.page(carried).count("carried over</span>") == len(verdicts)
    assert "carried over</span>" not in matrix.render(result)
