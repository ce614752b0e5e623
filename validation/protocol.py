"""The validation protocol: what is judged, against which threshold, on how many films; read from protocol.toml behind a strict loader.

The protocol's identity is the SHA-256 of its text. Together with the weights it decides the seed of the locked cohort, so that nobody can have seen those films
before the protocol was fixed and the weights were trained, and anybody can make them again afterwards. Cut-offs and calibration come after the weights: that
they were not chosen with these films in sight, no hash shows; the audit log says which bundle was opened, and the gate takes no other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, get_args

from validation.errors import ValidationError

SCHEMA = "thoratrace/protocol/2"
PROTOCOL = "validation/protocol.toml"
"""Where the protocol lies in the project."""

REPAIR = "correct validation/protocol.toml"

Direction = Literal["at-least", "above", "at-most"]
Bound = Literal["point", "lower", "upper"]
Spread = Literal["scaled", "proportion", "count"]
HOLM = "holm"
"""The one rule of multiplicity there is: `validation.multiplicity.holm`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that is judged.

    Attributes:
        id: stable name.
        title: in words.
        metric: name of the figure in the validation record, ``<figure>.<finding, macro or all_findings>``.
        direction: ``at-least`` (>=), ``above`` (>) or ``at-most`` (<=) the threshold.
        threshold: fixed before the figure was known.
        bound: what is compared: the point estimate, or the lower or upper end of its interval.
        requirement: software requirement it is evidence for.
        primary: whether the set passes only with it.
    """

    id: str
    title: str
    metric: str
    direction: Direction
    threshold: float
    bound: Bound
    requirement: str
    primary: bool

    def __post_init__(self) -> None:
        """Refuse a direction or bound that does not exist."""
        if self.direction not in get_args(Direction) or self.bound not in get_args(Bound):
            raise ValueError(f"endpoint {self.id} has direction {self.direction!r} and bound {self.bound!r}")


@dataclass(frozen=True, slots=True)
class EndpointSet:
    """The endpoints of a profile and its budgets, with what the figures are and what is claimed with them."""

    profile: str
    budgets: tuple[str, ...]
    films: str
    statement: str
    endpoints: tuple[Endpoint, ...]

    @property
    def primary(self) -> tuple[Endpoint, ...]:
        """The endpoints that all have to be met."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.primary)


@dataclass(frozen=True, slots=True)
class PlanningValue:
    """What is assumed of one endpoint to plan the number of studies.

    Attributes:
        id: of an endpoint of the locked set.
        model: how the variance is known: ``scaled`` from a pilot's interval, binomial over truth boxes (``proportion``), Poisson over films (``count``).
        assumed: true value at which the endpoint has to be met with the planned power.
        pilot_half_width: half the width of the pilot's interval (``scaled``).
        pilot_studies: studies in the pilot (``scaled``).
        per_study: truth boxes in a study (``proportion``).
        inflation: variance over that of the model (``proportion`` and ``count``).
    """

    id: str
    model: Spread
    assumed: float
    pilot_half_width: float | None = None
    pilot_studies: int | None = None
    per_study: float | None = None
    inflation: float | None = None


@dataclass(frozen=True, slots=True)
class SampleSizePlan:
    """The planning values: joint power of all primary endpoints, share of the smallest subgroup to be evaluated, and the endpoints' own."""

    power: float
    smallest_subgroup: float
    endpoints: tuple[PlanningValue, ...]


@dataclass(frozen=True, slots=True)
class SubgroupPlan:
    """How parts of the cohort are compared.

    Attributes:
        strata: by which parts are made.
        minimum_n: patients below which a part is not evaluated.
        figure: the compared figure, ``sensitivity``: pooled over the findings, at the operating point.
        multiplicity: rule of correction, ``holm``.
        gap: difference from the rest of the stratum above which a significant one is a limitation.
    """

    strata: tuple[str, ...]
    minimum_n: int
    figure: str
    multiplicity: str
    gap: float


@dataclass(frozen=True, slots=True)
class LockedPlan:
    """The films that nobody has seen: profile and budget of the device that is judged, studies (one film each), pixels on a film's longer side."""

    profile: str
    budget: str
    studies: int
    matrix: int


@dataclass(frozen=True, slots=True)
class Protocol:
    """The whole protocol.

    Attributes:
        version: in words of its author.
        sha256: of its text, hexadecimal: its identity.
        iou: overlap from which a detection hits.
        level: of the bootstrap intervals.
        replicates: of the bootstrap.
        seed: of the bootstrap.
        subgroups: comparison of parts.
        locked: the locked cohort.
        sample_size: planning values behind its size.
        sets: endpoints by profile and budget.
    """

    version: str
    sha256: str
    iou: float
    level: float
    replicates: int
    seed: int
    subgroups: SubgroupPlan
    locked: LockedPlan
    sample_size: SampleSizePlan
    sets: tuple[EndpointSet, ...]

    def set_for(self, profile: str, budget: str) -> EndpointSet:
        """Return the endpoints of a run.

        Raises:
            ValidationError: ``VAL-PROTOCOL``, no endpoints were fixed for such a run.
        """
        for candidate in self.sets:
            if candidate.profile == profile and budget in candidate.budgets:
                return candidate
        known = ", ".join(f"{entry.profile}/{budget_}" for entry in self.sets for budget_ in entry.budgets)
        raise ValidationError(
            "VAL-PROTOCOL",
            where="protocol.toml",
            found=f"no endpoints for {profile}/{budget}",
            expected=known,
            repair="add a set before the run",
        )

    @property
    def locked_set(self) -> EndpointSet:
        """The endpoints that are judged on the locked cohort."""
        return self.set_for(self.locked.profile, self.locked.budget)


def load(text: str | None = None) -> Protocol:
    """Read the protocol that lies beside this module, or a given text.

    Raises:
        ValidationError: ``VAL-PROTOCOL``, with every problem: not TOML, an unknown or missing key, a value out of range, or planning values for other
            endpoints than the primary ones of the locked set.
    """
    from validation.protocol_file import parse  # noqa: PLC0415  the reader builds the values of this module

    source = files("validation").joinpath("protocol.toml").read_text(encoding="utf-8") if text is None else text
    return parse(source)


def identity_of(text: str) -> str:
    """Return the SHA-256 of a protocol's text, hexadecimal.

    >>> identity_of("")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def locked_seed(protocol_sha256: str, weights_sha256: str) -> int:
    """Return the seed of the locked cohort.

    Rule: the SHA-256 over the text ``thoratrace/locked-cohort/1``, the protocol's and the weights' SHA-256 (lower-case hexadecimal, one on each line), read as
    an unsigned number, first byte first. Who has not both cannot know it; who has both cannot choose it.

    Raises:
        ValueError: one of them is no SHA-256.

    >>> f"{locked_seed('0' * 64, '1' * 64):064x}"[:16]
    '938d5bfec25e4b5c'
    """
    for name, value in (("protocol", protocol_sha256), ("weights", weights_sha256)):
        if len(value) != 64 or not set(value) <= set("0123456789abcdef"):
            raise ValueError(f"the {name} hash is no SHA-256 in lower-case hexadecimal: {value[:80]!r}")
    message = f"thoratrace/locked-cohort/1\n{protocol_sha256}\n{weights_sha256}\n"
    return int.from_bytes(hashlib.sha256(message.encode()).digest(), "big")
