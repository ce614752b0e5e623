"""The one place where the device catches whatever a DICOM library throws.

A parser and its codecs, fed hostile bytes, raise nearly every built-in exception (struct.error, KeyError, RecursionError, MemoryError ...), so no
list of types would be complete, and a type that is missing from such a list would stop a batch; a panic of a Rust extension is not even an Exception.
The catch is therefore broad, but it spans only library calls, lets interruption and exit pass, keeps the cause (``from err``), and never continues: the input is refused. Warnings and log lines of the libraries are counted, not printed, because
they may quote patient data.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from device_sw.errors import DeviceError, InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def refuse_on_failure(code: str, *, where: str, expected: str, repair: str) -> Iterator[None]:
    """Turn any exception of the libraries called inside into a refusal with this code; a DeviceError passes unchanged.

    Raises:
        InputRefused: something inside failed; ``found`` names the exception's type only, as its text may quote the file.
    """
    try:
        yield
    except (DeviceError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as err:
        found = f"content that the library gives up on ({type(err).__name__})"
        raise InputRefused(code, where=where, found=found, expected=expected, repair=repair) from err


class _Counter(logging.Handler):
    """Counts log records and lets none pass."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        """Count the record."""
        self.count += 1


@contextmanager
def silence() -> Iterator[list[int]]:
    """Keep the libraries' warnings and log lines off the terminal; on leaving, append how many there were to the list given out."""
    total: list[int] = []
    counter, logger = _Counter(), logging.getLogger("pydicom")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(counter)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield total
    finally:
        logger.removeHandler(counter)
        logger.propagate = propagate
        total.append(len(caught) + counter.count)
