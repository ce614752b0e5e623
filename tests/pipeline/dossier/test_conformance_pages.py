"""The statements say what the code does: each row is found where the device decides it, and what the device does not do is said."""

from pathlib import Path

import pytest
from pydicom.datadict import keyword_dict

from device_sw.dicom.codestream import ENCAPSULATED
from device_sw.dicom.pixels import NATIVE
from device_sw.dicom.source import BINDING, CARRIED
from device_sw.findings import all_findings
from device_sw.report.dicom_objects import presentation_state, secondary_capture, structured_report
from pipeline.dossier.conformance_pages import LOSSY, ConformancePages

ROOT = Path(__file__).resolve().parents[3]
PAGES = ConformancePages()


@pytest.mark.parametrize("uid", sorted(NATIVE | ENCAPSULATED))
def test_each_transfer_syntax_that_is_decoded_is_stated(uid):
    assert f"`{uid}`" in PAGES.transfer_syntaxes()


def test_what_may_be_lossy_is_decoded_at_all():
    assert LOSSY <= ENCAPSULATED
    assert PAGES.transfer_syntaxes().count("yes, with a caution") == len(LOSSY)


def test_each_kind_of_object_is_stated():
    text = PAGES.outputs()
    kinds = (structured_report.KIND, presentation_state.KIND, secondary_capture.KIND)
    assert all(f"`{kind.sop_class_uid}`" in text and kind.title in text for kind in kinds)


def test_each_carried_attribute_is_stated_with_its_condition():
    text = PAGES.carried()
    assert all(keyword in keyword_dict for keyword in CARRIED)
    assert text.count("exactly, or no object is written") == len(BINDING)
    assert text.count("where its value is allowed") == len(CARRIED) - len(BINDING)


def test_each_finding_has_its_codes():
    text = PAGES.findings()
    assert all(f"`{row.type.value}`" in text and f"`{row.site.value}`" in text for row in all_findings())


def test_a_secondary_capture_is_refused_under_the_intended_use():
    (row,) = [line for line in PAGES.inputs().split("* - ") if "Secondary Capture" in line]
    assert "refused (ADM-SECONDARY" in row
    assert "analysed, with a caution (ADM-SECONDARY" in row


@pytest.mark.parametrize("page", ["dicom-conformance", "ihe-integration"])
def test_the_pages_say_what_is_not_there(page):
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    assert "not cleared, not for clinical use" in text
    assert "opens no" in text or "open no" in text
