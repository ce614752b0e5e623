"""Defects of the page for people: what it leaves out, or says beyond the result."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from verification.faults.alteration import replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def page_without_scores(module: ModuleType) -> None:
    """The page says which findings were marked and not with which scores (device_sw.report.page)."""
    replace(module, "SHOWN_MARKS", 0)


def page_without_cautions(module: ModuleType) -> None:
    """The page does not carry the cautions (device_sw.report.page)."""
    wrap(module, "_cautions", lambda original, result: original(changed(result, cautions=())))


def page_unmarked(module: ModuleType) -> None:
    """The page of the research policy looks like any other (device_sw.report.page)."""
    wrap(module, "_filled", lambda original, _words, *parts: original(None, *parts))


def page_without_statement(module: ModuleType) -> None:
    """The page carries no statement of status and limits (device_sw.report.page)."""
    replace(module, "STATEMENT", "")


def page_without_reasons(module: ModuleType) -> None:
    """The page of a refused input says that, and not why (device_sw.report.page)."""
    replace(module, "_reason", lambda _reason: "")


def page_calls_no_mark_normal(module: ModuleType) -> None:
    """The page calls a film without marks normal (device_sw.report.page)."""

    def conclusion(original: Any, result: Any) -> str:
        return str(original(result)) if result.detections else f"Normal film. {original(result)}"

    wrap(module, "conclusion", conclusion)


def page_without_origin(module: ModuleType) -> None:
    """The page names neither the film nor the bundle (device_sw.report.page)."""
    replace(module, "_facts", lambda _facts: "")


def page_fills_boxes(module: ModuleType) -> None:
    """The picture on the page covers what a mark encloses (device_sw.report.page)."""

    def marks(original: Any, film: Any, result: Any, corner: tuple[int, int], size: tuple[int, int]) -> None:
        original(film, result, corner, size)
        scale = (size[0] / result.film.columns, size[1] / result.film.rows) * 2
        for each in result.detections:
            film.paste("#e69f00", tuple(round(edge * by) for edge, by in zip(each.box.as_tuple(), scale, strict=True)))

    wrap(module, "marks", marks)
