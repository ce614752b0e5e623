"""The real and hostile DICOM corpus: every file ends in a result or in a coded refusal, and the chest films as published."""

import csv
import hashlib
import json
import re
from functools import cache

import numpy as np
import pytest

from device_sw.dicom.reader import read
from device_sw.errors import InputRefused
from device_sw.types import Policy
from tests.device_sw.dicom.corpus import CORPUS, EVIDENCE, files, outcome

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the real DICOM corpus is not here: ../shared/data/dicom_corpus"),
]

TRAPS = {
    "bad/generated/jpeg_half_stream.dcm": "IN-TRUNCATED",
    "bad/generated/ts_lie_j2k.dcm": "IN-CODESTREAM",
    "bad/generated/long_pixels.dcm": "IN-PIXELS-SURPLUS",
    "bad/generated/constant_image.dcm": "ADM-GREY-LEVELS",
    "bad/generated/window_width_zero.dcm": "ADM-WINDOW-WIDTH",
    "bad/generated/window_width_negative.dcm": "ADM-WINDOW-WIDTH",
    "bad/generated/rescale_slope_zero.dcm": "ADM-SLOPE",
    "bad/generated/pixel_spacing_zero.dcm": "ADM-SPACING",
    "bad/generated/hostile_strings.dcm": "ADM-TEXT",
    "bad/generated/uid_path_traversal.dcm": "ADM-TEXT",
    "bad/pydicom/SC_rgb_jpeg.dcm": "ADM-COLOUR",
    "bad/pydicom/bad_sequence.dcm": "ADM-SOP-CLASS",
}
"""Files that a toolkit reads without complaint, with the reason that the device must find."""


@cache
def outcomes():
    return {path.relative_to(CORPUS).as_posix(): {policy.value: outcome(path, policy) for policy in Policy} for path in files()}


def expected():
    return json.loads((EVIDENCE / "expected_cxr.json").read_text(encoding="utf-8"))["files"]


def test_every_file_ends_in_a_result_or_a_coded_refusal():
    code = re.compile(r"^(ADM|IN)-[A-Z-]+$")
    for row in outcomes().values():
        for policy in Policy:
            told = row[policy]
            assert told["outcome"] == "admitted" or code.match(told["code"])


def test_only_real_chest_films_are_admitted():
    admitted = {name for name, row in outcomes().items() if any(row[policy]["outcome"] == "admitted" for policy in Policy)}
    assert admitted == {f"good/cxr/{row['file']}" for row in expected() if row["research"]["outcome"] == "admitted"}


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("row", expected(), ids=lambda row: row["file"])
def test_chest_films_have_the_published_outcome(row, policy):
    path = CORPUS / "good" / "cxr" / row["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
    told = outcomes()[f"good/cxr/{row['file']}"][policy]
    assert (told["outcome"], told["code"], told.get("also", [])) == tuple(row[policy][key] for key in ("outcome", "code", "also"))


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize(("name", "code"), TRAPS.items())
def test_silent_traps_are_refused_for_their_own_reason(name, code, policy):
    told = outcomes()[name][policy]
    assert code in {told["code"], *told["also"]}


def test_recorded_outcomes_are_those_of_this_device():
    recorded = json.loads((EVIDENCE / "outcomes.json").read_text(encoding="utf-8"))["outcomes"]
    assert {row["file"]: {policy: row[policy] for policy in Policy} for row in recorded} == outcomes()


def test_research_admits_whatever_intended_use_admits():
    for row in outcomes().values():
        assert row["intended-use"]["outcome"] != "admitted" or row["research"]["outcome"] == "admitted"


def test_decoded_values_are_those_of_the_reference_decoder():
    """The manifest's md5 was made by pydicom on its own; native, RLE, JPEG, JPEG-LS and JPEG 2000 files must give the same values."""
    with (CORPUS / "manifest.csv").open(encoding="utf-8") as table:
        rows = {row["path"]: row for row in csv.DictReader(table) if row["pixel_md5"]}
    compared = set()
    for name, row in rows.items():
        try:
            film = read(CORPUS / name)
        except InputRefused:
            continue
        assert hashlib.md5(np.ascontiguousarray(film.stored.astype(row["dtype"])).tobytes()).hexdigest() == row["pixel_md5"], name
        compared.add(film.attributes.transfer_syntax)
    assert len(compared) >= 10
