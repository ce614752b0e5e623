"""Steps on the picture of a result: outlines, words, header, and the mark of research."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pytest_bdd import given, parsers, then, when

from device_sw._version import __version__
from device_sw.findings import all_findings
from device_sw.report.overlay import overlay
from device_sw.types import Box, Detection, Policy
from verification.steps import bundles, films
from verification.steps.admission import analysed
from verification.steps.outputs import (
    ASSESSMENT,
    drawn_words,
    film_place,
    streams_and_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from numpy.typing import NDArray
    from PIL import Image

    from device_sw.device import Device
    from device_sw.report.content import AnalysisResult
    from verification.steps.command import Run


def _marked(run: Run) -> dict[str, str | None]:
    values = {**run.records(), "summary.json": run.json("summary.json")}
    values |= {f"audit line {number}": line for number, line in enumerate(run.audit, start=1)}
    return {name: value.get("mark") for name, value in values.items()}


@then("every result, record, audit line and summary carries the mark RESEARCH")
def _all_marked(run: Run) -> None:
    marks = _marked(run)
    assert len(marks) == 9, f"expected four records, four audit lines and a summary, observed {sorted(marks)}"
    bare = [name for name, mark in marks.items() if mark != "RESEARCH"]
    assert not bare, f"expected the mark everywhere, observed none in {bare}"


@then("no result, record, audit line or summary carries the mark RESEARCH")
def _none_marked(run: Run) -> None:
    found = [name for name, content in streams_and_files(run).items() if not name.endswith(".png") and b"RESEARCH" in content]
    assert len(_marked(run)) == 11, f"expected five records, five audit lines and a summary, observed {len(_marked(run))}"
    assert not found, f"expected the mark nowhere, observed it in {found}"


@then("input 2 is analysed, marked RESEARCH and carries a caution on its kind")
def _capture_marked(run: Run) -> None:
    record = run.record("results", 2)
    assert (record["status"], record["mark"]) == ("analysed", "RESEARCH"), (
        f"expected a marked result, observed {record['status']}"
    )
    assert any("Secondary Capture" in caution for caution in record["cautions"]), (
        f"expected a caution, observed {record['cautions']}"
    )


@given("the overlays of one film under both policies", target_fixture="both")
def _both(
    devices: Callable[[str], Device], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[Image.Image, str, AnalysisResult]]:
    path = films.write(films.film(), tmp_path / "film.dcm")
    results = [analysed(devices(policy.value), path).analysis for policy in (Policy.INTENDED_USE, Policy.RESEARCH)]
    return [(overlay(result), " ".join(drawn_words(result, monkeypatch)), result) for result in results]


@then("their headers differ in colour and words, and their films do not differ")
def _headers(both: list[tuple[Image.Image, str, AnalysisResult]]) -> None:
    (plain, plain_words, result), (marked, marked_words, _) = both
    left, top, wide, high = film_place(plain, result)
    header = (0, 0, plain.width, top - 30)
    first, second = (np.asarray(page.crop(header)) for page in (plain, marked))
    differing = float(np.mean(np.any(first != second, axis=2)))
    assert differing > 0.5, f"expected another header colour, observed a difference in {differing:.0%} of the pixels"
    assert "RESEARCH" in marked_words, "expected the word RESEARCH, observed none"
    assert "RESEARCH" not in plain_words, "expected no RESEARCH under intended-use, observed it"
    area = (left, top, left + wide, top + high)
    assert np.array_equal(np.asarray(plain.crop(area)), np.asarray(marked.crop(area))), (
        "expected equal films, observed a difference"
    )


def _analysed_film(devices: Callable[[str], Device], tmp_path: Path, rows: int, columns: int) -> AnalysisResult:
    path = films.write(films.film(films.picture(rows, columns)), tmp_path / "film.dcm")
    return analysed(devices("intended-use"), path).analysis


@given(
    parsers.parse("an analysed chest film of {rows:d} x {columns:d} pixels with one detection in its middle"),
    target_fixture="drawn_result",
)
def _one_detection(devices: Callable[[str], Device], tmp_path: Path, rows: int, columns: int) -> AnalysisResult:
    box = Box(columns * 0.4, rows * 0.4, columns * 0.6, rows * 0.6)
    return replace(_analysed_film(devices, tmp_path, rows, columns), detections=(Detection(all_findings()[0].id, box, 0.9),))


@given("an analysed chest film of 512 x 512 pixels with one detection of each finding", target_fixture="drawn_result")
def _each_finding(devices: Callable[[str], Device], tmp_path: Path) -> AnalysisResult:
    marks = tuple(
        Detection(row.id, Box(40.0 + 60 * k, 60.0 + 55 * k, 80.0 + 60 * k, 90.0 + 55 * k), 0.9)
        for k, row in enumerate(all_findings())
    )
    return replace(_analysed_film(devices, tmp_path, 512, 512), detections=marks)


@given("an analysed chest film of 512 x 512 pixels without heat map", target_fixture="drawn_result")
def _without_map(devices: Callable[[str], Device], tmp_path: Path) -> AnalysisResult:
    return replace(_analysed_film(devices, tmp_path, 512, 512), heat_map=None)


@given("an analysed chest film of 512 x 512 pixels without orientation, compressed with loss", target_fixture="drawn_result")
def _with_cautions(devices: Callable[[str], Device], tmp_path: Path) -> AnalysisResult:
    dataset = films.film()
    del dataset.PatientOrientation
    dataset.LossyImageCompression = "01"
    return analysed(devices("intended-use"), films.write(dataset, tmp_path / "film.dcm")).analysis


@when("its overlay is drawn with and without that detection", target_fixture="pages")
def _pages(drawn_result: AnalysisResult) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int, int, int]]:
    marked, bare = overlay(drawn_result), overlay(replace(drawn_result, detections=()))
    left, top, wide, high = film_place(bare, drawn_result)
    crop = (left, top, left + wide, top + high)
    return np.asarray(marked.crop(crop)).astype(np.int64), np.asarray(bare.crop(crop)).astype(np.int64), (left, top, wide, high)


@then(parsers.parse("the film on the overlay measures {high:d} x {wide:d} pixels"))
def _measures(pages: tuple[Any, Any, tuple[int, int, int, int]], high: int, wide: int) -> None:
    observed = (pages[2][3], pages[2][2])
    assert observed == (high, wide), f"expected {high} x {wide}, observed {observed[0]} x {observed[1]}"


def _on_page(pages: tuple[Any, Any, tuple[int, int, int, int]], result: AnalysisResult) -> tuple[float, float, float, float]:
    """Return the first box in pixels of the film as drawn, scaled here and not by the code under test."""
    _, _, wide, high = pages[2]
    x0, y0, x1, y1 = result.detections[0].box.as_tuple()
    return (
        x0 * wide / result.film.columns,
        y0 * high / result.film.rows,
        x1 * wide / result.film.columns,
        y1 * high / result.film.rows,
    )


@then("the pixels inside the box, away from its outline, are those of the film without mark")
def _inside(pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult) -> None:
    marked, bare, _ = pages
    x0, y0, x1, y1 = (round(edge) for edge in _on_page(pages, drawn_result))
    inside = (slice(y0 + 8, y1 - 8), slice(x0 + 8, x1 - 8))
    differing = int(np.count_nonzero(np.any(marked[inside] != bare[inside], axis=2)))
    assert bare[inside].size > 1000, f"expected a box with an inside, observed {bare[inside].shape}"
    assert differing == 0, f"expected the film's own pixels, observed {differing} others"


@then("the outline differs from the film without mark")
def _outline(pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult) -> None:
    for name, share in _sides(pages, drawn_result, 4).items():
        assert share > 0.9, f"expected an outline on the {name} side, observed paint on {share:.0%} of it"


@then(parsers.parse("the outline on the overlay lies within {limit:d} pixels of the box scaled to the film on the page"))
def _near(pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult, limit: int) -> None:
    for name, share in _sides(pages, drawn_result, limit).items():
        assert share > 0.9, f"expected the {name} side within {limit} pixels, observed paint on {share:.0%} of it"


def _sides(pages: tuple[Any, Any, tuple[int, int, int, int]], result: AnalysisResult, limit: int) -> dict[str, float]:
    """Return for each side of the box how much of its length has paint within ``limit`` pixels of where the side belongs."""
    paint = np.any(pages[0] != pages[1], axis=2)
    x0, y0, x1, y1 = (round(edge) for edge in _on_page(pages, result))
    across, along = slice(x0 + 8, x1 - 8), slice(y0 + 8, y1 - 8)
    return {
        "upper": float(paint[y0 - limit : y0 + limit + 1, across].any(axis=0).mean()),
        "lower": float(paint[y1 - limit : y1 + limit + 1, across].any(axis=0).mean()),
        "left": float(paint[along, x0 - limit : x0 + limit + 1].any(axis=1).mean()),
        "right": float(paint[along, x1 - limit : x1 + limit + 1].any(axis=1).mean()),
    }


@then("each outline has a colour of its own, and its label names the finding and the score")
def _colours(
    pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked, bare, (_, _, wide, high) = pages
    assert np.all(bare == bare[..., :1]), "expected a grey film without marks, observed colours"
    colours = []
    for detection in drawn_result.detections:
        scales = (wide / drawn_result.film.columns, high / drawn_result.film.rows) * 2
        x0, y0, _x1, y1 = (round(edge * scale) for edge, scale in zip(detection.box.as_tuple(), scales, strict=True))
        ring = marked[(y0 + y1) // 2, x0 - 3 : x0 + 4]
        found = ring[np.any(ring != ring[..., :1], axis=1)]
        assert len(found), f"expected a coloured outline of {detection.finding}, observed {ring.tolist()}"
        colours.append(tuple(found[0].tolist()))
    words = drawn_words(drawn_result, monkeypatch)
    unnamed = [
        row.name for row in all_findings() if not any(row.name.split(" (")[0] in text and "0.90" in text for text in words)
    ]
    assert len(set(colours)) == 7, f"expected seven colours, observed {colours}"
    assert not unnamed, f"expected a label with name and score of each finding, observed none of {unnamed}"


@when("the words drawn on its overlay are collected", target_fixture="words")
def _words(drawn_result: AnalysisResult, monkeypatch: pytest.MonkeyPatch) -> str:
    return " ".join(drawn_words(drawn_result, monkeypatch))


def _assert_words(words: str, wanted: tuple[str, ...]) -> None:
    missing = [text for text in wanted if text.lower() not in words.lower()]
    assert not missing, f"expected the words, observed {missing} missing in {words[:400]!r}"


@then("they say EigenCAM, engineering baseline, not cleared, not for clinical use")
def _say_status(words: str) -> None:
    _assert_words(words, ("EigenCAM", "engineering baseline", "not cleared", "not for clinical use"))


@then("they say that a mark supports but never replaces reading the whole film")
def _say_limits(words: str) -> None:
    _assert_words(words, ("supports but never replaces reading the whole film",))


@then("they say that the heat map is no evidence for any finding")
def _say_evidence(words: str) -> None:
    _assert_words(words, ("no evidence for any",))


@then("they give the cautions on orientation and on lossy compression")
def _say_cautions(words: str) -> None:
    _assert_words(words, ("Caution: ADM-ORIENTATION-MISSING", "PatientOrientation", "Caution: ADM-LOSSY", "lossy"))


@then("they name device version, model version, the beginning of bundle hash and content hash, and the training data")
def _name_what_made_it(words: str, small_bundle: Path, tmp_path: Path) -> None:
    manifest = json.loads((small_bundle / "manifest.json").read_text(encoding="utf-8"))
    hashes = (bundles.sha256(small_bundle / "manifest.json")[:12], bundles.sha256(tmp_path / "film.dcm")[:12])
    _assert_words(words, (f"ThoraTrace {__version__}", f"model {manifest['model_version']}", *hashes, manifest["profile"]))


@then("each of the seven findings stands there with its operating point, and the mark with its score")
def _operating_points(words: str, drawn_result: AnalysisResult, small_bundle: Path) -> None:
    points = json.loads((small_bundle / "thresholds.json").read_text(encoding="utf-8"))["thresholds"]
    marked = {detection.finding: detection.score for detection in drawn_result.detections}
    for row in all_findings():
        said = f"marked [1] {marked[row.id]:.2f}" if row.id in marked else "not marked"
        _assert_words(words, (f"{row.name}: {said} (operating point {points[row.id]:.2f})",))


@then("they say that no heat map exists")
def _say_no_map(words: str) -> None:
    _assert_words(words, ("no heat map exists",))


@then("none of the words calls the film normal, healthy or negative")
def _say_nothing_more(words: str) -> None:
    found = ASSESSMENT.findall(words)
    assert not found, f"expected none of the three words, observed {found}"
