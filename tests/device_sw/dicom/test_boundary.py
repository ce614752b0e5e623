"""The one broad catch: it refuses whatever a library throws, and nothing that is not the library's."""

import logging
import sys
import warnings

import pytest

from device_sw.dicom.boundary import refuse_on_failure, silence
from device_sw.errors import DeviceError, InputRefused


class Panic(BaseException):
    """What a panic of a Rust extension arrives as."""


def run(raised):
    with refuse_on_failure("IN-TEST", where="here", expected="peace", repair="none"):
        raise raised


@pytest.mark.parametrize(
    "raised", [ValueError("Doe^Jane"), RecursionError(), MemoryError(), KeyError("x"), Panic("index out of bounds")]
)
def test_whatever_the_library_throws_is_a_refusal_that_keeps_its_cause(raised):
    with pytest.raises(
        InputRefused, match=rf"^IN-TEST at here: found content that the library gives up on \({type(raised).__name__}\)"
    ) as caught:
        run(raised)
    assert caught.value.__cause__ is raised
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("raised", [KeyboardInterrupt("stop"), SystemExit("stop")])
def test_a_person_can_still_stop_it(raised):
    with pytest.raises(type(raised), match="stop"):
        run(raised)


def test_a_device_error_passes_unchanged():
    error = DeviceError("IN-OTHER", where="there", found="a", expected="b", repair="c")
    with pytest.raises(DeviceError, match="IN-OTHER at there") as caught:
        run(error)
    assert caught.value is error


def test_warnings_and_log_lines_are_counted_and_not_shown(capfd):
    logger = logging.getLogger("pydicom")
    before = (logger.propagate, list(logger.handlers))
    with silence() as count:
        warnings.warn("SECRET", stacklevel=1)
        logger.warning("SECRET")
    assert sum(count) == 2
    assert "SECRET" not in "".join(capfd.readouterr())
    assert (logger.propagate, list(logger.handlers)) == before


def test_the_library_is_not_silenced_for_good(capfd):
    with silence():
        pass
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger("pydicom").addHandler(handler)
    logging.getLogger("pydicom").warning("audible")
    logging.getLogger("pydicom").removeHandler(handler)
    assert "audible" in capfd.readouterr().err
