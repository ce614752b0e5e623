"""The Chinese instructions cannot outlive the English: a changed, added or removed English text stops the build and names the item."""

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.dossier.print_font import require_glyphs
from pipeline.dossier.translation import (
    CHINESE_PAGE,
    ENGLISH_PAGE,
    TRANSLATION,
    digest,
    english_passages,
    english_sentences,
    load_translation,
)
from pipeline.file_error import FileError
from tests.edits import edit

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in (TRANSLATION, f"docs/{ENGLISH_PAGE}.md", f"docs/{CHINESE_PAGE}.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def with_situation(risk, **changed):
    """Return the risk file with its first hazardous situation changed."""
    first, *others = risk.hazards
    situation, *rest = first.situations
    return replace(risk, hazards=(replace(first, situations=(replace(situation, **changed), *rest)), *others))


def test_every_sentence_and_section_of_the_shipped_file_has_its_chinese(risk, told):
    found = load_translation(ROOT, risk, risk.policy, told)
    assert set(found.sentences) == set(english_sentences(risk, risk.policy)) | set(told)
    assert found.passages == len(english_passages((ROOT / f"docs/{ENGLISH_PAGE}.md").read_text(encoding="utf-8")))
    assert found.status == "draft"


def test_every_chinese_text_has_its_glyphs():
    rows = tomllib.loads((ROOT / TRANSLATION).read_text(encoding="utf-8"))
    require_glyphs(TRANSLATION, "".join(row["chinese"] for key in ("sentence", "passage", "term") for row in rows[key]))
    require_glyphs(CHINESE_PAGE, (ROOT / f"docs/{CHINESE_PAGE}.md").read_text(encoding="utf-8"))


def test_a_changed_english_sentence_is_named_with_the_hash_to_write(copy, risk, told):
    changed = with_situation(risk, harm="Infiltration overlooked; treatment delayed by months.")
    wanted = digest("Infiltration overlooked; treatment delayed by months.")
    with pytest.raises(
        FileError,
        match=rf"FILE-CONTENT at docs/zh-hant\.toml HS-001\.harm: found the translation of other .* write english = {wanted}",
    ):
        load_translation(copy, changed, changed.policy, told)


def test_spaces_are_no_change(copy, risk, told):
    same = with_situation(risk, text=risk.situations[0].text.replace(" ", "  "))
    assert load_translation(copy, same, same.policy, told).sentences


def test_a_new_english_sentence_is_named(copy, risk, told):
    more = with_situation(risk, id="HS-999")
    with pytest.raises(FileError, match=r"FILE-CONTENT at docs/zh-hant\.toml HS-999\.text: found no translation"):
        load_translation(copy, more, more.policy, told)


def test_a_translation_of_what_is_not_said_any_more_is_named(copy, risk, told):
    fewer = replace(risk, controls=tuple(control for control in risk.controls if control.id != "RC-018"))
    with pytest.raises(
        FileError, match=r"docs/zh-hant\.toml RC-018\.ifu_sentence: found a sentence that is not said in English any more"
    ):
        load_translation(copy, fewer, fewer.policy, told)


def test_a_changed_section_of_the_english_page_is_named(copy, risk, told):
    edit(copy, f"docs/{ENGLISH_PAGE}.md", "no pneumothorax", "no tension pneumothorax")
    with pytest.raises(
        FileError, match=r"docs/zh-hant\.toml What the device does not see: found the translation of other English words"
    ):
        load_translation(copy, risk, risk.policy, told)


def test_a_lost_chinese_section_is_named(copy, risk, told):
    edit(copy, f"docs/{CHINESE_PAGE}.md", "## 殘餘風險", "## 其他")
    with pytest.raises(FileError, match=r"docs/zh-hant\.toml Residual risks: found no such section, or an empty one"):
        load_translation(copy, risk, risk.policy, told)


def test_a_lost_page_is_named(copy, risk, told):
    (copy / f"docs/{CHINESE_PAGE}.md").unlink()
    with pytest.raises(FileError, match=r"docs/zh-hant\.toml page labelling-zh-hant: found no such page"):
        load_translation(copy, risk, risk.policy, told)


def test_words_of_evidence_without_a_term_are_named(risk, told):
    with pytest.raises(FileError, match=r"docs/zh-hant\.toml term 'turned by 45 degrees': found no translation"):
        load_translation(ROOT, risk, risk.policy, told).term("turned by 45 degrees")


def test_a_row_of_another_form_is_refused_with_its_line(copy, risk, told):
    edit(copy, TRANSLATION, "[[sentence]]\nid", '[[sentence]]\nnote = "x"\nid')
    with pytest.raises(FileError, match=r"FILE-DATA at docs/zh-hant\.toml:\d+: found SPC-UNKNOWN-KEY \$\.sentence\[0\]\.note"):
        load_translation(copy, risk, risk.policy, told)


def test_an_anomaly_that_users_are_newly_told_of_is_named(copy, risk, told):
    more = {**told, "ANO-999.title": "Marks vanish on Mondays"}
    with pytest.raises(FileError, match=r"FILE-CONTENT at docs/zh-hant\.toml ANO-999\.title: found no translation"):
        load_translation(copy, risk, risk.policy, more)
