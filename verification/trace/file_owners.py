"""Which item a changed file belongs to: the table behind `impact`, path by path. A path that is not in it belongs to no item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements_spec.model import SECTIONS
from verification.trace.graph import Graph, Kind, Link
from verification.trace.impact import MODEL
from verification.trace.step_use import EVERYWHERE, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable

DEVICE = "device_sw/"
PROTOCOL = "validation/protocol.toml"

READ_BY_CONTENT = (
    "requirements_spec/data/",
    "risk/data/",
    "verification/features/",
    f"{STEPS}/",
    *EVERYWHERE,
    "verification/faults/",
    "verification/anomalies.toml",
    PROTOCOL,
    "pyproject.toml",
    "requirements.lock",
    "device.lock",
)
"""Files and folders whose items are compared one by one: the file itself says nothing more."""

MAKES_THE_MODEL = (
    "phantom/",
    "pipeline/training/",
    "pipeline/stages/",
    "pipeline/operating_point.py",
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
)
"""Files and folders that the trained model is made from, or that say which one it is."""

MAKES_THE_FIGURES = ("validation/",)
"""Files that compute the figures of the endpoints."""


def owners(files: Iterable[str], *graphs: Graph) -> dict[str, tuple[str, ...]]:
    """Return the ids of the items that each file belongs to; an empty tuple where the content of the items decides."""
    found = ((path, _owners(path, graphs)) for path in files)
    return {path: ids for path, ids in found if ids is not None}


def _owners(path: str, graphs: tuple[Graph, ...]) -> tuple[str, ...] | None:
    if path.startswith(READ_BY_CONTENT):
        return ()
    if path.startswith(DEVICE):
        return _of_device(path, graphs)
    if path.startswith(MAKES_THE_MODEL):
        return (MODEL,)
    if path.startswith(MAKES_THE_FIGURES):
        return tuple(sorted({node.id for graph in graphs for node in graph.of(Kind.ENDPOINT)}))
    return _of_page(path)


def _of_page(path: str) -> tuple[str, ...] | None:
    """Return the section of a page; the register of gaps is a page too."""
    name = path.removeprefix("docs/").removesuffix(".toml" if path == "docs/gaps.toml" else ".md")
    return (name,) if path.startswith("docs/") and name in SECTIONS else None


def _of_device(path: str, graphs: tuple[Graph, ...]) -> tuple[str, ...]:
    """Return nothing for a module, whose syntax tree decides; for any other file the module of its name, else the items of its folder, else all items."""
    dotted = path.rsplit(".", 1)[0].replace("/", ".").removesuffix(".__init__")
    modules = {node.id for graph in graphs for node in graph.of(Kind.MODULE)}
    if dotted in modules:
        return () if path.endswith(".py") else (dotted,)
    folder = path.rsplit("/", 1)[0].replace("/", ".")
    holders = {
        item
        for graph in graphs
        for module in modules
        if module.startswith(f"{folder}.")
        for item in graph.sources(module, Link.HOLDS)
    }
    return tuple(sorted(holders)) or tuple(sorted({node.id for graph in graphs for node in graph.of(Kind.ITEM)}))
