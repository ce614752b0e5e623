"""Steps on the page for people: what it says, read as its reader sees it, and the picture within it."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pytest_bdd import given, then, when

from device_sw.report.page import result_page
from verification.steps import bundles, films
from verification.steps.command import run_analyse
from verification.steps.outputs import ASSESSMENT, REFUSED, detections

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from device_sw.device import Device
    from device_sw.report.content import AnalysisResult
    from verification.steps.command import Run

_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_FORBIDDEN = frozenset({"script", "link", "a", "iframe", "object", "embed", "form", "base"})
"""Elements that run something, lead away or fetch."""


@dataclass
class _Sheet(HTMLParser):
    """A page as it is shown: its texts in order, its elements, the sources of its pictures, and what it lets a browser load."""

    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    policy: str = ""
    kind: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.sources += [told[name] for name in ("src", "href", "srcset") if name in told]
        self.kind = told.get("class", "") if tag == "body" else self.kind
        self.policy = told.get("content", "") if told.get("http-equiv") == "Content-Security-Policy" else self.policy

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] not in {"style", "title"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(" ".join(self.words).split())


def _sheet(content: str) -> _Sheet:
    sheet = _Sheet()
    sheet.feed(content)
    return sheet


def _page(run: Run, index: int) -> _Sheet:
    found = run.named("pages", index)
    assert len(found) == 1, f"expected one page of input {index}, observed {[path.name for path in found]}"
    return _sheet(found[0].read_text(encoding="utf-8"))


def _missing(sheet: _Sheet, wanted: list[str]) -> list[str]:
    return [words for words in wanted if words not in sheet.text]


@then(
    "the page of input 1 gives the conclusion, and of each finding its name, state, operating point and marks with their scores,"
    " as in the result"
)
def _says_the_result(run: Run) -> None:
    record, sheet = run.record("results", 1), _page(run, 1)
    assert record["conclusion"] in sheet.text, f"expected {record['conclusion']!r}, observed {sheet.text[:300]!r}"
    _, _, rest = sheet.text.partition("Operating point")
    assert detections(record), "expected a film with marks, observed none"
    number = 1
    for row in record["findings"]:
        before, found, rest = rest.partition(row["name"])
        assert found, f"expected {row['name']} in the table's order, observed {before[:100]!r}"
        marks = [f"[{n}] {mark['score']:.2f}" for n, mark in enumerate(row["detections"], start=number)]
        rest_of_them = [f"and {len(marks) - 6} more"] if len(marks) > 6 else []
        wanted = (
            [*marks[:6], *rest_of_them, f"{row['operating_point']:.2f}"]
            if marks
            else [f"{row['state']} {row['operating_point']:.2f}"]
        )
        lacking = [words for words in wanted if words not in rest[:120]]
        assert not lacking, f"expected {lacking} beside {row['name']}, observed {rest[:120]!r}"
        number += len(marks)


@then(
    "the page of input 1 names device version, model version, bundle hash, policy, content hash and SOP Instance UID, as in the result"
)
def _names_its_makers(run: Run) -> None:
    record = run.record("results", 1)
    wanted = [f"ThoraTrace {record['device']['version']}", f"model {record['model']['version']}", f"policy {record['policy']}"]
    wanted += [record["model"]["bundle_sha256"], record["input"]["content_sha256"], record["input"]["sop_instance_uid"]]
    assert not _missing(_page(run, 1), wanted), f"expected {wanted}, observed {_page(run, 1).text!r}"


@when("its page is made with and without that detection", target_fixture="pages")
def _pictures(drawn_result: AnalysisResult) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int, int, int]]:
    marked, bare = (_picture(result) for result in (drawn_result, replace(drawn_result, detections=())))
    return marked, bare, (0, 0, marked.shape[1], marked.shape[0])


def _picture(result: AnalysisResult) -> NDArray[np.int64]:
    """Return the picture that the page holds, decoded from the page."""
    (source,) = _sheet(result_page(result, 1, "0001-x", _NOON)).sources
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))).astype(np.int64)


@then("each of the 5 inputs has one page, which holds its own picture, forbids every other source, and has no script and no link")
def _alone(run: Run) -> None:
    for index in range(1, 6):
        sheet = _page(run, index)
        outside = [source[:60] for source in sheet.sources if not source.startswith("data:image/png;base64,")]
        assert sheet.policy.startswith("default-src 'none'"), f"expected no source allowed, observed {sheet.policy!r}"
        assert not outside, f"expected no other file, observed {outside}"
        assert not _FORBIDDEN & set(sheet.tags), f"expected neither script nor link, observed {_FORBIDDEN & set(sheet.tags)}"
        assert len(sheet.sources) == (index not in REFUSED), f"expected the picture of a film, observed {len(sheet.sources)}"


@given("an analysed chest film of 512 x 512 pixels without any detection", target_fixture="drawn_result")
def _no_detection(devices: Callable[[str], Device], tmp_path: Path) -> AnalysisResult:
    result = devices("intended-use").analyse(films.write(films.film(films.picture(512, 512)), tmp_path / "film.dcm"))
    return replace(result, detections=())


@when("its page is made", target_fixture="sheet")
def _made(drawn_result: AnalysisResult) -> _Sheet:
    return _sheet(result_page(drawn_result, 1, "0001-x", _NOON))


@then("the page says that no finding was marked at the operating points and names the seven findings looked for")
def _says_none(sheet: _Sheet) -> None:
    names = ("Cardiac hypertrophy", "calcification", "Aortic curvature", "pleural", "infiltration", "spine", "Scoliosis")
    assert "No finding was marked at the operating points" in sheet.text, f"expected the words, observed {sheet.text[:300]!r}"
    _, _, after = sheet.text.partition("Looked for:")
    assert not [name for name in names if name not in after[:300]], f"expected the seven names, observed {after[:300]!r}"
    assert sheet.text.count("not marked") == 7, f"expected seven findings not marked, observed {sheet.text.count('not marked')}"


@then("the page does not call the film normal, healthy or negative")
def _no_assessment(sheet: _Sheet) -> None:
    assert not ASSESSMENT.findall(sheet.text), f"expected none of the words, observed {ASSESSMENT.findall(sheet.text)}"


@then("each caution of the result stands on the page, before the findings")
def _cautions(sheet: _Sheet, drawn_result: AnalysisResult) -> None:
    before, _, _ = sheet.text.partition("Operating point")
    assert len(drawn_result.cautions) >= 2, f"expected cautions, observed {drawn_result.cautions}"
    absent = [caution for caution in drawn_result.cautions if f"Caution: {caution}" not in before]
    assert not absent, f"expected every caution before the findings, observed none of {absent}"


@then("every page says that the device is an engineering baseline, not cleared and not for clinical use")
def _status(run: Run) -> None:
    for index in range(1, 6):
        sheet = _page(run, index)
        lacking = _missing(sheet, ["NOT FOR CLINICAL USE", "Engineering baseline, not cleared, not for clinical use."])
        assert not lacking, f"expected the status on page {index}, observed {lacking} missing"


@then("every page says that a mark supports but never replaces reading the whole film")
def _limits(run: Run) -> None:
    for index in range(1, 6):
        lacking = _missing(_page(run, index), ["A mark supports but never replaces reading the whole film"])
        assert not lacking, f"expected the limits on page {index}, observed none"


@then("every page begins with RESEARCH, in the colour of the mark")
def _research_pages(run: Run) -> None:
    pages = sorted((run.out / "pages").glob("*.html"))
    assert len(pages) == 4, f"expected four pages, observed {[path.name for path in pages]}"
    for path in pages:
        sheet = _sheet(path.read_text(encoding="utf-8"))
        assert sheet.text.startswith("RESEARCH - NOT FOR CLINICAL USE"), f"expected the mark first, observed {sheet.text[:80]!r}"
        assert sheet.kind == "research", f"expected the colour of the mark, observed {sheet.kind!r}"


@then(
    "the pages of inputs 2, 3 and 4 say that they were not analysed, with code, place, found, expected and repair of each reason"
)
def _reasons(run: Run) -> None:
    for index, code in REFUSED.items():
        record, sheet = run.record("refusals", index), _page(run, index)
        wanted = [value for reason in record["reasons"] for value in reason.values()]
        assert code in wanted, f"expected {code} among the reasons, observed {wanted}"
        lacking = _missing(sheet, ["Not analysed.", "The input was refused.", *(" ".join(words.split()) for words in wanted)])
        assert not lacking, f"expected every reason on page {index}, observed {lacking} missing"


@then("they show no picture and name no finding")
def _nothing_shown(run: Run) -> None:
    names = [row["name"] for row in run.record("results", 1)["findings"]]
    for index in REFUSED:
        sheet = _page(run, index)
        assert not sheet.sources, f"expected no picture on page {index}, observed {len(sheet.sources)}"
        named = [name for name in names if name in sheet.text]
        assert not named, f"expected no finding on page {index}, observed {named}"


@then("its page says that the film was admitted and its analysis failed with INF-NONFINITE")
def _failed_page(failed_out: Path) -> None:
    (path,) = (failed_out / "pages").glob("*.html")
    lacking = _missing(_sheet(path.read_text(encoding="utf-8")), ["admitted, but its analysis failed", "INF-NONFINITE"])
    assert not lacking, f"expected the failure, observed {lacking} missing"


@when("the command line analyses a chest film and a text file without pages", target_fixture="pageless")
def _without_pages(tmp_path: Path) -> dict[str, Any]:
    film = films.write(films.film(), tmp_path / "film.dcm")
    text = tmp_path / "text.txt"
    text.write_text("no film", encoding="utf-8")
    run = run_analyse([film, text], tmp_path / "out", bundles.untrained(tmp_path / "bundle"), "--no-page")
    records = [json.loads(path.read_text(encoding="utf-8")) for path in run.out.glob("re*/*.json")]
    return {"pages": list((run.out / "pages").glob("*")), "told": [record["page"] for record in records]}


@then("there is no page, and result and record say that none was made")
def _pageless(pageless: dict[str, Any]) -> None:
    assert pageless == {"pages": [], "told": [False, False]}, f"expected neither page nor the word of one, observed {pageless}"
