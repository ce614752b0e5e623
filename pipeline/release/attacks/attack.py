"""What an attack is: a deed done to a copy of a release by somebody who holds something, the check that has to notice it, and by which message.

An attack counts as caught only where the check that should says so: with its own code, at the place that was harmed, after it said nothing there before. A check
that complains of something else, or another check that happens to notice, is not a catch; what those said is kept beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.release.attacks.bench import Bench


class Holds(StrEnum):
    """What the attacker has in hand, from little to much."""

    FILE = "a file"
    FOLDER = "the release folder"
    OWN_KEY = "the folder and a key of their own"
    GIVEN_UP = "a key that was given up"
    EVERYTHING = "everything in the repository, keys and pins printed there included"
    TRUSTED_KEY = "a key that is trusted"
    TOOLS = "the machine's tools: cache, registry, environment"


class Aim(StrEnum):
    """What is attacked; the sections of the report."""

    CONTENT = "bytes of the artefacts"
    FORM = "form of the folder"
    RECORD = "the record and its signatures"
    TIME = "order of releases and entries"
    SOURCE = "the source and its history"
    MODEL = "the model and where it is kept"
    PIPELINE = "how the artefacts are made"
    ENVIRONMENT = "the environment they are made in"


class CheckName(StrEnum):
    """The checks that exist, by what a person runs."""

    VERIFY = "verify"
    PINNED = "verify --pin"
    AT_LEAST = "verify --at-least"
    SOURCE = "verify --repository"
    BUNDLE = "the device's loader of bundles"
    AUDIT = "the trace gate on the audit log"
    REGISTRY = "the registry against the release"
    LINEAGE = "the lineage by SHA-256"
    STAGES = "the stages, hashed before and after"
    WHEELS = "the wheelhouse against the lock"
    LIBRARIES = "the installed libraries against the lock"
    PACKAGES = "the environment against its wheels"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a check says: its code, the place, what was found there, and which of the check's own steps said so."""

    code: str
    where: str
    found: str = ""
    step: str = ""

    def __str__(self) -> str:
        """Return the finding on one line."""
        return f"{self.code} at {self.where}: {self.found}"


@dataclass(frozen=True, slots=True)
class Sign:
    """What a check has to say: a code, the place it has to name, and where one code has several reasons, words of the right one.

    >>> Sign("VER-HASH", "bundle/model.json").fits(Finding("VER-HASH", "bundle/model.json", "another content"))
    True
    >>> Sign("VER-HASH", "bundle/model.json").fits(Finding("VER-HASH", "params.yaml", "another content"))
    False
    >>> Sign("VER-RECORD", "record", "too deep").fits(Finding("VER-RECORD", "record", "no JSON"))
    False
    """

    code: str
    where: str
    words: str = ""

    def fits(self, finding: Finding) -> bool:
        """Say whether a finding has this code and this place, and the words."""
        return (finding.code, finding.where) == (self.code, self.where) and self.words in finding.found


@dataclass(frozen=True)
class Outcome:
    """What a check came to: its exit code, what it found, and its conclusion in its own words."""

    code: int
    findings: tuple[Finding, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Attack:
    """One named attack.

    Attributes:
        id: stable name.
        aim: what is attacked.
        holds: what the attacker has.
        deed: what is done, in a sentence.
        check: the one that has to notice.
        harm: does it to the bench and returns the signs that have to come.
        prepare: lays out what the attack needs before it, such as a release sealed by a key that the attacker holds; the check is clean after it.
        alone: whether nothing else may be found: everything but this one thing fits.
    """

    id: str
    aim: Aim
    holds: Holds
    deed: str
    check: CheckName
    harm: Callable[[Bench], tuple[Sign, ...]]
    prepare: Callable[[Bench], None] | None = None
    alone: bool = False


@dataclass(frozen=True)
class Trial:
    """What became of an attack.

    Attributes:
        attack: its id.
        caught: whether the check that should was clean before, failed after, and named every sign.
        codes: those that were expected.
        steps: of the check, those that named the signs.
        missing: the signs that did not come, or why the attack could not be tried.
        said: what the check found beyond what it found before.
        others: the checks that were asked as well, and whether they noticed anything.
    """

    attack: str
    caught: bool
    codes: tuple[str, ...]
    steps: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    others: tuple[tuple[str, bool], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain data."""
        return {**asdict(self), "others": dict(self.others)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Trial:
        """Return a trial as it was kept; the inverse of `to_json`."""
        return cls(
            attack=str(value["attack"]),
            caught=bool(value["caught"]),
            codes=tuple(map(str, value["codes"])),
            steps=tuple(map(str, value["steps"])),
            missing=tuple(map(str, value["missing"])),
            said=tuple(map(str, value["said"])),
            others=tuple(sorted((str(name), bool(noticed)) for name, noticed in value["others"].items())),
        )
