"""The validation of `qms` itself as the technical file states it: what the tool is used for, how it could mislead, and what would show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import identified, plain, table

if TYPE_CHECKING:
    from verification.trace.tool_validation import Kit


class ToolPages:
    """Texts and table of the tool's validation plan; results belong to the gate at release level and are not printed here."""

    def __init__(self, kit: Kit) -> None:
        """Keep the plan."""
        self._kit = kit

    def plan(self) -> str:
        """Return intended use, risk and approach, and what stays with people."""
        kit = self._kit
        told = (("Used for", kit.intended_use), ("Risk", kit.risk), ("Approach", kit.approach))
        left = "\n".join(f"- {plain(each)}" for each in kit.procedural)
        return "\n\n".join([*(f"**{name}.** {plain(text)}" for name, text in told), f"Left to people:\n\n{left}"])

    def errors(self) -> str:
        """Return every potential error with its consequence, its safeguard and the tests that would show it."""
        rows = [
            [
                identified(error.id),
                f"**{plain(error.title)}.** {plain(error.consequence)}",
                plain(error.safeguard),
                "\n\n".join(f"`{test.split('/')[-1]}`" for test in error.tests),
            ]
            for error in self._kit.errors
        ]
        return table(["Id", "The tool could mislead so", "Safeguard", "Tests that would show it"], rows, widths=[8, 36, 26, 30])

    def count(self) -> str:
        """Return the number of potential errors."""
        return str(len(self._kit.errors))
