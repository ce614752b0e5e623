"""The obligation baseline and its ledger: what the project owed when it was last looked at, and who let which obligation become smaller, and why.

`verification/baseline.json` is written by `./qms obligations renew` and carries its own hash. `verification/obligations.toml` holds one entry for each
reduction and one for each renewal, in a chain of baseline hashes. An entry is bound to one baseline, one obligation, one value before and one after: it covers
nothing else, and is history once the baseline is renewed.

The baseline shows edits; it does not prevent them. Whoever writes both files anew has renewed without the command; the history of the repository and, at
release level, the signatures under both files are what such a renewal has to get past.

Source: IEC 62304 8.2.1 to 8.2.4; ISO 13485 4.2.4, 7.3.9.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from requirements_spec.datafile import Table, Tables, Text, Whole, read
from requirements_spec.fingerprint import fingerprint
from requirements_spec.remembered import remembered
from requirements_spec.schema import AUTHOR
from verification.trace.codes import problem
from verification.trace.evidence import write_json
from verification.trace.obligations import ASPECTS, LINK, OBLIGATION_ORDER, Obligation, Reduction, Share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.datafile import Document, Row
    from requirements_spec.problem import Problem
    from requirements_spec.reading_cache import ReadingCache

BASELINE = "verification/baseline.json"
LEDGER = "verification/obligations.toml"
BASELINE_SCHEMA = "thoratrace/baseline/1"
LEDGER_SCHEMA = "thoratrace/obligations/1"
SHORTEST_REASON = 20
"""Fewer characters than this give no reason that a reviewer could judge."""

_HASH = r"[0-9a-f]{64}"
_REASON = Text(pattern=rf".{{{SHORTEST_REASON},}}")
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({LEDGER_SCHEMA})),
        "renewal": Tables(
            Table(
                {
                    "old": Text(pattern=_HASH, blank=True),
                    "new": Text(pattern=_HASH),
                    "obligations": Whole(0, 10_000_000),
                    "author": Text(pattern=AUTHOR),
                    "reason": _REASON,
                }
            ),
            least=0,
            required=False,
        ),
        "reduction": Tables(
            Table(
                {
                    "id": Text(pattern=r"OBR-\d{3,}"),
                    "baseline": Text(pattern=_HASH),
                    "what": Text(),
                    "from": Text(blank=True),
                    "to": Text(blank=True),
                    "author": Text(pattern=AUTHOR),
                    "reason": _REASON,
                }
            ),
            least=0,
            required=False,
        ),
    }
)
_HEAD = f"""# Obligations that became smaller, one entry for each, and the renewals of verification/baseline.json (./qms obligations). An entry covers exactly
# one obligation, from one value to one value, against one baseline; at release level it needs the signatures of two roles (./qms approve OBR-...).
schema = {json.dumps(LEDGER_SCHEMA)}
"""


@dataclass(frozen=True)
class Baseline:
    """What was owed: the obligations and the hash over them."""

    obligations: tuple[Obligation, ...]
    sha256: str

    @cached_property
    def share(self) -> Share:
        """The obligations with their tables, made once."""
        return Share(self.obligations)


@dataclass(frozen=True, slots=True)
class Entry:
    """One reduction that somebody answers for."""

    id: str
    baseline: str
    what: str
    before: str
    after: str
    author: str
    reason: str
    where: str = field(default="", compare=False)

    @property
    def sha256(self) -> str:
        """The hash that a signature of this entry names."""
        return fingerprint(self)


@dataclass(frozen=True, slots=True)
class Renewal:
    """One step of the baseline: from which hash to which."""

    old: str
    new: str
    obligations: int
    author: str
    reason: str
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class Ledger:
    """Everything verification/obligations.toml holds."""

    entries: tuple[Entry, ...] = ()
    renewals: tuple[Renewal, ...] = ()


def baseline_of(obligations: Iterable[Obligation]) -> Baseline:
    """Return the baseline that these obligations make."""
    owed = tuple(sorted(obligations, key=OBLIGATION_ORDER))
    return Baseline(owed, _digest(_content(owed)))


def _content(obligations: Iterable[Obligation]) -> dict[str, Any]:
    """Return the obligations as plain data, by item, aspect and member, with one place for each item."""
    table: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    places: dict[str, str] = {}
    for each in obligations:
        table[each.item][each.aspect][each.member] = each.value
        places.setdefault(each.item, each.where)
    return {"obligations": table, "places": places}


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def write_baseline(root: Path, baseline: Baseline) -> None:
    """Write the baseline, sorted, one obligation a line."""
    write_json(root / BASELINE, {"schema": BASELINE_SCHEMA, "sha256": baseline.sha256, **_content(baseline.obligations)})


def read_baseline(root: Path) -> tuple[Baseline | None, tuple[Problem, ...]]:
    """Return the baseline, or None and why: none there, unreadable, or another content than its own hash says."""
    try:
        data = json.loads((root / BASELINE).read_text(encoding="utf-8"))
        baseline = Baseline(tuple(_obligations(data)), str(data["sha256"]))
        actual = _digest({"obligations": data["obligations"], "places": data["places"]})
    except FileNotFoundError:
        return None, (problem("OBL-BASELINE", BASELINE, "baseline", found="no baseline, so nothing shows what became smaller"),)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        return None, (problem("OBL-BASELINE", BASELINE, "baseline", found=f"unreadable ({type(err).__name__}: {err})"),)
    if actual != baseline.sha256:
        found = f"content with the hash {actual[:12]}, which states {baseline.sha256[:12]}: edited by hand"
        return None, (problem("OBL-BASELINE", BASELINE, "baseline", found=found),)
    return baseline, ()


def _obligations(data: Mapping[str, Any]) -> Iterator[Obligation]:
    if data["schema"] != BASELINE_SCHEMA or set(data) != {"schema", "sha256", "obligations", "places"}:
        raise ValueError(f"not of the form {BASELINE_SCHEMA}")
    places = data["places"]
    for item, aspects in data["obligations"].items():
        where = places[item]
        for aspect, members in aspects.items():
            if aspect not in ASPECTS and not aspect.startswith(_LINK_START):
                raise ValueError(f"the aspect {aspect!r} of {item}, which does not exist")
            for member, value in members.items():
                if not isinstance(value, _VALUES):
                    raise TypeError(f"the value of {item}: {aspect}: {member}")
                yield Obligation(item, aspect, member, value, where)


_LINK_START = f"{LINK} "
_VALUES = (int, float, str)
"""What a value may be; true and false are whole numbers here."""


def read_ledger(root: Path, cache: ReadingCache | None = None) -> tuple[Ledger, tuple[Problem, ...]]:
    """Return the ledger; one that does not exist is a problem, because then nothing is accounted for."""
    document = read(root, LEDGER, _TABLE, cache)
    return _ledger(document), document.problems


@remembered
def _ledger(document: Document) -> Ledger:
    entries = tuple(_entry(row) for row in document.rows("reduction") if row.sound)
    renewals = tuple(_renewal(row) for row in document.rows("renewal") if row.sound)
    return Ledger(entries, renewals)


def _entry(row: Row) -> Entry:
    data = row.data
    return Entry(
        data["id"], data["baseline"], data["what"], data["from"], data["to"], data["author"], data["reason"], where=row.where
    )


def _renewal(row: Row) -> Renewal:
    data = row.data
    return Renewal(data["old"], data["new"], data["obligations"], data["author"], data["reason"], where=row.where)


def unentered(found: Iterable[Reduction], ledger: Ledger, baseline: Baseline) -> tuple[Reduction, ...]:
    """Return the reductions that no entry answers for."""
    entered = {(each.what, each.before, each.after) for each in ledger.entries if each.baseline == baseline.sha256}
    return tuple(each for each in found if (each.what, each.before, each.after) not in entered)


def ledger_problems(found: Iterable[Reduction], ledger: Ledger, baseline: Baseline | None) -> Iterator[Problem]:
    """Yield what is wrong between reductions, ledger and baseline: reductions nobody entered, entries without reduction, a broken chain of renewals."""
    yield from _broken_chain(ledger, baseline)
    yield from _unsound_entries(ledger)
    if baseline is None:
        return
    now = tuple(found)
    for each in unentered(now, ledger, baseline):
        said = f"{each.what}: from {each.before[:160]} to {each.after[:160]}"
        yield problem(each.code, each.where, each.item, found=said)
    for entry in ledger.entries:
        if entry.baseline == baseline.sha256:
            yield from _idle(entry, now)


def _idle(entry: Entry, now: tuple[Reduction, ...]) -> Iterator[Problem]:
    """Yield an entry that answers for nothing; one written as a pattern is named as such, because it would answer for several."""
    if any((each.what, each.before, each.after) == (entry.what, entry.before, entry.after) for each in now):
        return
    like = [each.what for each in now if fnmatchcase(each.what, entry.what) and each.what != entry.what]
    same = [each for each in now if each.what == entry.what]
    found = f"{entry.what[:160]}: from {entry.before[:80]} to {entry.after[:80]}, which nothing did"
    if like:
        found = f"the pattern {entry.what[:160]}, which would cover {len(like)} reductions"
    elif same:
        found = f"{entry.what[:160]} goes from {same[0].before[:80]} to {same[0].after[:80]}, entered as {entry.before[:80]} to {entry.after[:80]}"
    yield problem("OBL-LEDGER", entry.where, entry.id, found=found)


def _unsound_entries(ledger: Ledger) -> Iterator[Problem]:
    known = {renewal.new for renewal in ledger.renewals}
    ids: set[str] = set()
    whats: set[tuple[str, str]] = set()
    for entry in ledger.entries:
        if entry.baseline not in known:
            yield problem("OBL-LEDGER", entry.where, entry.id, found=f"the baseline {entry.baseline[:12]}, which never was")
        if entry.id in ids or (entry.baseline, entry.what) in whats:
            yield problem("OBL-LEDGER", entry.where, entry.id, found="an id or an obligation that an entry above has")
        ids.add(entry.id)
        whats.add((entry.baseline, entry.what))


def _broken_chain(ledger: Ledger, baseline: Baseline | None) -> Iterator[Problem]:
    before = ""
    for renewal in ledger.renewals:
        if renewal.old != before:
            found = f"a renewal from {renewal.old[:12] or 'nothing'} after one to {before[:12] or 'nothing'}"
            yield problem("OBL-BASELINE", renewal.where, "baseline", found=found)
        before = renewal.new
    if baseline is not None and baseline.sha256 != before:
        found = f"the baseline {baseline.sha256[:12]}, the last renewal leads to {before[:12] or 'nothing'}"
        yield problem("OBL-BASELINE", BASELINE, "baseline", found=found)


def append(root: Path, entries: Iterable[Entry], renewals: Iterable[Renewal] = ()) -> None:
    """Write the ledger with further entries and renewals, whole or not at all."""
    path = root / LEDGER
    before = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    text = before + "".join(chain(map(_entry_text, entries), map(_renewal_text, renewals)))
    draft = path.with_suffix(".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _entry_text(entry: Entry) -> str:
    pairs = {
        "id": entry.id,
        "baseline": entry.baseline,
        "what": entry.what,
        "from": entry.before,
        "to": entry.after,
        "author": entry.author,
        "reason": entry.reason,
    }
    return _toml("reduction", pairs)


def _renewal_text(renewal: Renewal) -> str:
    names = ("old", "new", "obligations", "author", "reason")
    return _toml("renewal", {name: getattr(renewal, name) for name in names})


def _toml(name: str, pairs: Mapping[str, str | int]) -> str:
    """Return a table as TOML; a JSON string is a TOML basic string as long as it has no control character, which the reader refuses."""
    return f"\n[[{name}]]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in pairs.items())
