"""Tests are listed under the software items that they reach, by what stands in their source, and no outcome is claimed."""

from types import SimpleNamespace

import pytest

from pipeline.dossier.unit_test_pages import UnitTestPages, read_modules

READER = SimpleNamespace(id="SWI-DICOM", title="Reading", modules=("device_sw.dicom",))
DEVICE = SimpleNamespace(id="SWI-DEVICE", title="Device", modules=("device_sw.device", "device_sw.types", "device_sw.errors"))
SOURCES = {
    "tests/device_sw/test_reading.py": '''"""Films are read whole.

More is not printed."""
from device_sw.dicom.reader import read
from device_sw.errors import DeviceError

def test_a_cut_file_is_refused():
    pass

class TestWhole:
    def test_all_bytes_are_read(self):
        pass

def helper():
    pass
''',
    "tests/device_sw/test_device.py": '''"""The stages come in order."""
import device_sw.dicom.reader
from device_sw import device

def test_the_order_is_kept():
    pass
''',
    "tests/risk/test_matrix.py": '''"""The matrix is read."""
from device_sw import types
from device_switch import other

def test_a_cell_has_a_word():
    pass
''',
    "tests/risk/helpers.py": "def test_this_is_no_test_module(): pass\n",
}


@pytest.fixture
def pages(tmp_path):
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return UnitTestPages(read_modules(tmp_path, (READER, DEVICE)), (READER, DEVICE))


def test_a_module_that_reaches_one_item_is_of_that_unit(pages):
    text = pages.units()
    assert "[SWI-DICOM](#swi-dicom): 2 test functions." in text
    assert (
        "`device_sw/test_reading.py`\n\n    Films are read whole.\n  - 2\n  - a cut file is refused; all bytes are read" in text
    )
    assert "helper" not in text


def test_an_item_without_tests_of_its_own_says_so(pages):
    assert "SWI-DEVICE](#swi-device): 0 test functions.\n\nNo test module reaches this item alone" in pages.units()


def test_a_module_that_reaches_several_items_is_of_integration(pages):
    text = pages.integration()
    assert "[SWI-DEVICE](#swi-device), [SWI-DICOM](#swi-dicom)" in text
    assert "the order is kept" in text
    assert "test_reading" not in text


def test_definitions_alone_are_no_reach(pages):
    assert "`tests/risk`\n  - 1\n  - 1" in pages.around()
    assert pages.counts() == {"units": 2, "integration": 1, "around": 1}
