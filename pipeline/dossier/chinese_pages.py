"""The instructions for use in Traditional Chinese: the tables of the English page from the same data, evaluation and evidence, in translated words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_sw._version import __version__
from pipeline.dossier.anomaly_pages import NO_WORKAROUND, NONE_FOR_USERS, in_version
from pipeline.dossier.orientation_pages import RATES, SOURCES
from pipeline.dossier.tables import link, plain, table, toned
from risk.labelling import disclosures, sentences

if TYPE_CHECKING:
    from pipeline.dossier.subject import Subject
    from pipeline.dossier.translation import Translation
    from verification.trace.anomalies import Anomaly

STATUS = {
    "draft": "draft, not checked by a native reader of the profession",
    "checked": "checked by a native reader of the profession",
}


class ChinesePages:
    """Tables and sentences of the Chinese page."""

    def __init__(self, words: Translation, subject: Subject) -> None:
        """Keep the words, and what the English page prints from."""
        self._words = words
        self._subject = subject

    def sentence(self, name: str) -> str:
        """Return one sentence."""
        return plain(self._words.sentence(name))

    def findings(self) -> str:
        """Return the findings with their Chinese and English names."""
        rows = [[f"**{'、'.join(row['chinese'])}**", plain(row["name"]), f"`{row['id']}`"] for row in self._subject.findings]
        return table(self._heads("Finding", "English name", "Id"), rows, widths=[30, 36, 34])

    def misuse(self) -> str:
        """Return the foreseeable misuse as a list."""
        names = range(1, len(self._subject.risk.policy.foreseeable_misuse) + 1)
        return "\n".join(f"- {self.sentence(f'{self._subject.risk.policy.id}.foreseeable_misuse.{n}')}" for n in names)

    def instructions(self) -> str:
        """Return the warnings that controls by information put into the instructions."""
        return "\n".join(
            f"- {self.sentence(f'{each.control}.ifu_sentence')} ({link(each.control)})"
            for each in sentences(self._subject.risk_file)
            if each.section == "labelling"
        )

    def residuals(self) -> str:
        """Return the residual risks a user must know: the situations that the English page lists, in its order."""
        rows = [
            [
                link(each.situation),
                self.sentence(f"{each.situation}.text"),
                self.sentence(f"{each.situation}.harm"),
                self._toned(each.acceptability.word),
            ]
            for each in disclosures(self._subject.risk_file, self._subject.risk.evaluation)
        ]
        return table(self._heads("Situation", "What can happen", "Harm", "After controls"), rows, widths=[11, 40, 33, 16])

    def words(self) -> str:
        """Return what each word of the last column means."""
        return "\n".join(
            f"- {self._toned(word)}: {self.sentence(f'{self._subject.risk.policy.id}.acceptability_words.{word}')}"
            for word, _ in self._subject.risk.policy.acceptability_words
        )

    def anomalies(self) -> str:
        """Return the anomalies that users are told of: those of the English page, in its order."""
        rows = [self._told(each) for each in self._subject.anomalies.told()]
        header = self._heads("Id", "Anomaly", "Device versions with it", "What to do")
        return table(header, rows, widths=[11, 43, 16, 30]) if rows else plain(self._words.term(NONE_FOR_USERS))

    def _told(self, each: Anomaly) -> list[str]:
        if in_version(each, __version__):
            versions = f"{plain(self._words.term('this one'))} {__version__}"
        else:
            versions = f"{each.fixed_in} {plain(self._words.term('before'))}"
        what = f"**{self.sentence(f'{each.id}.title')}**\n\n{self.sentence(f'{each.id}.description')}"
        advice = self.sentence(f"{each.id}.workaround") if each.workaround else plain(self._words.term(NO_WORKAROUND))
        return [link(each.id), what, versions, advice]

    def noticed(self) -> str:
        """Return how many films were refused that are not as they should be."""
        return self._refused("refused")

    def wrongly(self) -> str:
        """Return how many films were refused that are as good films are."""
        return self._refused("admitted")

    def _refused(self, has_to_be: str) -> str:
        ways = self._subject.book.value(RATES, "/rates/real/test")
        rows = [
            [plain(self._words.term(way)), *(_counted(self._subject.orientation.rate(source, way)) for source in SOURCES)]
            for way in ways
            if ways[way]["has_to_be"] == has_to_be
        ]
        header = self._heads("The film is", *(f"refused, {source} films" for source in SOURCES))
        return table(header, rows, widths=[40, 30, 30])

    def unclear(self, source: str, way: str) -> str:
        """Return the share of the films with the caution that the side is unclear."""
        return _counted(self._subject.orientation.unclear(source, way))

    def note(self) -> str:
        """Return how much is translated and who looked at it."""
        count = len(self._words.sentences)
        return f"State of the translation: {STATUS[self._words.status]}. {count} sentences of the risk file and of known anomalies and {self._words.passages} sections of the page are tied to their English."

    def _heads(self, *english: str) -> list[str]:
        return [plain(self._words.term(words)) for words in english]

    def _toned(self, word: str) -> str:
        return toned(word, self._words.term(word))


def _counted(cited: str) -> str:
    """Return a cited share with its count written without a word.

    >>> _counted("{ev}`0.9 % (2 of 220) [0.1, 3.2] <key::a.json::0123::/black border of 10 %>`")
    '{ev}`0.9 % (2/220) [0.1, 3.2] <key::a.json::0123::/black border of 10 %>`'
    """
    text, mark, place = cited.partition(" <")
    return f"{text.replace(' of ', '/')}{mark}{place}"
