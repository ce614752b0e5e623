"""Bridges: signed regression analyses by which results of another state of the sources count here, for scenarios they name and for no other.

A bridge names the identity the evidence has and the identity that lies here, every difference between the two with the reason why it leaves the named
scenarios alone, and these scenarios one by one. It counts only where its list of differences is exactly the one computed, where approvals of two roles
hold for exactly its bytes, and where neither the text of a named scenario nor an item that it verifies changed. It moves results, never improves one:
a failure stays a failure, and a scenario that is not named is stale. The files lie outside every slice, so that signing one changes no identity.

A draft with every difference filled in: ``python -m verification.trace.bridges BR-001``.

Source: IEC 62304 5.7.3, 6.3.1, 8.2.3 (retest after change), 9.7; reference: "or bridged by regression analysis".
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from requirements_spec.changes import specification_content
from requirements_spec.datafile import Table, Tables, Text, Texts, read
from requirements_spec.fingerprint import fingerprint
from requirements_spec.schema import AUTHOR
from risk.changes import risk_content
from verification.trace.codes import problem
from verification.trace.evidence import altered, read_record
from verification.trace.identity import difference, read_identity
from verification.trace.outcomes import MEANING, VERDICT_ORDER, Outcome, RecordError, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from requirements_spec.model import Specification
    from requirements_spec.problem import Problem
    from risk.model import RiskFile
    from verification.trace.evidence import Evidence, Record
    from verification.trace.features import Scenario
    from verification.trace.identity import Identity

FOLDER = "verification/bridges"
SCHEMA = "thoratrace/bridge/1"
ROLES = 2
"""So many different roles have to approve a bridge."""

_SHA256 = Text(pattern=r"[0-9a-f]{64}")
_CHANGE = Table(
    {"name": Text(), "how": Text(choices=frozenset({"changed", "added", "removed"})), "reason": Text(pattern=r".{10,}")}
)
_FILE = Table(
    {
        "schema": Text(choices=frozenset({SCHEMA})),
        "from_identity": _SHA256,
        "to_identity": _SHA256,
        "author": Text(pattern=AUTHOR),
        "statement": Text(pattern=r".{10,}"),
        "unaffected": Texts(Text(pattern=r"TC:.+"), most=100_000),
        "change": Tables(_CHANGE),
    }
)


@dataclass(frozen=True, slots=True)
class Bridge:
    """One regression analysis.

    Attributes:
        id: ``BR-001``, the name of its file.
        where: path from the root, the target that approvals name.
        sha256: of its bytes, the content that approvals are bound to.
        from_identity, to_identity: of the evidence, and of what it is to count for.
        changes: each difference as ``identity.difference`` words it, with the reason why it does not matter.
        unaffected: ids of the scenarios whose results are carried over.
        author: role or demonstration identity.
        statement: what was analysed.
    """

    id: str
    where: str
    sha256: str
    from_identity: str
    to_identity: str
    changes: Mapping[str, str]
    unaffected: tuple[str, ...]
    author: str
    statement: str


@dataclass(frozen=True, slots=True)
class Crossing:
    """What the bridges amount to: verdicts that may enter the graph, or None where no bridge holds, and what was refused."""

    verdicts: tuple[Verdict, ...] | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Shore:
    """What lies here, as far as a bridge asks.

    Attributes:
        identity: of the slice ``verification``.
        scenarios: what the feature files hold.
        texts: fingerprint of each scenario and of each item.
        places: the file each of them stands in, from the root.
        approved: the roles whose approval holds for a target with this content.
    """

    identity: Identity
    scenarios: tuple[Scenario, ...]
    texts: Mapping[str, str]
    places: Mapping[str, str]
    approved: Callable[[str, str], frozenset[str]]


def read_bridges(root: Path) -> tuple[tuple[Bridge, ...], tuple[Problem, ...]]:
    """Read every bridge, sorted by name; one with a problem of its own is not handed on."""
    bridges: list[Bridge] = []
    problems: list[Problem] = []
    for path in sorted((root / FOLDER).glob("*.toml")):
        name = path.relative_to(root).as_posix()
        if not re.fullmatch(r"BR-\d{3,}", path.stem):
            problems.append(problem("TRC-BRIDGE-NAME", name, path.stem, found=f"the name {path.name}"))
            continue
        document = read(root, name, _FILE)
        problems += document.problems
        repeated = _repeated(document.data) if not document.problems else ""
        if repeated:
            problems.append(problem("TRC-BRIDGE-CHANGES", name, path.stem, found=f"{repeated} more than once"))
        elif not document.problems:
            bridges.append(_bridge(path.stem, name, path.read_bytes(), document.data))
    return tuple(bridges), tuple(problems)


def _repeated(data: Mapping[str, list[Mapping[str, str]]]) -> str:
    names = [f"{each['name']} {each['how']}" for each in data["change"]]
    return next((name for name in names if names.count(name) > 1), "")


def _bridge(name: str, where: str, content: bytes, data: Mapping[str, str]) -> Bridge:
    changes: list[Mapping[str, str]] = list(data["change"])  # type: ignore[arg-type]
    return Bridge(
        id=name,
        where=where,
        sha256=hashlib.sha256(content).hexdigest(),
        from_identity=data["from_identity"],
        to_identity=data["to_identity"],
        changes={f"{each['name']} {each['how']}": each["reason"] for each in changes},
        unaffected=tuple(data["unaffected"]),
        author=data["author"],
        statement=data["statement"],
    )


def texts(scenarios: tuple[Scenario, ...], specification: Specification, risk: RiskFile) -> dict[str, str]:
    """Return the fingerprint of every scenario and of every item; a run keeps them, so that a later change of one shows."""
    items = {**specification_content(specification).fingerprints, **risk_content(risk).fingerprints}
    return {**items, **{scenario.id: fingerprint(replace(scenario, line=0)) for scenario in scenarios}}


def places(scenarios: tuple[Scenario, ...], specification: Specification, risk: RiskFile) -> dict[str, str]:
    """Return the file in which every scenario and every item stands."""
    items = {**specification_content(specification).places, **risk_content(risk).places}
    everything = {**items, **{scenario.id: scenario.where for scenario in scenarios}}
    return {name: where.rsplit(":", maxsplit=1)[0] for name, where in everything.items()}


def cross(bridges: tuple[Bridge, ...], evidence: Evidence, shore: Shore) -> Crossing:
    """Return what the bridges carry over from a run of another identity; nothing where the run is of this one, or where no bridge holds.

    Raw record and verdict file have to agree about every scenario carried over; where they do not, nothing is.
    """
    record = evidence.record
    if record is None or record.identity.sha256 is None or record.identity.sha256 == shore.identity.sha256:
        return Crossing()
    refused = {bridge.id: tuple(refusals(bridge, record, shore)) for bridge in bridges}
    holding = [bridge for bridge in bridges if not refused[bridge.id]]
    carrier = {name: bridge.id for bridge in reversed(holding) for name in bridge.unaffected}
    problems = [each for name in sorted(refused) for each in refused[name]]
    edited = tuple(altered(record, judge(shore.scenarios, evidence.results), only=frozenset(carrier)))
    if not holding or edited:
        return Crossing(None, (*problems, *edited))
    return Crossing(tuple(sorted(_carried(record, shore.scenarios, carrier), key=VERDICT_ORDER)), tuple(problems))


def _carried(record: Record, scenarios: tuple[Scenario, ...], carrier: Mapping[str, str]) -> Iterator[Verdict]:
    """Yield one verdict for each row owed: the recorded one, marked, where a bridge names its scenario; else stale."""
    stated = {verdict.key: verdict for verdict in record.verdicts}
    for scenario in scenarios:
        for key in scenario.expected():
            verdict = stated.get(key)
            if verdict is not None and scenario.id in carrier:
                yield replace(verdict, bridge=carrier[scenario.id])
            else:
                yield Verdict(*key, (), Outcome.STALE, MEANING[Outcome.STALE])


def refusals(bridge: Bridge, record: Record, shore: Shore) -> Iterator[Problem]:
    """Yield everything for which a bridge does not hold: its ends, its signatures, its list of differences, its scenarios."""
    yield from _ends(bridge, record, shore)
    roles = shore.approved(bridge.where, bridge.sha256)
    if len(roles) < ROLES:
        found = f"approvals of {', '.join(sorted(roles)) or 'nobody'} for these bytes ({bridge.sha256[:12]})"
        yield problem("TRC-BRIDGE-SIGNATURE", bridge.where, bridge.id, found=found)
    named = frozenset(difference(record.identity, shore.identity))
    for name in sorted(named - bridge.changes.keys()):
        yield problem("TRC-BRIDGE-CHANGES", bridge.where, bridge.id, found=f"{name}, and the bridge does not list it")
    for name in sorted(bridge.changes.keys() - named):
        yield problem("TRC-BRIDGE-CHANGES", bridge.where, bridge.id, found=f"the bridge lists {name}, which is no difference")
    yield from _affected(bridge, record, shore, named)


def _ends(bridge: Bridge, record: Record, shore: Shore) -> Iterator[Problem]:
    for word, stated, lies in (
        ("from", bridge.from_identity, record.identity.sha256),
        ("to", bridge.to_identity, shore.identity.sha256),
    ):
        if stated != lies:
            found = f"{word} {stated[:12]}, and the {'evidence' if word == 'from' else 'tree'} is {str(lies)[:12]}"
            yield problem("TRC-BRIDGE-IDENTITY", bridge.where, bridge.id, found=found)


def _affected(bridge: Bridge, record: Record, shore: Shore, named: frozenset[str]) -> Iterator[Problem]:
    """Yield scenarios that the bridge may not name: unknown, without a result, or changed themselves or in what they verify."""
    known = {scenario.id: scenario for scenario in shore.scenarios}
    judged = {f"TC:{verdict.feature}::{verdict.scenario}" for verdict in record.verdicts}
    for name in bridge.unaffected:
        if name not in known or name not in judged:
            found = f"{name}, {'without a result in the evidence' if name in known else 'which no feature file holds'}"
            yield problem("TRC-BRIDGE-SCENARIO", bridge.where, bridge.id, found=found)
            continue
        for each in (name, *known[name].tags):
            if _is_changed(each, record, shore, named):
                what = "its own text" if each == name else each
                yield problem("TRC-BRIDGE-SCENARIO", bridge.where, bridge.id, found=f"{name}, though {what} changed")


def _is_changed(name: str, record: Record, shore: Shore, named: frozenset[str]) -> bool:
    """Say whether a scenario or an item reads otherwise than when the run was made; without its fingerprint of then its whole file decides."""
    if name in record.texts:
        return record.texts[name] != shore.texts.get(name)
    return any(f"{shore.places.get(name)} {how}" in named for how in ("changed", "added", "removed"))


def draft(record: Record, current: Identity, scenarios: tuple[Scenario, ...]) -> str:
    """Return a bridge from the last run to what lies here with every difference listed and every reason blank: it is refused until filled in."""
    head = [
        f'schema = "{SCHEMA}"',
        f'from_identity = "{record.identity.sha256}"',
        f'to_identity = "{current.sha256}"',
        'author = ""',
        'statement = ""',
        f"unaffected = {json.dumps([scenario.id for scenario in scenarios], ensure_ascii=False, indent=1)}",
    ]
    for each in difference(record.identity, current):
        name, how = each.rsplit(" ", maxsplit=1)
        head += ["", "[[change]]", f"name = {json.dumps(name, ensure_ascii=False)}", f'how = "{how}"', 'reason = ""']
    return "\n".join(head) + "\n"


def main(root: Path, arguments: list[str]) -> int:
    """Write the draft ``verification/bridges/BR-NNN.toml``; 0 written, 1 there is nothing to bridge, 2 usage."""
    from verification.trace.features import load  # noqa: PLC0415  only the command reads files

    if len(arguments) != 1 or not re.fullmatch(r"BR-\d{3,}", arguments[0]):
        print("usage: python -m verification.trace.bridges BR-NNN", file=sys.stderr)  # noqa: T201  a command's diagnosis
        return 2
    path = root / FOLDER / f"{arguments[0]}.toml"
    try:
        record, current = read_record(root), read_identity(root, "verification")
        same = record.identity.sha256 is None or current.sha256 is None or record.identity.sha256 == current.sha256
        reason = "the last run is of what lies here, or one of both has no identity" if same else ""
        reason = reason or (f"{path.name} exists" if path.exists() else "")
    except (FileNotFoundError, RecordError) as err:
        reason = f"no run to bridge from: {err}"
    if reason:
        print(reason, file=sys.stderr)  # noqa: T201  a command's diagnosis
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draft(record, current, load(root)[0]), encoding="utf-8")
    print(path.relative_to(root))  # noqa: T201  a command's result
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(), sys.argv[1:]))
