"""The privacy impact assessment as tables: what is read and carried comes from the device's code, what the profile does from its table, harms from the risk file."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_description, tag_for_keyword

from device_sw.deidentification.dataset import CHARACTERISTICS
from device_sw.deidentification.profile import EDITION, Action, action_of
from device_sw.dicom.radiograph import FilmAttributes
from device_sw.dicom.source import BINDING, CARRIED
from pipeline.dossier.risk_pages import estimated
from pipeline.dossier.tables import NOTHING, link, links, plain, table

if TYPE_CHECKING:
    from pipeline.dossier.privacy import Output, PrivacyAssessment, Provision
    from pipeline.dossier.verification_pages import VerificationPages
    from risk.evaluation import Evaluation
    from risk.model import RiskFile

DONE = {
    Action.REMOVE: "removed",
    Action.EMPTY: "emptied",
    Action.DUMMY: "replaced by a meaningless value",
    Action.REPLACE_UID: "replaced under the key",
    Action.KEEP: '<span class="failed">kept</span>',
}
"""What the profile does with an attribute, in words."""

MOVED = frozenset({"StudyDate", "AcquisitionDate"})
"""Dates that are moved where the table would take them out (option of modified dates)."""


class PrivacyPages:
    """Tables of one assessment."""

    def __init__(
        self, assessment: PrivacyAssessment, risk: RiskFile, evaluation: Evaluation, verification: VerificationPages
    ) -> None:
        """Keep the parts; nothing is read here."""
        self._assessment = assessment
        self._situations = {str(situation.id): situation for situation in risk.situations}
        self._judged = {str(row.id): row for row in evaluation.situations}
        self._controls = {str(row.id): row for row in evaluation.controls}
        self._verification = verification

    @staticmethod
    def read() -> str:
        """Return the attributes of a film that leave the reader: the fields of the one value that everything else of the device sees."""
        return ", ".join(f"`{each.name}`" for each in fields(FilmAttributes))

    @staticmethod
    def carried() -> str:
        """Return the attributes that name patient and study, which only the writers of archive objects read."""
        rows = [
            [
                plain(dictionary_description(keyword)),
                f"`{keyword}`",
                "copied exactly, or no object is written" if keyword in BINDING else "copied where its value is allowed",
            ]
            for keyword in CARRIED
        ]
        return table(["Attribute", "Keyword", "In objects for the archive"], rows, widths=[36, 32, 32])

    def outputs(self) -> str:
        """Return what each output holds of a person, and what shows it."""
        return table(
            ["Output", "Holds", "What is in it", "Shown"],
            [self._output(each) for each in self._assessment.outputs],
            widths=[24, 12, 38, 26],
        )

    def _output(self, each: Output) -> list[str]:
        holds = f'<span class="reduce">{each.holds}</span>' if each.holds == "patient data" else each.holds
        return [f"**{plain(each.title)}**\n\n{plain(each.place)}", holds, plain(each.text), self._shown(each.requirements)]

    def _shown(self, requirements: tuple[str, ...]) -> str:
        return "\n\n".join(f"{link(name)} {self._verification.verdict(name)}" for name in requirements)

    def provisions(self, law: str) -> str:
        """Return the provisions of one law, or of the laws whose names begin like it."""
        rows = [self._provision(each) for each in self._assessment.provisions if each.law.startswith(law)]
        return table(
            ["Provision, and what it asks", "What the device does", "What remains with the site", "Shown by"],
            rows,
            widths=[24, 32, 24, 20],
        )

    def _provision(self, each: Provision) -> list[str]:
        head = each.place if each.law == "GDPR" else f"{each.law}, {each.place}"
        shown = [f"{link(name)} {self._verification.verdict(name)}" for name in each.requirements]
        shown += [f"{link(name)} {'shown' if self._controls[name].shown else 'not shown'}" for name in each.controls]
        shown += [f"*Situations:* {links(each.situations)}"] if each.situations else []
        shown += [f'<span class="failed">open:</span> {links(each.gaps)}'] if each.gaps else []
        return [f"**{plain(head)}**\n\n{plain(each.asks)}", plain(each.device), plain(each.site), "\n\n".join(shown) or NOTHING]

    def risks(self) -> str:
        """Return the situations that the provisions name and in which data of a person are disclosed, with what controls leave."""
        named = dict.fromkeys(name for each in self._assessment.provisions for name in each.situations)
        rows = []
        for name in named:
            situation, judged = self._situations[name], self._judged[name]
            if "isclosure" not in situation.harm:
                continue
            before = estimated(judged.initial, judged.initial_acceptability)
            after = estimated(judged.residual, judged.residual_acceptability)
            words = [plain(situation.text), f"*Harm:* {plain(situation.harm)}", f"*Residual:* {plain(situation.residual_basis)}"]
            rows.append([link(name), "\n\n".join(words), before, links(judged.controls), after])
        return table(["Situation", "What happens", "Before", "Controls", "After"], rows, widths=[11, 41, 17, 14, 17])

    def identifiers(self) -> str:
        """Return what the profile does with each kind of identifier."""
        rows = [
            [
                f"({each.letter})",
                plain(each.text),
                "\n\n".join(map(_treated, each.attributes)) or "no attribute",
                plain(each.note),
            ]
            for each in self._assessment.identifiers
        ]
        return table(["Kind", "Identifier", "Attributes and what becomes of them", "Note"], rows, widths=[7, 22, 41, 30])

    @staticmethod
    def profile() -> str:
        """Return the edition of the profile."""
        return EDITION


def _treated(keyword: str) -> str:
    tag = tag_for_keyword(keyword) or 0
    done = "moved back by the patient's days" if keyword in MOVED else DONE[action_of(tag)]
    kept = "; kept on request" if tag in CHARACTERISTICS else ""
    return f"`{keyword}`: {done}{kept}"
