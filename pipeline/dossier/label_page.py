"""The label in both languages: what is known of the product in this build, and what only a manufacturer can state.

Source: MDR Annex I 23.2; 21 CFR 801.1, 801.50; IEC 82304-1 7.2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import link, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dossier.subject import Subject
    from pipeline.dossier.translation import Translation

MANIFEST = "artifacts/bundle/manifest.json"
STATUS = "RC-019"
"""The control whose sentence is the first warning."""


class LabelPage:
    """The label of this build."""

    def __init__(self, words: Translation, subject: Subject) -> None:
        """Keep the words and the subject; nothing is read here."""
        self._words = words
        self._subject = subject

    def listed(self) -> str:
        """Return each item of the label in English and in Traditional Chinese."""
        return table(["Item", "English", "項目", "繁體中文"], [*self._known(), *self._missing()], widths=[20, 32, 16, 32])

    def _known(self) -> Iterator[list[str]]:
        figure, policy = self._subject.book.figure, self._subject.risk.policy
        model, weights = figure(MANIFEST, "/model_version"), figure(MANIFEST, "/lineage/weights_sha256")
        version = plain(self._subject.device_version)
        kind = "Software for computer-aided detection on chest radiographs"
        yield ["Name", f"ThoraTrace: {kind}", "品名", f"ThoraTrace：{plain(self._words.term('device kind'))}"]
        yield ["Software version", version, "軟體版本", version]
        yield ["Model version", model, "模型版本", model]
        yield ["Model weights, SHA-256", weights, "模型權重 SHA-256", weights]
        purpose = self._words.sentence(f"{policy.id}.intended_use")
        yield ["Intended purpose", plain(policy.intended_use), "用途", plain(purpose)]
        warning = next(control.ifu_sentence for control in self._subject.risk_file.controls if control.id == STATUS)
        yield ["Warning", plain(warning or ""), "警語", plain(self._words.sentence(f"{STATUS}.ifu_sentence"))]
        read_en, read_zh = "Read the instructions for use.", "使用前請閱讀使用說明書。"
        yield ["Instructions", read_en, "使用說明書", read_zh]

    @staticmethod
    def _missing() -> Iterator[list[str]]:
        """Yield what a manufacturer would state; each names its gap."""
        none, absent = "none", "無"
        for item, english, chinese_item, chinese, gaps in (
            ("Manufacturer, name and address", "no manufacturer stands behind the device", "製造業者名稱與地址", "沒有製造業者承擔責任", ("GAP-008", "GAP-012")),
            ("Authorised representative, importer", "", "授權代表、輸入業者", "", ("GAP-012",)),
            ("UDI", "", "單一識別（UDI）", "", ("GAP-012",)),
            ("CE mark, FDA clearance, Taiwanese licence number", "not cleared anywhere", "CE 標誌、FDA 許可、許可證字號", "未取得任何上市許可", ("GAP-011",)),
            ("Date of manufacture, period of use", "not released to a market; identified by the hashes above", "製造日期、有效期間", "未發行上市產品；以上列雜湊值識別", ("GAP-012",)),
        ):
            named = ", ".join(map(link, gaps))
            yield [item, f"{none}{f': {english}' if english else ''} ({named})", chinese_item, f"{absent}{f'：{chinese}' if chinese else ''}（{named}）"]
