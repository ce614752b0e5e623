"""The table of all attacks, in the order of the report, and what no attack of it tries."""

from __future__ import annotations

from pipeline.release.attacks import chronicle, content, environments, form, models, pipelines, records, registries, sources

ATTACKS = (
    *content.ATTACKS,
    *form.ATTACKS,
    *records.ATTACKS,
    *chronicle.ATTACKS,
    *sources.ATTACKS,
    *models.ATTACKS,
    *registries.ATTACKS,
    *pipelines.ATTACKS,
    *environments.ATTACKS,
)
"""Every attack; its id is unique (a test holds it)."""

OUTSTANDING: tuple[str, ...] = (
    "a key stolen from a signer while it is trusted: its signatures hold until it is given up",
    "rotations taken away together with a key that was given up: who still pins that key believes it; pin the newest",
    "papers made after the record (folder after): each has to name the record, and nothing seals their content",
)
"""What the checks cannot see, said in the result and on its page."""


def chosen(names: list[str] | None) -> tuple[str, ...]:
    """Return the ids that were asked for: all where nothing was, none where only ``none`` was.

    Raises:
        KeyError: an id that no attack has; the message names it and the known ones.

    >>> chosen(["none"]), chosen(["weights-bit-flipped"])
    ((), ('weights-bit-flipped',))
    """
    known = tuple(each.id for each in ATTACKS)
    if names == ["none"]:
        return ()
    if unknown := [name for name in names or () if name not in known]:
        raise KeyError(f"found {', '.join(unknown)}, expected one or more of {', '.join(known)}")
    return tuple(names or known)
