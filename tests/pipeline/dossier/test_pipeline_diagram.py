"""The flow of data is that of dvc.yaml: every stage, every output, and an arrow for each time one is read."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pipeline.dossier.pipeline_diagram import Stage, draw_flow, in_order, read_stages, stage_table
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]
SVG = "{http://www.w3.org/2000/svg}"


def stage(name, reads=(), makes=()):
    return Stage(name, tuple(reads), ("code.py",), ("seed",), tuple(makes))


def nodes(svg, kind):
    return list(ET.fromstring(svg).iter(f"{SVG}{kind}"))


def test_every_reading_is_a_dot_and_every_name_is_written():
    stages = read_stages(ROOT)
    svg = draw_flow(stages)
    assert len(nodes(svg, "circle")) == sum(len(each.reads) for each in stages)
    names = {node.text for node in nodes(svg, "text")}
    assert names == {each.name for each in stages} | {path.removeprefix("artifacts/") for each in stages for path in each.makes}


def test_the_pipeline_runs_from_cohort_to_validation():
    names = [each.name for each in read_stages(ROOT)]
    assert (
        names.index("cohort") < names.index("train") < names.index("package") < names.index("predict") < names.index("validate")
    )


def test_a_stage_stands_behind_what_it_reads():
    late = stage("late", ["artifacts/a"])
    early = stage("early", [], ["artifacts/a"])
    assert in_order({"late": late, "early": early}) == (early, late)


@pytest.mark.parametrize(
    "stages",
    [
        {"a": stage("a", ["artifacts/lost"])},
        {"a": stage("a", ["artifacts/y"], ["artifacts/x"]), "b": stage("b", ["artifacts/x"], ["artifacts/y"])},
    ],
)
def test_what_nobody_makes_is_named(stages):
    with pytest.raises(FileError, match=r"FILE-CONTENT at dvc\.yaml: found .* wait for artifacts/"):
        in_order(stages)


def test_the_table_has_code_and_settings():
    text = stage_table((stage("train", ["artifacts/prepared"], ["artifacts/training"]),))
    assert all(f"`{said}`" in text for said in ("train", "artifacts/prepared", "code.py", "seed", "artifacts/training"))
