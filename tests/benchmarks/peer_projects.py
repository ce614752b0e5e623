"""Writes the generated graph in the form of each peer: the same needs, hazards, controls, requirements and tests, and the links the peer has a form for.

sphinx-needs and StrictDoc take every link. Doorstop has one parent document for each document, so requirements there link to controls and not to needs.
Each peer has the hazards and their situations as one item, because none of them knows situations.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.generated_project import PER_FILE, Mix, name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Item:
    """One item of the graph: id, title, text, and the ids it links to."""

    id: str
    title: str
    text: str
    links: tuple[str, ...]


def documents(mix: Mix) -> dict[str, list[Item]]:
    """Return the graph by kind of item, parents first."""
    return {
        "UN": [
            Item(name("UN", i), f"Need {i + 1}", f"The reader needs to know what happened in situation {i + 1}.", ())
            for i in range(mix.unit)
        ],
        "HAZ": [
            Item(name("HAZ", i), f"Hazard {i + 1}", f"A film of the kind numbered {i + 1} is analysed.", ())
            for i in range(mix.unit)
        ],
        "RC": [
            Item(
                name("RC", i), f"Control {i + 1}", f"A film of the kind numbered {i // 2 + 1} is refused.", (name("HAZ", i // 2),)
            )
            for i in range(mix.controls)
        ],
        "SRS": [_requirement(mix, i) for i in range(mix.requirements)],
        "TST": [_test(mix, i) for i in range(mix.requirements)],
    }


def _requirement(mix: Mix, index: int) -> Item:
    control = mix.control_of(index)
    links = (name("UN", index // 10), *((name("RC", control),) if control is not None else ()))
    text = (
        f"The device shall answer a film of the kind numbered {index + 1} within 5 seconds and write the answer into the record."
    )
    return Item(name("SRS", index), f"Behaviour {index + 1}", text, links)


def _test(mix: Mix, index: int) -> Item:
    links = (name("SRS", index), *((name("RC", index // 2),) if mix.shows(index) else ()))
    return Item(name("TST", index), f"Test {index + 1}", f"Behaviour number {index + 1} is shown with a film of its kind.", links)


def _chunks(items: list[Item]) -> Iterator[tuple[int, list[Item]]]:
    yield from ((number, items[first : first + PER_FILE]) for number, first in enumerate(range(0, len(items), PER_FILE)))


def counts(mix: Mix, keep: Callable[[Item, str], bool] = lambda _item, _link: True) -> tuple[int, int]:
    """Return how many items and links a peer is given."""
    items = [item for rows in documents(mix).values() for item in rows]
    return len(items), sum(keep(item, link) for item in items for link in item.links)


def write_sphinx_needs(root: Path, mix: Mix) -> None:
    """Write a Sphinx project of 100 items a page and one table of all requirements."""
    root.mkdir(parents=True)
    types = ", ".join(
        f'dict(directive="{kind.lower()}", title="{kind}", prefix="", color="#fff", style="node")'
        for kind in ("UN", "HAZ", "RC", "SRS", "TST")
    )
    conf = f'project = "generated"\nextensions = ["sphinx_needs"]\nneeds_types = [{types}]\nneeds_id_regex = "^[A-Z]+-[0-9]+$"\nhtml_theme = "basic"\n'
    (root / "conf.py").write_text(conf, encoding="utf-8")
    pages = []
    for kind, items in documents(mix).items():
        for number, chunk in _chunks(items):
            page = f"{kind.lower()}_{number:04d}"
            pages.append(page)
            needs = "".join(
                f"\n.. {kind.lower()}:: {item.title}\n   :id: {item.id}\n"
                + (f"   :links: {', '.join(item.links)}\n" if item.links else "")
                + f"\n   {item.text}\n"
                for item in chunk
            )
            (root / f"{page}.rst").write_text(f"{page}\n{'=' * len(page)}\n{needs}", encoding="utf-8")
    index = "index\n=====\n\n.. toctree::\n\n" + "".join(f"   {page}\n" for page in pages)
    index += "\n.. needtable::\n   :types: srs\n   :columns: id;title;links\n"
    (root / "index.rst").write_text(index, encoding="utf-8")


def write_strictdoc(root: Path, mix: Mix) -> None:
    """Write StrictDoc documents of 100 requirements each."""
    root.mkdir(parents=True)
    for kind, items in documents(mix).items():
        for number, chunk in _chunks(items):
            title = f"{kind}_{number:04d}"
            nodes = "".join(
                f"\n[REQUIREMENT]\nUID: {item.id}\nTITLE: {item.title}\nSTATEMENT: {item.text}\n"
                + ("RELATIONS:\n" + "".join(f"- TYPE: Parent\n  VALUE: {link}\n" for link in item.links) if item.links else "")
                for item in chunk
            )
            (root / f"{title}.sdoc").write_text(f"[DOCUMENT]\nTITLE: {title}\n{nodes}", encoding="utf-8")


DOORSTOP_PARENTS = {"HAZ": None, "RC": "HAZ", "SRS": "RC", "TST": "SRS"}


def write_doorstop(root: Path, mix: Mix) -> None:
    """Write Doorstop documents; a file for each item, as Doorstop has it, and links to the one parent document only."""
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for kind, items in documents(mix).items():
        if kind not in DOORSTOP_PARENTS:
            continue
        folder = root / kind.lower()
        folder.mkdir()
        parent = DOORSTOP_PARENTS[kind]
        settings = f"settings:\n  digits: 5\n  itemformat: yaml\n{f'  parent: {parent}' + chr(10) if parent else ''}  prefix: {kind}\n  sep: '-'\n"
        (folder / ".doorstop.yml").write_text(settings, encoding="utf-8")
        for number, item in enumerate(items):
            links = [link for link in item.links if parent and link.startswith(f"{parent}-")]
            listed = "links:\n" + "".join(f"- {link}: null\n" for link in links) if links else "links: []\n"
            text = (
                f"active: true\nderived: {'true' if parent and not links else 'false'}\nheader: ''\nlevel: 1.{number + 1}\n{listed}normative: true\n"
                f"ref: ''\nreviewed: null\ntext: |\n  {item.text}\n"
            )
            (folder / f"{item.id}.yml").write_text(text, encoding="utf-8")


JAMB_PARENTS = {"UN": (), "HAZ": (), "RC": ("HAZ",), "SRS": ("UN", "RC"), "TST": ("SRS", "RC")}


def write_jamb(root: Path, mix: Mix) -> None:
    """Write jamb documents; a file for each item, as jamb has it."""
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for kind, items in documents(mix).items():
        folder = root / "reqs" / kind.lower()
        folder.mkdir(parents=True)
        parents = "".join(f"  - {each}\n" for each in JAMB_PARENTS[kind])
        listed = f"  parents:\n{parents}" if parents else "  parents: []\n"
        (folder / ".jamb.yml").write_text(f"settings:\n  prefix: {kind}\n  digits: 5\n  sep: '-'\n{listed}", encoding="utf-8")
        for item in items:
            links = "links:\n" + "".join(f"- {link}\n" for link in item.links) if item.links else "links: []\n"
            (folder / f"{item.id}.yml").write_text(f"active: true\ntext: |\n  {item.text}\n{links}", encoding="utf-8")
