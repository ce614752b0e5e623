"""What can be signed, as it lies here: items and documents with their hash, the fingerprints of what they link to, and who wrote them.

A document is a file, named by its path and hashed byte by byte; an item is named by its id and hashed by its fingerprint. A document links to whatever its items link
to outside it. Authors are those the data name: at the head of a file, and in the last entry of a ledger for an item.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from requirements_spec.changes import specification_content
from requirements_spec.fingerprint import fingerprint
from requirements_spec.remembered import remembered
from risk.changes import risk_content
from verification.trace.approvals import Subject, is_target
from verification.trace.assembly import Sources, assemble
from verification.trace.obligations import LINK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.changes import Change
    from requirements_spec.model import Specification
    from risk.model import RiskFile
    from verification.trace.baseline import Ledger
    from verification.trace.features import Scenario
    from verification.trace.obligations import Obligation
    from verification.trace.signed_chain import Chain

_TARGET = re.compile(r'"target":"([^"]+)"')
_AUTHOR = re.compile(r'^author\s*=\s*"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """A file: the SHA-256 of its bytes and the authors that it names."""

    sha256: str
    authors: frozenset[str]


@dataclass(frozen=True)
class Material:
    """Everything that subjects are made from, already read."""

    specification: Specification
    risk: RiskFile
    scenarios: tuple[Scenario, ...]
    changes: tuple[Change, ...]
    obligations: Ledger
    written: tuple[Obligation, ...]
    documents: Mapping[str, Document]


def named(chain: Chain) -> tuple[str, ...]:
    """Return the files that the lines of a chain name as their targets, believed or not."""
    return tuple(sorted({target for line in chain.lines for target in _TARGET.findall(line) if is_target(target)}))


def read_documents(root: Path, names: Iterable[str]) -> dict[str, Document]:
    """Return the files of these names; one that is not there, or is no file of this project, is left out."""
    inside = root.resolve()
    paths = ((name, root / name) for name in sorted(set(names)))
    return {name: _document(path) for name, path in paths if path.is_file() and path.resolve().is_relative_to(inside)}


def _document(path: Path) -> Document:
    content = path.read_bytes()
    names = _AUTHOR.findall(content.decode("utf-8", "replace")) if path.suffix == ".toml" else ()
    return Document(hashlib.sha256(content).hexdigest(), frozenset(names))


def fingerprints(material: Material) -> dict[str, str]:
    """Return the fingerprint of every item that can be signed or linked to."""
    found = dict(specification_content(material.specification).fingerprints)
    found |= risk_content(material.risk).fingerprints
    found |= {situation.id: fingerprint(situation) for situation in material.risk.situations}
    found |= {scenario.id: _scenario(scenario) for scenario in material.scenarios}
    return found | {entry.id: entry.sha256 for entry in material.obligations.entries}


@remembered
def _scenario(scenario: Scenario) -> str:
    """Return the hash of a scenario's tags, rows and steps; moving it down its file is no change."""
    content = [
        scenario.id,
        scenario.tags,
        [row.text for row in scenario.rows],
        [[step.kind, step.text] for step in scenario.steps],
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def subjects(material: Material) -> dict[str, Subject]:
    """Return everything that can be signed, by item id and by path."""
    known = fingerprints(material)
    links, files = _links(material)
    authors = _authors(material)
    found = {
        name: Subject(sha256, _named(links[name], known), authors[name])
        for name, sha256 in known.items()
        if not name.startswith("TC:")
    }
    for path, document in material.documents.items():
        inside = files[path]
        outside = {target for item in inside for target in links[item]} - inside
        found[path] = Subject(
            document.sha256, _named(outside, known), document.authors.union(*(authors[item] for item in inside))
        )
    return found


def _named(targets: Iterable[str], known: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((target, known[target]) for target in sorted(set(targets)) if target in known)


def _links(material: Material) -> tuple[defaultdict[str, set[str]], defaultdict[str, set[str]]]:
    """Return what each item names, and which items each file holds."""
    graph = assemble(Sources(material.specification, material.risk, None, material.scenarios))
    links: defaultdict[str, set[str]] = defaultdict(set)
    files: defaultdict[str, set[str]] = defaultdict(set)
    for edge in graph.edges:
        links[edge.source].add(edge.target)
    for node in graph.nodes.values():
        files[node.where.rpartition(":")[0]].add(node.id)
    for each in material.written:
        if each.aspect.startswith(f"{LINK} "):
            links[each.item].add(each.member)
            files[each.where.rpartition(":")[0]].add(each.item)
    return links, files


def _authors(material: Material) -> defaultdict[str, frozenset[str]]:
    """Return who wrote each item: the author of its file, and of the last change that a ledger holds."""
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    found.update({name: frozenset({author}) for name, author in _stated(material)})
    last = {change.item: change.author for change in material.changes}
    for item, author in last.items():
        found[item] |= {author}
    return found


def _stated(material: Material) -> Iterator[tuple[str, str]]:
    specification, risk = material.specification, material.risk
    yield from ((need.id, need.author) for need in specification.needs)
    yield from ((requirement.id, requirement.author) for requirement in specification.requirements)
    yield from ((item.id, item.author) for item in specification.items)
    yield from ((soup.id, soup.author) for soup in specification.soup)
    for hazard in risk.hazards:
        yield hazard.id, hazard.author
        yield from ((situation.id, hazard.author) for situation in hazard.situations)
    yield from ((control.id, control.author) for control in risk.controls)
    if risk.policy is not None:
        yield risk.policy.id, risk.policy.author
    yield from ((entry.id, entry.author) for entry in material.obligations.entries)
