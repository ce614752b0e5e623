"""Chinese prints: the font in the repository has what the project's texts use, and a character without a glyph stops the build."""

import tomllib
from pathlib import Path

import pytest

from pipeline.dossier.print_font import FONT, common_characters, require_glyphs
from pipeline.file_error import FileError

PUNCTUATION = "".join(map(chr, (0x3001, 0x3002, 0x300C, 0x300D, 0xFF01, 0xFF08, 0xFF09, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF1F)))
ROOT = Path(__file__).resolve().parents[3]


def test_every_chinese_label_has_its_glyphs():
    findings = tomllib.loads((ROOT / "device_sw/findings.toml").read_text(encoding="utf-8"))["finding"]
    require_glyphs("findings", "".join(label for row in findings for label in row["chinese"]))


def test_common_traditional_characters_have_their_glyphs():
    require_glyphs("text", "".join(common_characters()) + PUNCTUATION)


def test_a_character_without_glyph_is_named():
    with pytest.raises(FileError, match=r"FILE-FONT at docs/x: found no glyph for 𠮷 \(U\+20BB7\)"):
        require_glyphs("docs/x", "a𠮷b")


def test_the_licence_lies_beside_the_font():
    assert "SIL OPEN FONT LICENSE Version 1.1" in FONT.with_name("OFL.txt").read_text(encoding="utf-8")
