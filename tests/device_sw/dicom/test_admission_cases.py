"""Every row of the table of admission cases, as a file, through reading, admission and preprocessing; and every encoding where the size limit is lifted."""

import pytest

from device_sw.dicom import admission
from device_sw.types import Policy
from tests.device_sw.dicom.admission_cases import CASES, REFUSALS, VARIANTS, file_of
from tests.device_sw.dicom.corpus import outcome
from verification.steps.encodings import ENCODINGS, LOSSY, written

NEGATIVES = {
    "MONOCHROME1, INVERSE", "MONOCHROME1, no shape", "MONOCHROME1, signed", "negative slope", "VOI LUT, falling and starting late", "SIGMOID, MONOCHROME1",
    "padding value, MONOCHROME1", "padding range, falling, MONOCHROME1", "JPEG 2000 .90, 16 bits, MONOCHROME1",
}  # fmt: skip
"""Encodings whose header shows the table's one chest as a negative: right in preprocessing, and refused for it."""


def wanted(case, policy):
    return case.intended_use if policy is Policy.INTENDED_USE else case.research


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.item}: {case.name}")
def test_the_file_gets_what_the_table_says(case, tmp_path):
    path = file_of(case, tmp_path)
    for policy in Policy:
        told, code = outcome(path, policy), wanted(case, policy)
        assert told["code"] == code or code in told.get("also", [])
        if code is None:
            assert told["outcome"] == "admitted"
            assert set(case.cautions) <= set(told["cautions"])


def test_a_valid_variant_has_no_other_caution_than_the_table_says(tmp_path):
    for case in VARIANTS:
        told = outcome(file_of(case, tmp_path), Policy.INTENDED_USE)
        assert {text for text in told["cautions"] if text.startswith("ADM-")} == set(case.cautions), case.name


def test_the_table_is_large_enough_and_names_each_case_once():
    assert len(REFUSALS) >= 60
    assert len(VARIANTS) >= 40
    assert len({(case.item, case.name) for case in CASES}) == len(CASES)


def test_every_rule_refuses_or_cautions_in_some_case():
    codes = {case.intended_use for case in CASES} | {code for case in CASES for code in case.cautions}
    assert {rule.code for rule in admission.RULES} <= codes


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_is_admitted_where_only_size_stands_against_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr(admission, "MINIMUM_SIDE", dict.fromkeys(Policy, 32))
    monkeypatch.setattr(admission, "LIKENESS", -1.0)
    monkeypatch.setattr(admission, "TURNED", 99.0)  # the oval chest does not tell head from feet, nor left from right
    monkeypatch.setattr(admission, "MIRRORED", 99.0)
    monkeypatch.setattr(admission, "UNCLEAR", 99.0)
    path = written(name, tmp_path / "film.dcm")
    for policy in Policy:
        told = outcome(path, policy)
        if name == "no window" and policy is Policy.INTENDED_USE:
            assert told["code"] == "ADM-WINDOW-MISSING"
            continue
        if name in NEGATIVES:
            assert told["code"] == "ADM-POLARITY"
            continue
        assert told["outcome"] == "admitted", told
        assert ("ADM-LOSSY" in told["cautions"]) == (name in LOSSY)
