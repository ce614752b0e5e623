"""The hand-written translations of the file: each names the English words that it was made from, so that it cannot outlive them.

A sentence of the risk file, or of an anomaly that users are told of, is named by item and field, a section of the English instructions by its heading. Each row holds the SHA-256 of the English text
(spaces normalised), of which the first sixteen digits are written. Where the English changes, the file is not built until it is translated anew.

Source: MDR Annex I 23.1 and 23.4 (information in the language of the user); ISO 14971:2019 7.1 c) and 8 (the same warnings and residual risks in each).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.file_error import FileError
from pipeline.handwritten import sound
from requirements_spec.datafile import Table, Tables, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from risk.model import Policy, RiskFile

TRANSLATION = "docs/zh-hant.toml"
ENGLISH_PAGE, CHINESE_PAGE = "labelling", "labelling-zh-hant"

_DIGEST = Text(pattern=r"[0-9a-f]{16}")
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/translation/1"})),
        "language": Text(choices=frozenset({"zh-Hant-TW"})),
        "author": Text(),
        "status": Text(choices=frozenset({"draft", "checked"})),
        "sentence": Tables(Table({"id": Text(pattern=r"[A-Za-z0-9._-]+"), "english": _DIGEST, "chinese": Text()})),
        "passage": Tables(Table({"id": Text(), "english": _DIGEST, "chinese": Text()})),
        "term": Tables(Table({"id": Text(), "chinese": Text()})),
    }
)


@dataclass(frozen=True, slots=True)
class Translation:
    """The translated words, all of them checked against the English they stand for.

    Attributes:
        sentences: id of item and field -> Chinese.
        terms: English words of evidence and tables -> Chinese.
        passages: how many sections of the English page have their Chinese one.
        status: ``draft``, or ``checked`` by a native reader of the profession.
    """

    sentences: Mapping[str, str]
    terms: Mapping[str, str]
    passages: int
    status: str

    def sentence(self, name: str) -> str:
        """Return the Chinese of a sentence.

        Raises:
            FileError: FILE-CONTENT, it has none.
        """
        if name not in self.sentences:
            raise _content(name, "no translation", "a sentence in Chinese", "add it to the table")
        return self.sentences[name]

    def term(self, english: str) -> str:
        """Return the Chinese of words that stand in evidence.

        Raises:
            FileError: FILE-CONTENT, they have none.
        """
        if english not in self.terms:
            raise _content(f"term {english!r}", "no translation", "a term in Chinese", "add it to the table")
        return self.terms[english]


def digest(english: str) -> str:
    r"""Return what names English words: sixteen hexadecimal digits of the SHA-256 of the text with single spaces.

    >>> digest("Read  the\nwhole film.") == digest("Read the whole film.")
    True
    """
    return hashlib.sha256(" ".join(english.split()).encode()).hexdigest()[:16]


def english_sentences(risk: RiskFile, policy: Policy) -> dict[str, str]:
    """Return every sentence of the risk file that the instructions can print: all of them, whatever is printed for this build."""
    said = {f"{policy.id}.intended_use": policy.intended_use}
    said |= {f"{policy.id}.foreseeable_misuse.{n}": text for n, text in enumerate(policy.foreseeable_misuse, start=1)}
    said |= {f"{policy.id}.acceptability_words.{word}": meaning for word, meaning in policy.acceptability_words}
    said |= {f"{control.id}.ifu_sentence": control.ifu_sentence for control in risk.controls if control.ifu_sentence}
    for situation in risk.situations:
        said |= {f"{situation.id}.text": situation.text, f"{situation.id}.harm": situation.harm}
    return said


def english_passages(page: str) -> dict[str, str]:
    r"""Return the sections of a page by heading; what stands before the first one is found under the page's title.

    >>> english_passages("# Title\nhead\n## One\ntext\n")
    {'Title': 'head', 'One': 'text'}
    """
    parts = re.split(r"^#{1,2} +(.+)$", page, flags=re.MULTILINE)
    return {heading.strip(): text.strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def load_translation(root: Path, risk: RiskFile, policy: Policy, told: Mapping[str, str]) -> Translation:
    """Return the translation, if every English text has exactly the Chinese that was made from it.

    Args:
        root: of the repository.
        risk: the risk file.
        policy: its policy.
        told: what users are told of anomalies, by item and field.

    Raises:
        FileError: FILE-DATA, the table does not hold what it must; FILE-CONTENT, an English text has no translation or another one than it had, or a row
            translates what is no longer said.
    """
    document = sound(root, TRANSLATION, _TABLE, ("sentence", "passage", "term"))
    sentences = {row.id: row.data for row in document.rows("sentence")}
    _require_current(sentences, {**english_sentences(risk, policy), **told}, "sentence")
    passages = {row.id: row.data for row in document.rows("passage")}
    _require_current(passages, english_passages(_page(root, ENGLISH_PAGE)), "section")
    _require_headings(passages, english_passages(_page(root, CHINESE_PAGE)))
    return Translation(
        {name: row["chinese"] for name, row in sentences.items()},
        {row.id: row.data["chinese"] for row in document.rows("term")},
        len(passages),
        document.data["status"],
    )


def _require_current(rows: Mapping[str, Mapping[str, Any]], english: Mapping[str, str], what: str) -> None:
    """Compare the rows with what is said in English now, both ways."""
    for name, text in english.items():
        current = digest(text)
        if name not in rows:
            repair = f"translate {_shown(text)} and add the {what} with english = {current}"
            raise _content(name, "no translation", f"each {what} in Chinese", repair)
        if rows[name]["english"] != current:
            found = f"the translation of other English words ({rows[name]['english']})"
            raise _content(name, found, f"the translation of {_shown(text)}", f"translate it anew and write english = {current}")
    for name in rows:
        if name not in english:
            raise _content(
                name, f"a {what} that is not said in English any more", f"translations of each {what} that is", "remove the row"
            )


def _require_headings(passages: Mapping[str, Mapping[str, Any]], chinese: Mapping[str, str]) -> None:
    for name, row in passages.items():
        if not chinese.get(row["chinese"]):
            expected = f"a section {row['chinese']} with text in docs/{CHINESE_PAGE}.md"
            raise _content(
                name, "no such section, or an empty one", expected, "write the section, or correct its name in the table"
            )


def _page(root: Path, name: str) -> str:
    try:
        return (root / "docs" / f"{name}.md").read_text(encoding="utf-8")
    except OSError as err:
        raise _content(f"page {name}", "no such page", "the instructions in both languages", f"restore docs/{name}.md") from err


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 160 else f"{line[:157]}...")


def _content(item: str, found: str, expected: str, repair: str) -> FileError:
    return FileError("FILE-CONTENT", f"{TRANSLATION} {item}", found, expected, repair)
