"""What every picture of a result is drawn with: the banner that says what made it, the film as displayed, a map over it, colours and wrapped lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from device_sw.findings import all_findings
from device_sw.report.content import mark, training_note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from device_sw.report.content import AnalysisResult
    from device_sw.types import Detection

PANEL = 900
"""Longest side of a film on a page of its own, pixels."""

_COLOURS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#00c08b", "#ff6f3c", "#b5a7ff")
"""One colour a finding, in table order; the Okabe-Ito set made light enough for a dark film."""

INK, QUIET, PAGE, BANNER, RESEARCH = "#f2f2f2", "#9aa0a6", "#16181b", "#2a2d31", "#b3261e"
PAD, LINE = 20, 24


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the one font, at a size in pixels."""
    return ImageFont.load_default(size)


def display(pixels: NDArray[np.float32], side: int = PANEL) -> Image.Image:
    """Return (rows, columns) values in [0, 1] as an RGB picture whose longer side has so many pixels."""
    rows, columns = pixels.shape
    scale = side / max(rows, columns)
    film = Image.fromarray(np.round(pixels * 255.0).astype(np.uint8), mode="L")
    return film.resize((max(1, round(columns * scale)), max(1, round(rows * scale))), Image.Resampling.LANCZOS).convert("RGB")


def heated(film: Image.Image, heat: NDArray[np.float32] | None, *, brightness: float = 0.8, cover: float = 0.55) -> Image.Image:
    """Lay the heat map over the darkened film, from transparent (below a quarter) through amber to red (1); without a map the film alone, dark.

    Args:
        film: as displayed.
        heat: values in [0, 1] over the same field, of any size.
        brightness: of the film below the map, 1 for as it is.
        cover: how much of the film the map's largest value hides, 1 for all of it.
    """
    base = np.asarray(film, dtype=np.float32)
    if heat is None:
        return Image.fromarray((base * 0.35).astype(np.uint8))
    sized = np.asarray(Image.fromarray(heat, mode="F").resize(film.size, Image.Resampling.BILINEAR), dtype=np.float32)
    strength = np.clip((sized - 0.25) / 0.75, 0.0, 1.0)[..., None]
    warmth = np.concatenate([np.full_like(strength, 255.0), 200.0 * (1.0 - strength), np.zeros_like(strength)], axis=2)
    opacity = cover * strength
    return Image.fromarray(np.round(brightness * base * (1.0 - opacity) + warmth * opacity).astype(np.uint8))


def banner_height() -> int:
    """Return the height of the banner, pixels."""
    return 2 * LINE + PAD


def banner(page: Image.Image, result: AnalysisResult) -> None:
    """Draw what the picture is not for, the mark of its policy, and what made it from which film."""
    draw = ImageDraw.Draw(page)
    words = mark(result.policy)
    draw.rectangle((0, 0, page.width, banner_height()), fill=RESEARCH if words else BANNER)
    head = f"{words} - NOT FOR CLINICAL USE" if words else "NOT FOR CLINICAL USE"
    draw.text((PAD, 10), head, fill=INK, font=font(26))
    settings = result.settings
    made = f"ThoraTrace {result.device_version}, model {settings.model_version}, bundle {result.bundle_sha256[:12]}, film {result.film.content_sha256[:12]}"
    draw.text((PAD, 14 + LINE + 4), f"{made}. {training_note(settings)}", fill=INK, font=font(15))


def panel(page: Image.Image, picture: Image.Image, corner: tuple[int, int], title: str) -> None:
    """Lay a picture on the page with its title above."""
    ImageDraw.Draw(page).text((corner[0], corner[1] - LINE), title, fill=QUIET, font=font(16))
    page.paste(picture, corner)


def colour(finding_id: str) -> str:
    """Return the finding's colour."""
    return _COLOURS[[row.id for row in all_findings()].index(finding_id) % len(_COLOURS)]  # type: ignore[arg-type]


def in_table_order(result: AnalysisResult) -> list[Detection]:
    """Return the marks as they are numbered in every picture: in the table's order of findings, best first within a finding."""
    return [detection for row in all_findings() for detection in result.of(row)]


def wrapped(text: str, width: int, size: int = 16) -> list[str]:
    """Break a text at spaces into lines of at most so many pixels; a word that is longer has a line of its own."""
    letters, lines = font(size), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and letters.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
