"""What the project owes, taken apart into single obligations, and the comparison that names every one that became smaller.

An obligation is one value of one item: a severity, a threshold, a link, a row, an assertion. Whether a change makes it smaller is a rule of its aspect and
of nothing else, so that the comparison is pure and knows no file. What grows is free. What cannot be ordered (a sentence, a direction) counts as smaller
when it changes, because only a person can say that it did not.

    reductions(old, new) is empty when new only adds to old;
    it is never empty when something of old is missing from new;
    an item reduced from a to c was reduced from a to b, or from b to c, whatever b is.

Source: IEC 62304 8.2.1, 8.2.4 (changes are approved and traceable); ISO 14971 4.5, 7.6; ISO 13485 7.3.9.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Value = bool | int | float | str
"""What an obligation amounts to: a level, a count, a limit, a sentence."""

ABSENT = "absent"
"""The word for what is not there, on either side of a reduction."""

LINK = "link"
"""First word of every aspect that is a link of the graph."""


class Rule(StrEnum):
    """How an obligation becomes smaller; one that is missing is smaller under every rule but the last."""

    AT_LEAST = "a lower value"
    AT_MOST = "a higher value"
    SAME = "another value"
    NONE_NEW = "being there, or being there more often"


@dataclass(frozen=True, slots=True)
class Aspect:
    """A kind of obligation: the code under which a reduction is reported, the rule, and whether the item as a whole hangs on it."""

    code: str
    rule: Rule = Rule.AT_LEAST
    whole: bool = False


ASPECTS: Mapping[str, Aspect] = {
    "item": Aspect("OBL-REMOVED", whole=True),
    "row": Aspect("OBL-ROWS"),
    "severity": Aspect("OBL-SEVERITY"),
    "probability": Aspect("OBL-SEVERITY"),
    "residual severity": Aspect("OBL-SEVERITY"),
    "residual probability": Aspect("OBL-SEVERITY"),
    "harm": Aspect("OBL-SEVERITY", Rule.SAME),
    "safety class": Aspect("OBL-CLASS"),
    "documentation level": Aspect("OBL-CLASS"),
    "safety": Aspect("OBL-CLASS"),
    "verified by test": Aspect("OBL-CLASS"),
    "disposition": Aspect("OBL-DISPOSITION"),
    "option": Aspect("OBL-CONTROL"),
    "claimed steps": Aspect("OBL-CONTROL", Rule.AT_MOST),
    "arising risk": Aspect("OBL-CONTROL"),
    "text": Aspect("OBL-TEXT", Rule.SAME),
    "acceptance": Aspect("OBL-TEXT", Rule.SAME),
    "statement": Aspect("OBL-TEXT"),
    "matrix cell": Aspect("OBL-POLICY"),
    "criterion": Aspect("OBL-POLICY", Rule.SAME),
    "most steps": Aspect("OBL-POLICY", Rule.AT_MOST),
    "best level": Aspect("OBL-POLICY"),
    "approving role": Aspect("OBL-POLICY"),
    "threshold at least": Aspect("OBL-THRESHOLD"),
    "threshold at most": Aspect("OBL-THRESHOLD", Rule.AT_MOST),
    "judged": Aspect("OBL-THRESHOLD", Rule.SAME),
    "primary": Aspect("OBL-THRESHOLD"),
    "analysis at least": Aspect("OBL-THRESHOLD"),
    "analysis at most": Aspect("OBL-THRESHOLD", Rule.AT_MOST),
    "analysis": Aspect("OBL-THRESHOLD", Rule.SAME),
    "subgroup": Aspect("OBL-THRESHOLD"),
    "expected": Aspect("OBL-ASSERTION"),
    "done": Aspect("OBL-ASSERTION"),
    "step": Aspect("OBL-ASSERTION", whole=True),
    "asserts": Aspect("OBL-ASSERTION"),
    "leaves early": Aspect("OBL-ASSERTION", Rule.NONE_NEW),
    "switch": Aspect("OBL-SKIP", Rule.NONE_NEW),
    "strict": Aspect("OBL-SKIP"),
    "check": Aspect("OBL-CHECK"),
    "code": Aspect("OBL-CHECK", whole=True),
}
"""Every aspect but the links, by its name."""


def aspect_of(name: str) -> Aspect:
    """Return the aspect of a name; every link is kept.

    >>> aspect_of("link verifies").code, aspect_of("claimed steps").rule
    ('OBL-LINK', <Rule.AT_MOST: 'a higher value'>)
    """
    return _LINKS if name.startswith(_LINK_START) else ASPECTS[name]


_LINKS = Aspect("OBL-LINK")
_LINK_START = f"{LINK} "


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing owed; sorted by ``OBLIGATION_ORDER``.

    Attributes:
        item: who owes it: an id, a scenario, a step, a file.
        aspect: a key of ``ASPECTS``, or ``link`` and the link's words.
        member: which of several of this aspect; empty where there is one.
        value: how much; for what is simply there, how often.
        where: ``file:line``, which is no content.
    """

    item: str
    aspect: str
    member: str
    value: Value = field(compare=False)
    where: str = field(compare=False)

    @property
    def name(self) -> str:
        """Return the obligation in words, as the ledger names it."""
        return ": ".join(part for part in (self.item, self.aspect, self.member) if part)


OBLIGATION_ORDER = attrgetter("item", "aspect", "member")
"""The one order of obligations: a key, made once for each obligation and not for each comparison."""


@dataclass(frozen=True, slots=True, order=True)
class Reduction:
    """An obligation that became smaller: its code and name, from what to what, and where that stands now (or stood, where it is gone)."""

    code: str
    what: str
    before: str
    after: str
    item: str
    where: str = field(compare=False)


Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Share:
    """The obligations that come from one source: an item, a scenario, a file of steps, the baseline."""

    obligations: tuple[Obligation, ...]

    @cached_property
    def table(self) -> Mapping[Key, Obligation]:
        """The obligations by item, aspect and member."""
        return table_of(self.obligations)

    @cached_property
    def values(self) -> Mapping[Key, tuple[type, Value]]:
        """What is owed, by item, aspect and member: the value with its type, since 1 and true are no equal promises."""
        return {(each.item, each.aspect, each.member): (type(each.value), each.value) for each in self.obligations}


def share_of(obligations: Iterable[Obligation]) -> Share:
    """Return the obligations as a share: for equal ones, with their places and the types of their values, the very share of before.

    What depends on shares alone can then be remembered, although these obligations are gathered anew each time.

    >>> twice = [share_of([Obligation("UN-001", "item", "", "need", "a.toml:1")]) for _ in range(2)]
    >>> twice[0] is twice[1], share_of([Obligation("UN-001", "item", "", "need", "a.toml:2")]) is twice[0]
    (True, False)
    """
    return _share_of(
        tuple((each.item, each.aspect, each.member, type(each.value), each.value, each.where) for each in obligations)
    )


@lru_cache(maxsize=8)
def _share_of(rows: tuple[tuple[str, str, str, type, Value, str], ...]) -> Share:
    return Share(tuple(Obligation(item, aspect, member, value, where) for item, aspect, member, _, value, where in rows))


def reductions(baseline: Iterable[Obligation], current: Iterable[Obligation]) -> tuple[Reduction, ...]:
    """Return every obligation of ``baseline`` that ``current`` makes smaller, sorted; an item that is gone is one reduction, not one for each part.

    >>> old = [Obligation("HS-001", "severity", "", 4, "a.toml:1")]
    >>> new = [Obligation("HS-001", "severity", "", 3, "a.toml:1")]
    >>> [(each.code, each.what, each.before, each.after) for each in reductions(old, new)]
    [('OBL-SEVERITY', 'HS-001: severity', '4', '3')]
    >>> reductions(new, old)
    ()
    """
    return smaller_than(Share(tuple(baseline)), (Share(tuple(current)),))


def smaller_than(before: Share, current: Iterable[Share]) -> tuple[Reduction, ...]:
    """Return the reductions of everything that is owed now against a baseline; what did not change, which is most of it, needs no rule."""
    shares = tuple(current)
    after: dict[Key, tuple[type, Value]] = {}
    for share in shares:
        after.update(share.values)
    items = _other_items(before, after)
    if len(after) < sum(len(share.obligations) for share in shares):
        items |= {each.item for each in _held_twice(shares)}
    if not items:
        return ()
    now = table_of(each for share in shares for each in share.obligations if each.item in items)
    old = {key: each for key, each in before.table.items() if key[0] in items}
    other = {key: each for key, each in old.items() if not _is_as_before(each, now.get(key))}
    new = {key: each for key, each in now.items() if key in other or key not in old}
    gone = {key[0] for key in other if key not in now and aspect_of(key[1]).whole}
    return tuple(sorted([*_smaller(other, now, _places(now), gone), *_new(old, new)]))


def _other_items(before: Share, after: Mapping[Key, tuple[type, Value]]) -> set[str]:
    """Return the items of which any obligation is gone, new or of another value."""
    if after == before.values:
        return set()
    return {key[0] for key, _ in after.items() ^ before.values.items()}


def _held_twice(shares: Iterable[Share]) -> Iterator[Obligation]:
    """Yield each obligation whose key an earlier one has; which of them counts is for their table to say."""
    seen: set[Key] = set()
    for each in (each for share in shares for each in share.obligations):
        key = (each.item, each.aspect, each.member)
        if key in seen:
            yield each
        seen.add(key)


def _is_as_before(old: Obligation, new: Obligation | None) -> bool:
    """Say whether nothing about an obligation changed: most never do, and need no rule."""
    return new is not None and old.value == new.value and type(old.value) is type(new.value)


def _places(obligations: Mapping[Key, Obligation]) -> dict[str, str]:
    """Return where each item stands: at the first of its obligations."""
    places: dict[str, str] = {}
    for key in sorted(obligations):
        places.setdefault(key[0], obligations[key].where)
    return places


def table_of(obligations: Iterable[Obligation]) -> dict[Key, Obligation]:
    """Return the obligations by key; of two with one key the same one stays in whatever order they come (their loader names the second)."""
    table: dict[Key, Obligation] = {}
    for each in obligations:
        key = (each.item, each.aspect, each.member)
        other = table.get(key)
        if other is None or text_of(other.value) <= text_of(each.value):
            table[key] = each
    return table


def _smaller(
    before: Mapping[Key, Obligation], after: Mapping[Key, Obligation], places: Mapping[str, str], gone: set[str]
) -> Iterator[Reduction]:
    for key, old in before.items():
        aspect = aspect_of(old.aspect)
        if aspect.rule is Rule.NONE_NEW or (old.item in gone and not aspect.whole):
            continue
        new = after.get(key)
        if new is None or not holds(aspect.rule, old.value, new.value):
            where = new.where if new else places.get(old.item, old.where)
            yield Reduction(aspect.code, old.name, text_of(old.value), text_of(new.value) if new else ABSENT, old.item, where)


def _new(before: Mapping[Key, Obligation], after: Mapping[Key, Obligation]) -> Iterator[Reduction]:
    for key, new in after.items():
        aspect, old = aspect_of(new.aspect), before.get(key)
        if aspect.rule is Rule.NONE_NEW and (old is None or not holds(Rule.AT_MOST, old.value, new.value)):
            yield Reduction(aspect.code, new.name, text_of(old.value) if old else ABSENT, text_of(new.value), new.item, new.where)


def holds(rule: Rule, old: Value, new: Value) -> bool:
    """Say whether a value is still as large an obligation as before; values of two types, and what is not a number, never are.

    >>> holds(Rule.AT_LEAST, 0.65, 0.7), holds(Rule.AT_MOST, 0.65, 0.7), holds(Rule.AT_LEAST, 0.65, float("nan"))
    (True, False, False)
    """
    if rule is Rule.SAME or isinstance(old, str) or isinstance(new, str):
        return type(old) is type(new) and old == new
    return new >= old if rule is Rule.AT_LEAST else new <= old


def grown(baseline: Iterable[Obligation], current: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """Return what ``current`` owes beyond ``baseline``: new obligations, and those with another value that is no reduction, sorted."""
    before, after = table_of(baseline), table_of(current)
    more = (new for key, new in after.items() if _is_more(before.get(key), new))
    return tuple(sorted(more, key=OBLIGATION_ORDER))


def _is_more(old: Obligation | None, new: Obligation) -> bool:
    rule = aspect_of(new.aspect).rule
    if rule is Rule.NONE_NEW:
        return False
    return old is None or (old.value != new.value and holds(rule, old.value, new.value))


def text_of(value: Value) -> str:
    """Return a value as the ledger writes it: a sentence as it is, everything else as JSON.

    >>> text_of(True), text_of(0.65), text_of("a sentence")
    ('true', '0.65', 'a sentence')
    """
    return value if isinstance(value, str) else json.dumps(value)
