"""The result of a campaign for people: a text for the terminal, and one page with the attacks by what the attacker holds and the places of every flip."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.html_page import page_environment
from pipeline.release.attacks.attack import Aim, CheckName, Holds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TEMPLATE = "attack.html.jinja"


def to_text(result: Mapping[str, Any]) -> str:
    """Return the result in lines: what was missed first, then the counts."""
    attacks, flips, clean = result["attacks"], result["flips"], result["clean"]
    missed = [
        f"NOT CAUGHT  {each['attack']} ({each['check']}): {'; '.join(each['missing'])}" for each in attacks if not each["caught"]
    ]
    missed += [f"NOT CAUGHT  flip in {each['kind']}: {line}" for each in flips for line in each["missed"][:3]]
    missed += [f"FALSE ALARM  {line}" for line in clean["alarms"][:5]]
    tried, caught = sum(each["tried"] for each in flips), sum(each["caught"] for each in flips)
    lines = [
        title(result),
        *missed,
        f"attacks: {sum(each['caught'] for each in attacks)} of {len(attacks)} caught, each by the check that should",
        f"flipped bytes: {caught} of {tried} caught in {len(flips)} kinds of artefacts; size and time show {tried - unseen(flips)} of them",
        f"clean verifications: {clean['verified']}, {len(clean['alarms'])} false alarms",
    ]
    return "\n".join(lines)


def title(result: Mapping[str, Any]) -> str:
    """Return what was attacked, in words; a trial is called one."""
    name = f"release {result['version']}" if result["kind"] == "release" else f"trial of {result['version']}, not a release"
    return f"attack on {name}, record {result['record_sha256'][:16]}"


def unseen(flips: list[Mapping[str, Any]]) -> int:
    """Return how many flips left size, time and inode as they were."""
    return sum(each["unseen_by_stat"] for each in flips)


def render(result: Mapping[str, Any]) -> str:
    """Return the page."""
    environment = page_environment(Path(__file__).parent)
    return environment.get_template(TEMPLATE).render(
        result=result,
        title=title(result),
        sections=sections(result),
        checks=[check for check in map(str, CheckName) if any(each["check"] == check for each in result["attacks"])],
        ladder=ladder(result),
        tried=sum(each["tried"] for each in result["flips"]),
        caught=sum(each["caught"] for each in result["flips"]),
        unseen=unseen(result["flips"]),
        size=size,
    )


def sections(result: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the attacks by what they aim at, in the order of `Aim`, without empty sections."""
    found = {str(aim): [each for each in result["attacks"] if each["aim"] == aim] for aim in Aim}
    return {aim: attacks for aim, attacks in found.items() if attacks}


def ladder(result: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """Return, from the weakest attacker to the strongest, by which step of which check how many of their attacks were caught: name, caught, tried."""
    rungs = []
    for holds in map(str, Holds):
        mine = [each for each in result["attacks"] if each["holds"] == holds]
        tried = Counter(step_of(each) for each in mine)
        caught = Counter(step_of(each) for each in mine if each["caught"])
        if mine:
            rungs.append(
                (holds, [(step, caught[step], tried[step]) for step in sorted(tried, key=lambda step: (-tried[step], step))])
            )
    return rungs


def step_of(attack: Mapping[str, Any]) -> str:
    """Return which step caught an attack: that of the verifier, or the check itself where it has no steps."""
    steps = [step for step in attack["steps"] if step]
    return ", ".join(steps) if steps else str(attack["check"])


def size(count: int) -> str:
    """Return a number of bytes for people.

    >>> size(999), size(12_345), size(7_500_000)
    ('999 B', '12.3 kB', '7.5 MB')
    """
    for unit, step in (("MB", 1e6), ("kB", 1e3)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"
