"""The page for people: the same words as the result, no patient data, nothing that a hostile header could smuggle in, one sheet."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sw.dicom.admission import RULES
from device_sw.errors import InputRefused
from device_sw.findings import all_findings
from device_sw.report.page import SHOWN_MARKS, SHOWN_REASONS, refusal_page, result_page, stated_time
from device_sw.report.refusal import refusal_record
from device_sw.types import Box, Detection, Policy
from tests.device_sw.stand_ins import IDS, FixedDetector, device
from verification.steps import films

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOON = datetime(2026, 11, 21, 12, 30, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return films.write(films.film(), tmp_path_factory.mktemp("page") / "PLANTEDFILE.dcm")


@pytest.fixture(scope="module")
def result(film):
    return device().analyse(film)


def page(result, when=NOON):
    return result_page(result, 3, "0003-abc", when)


def refusal(reasons, policy=Policy.INTENDED_USE, **parts):
    errors = [
        InputRefused(
            rule.code, **({"where": rule.where, "found": "that", "expected": rule.expected, "repair": rule.repair} | parts)
        )
        for rule in reasons
    ]
    first = InputRefused(errors[0].code, where=errors[0].where, found=errors[0].found, expected=errors[0].expected,
                         repair=errors[0].repair, also=tuple(errors[1:]))  # fmt: skip
    return refusal_record(first, index=4, policy=policy, device_version="0.1.0", bundle_sha256="b" * 64)


def many(result, count):
    """The result with so many marks of each finding."""
    return replace(
        result,
        detections=tuple(
            Detection(row, Box(10.0 + 30 * n, 20.0 + 60 * k, 60.0 + 30 * n, 70.0 + 60 * k), 0.95 - n / 100)
            for k, row in enumerate(IDS)
            for n in range(count)
        ),
    )


def test_nothing_planted_comes_out(result, film):
    content = page(result).encode()
    assert [name for name, value in films.planted_bytes(film).items() if value in content] == []


def test_the_same_result_gives_the_same_page(result):
    assert page(result) == page(result)


@given(
    when=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone is drawn, too
    hours=st.integers(-12, 14),
)
def test_the_time_comes_back_to_the_second(when, hours):
    zoned = when.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert stated_time(refusal_page(refusal(RULES[:1]), "0004-x", zoned)) == zoned.replace(microsecond=0)


def test_a_page_without_time_is_refused():
    with pytest.raises(ValueError, match="no time on the page"):
        stated_time("<html></html>")


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_whatever_a_header_holds_stays_text(text):
    content = refusal_page(refusal(RULES[:1], found=text), "0004-x", NOON)
    assert f"<td>{escape(text)}</td>" in content
    assert len(re.findall(r"<[a-z]", content)) == len(re.findall(r"<[a-z]", refusal_page(refusal(RULES[:1]), "0004-x", NOON)))


def test_a_hostile_uid_is_no_element(result):
    hostile = replace(result, film=replace(result.film, sop_instance_uid="<script>alert(1)</script>"))
    assert "<script" not in page(hostile)
    assert "&lt;script&gt;" in page(hostile)


@pytest.mark.parametrize("count", [SHOWN_MARKS, SHOWN_MARKS + 3])
def test_marks_beyond_the_room_are_counted(result, count):
    content = page(many(result, count))
    assert len(re.findall(r"<b>\[\d+\] \d\.\d\d</b>", content)) == 7 * SHOWN_MARKS
    assert content.count("and 3 more") == (7 if count > SHOWN_MARKS else 0)


def test_reasons_beyond_the_room_are_named():
    content = refusal_page(refusal(RULES[: SHOWN_REASONS + 2]), "0004-x", NOON)
    assert all(rule.code in content for rule in RULES[: SHOWN_REASONS + 2])
    assert "2 more reasons stand in the record" in content


def test_a_finding_that_was_not_looked_for_is_not_called_not_marked(film):
    content = page(device(FixedDetector(found=IDS[:3]), findings=IDS[:3]).analyse(film))
    assert content.count("<td>not analysed</td><td>-</td>") == 4


def longest():
    """A refusal with many reasons, the longest first, and the longest words a header can put there."""
    reasons = sorted(RULES, key=lambda rule: -len(rule.expected + rule.repair))
    return refusal(reasons[:20], Policy.RESEARCH, found="a value of about the length that such values have at most")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: whether a page fits one sheet is not tried")
def test_a_page_is_one_sheet(result, tmp_path):
    cautions = tuple(
        f"ADM-VIEW-MISSING: (0018,5101) ViewPosition is not stated; expected PA or AP, number {n}" for n in range(14)
    )
    research = device(policy=Policy.RESEARCH)
    tall = research.analyse(films.write(films.film(films.picture(1000, 600)), tmp_path / "film.dcm"))
    pages = {
        "full": page(replace(many(tall, 14), cautions=cautions)),
        "empty": page(replace(result, detections=())),
        "refusal": refusal_page(longest(), "0004-x", NOON),
    }
    for name, content in pages.items():
        (tmp_path / f"{name}.html").write_text(content, encoding="utf-8")
        assert printed(tmp_path / f"{name}.html") == 1, name


def printed(path):
    """The number of sheets that a browser prints, counted in its PDF."""
    made = path.with_suffix(".pdf")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={path.parent / 'browser'}"]
    command = [CHROMIUM, *options, "--no-pdf-header-footer", f"--print-to-pdf={made}", f"file://{path}"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return len(re.findall(rb"/Type\s*/Page\b", made.read_bytes()))


def test_every_finding_stands_on_the_page(result):
    content = page(result)
    assert all(escape(row.name) in content and row.chinese[0] in content for row in all_findings())
