"""What the pages on use, security, privacy and the Chinese instructions are made from, loaded and held to specification, risk file and code in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.dossier.chinese_pages import ChinesePages
from pipeline.dossier.label_page import LabelPage
from pipeline.dossier.privacy import load_privacy
from pipeline.dossier.privacy_pages import PrivacyPages
from pipeline.dossier.threat_pages import ThreatPages
from pipeline.dossier.threats import load_threats
from pipeline.dossier.translation import load_translation
from pipeline.dossier.usability import load_usability
from pipeline.dossier.usability_pages import UsabilityPages

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.dossier.figures import FigureShelf
    from pipeline.dossier.subject import Subject


def assurance(root: Path, subject: Subject, shelf: FigureShelf) -> dict[str, Any]:
    """Return what templates may name of use, security and privacy; the drawing of the data flow is put on the shelf.

    Raises:
        FileError: FILE-DATA, a hand-written table does not hold what it must; FILE-CONTENT, it names what does not exist or leaves something out.
    """
    specification, risk, policy = subject.specification.content, subject.risk_file, subject.risk.policy
    evaluation, verification = subject.risk.evaluation, subject.verification
    gaps = [gap.id for gap in subject.gaps]
    words = load_translation(root, risk, policy, subject.anomalies.sentences())
    threats = ThreatPages(
        root, load_threats(root, specification, risk, gaps), evaluation, verification, subject.anomalies.known, subject.book
    )
    return {
        "usability": UsabilityPages(
            load_usability(root, specification, risk, policy), specification, risk, evaluation, verification
        ),
        "threats": threats,
        "data_flow": lambda: threats.drawing(shelf),
        "privacy": PrivacyPages(load_privacy(root, specification, risk, gaps), risk, evaluation, verification),
        "zh": ChinesePages(words, subject),
        "label": LabelPage(words, subject),
    }
