"""Defects of the built instructions for use: the sentence of an information control is missing, or says something else.

They change how the page is made (pipeline.dossier), so the scenario that reads the built page sees what a reader would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verification.faults.alteration import wrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def _changed(control: str, change: Callable[[str], str | None]) -> Callable[[ModuleType], None]:
    """Return the defect that changes the line of one control among the instructions; a control without line cannot be changed."""

    def defect(module: ModuleType) -> None:
        def instructions(original: Any, self: Any) -> str:
            lines = original(self).split("\n")
            place = next(index for index, line in enumerate(lines) if f"[{control}]" in line)
            said = change(lines[place])
            if said == lines[place]:
                raise LookupError(f"nothing changed in the sentence of {control}")
            return "\n".join([*lines[:place], *([] if said is None else [said]), *lines[place + 1 :]])

        wrap(module, "RiskPages.instructions", instructions)

    return defect


def _removed(control: str) -> Callable[[ModuleType], None]:
    return _changed(control, lambda _line: None)


def _altered(control: str, old: str, new: str) -> Callable[[ModuleType], None]:
    return _changed(control, lambda line: line.replace(old, new))


research_sentence_removed = _removed("RC-018")
research_sentence_altered = _altered("RC-018", "must not be used", "may be used")
status_sentence_removed = _removed("RC-019")
status_sentence_altered = _altered("RC-019", "it is not cleared and not for clinical use", "it is not cleared yet")
whole_film_sentence_removed = _removed("RC-024")
whole_film_sentence_altered = _altered("RC-024", "is not a finding", "is reassuring")
cautions_sentence_removed = _removed("RC-029")
cautions_sentence_altered = _altered("RC-029", "of such a film yourself", "where time permits")
map_sentence_removed = _removed("RC-030")
map_sentence_altered = _altered("RC-030", "no evidence for or against any of them", "evidence for the finding marked")
unlike_sentence_removed = _removed("RC-038")
unlike_sentence_altered = _altered("RC-038", "do not hold for it", "hold for it, too")
performance_sentence_removed = _removed("RC-031")
performance_sentence_altered = _altered("RC-031", "must not be transferred", "can be transferred")


def figures_left_out(module: ModuleType) -> None:
    """The figures of the page are printed as words (pipeline.dossier.validation_pages)."""
    wrap(module, "ValidationPages.metric", lambda _original, _self, _pointer: "as published")


def one_finding_left_out(module: ModuleType) -> None:
    """The table of figures ends before its last finding (pipeline.dossier.validation_pages)."""
    wrap(module, "ValidationPages._rows", lambda original, self: [*original(self)[:-2], original(self)[-1]])
