"""The software bill of materials as a table for people: the components that the release's bill lists, with the support their suppliers state.

Nothing is listed here that the bill does not list: both read the same locks, SOUP list and table of components.

Source: FDA cybersecurity guidance 2026 V.A.4 (SBOM with level and end of support); section 524B(b)(3) FD&C Act; NTIA, The Minimum Elements for an SBOM (2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import link, plain, table
from pipeline.release.parts.components import NOT_ASSESSED, USES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.release.parts.components import Component

REACHED = frozenset({"called", "loaded"})
"""Uses of a component whose code runs in a process of the device."""


class ComponentPages:
    """Tables of the components."""

    def __init__(self, found: Sequence[Component]) -> None:
        """Keep the components."""
        self._components = found

    def counts(self) -> dict[str, int]:
        """Return how many components there are, of how many the code runs, for how many nobody has looked at the support, and how many state what state they are in.

        A component is one library by its name, the interpreter among them; ``pins`` are the rows of the table, where a library that the lock pins in two
        versions, for two versions of Python, stands twice.
        """
        unknown = [each for each in self._components if each.support["level"] == NOT_ASSESSED]
        return {
            "components": names(self._components),
            "pins": len(self._components),
            "called": names(each for each in self._components if each.soup),
            "running": names(each for each in self._components if each.use in REACHED),
            "unassessed": names(unknown),
            "running_unassessed": names(each for each in unknown if each.use in REACHED),
            "stating": names(each for each in self._components if each.stated),
        }

    def listed(self) -> str:
        """Return every component with version, supplier, licence, use, anomaly list and support."""
        return table(
            ["Component", "Supplier and licence", "Use", "Support, and its source"],
            [_row(each) for each in self._components],
            widths=[28, 24, 24, 24],
        )

    def uses(self) -> str:
        """Return how the components are used, counted."""
        rows = [[plain(words), str(names(each for each in self._components if each.use == use))] for use, words in USES.items()]
        return table(["Use", "Components"], rows, widths=[80, 20])


def names(found: Iterable[Component]) -> int:
    """Return how many libraries these are by name; two pinned versions of one library are one."""
    return len({each.pin.name for each in found})


def _row(each: Component) -> list[str]:
    name = f"**{plain(each.pin.name)}** {plain(each.pin.version)}" + (
        f"\n\nonly where {plain(each.pin.marker)}" if each.pin.marker else ""
    )
    if each.optional:
        name += "\n\non request only"
    made_by = f"{plain(each.supplier)}\n\n{plain(each.licence)}"
    use = link(each.soup) if each.soup else plain(USES[each.use])
    support = (
        f"{plain(each.support['level'])}; until {plain(each.support['end'])}"
        if each.support["level"] != NOT_ASSESSED
        else NOT_ASSESSED
    )
    where = link("GAP-016") if each.support["source"] == "GAP-016" else plain(each.support["source"])
    stated = f"\n\n*Supplier's own statement of its state, not of support:* {plain(each.stated)}" if each.stated else ""
    return [name, made_by, use, f"{support}\n\n{where}{stated}"]
