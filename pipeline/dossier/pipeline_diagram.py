"""Draws the data flow of the pipeline from dvc.yaml: stages in their order, what each makes, and which later stage reads it.

The stages, their outputs and what they depend on are those that DVC runs; a test holds the declared code against what each stage imports. The drawing is plain
SVG, without times or random ids, so equal declarations give equal bytes.

Source: IEC 62304 5.3.2 (interfaces between items and beyond them); AI Act Annex IV 2(c).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import yaml

from pipeline.dossier.tables import plain, table
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DECLARED = "dvc.yaml"
ARTIFACTS = "artifacts/"
ROW, TOP, STAGE_WIDTH, BOX_HEIGHT, STEP, OUTPUT_WIDTH = 62, 14, 120, 32, 104, 92


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, what of the run it reads, which code and settings it depends on, and what it makes."""

    name: str
    reads: tuple[str, ...]
    code: tuple[str, ...]
    settings: tuple[str, ...]
    makes: tuple[str, ...]


def read_stages(root: Path) -> tuple[Stage, ...]:
    """Return the stages of dvc.yaml so that each stands behind what it reads.

    Raises:
        FileError: FILE-CONTENT, a stage reads something of the run that no other makes, or the stages run in a circle.
    """
    declared = yaml.safe_load((root / DECLARED).read_text(encoding="utf-8"))["stages"]
    return in_order({name: _stage(name, body) for name, body in declared.items()})


def _stage(name: str, body: Mapping[str, Any]) -> Stage:
    deps = [str(path) for path in body.get("deps", ())]
    return Stage(
        name=name,
        reads=tuple(path for path in deps if path.startswith(ARTIFACTS)),
        code=tuple(path for path in deps if not path.startswith(ARTIFACTS)),
        settings=tuple(str(key) for key in body.get("params", ())),
        makes=tuple(str(path) for path in body.get("outs", ())),
    )


def in_order(stages: Mapping[str, Stage]) -> tuple[Stage, ...]:
    """Return stages so that each stands behind those whose outputs it reads; ties in the order given.

    >>> a, b = Stage("a", ("artifacts/y",), (), (), ("artifacts/x",)), Stage("b", (), (), (), ("artifacts/y",))
    >>> [each.name for each in in_order({"a": a, "b": b})]
    ['b', 'a']
    """
    left, made, order = dict(stages), set[str](), list[Stage]()
    while left:
        ready = next((each for each in left.values() if set(each.reads) <= made), None)
        if ready is None:
            lacks = sorted({path for each in left.values() for path in each.reads} - made)
            found = f"{', '.join(left)} wait for {', '.join(lacks)}"
            raise FileError("FILE-CONTENT", DECLARED, found, "stages that can run one after the other", "mend deps or outs")
        order.append(left.pop(ready.name))
        made.update(ready.makes)
    return tuple(order)


def draw_flow(stages: tuple[Stage, ...]) -> str:
    """Return the data flow as SVG: stages at the left, what each makes on its row, and a dot on the row of each stage that reads it."""
    makers = [(row, path) for row, stage in enumerate(stages) for path in stage.makes]
    columns = {path: index for index, (_, path) in enumerate(makers)}
    width = STAGE_WIDTH + 60 + STEP * len(columns) + 10
    height = TOP * 2 + ROW * len(stages)
    lines = [_falls(columns[path], row, stages, path) for row, path in makers]
    reads = [_read(row, columns[path]) for row, stage in enumerate(stages) for path in stage.reads]
    made = [_made(row, columns[path], path) for row, path in makers]
    boxes = [_stage_box(row, stage.name) for row, stage in enumerate(stages)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
    ground = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, ground, *lines, *reads, *made, *boxes, "</svg>"]) + "\n"


def _x(column: int) -> float:
    return STAGE_WIDTH + 60 + STEP * column + OUTPUT_WIDTH / 2


def _y(row: int) -> float:
    return TOP + ROW * (row + 0.5)


def _falls(column: int, row: int, stages: tuple[Stage, ...], path: str) -> str:
    """Return the line from an output down to the last stage that reads it."""
    last = max((index for index, stage in enumerate(stages) if path in stage.reads), default=row)
    return f'<path d="M{_x(column):.1f} {_y(row):.1f} V{_y(last) - 8:.1f}" stroke="#9db8c4" stroke-width="1.4" fill="none"/>'


def _read(row: int, column: int) -> str:
    x, y = _x(column), _y(row) - 8
    way = f'<path d="M{x:.1f} {y:.1f} H{STAGE_WIDTH + 10}" stroke="#9db8c4" stroke-width="1.4" fill="none"/>'
    tip = f'<path d="M{STAGE_WIDTH + 10} {y:.1f} l8 -4 v8 z" fill="#0b5c7a"/>'
    return f'{way}<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="#0b5c7a"/>{tip}'


def _made(row: int, column: int, path: str) -> str:
    x, y = _x(column), _y(row)
    left = x - OUTPUT_WIDTH / 2
    way = f'<path d="M{STAGE_WIDTH + 10} {y + 8:.1f} H{left:.1f}" stroke="#b98a2b" stroke-width="1.4" fill="none"/>'
    tip = f'<path d="M{left:.1f} {y + 8:.1f} l-8 -4 v8 z" fill="#b98a2b"/>'
    box = f'<rect x="{left:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{OUTPUT_WIDTH}" height="{BOX_HEIGHT}" fill="#fbf3e0" stroke="#b98a2b"/>'
    name = escape(path.removeprefix(ARTIFACTS))
    return f'{way}{tip}{box}<text x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle" fill="#3a2c0c">{name}</text>'


def _stage_box(row: int, name: str) -> str:
    y = _y(row)
    box = f'<rect x="10" y="{y - BOX_HEIGHT / 2:.1f}" width="{STAGE_WIDTH}" height="{BOX_HEIGHT}" rx="5" fill="#dcecf3" stroke="#0b5c7a" stroke-width="1.4"/>'
    return (
        f'{box}<text x="{10 + STAGE_WIDTH / 2:.1f}" y="{y + 4.5:.1f}" text-anchor="middle" fill="#102a35">{escape(name)}</text>'
    )


def stage_table(stages: tuple[Stage, ...]) -> str:
    """Return each stage with what it reads, the code and settings it depends on, and what it makes."""
    rows = [
        [f"`{each.name}`", _paths(each.reads), _paths(each.code), _paths(each.settings), _paths(each.makes)] for each in stages
    ]
    return table(["Stage", "Reads of the run", "Code", "Settings of `params.yaml`", "Makes"], rows, widths=[10, 18, 38, 18, 16])


def _paths(paths: tuple[str, ...]) -> str:
    return ", ".join(f"`{plain(path) if '`' in path else path}`" for path in paths)
