"""The device's input contract as a table: read from the rules that the device itself applies, so that the document cannot promise another one."""

from __future__ import annotations

from device_sw.dicom.admission import RULES
from device_sw.types import Policy
from pipeline.dossier.tables import link, plain, table

WORDS = {"refuse": "refused", "caution": "admitted with a caution", "nothing": "admitted"}


def admission_table() -> str:
    """Return one row for each rule: code and attribute, what is expected, and the outcome under each policy."""
    rows = [
        [
            f"`{rule.code}`\n\n{plain(rule.where)}",
            plain(rule.expected),
            WORDS[rule.outcome(Policy.INTENDED_USE).value],
            WORDS[rule.outcome(Policy.RESEARCH).value],
            link(rule.control),
        ]
        for rule in RULES
    ]
    return table(["Code and place", "Expected", "intended-use", "research", "Control"], rows, widths=[27, 34, 14, 14, 11])
