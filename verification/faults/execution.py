"""Runs the scenarios of one defect after the other, each defect in a process of its own that has loaded libraries and nothing of the device.

Such a process is split off (fork) from one that imported the libraries once, because that takes longer than most scenarios. It then activates its
defect, runs the scenarios named through pytest, leaves their JUnit record, and ends. Orders come as JSON on stdin, one line on stdout tells of each end.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verification.faults.activation import TRACE_VARIABLE, VARIABLE, activate
from verification.trace.recording import installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

LIBRARIES = (
    "torch",
    "torchvision.models.detection",
    "numpy",
    "PIL.Image",
    "PIL.ImageDraw",
    "pydicom.pixels.decoders",
    "pydicom.pixels.encoders",
    "safetensors.torch",
    "rich.progress",
    "typer.testing",
    "pytest",
    "pytest_bdd.plugin",
    "gherkin.parser",
    "highdicom.sr",
    "jsonschema",
    "phantom.film",
    "scipy.interpolate",
    "scipy.ndimage",
    "scipy.stats",
)
"""What scenarios import and no defect changes; the phantom is test equipment and never imports the device.

Each of them left out costs its time once a defect: jsonschema alone 2 s, because it compiles grammars when it is imported. A library that starts a thread
(openvino) has no place here: a process that is split off does not get the thread, and may wait for what it held.
"""

PYTEST = (
    "verification",
    "-q",
    "--tb=short",
    "--color=no",
    "--assert=plain",
    "--disable-plugin-autoload",
    *("-p", "pytest_bdd.plugin"),
    *("-p", "no:cacheprovider"),
    *("-p", "verification.trace.recording"),
)
"""How scenarios run, without what takes long and changes no outcome: other plugins, and assertions that explain themselves (ours carry their words)."""

SECONDS = 240
"""A defect whose scenarios take longer is ended; its record is missing then."""


@dataclass(frozen=True)
class Order:
    """One defect to be tried.

    Attributes:
        fault: its id.
        scenarios: (feature file, scenario name) of everything to be run.
        folder: where junit.xml, trace and log of the trial lie.
    """

    fault: str
    scenarios: tuple[tuple[str, str], ...]
    folder: Path

    @property
    def junit(self) -> Path:
        """The record of the trial."""
        return self.folder / "junit.xml"

    @property
    def trace(self) -> Path:
        """What the defect wrote when it became active."""
        return self.folder / "trace.txt"

    def to_json(self) -> dict[str, Any]:
        """Return the order as plain data."""
        return {"fault": self.fault, "scenarios": [list(each) for each in self.scenarios], "folder": str(self.folder)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Order:
        """Return an order that came as plain data."""
        return cls(data["fault"], tuple((feature, name) for feature, name in data["scenarios"]), Path(data["folder"]))


class Chosen:
    """A pytest plugin that keeps the scenarios of the order and no other."""

    def __init__(self, scenarios: tuple[tuple[str, str], ...]) -> None:
        """Keep the scenarios that are wanted."""
        self._wanted = set(scenarios)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what is wanted; a plugin is asked after verification/conftest.py, which notes feature and scenario on each item."""
        items[:] = [item for item in items if self._name(item) in self._wanted]

    @staticmethod
    def _name(item: pytest.Item) -> tuple[str, str]:
        noted = dict(item.user_properties)
        return str(noted.get("feature", "")), str(noted.get("scenario", ""))


def main() -> None:
    """Take the orders, keep as many processes busy as asked for, and tell of each end.

    What was loaded is kept out of garbage collection (gc.freeze): pytest collects when it ends, and a process that is split off would copy every page
    of the libraries to do so, which took a third of its time.
    """
    asked = json.load(sys.stdin)
    for name in LIBRARIES:
        import_module(name)
    installed()
    if early := [name for name in sys.modules if name.partition(".")[0] == "device_sw"]:
        raise RuntimeError(f"{', '.join(early)} loaded before any defect was active")
    gc.collect()
    gc.freeze()
    for fault, code in _finished([Order.from_json(each) for each in asked["orders"]], int(asked["workers"])):
        sys.stdout.write(json.dumps({"fault": fault, "exit_code": code}) + "\n")
        sys.stdout.flush()


def _finished(orders: list[Order], workers: int) -> Iterator[tuple[str, int]]:
    """Yield each defect and the exit code of its process, in the order in which they end."""
    waiting, running = list(reversed(orders)), dict[int, str]()
    while waiting or running:
        while waiting and len(running) < workers:
            order = waiting.pop()
            running[_start(order)] = order.fault
        process, status = os.wait()
        if process in running:
            yield running.pop(process), os.waitstatus_to_exitcode(status)


def _start(order: Order) -> int:
    """Split off the process of one defect and return its number."""
    if process := os.fork():
        return process
    code = 1
    try:
        signal.alarm(SECONDS)
        code = _try(order)
    finally:
        os._exit(code)


def _try(order: Order) -> int:
    """Run the scenarios of one order with its defect active; this process is of no use afterwards."""
    order.folder.mkdir(parents=True, exist_ok=True)
    log = os.open(order.folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ |= {VARIABLE: order.fault, TRACE_VARIABLE: str(order.trace)}
    activate(order.fault)
    import pytest  # noqa: PLC0415  loaded among the libraries

    places = (f"--junitxml={order.junit}", f"--basetemp={order.folder / 'scratch'}")
    return int(pytest.main([*PYTEST, *places], plugins=[Chosen(order.scenarios)]))


if __name__ == "__main__":
    main()
