"""The font of Chinese, Japanese and Korean text in print, which lies in the repository, so that a page looks the same wherever it is made.

It is a subset of Noto Sans CJK TC (SIL Open Font License 1.1): what the project's texts use, and the characters that two standards count as the common ones
of traditional Chinese, so that a new sentence rarely needs a new subset. Where one does, the build says which characters are missing, and
``python -m pipeline.dossier.print_font NotoSansCJK-Regular.ttc`` makes the subset again; equal inputs give equal bytes.

Source: Big5 level 1 and KS X 1001 as the codecs of Python hold them; OFL 1.1 (`fonts/OFL.txt`), whose reserved name "Source" the subset does not use.
"""

from __future__ import annotations

import io
import subprocess
import sys
from functools import cache
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

from pipeline.file_error import FileError

FOLDER = Path(__file__).with_name("fonts")
FONT = FOLDER / "NotoSansCJKtc-subset.otf"
FAMILY = "Noto Sans CJK TC"
UNPRINTED = frozenset("\n\t\u200b")
"""Characters that need no glyph: line ends and the place where a long name may break."""

_HAN = range(0x4E00, 0xA000)
_PLAIN = (*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x2010, 0x2027), *range(0x3000, 0x3020), *range(0xFF01, 0xFF5F))
_BIG5_LEVEL_1 = (0xA440, 0xC67E)


def require_glyphs(place: str, text: str) -> None:
    """Stop where a character has no glyph: a printed file must not show boxes.

    Raises:
        FileError: FILE-FONT, naming the characters.
    """
    missing = sorted(set(text) - UNPRINTED - _covered())
    if missing:
        raise FileError(
            "FILE-FONT",
            place,
            "no glyph for " + ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in missing[:8]),
            f"every character in {FONT.name}",
            "make the subset again: .venv/bin/python -m pipeline.dossier.print_font PATH_OF_NotoSansCJK-Regular.ttc",
        )


@cache
def _covered() -> frozenset[str]:
    return frozenset(map(chr, TTFont(FONT, lazy=True).getBestCmap()))


def common_characters() -> frozenset[str]:
    """Return the Han characters that both Big5 level 1 and KS X 1001 hold: 3,872 traditional ones in common use.

    >>> len(common_characters()), "肺" in common_characters()
    (3872, True)
    """
    first, last = _BIG5_LEVEL_1
    return frozenset(
        letter
        for letter in map(chr, _HAN)
        if len(letter.encode("euc_kr", "ignore")) == 2
        and first <= int.from_bytes(letter.encode("big5", "ignore") or b"\0") <= last
    )


def characters_of(root: Path) -> frozenset[str]:
    """Return every character of the texts that git tracks below ``root``; tests try characters that nothing prints."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    found: set[str] = set()
    for name in listed.split("\0"):
        if not name or name.startswith("tests/"):
            continue
        try:
            found.update((root / name).read_text(encoding="utf-8"))
        except (UnicodeDecodeError, OSError):
            continue
    return frozenset(found)


def make(collection: Path, characters: frozenset[str]) -> bytes:
    """Return the subset of the traditional Chinese face of a Noto Sans CJK collection with these characters and the plain ones.

    Raises:
        ValueError: the collection has no such face.
    """
    names = [face["name"].getDebugName(4) for face in TTCollection(collection, lazy=True)]
    face = TTFont(collection, fontNumber=names.index(FAMILY), recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.name_IDs = ["*"]
    maker = subset.Subsetter(options)
    maker.populate(unicodes={*_PLAIN, *map(ord, characters)})
    maker.subset(face)
    out = io.BytesIO()
    face.save(out)
    return out.getvalue()


if __name__ == "__main__":
    FONT.write_bytes(make(Path(sys.argv[1]), common_characters() | characters_of(Path(__file__).resolve().parents[2])))
