"""Moves the aliases of the registry: each move is checked before, written down first, read back after, and chained to the move before it.

The journal lies in the registry itself, as tags ``alias_move.0001`` and on of the registered model, so that everybody who shares the registry shares it. An alias
that stands where the journal does not say was moved by another way and is refused until somebody looks. A move that a crash cut after its line is finished by
the next one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.registry_store import ALIASES, RegistrationRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.registry_store import RegisteredModel

TAG = "alias_move."
FIRST = "0" * 64
FOUND = "stood here when the journal began"


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One line of the journal.

    Attributes:
        number: from 1, without gaps.
        alias: which one.
        version: where it stands from now on.
        previous: version that held it before, empty where none did.
        bundle_sha256: of the version.
        ground: why it may.
        commit: of the checkout that moved it.
        at: UTC, for people; it enters no evidence.
        before: hash of the line before, zeros for the first.
    """

    number: int
    alias: str
    version: str
    previous: str
    bundle_sha256: str
    ground: str
    commit: str
    at: str
    before: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the line's canonical JSON."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def journal(model: RegisteredModel) -> tuple[AliasMove, ...]:
    """Return the moves in order.

    Raises:
        RegistrationRefused: ``REG-JOURNAL``, a line is missing, changed or no line.
    """
    lines = {name: value for name, value in model.client.get_registered_model(model.name).tags.items() if name.startswith(TAG)}
    moves: list[AliasMove] = []
    for number in range(1, len(lines) + 1):
        where = f"{TAG}{number:04d}"
        before = moves[-1].sha256 if moves else FIRST
        try:
            value = json.loads(lines[where])
            stated = value.pop("sha256")
            move = AliasMove(**value)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise _broken(where, "no such line" if where not in lines else "no line of the journal") from error
        if move.number != number or move.before != before or move.sha256 != stated:
            raise _broken(where, "a line that was changed or moved")
        moves.append(move)
    return tuple(moves)


def _broken(where: str, found: str) -> RegistrationRefused:
    return RegistrationRefused(
        "REG-JOURNAL",
        where=where,
        found=found,
        expected="the chain of all alias moves",
        repair="find out who changed the registry; restore it from its backup",
    )


def standing(model: RegisteredModel) -> dict[str, str]:
    """Return alias -> version as the registry has them now."""
    held = model.client.get_registered_model(model.name).aliases
    return {alias: str(held[alias]) for alias in ALIASES if alias in held}


def move(model: RegisteredModel, alias: str, version: str, *, ground: str, commit: str) -> AliasMove | None:
    """Give a version an alias and return the journal's line; None where it holds it already.

    Args:
        model: whose alias.
        alias: one of ``ALIASES``.
        version: of that model.
        ground: what was checked before, in words; without one nothing moves.
        commit: of the checkout.

    Raises:
        RegistrationRefused: ``REG-JOURNAL``; ``REG-UNRECORDED``, an alias stands where the journal does not say; ``REG-ORDER``, the version lacks the alias
            before this one, or no ground is given.
    """
    moves = _settled(model, journal(model))
    now = standing(model)
    if now.get(alias) == version:
        return None
    _require_order(alias, version, now, moves, ground)
    return _write(model, moves, alias, version, now.get(alias, ""), ground, commit)


def _settled(model: RegisteredModel, moves: tuple[AliasMove, ...]) -> tuple[AliasMove, ...]:
    """Begin a journal for aliases that are older than it, finish a move that was cut, and refuse what the journal does not say."""
    now = standing(model)
    if not moves:
        for alias, version in now.items():
            moves = (*moves, _write(model, moves, alias, version, "", FOUND, ""))
        return moves
    said = {line.alias: line.version for line in moves}
    last = moves[-1]
    if now.get(last.alias, "") == last.previous != last.version and {**now, last.alias: last.version} == said:
        model.client.set_registered_model_alias(model.name, last.alias, last.version)
        return moves
    strange = sorted(alias for alias in {*now, *said} if now.get(alias) != said.get(alias))
    if strange:
        found = "; ".join(
            f"{alias} at {now.get(alias, 'no version')}, journal {said.get(alias, 'no version')}" for alias in strange
        )
        raise RegistrationRefused(
            "REG-UNRECORDED",
            where="registry",
            found=found,
            expected="aliases where the journal says",
            repair="move the alias back to where the journal says, and move it through this program",
        )
    return moves


def _require_order(alias: str, version: str, now: Mapping[str, str], moves: tuple[AliasMove, ...], ground: str) -> None:
    """A version takes the aliases in their order; `retired` asks for a `released` that may have gone to another version since."""
    place = ALIASES.index(alias)
    needed = ALIASES[place - 1] if place else None
    once = {line.alias for line in moves if line.version == version}
    good = needed is None or now.get(needed) == version or (alias == "retired" and needed in once)
    if not good or not ground.strip():
        raise RegistrationRefused(
            "REG-ORDER",
            where=f"version {version}",
            found=f"{alias} asked for without {needed}" if not good else f"{alias} asked for without ground",
            expected=f"{' -> '.join(ALIASES)}, each with its ground",
            repair="register and validate the version first",
        )


def _write(  # noqa: PLR0913, PLR0917  the fields of a line
    model: RegisteredModel, moves: tuple[AliasMove, ...], alias: str, version: str, previous: str, ground: str, commit: str
) -> AliasMove:
    line = AliasMove(
        number=len(moves) + 1,
        alias=alias,
        version=version,
        previous=previous,
        bundle_sha256=model.version(version).tags.get("bundle_sha256", ""),
        ground=ground,
        commit=commit,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        before=moves[-1].sha256 if moves else FIRST,
    )
    text = json.dumps({**asdict(line), "sha256": line.sha256}, sort_keys=True, ensure_ascii=False)
    model.client.set_registered_model_tag(model.name, f"{TAG}{line.number:04d}", text)
    model.client.set_registered_model_alias(model.name, alias, version)
    if standing(model).get(alias) != version or journal(model)[-1] != line:
        raise _broken(f"{TAG}{line.number:04d}", "another move at the same moment")
    return line
