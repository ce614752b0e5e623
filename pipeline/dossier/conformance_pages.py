"""The DICOM conformance statement and the IHE integration statement as tables, read from what the code itself uses.

No row is typed: SOP classes, transfer syntaxes, codes, carried attributes and limits come from the modules that decide them, so a statement cannot promise another device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.uid import UID

from device_sw.deidentification.profile import EDITION
from device_sw.deidentification.profile import table as profile_table
from device_sw.dicom.admission import CR_STORAGE, DX_STORAGE, RULES, SC_STORAGE, Outcome
from device_sw.dicom.codestream import ENCAPSULATED
from device_sw.dicom.pixels import MAX_PIXELS, MAX_SIDE, NATIVE
from device_sw.dicom.reader import MAX_ELEMENT_BYTES, MAX_FILE_BYTES, MAX_INFLATED_BYTES
from device_sw.dicom.source import BINDING, CARRIED
from device_sw.findings import Code, all_findings
from device_sw.report.dicom_objects import presentation_state, secondary_capture, structured_report
from device_sw.types import Policy
from pipeline.dossier.tables import link, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_sw.report.dicom_objects.header import Kind

STATEMENTS = ("dicom-conformance", "ihe-integration")
"""The pages that these tables fill: for integrators, and no section of the technical file."""

LOSSY = frozenset(f"1.2.840.10008.1.2.4.{last}" for last in ("50", "51", "81", "91", "203"))
"""Transfer syntaxes whose pictures may have lost information; such a film carries the caution ADM-LOSSY."""

KINDS: tuple[tuple[Kind, str], ...] = (
    (structured_report.KIND, "every analysed film"),
    (structured_report.KIND_NOT_ANALYSED, "every film that was not analysed and whose header names patient and study"),
    (presentation_state.KIND, "every analysed film"),
    (presentation_state.KIND_NOT_ANALYSED, "the same, where the film is grey and says how large it is"),
    (secondary_capture.KIND, "analysed films, on request (`--secondary-capture`)"),
)
"""Each kind of object that the device creates, and when."""


class ConformancePages:
    """The tables of both statements."""

    def inputs(self) -> str:
        """Return the SOP classes that are read, with the policy under which they are analysed."""
        rows = [[plain(UID(uid).name), f"`{uid}`", *_outcomes(uid)] for uid in (DX_STORAGE, CR_STORAGE, SC_STORAGE)]
        return table(["SOP class", "UID", "intended-use", "research"], rows, widths=[40, 30, 15, 15])

    def transfer_syntaxes(self) -> str:
        """Return the transfer syntaxes that are read, and which of them may lose information."""
        rows = [
            [plain(UID(uid).name), f"`{uid}`", "yes, with a caution" if uid in LOSSY else "no"]
            for uid in sorted(NATIVE | ENCAPSULATED, key=_in_order)
        ]
        return table(["Transfer syntax", "UID", "May be lossy"], rows, widths=[50, 32, 18])

    def outputs(self) -> str:
        """Return the SOP classes that are created."""
        rows = [
            [
                plain(UID(kind.sop_class_uid).name),
                f"`{kind.sop_class_uid}`",
                kind.modality,
                str(kind.series_number),
                plain(kind.title),
                when,
            ]
            for kind, when in KINDS
        ]
        header = ["SOP class", "UID", "Modality", "Series number", "Series description", "Written for"]
        return table(header, rows, widths=[22, 22, 8, 8, 16, 24])

    def carried(self) -> str:
        """Return the attributes that a created object repeats from the film."""
        rows = [
            [
                _tag(name),
                plain(_description(name)),
                _representation(name),
                "exactly, or no object is written" if name in BINDING else "where its value is allowed",
            ]
            for name in CARRIED
        ]
        return table(["Tag", "Attribute", "VR", "Repeated"], rows, widths=[16, 40, 8, 36])

    def codes(self) -> str:
        """Return every coded concept of the structured report that is no finding."""
        found = {each.value: each for each in vars(structured_report).values() if isinstance(each, Code)}
        return _code_table(found[value] for value in sorted(found))

    def findings(self) -> str:
        """Return the codes of the findings, type and site."""
        rows = [[plain(row.name), _said(row.type), _said(row.site)] for row in all_findings()]
        return table(["Finding", "Type", "Site"], rows, widths=[34, 36, 30])

    def limits(self) -> str:
        """Return the limits that hold before a pixel is decoded."""
        rows = [
            ["file", f"{MAX_FILE_BYTES:,} bytes"],
            ["dataset of a deflated file", f"{MAX_INFLATED_BYTES:,} bytes"],
            ["element other than pixel data", f"{MAX_ELEMENT_BYTES:,} bytes"],
            ["rows or columns", f"{MAX_SIDE:,}"],
            ["pixels", f"{MAX_PIXELS:,}"],
        ]
        return table(["Limit on", "Largest"], rows, widths=[50, 50])

    def rules(self) -> str:
        """Return how many rules the input contract has, and how many refuse under each policy."""
        refusing = {policy: sum(rule.outcome(policy) is Outcome.REFUSE for rule in RULES) for policy in Policy}
        told = ", ".join(f"{count} refuse under `{policy.value}`" for policy, count in refusing.items())
        return f"{len(RULES)} rules, of which {told}"

    def profile(self) -> str:
        """Return the de-identification profile in words."""
        return f"Basic Application Level Confidentiality Profile, {EDITION}, {len(profile_table())} attributes and the rules for repeating groups and private attributes"


def _outcomes(uid: str) -> list[str]:
    """Return in words what becomes of a SOP class under both policies."""
    if uid != SC_STORAGE:
        return ["analysed", "analysed"]
    rule = next(rule for rule in RULES if rule.code == "ADM-SECONDARY")
    words = {Outcome.REFUSE: "refused", Outcome.CAUTION: "analysed, with a caution", Outcome.NOTHING: "analysed"}
    return [f"{words[rule.outcome(policy)]} ({rule.code}, {link(rule.control)})" for policy in Policy]


def _in_order(uid: str) -> tuple[int, ...]:
    return tuple(int(part) for part in uid.split("."))


def _tag(keyword: str) -> str:
    tag = tag_for_keyword(keyword) or 0
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _description(keyword: str) -> str:
    return dictionary_description(keyword)


def _representation(keyword: str) -> str:
    return dictionary_VR(keyword)


def _said(code: Code) -> str:
    return f"{plain(code.meaning)}\n\n`{code.value}` {code.scheme}"


def _code_table(codes: Iterable[Code]) -> str:
    rows = [[f"`{code.value}`", code.scheme, plain(code.meaning)] for code in codes]
    return table(["Code", "Scheme", "Meaning"], rows, widths=[22, 20, 58])
