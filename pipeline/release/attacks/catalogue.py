"""The table of all attacks, in the order of the report, and what no attack of it tries."""

from __future__ import annotations

from pipeline.release.attacks import chronicle, content, form, pipelines, records, sources

ATTACKS = (*content.ATTACKS, *form.ATTACKS, *records.ATTACKS, *chronicle.ATTACKS, *sources.ATTACKS, *pipelines.ATTACKS)
"""Every attack; its id is unique (a test holds it)."""

OUTSTANDING: tuple[str, ...] = (
    "a key stolen from a signer while it is trusted: its signatures hold until it is given up",
    "papers made after the record (folder after): each has to name the record, and nothing seals their content",
)
"""What the checks cannot see, said in the result and on its page."""
