"""Fetches what a lock pins into the wheelhouse while the machine is online, so that the release can be made again without any network.

    pins needed here -> those without a file -> batches -> installer with --require-hashes -> hash checked again -> moved into the wheelhouse

A second call fetches what is still missing. Nothing is written about where a file came from: its hash says all.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.release.wheelhouse.installer import pip, run
from pipeline.release.wheelhouse.wheelhouse import PARTIAL, WheelhouseUnfit, pin_of, survey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.progress import Report
    from pipeline.release.wheelhouse.pins import Pin

BATCH = 10
"""Pins fetched by one call of the installer: what an interruption loses at most."""


def fetch(folder: Path, pins: Sequence[Pin], progress: Report) -> Mapping[Pin, Path]:
    """Fill a wheelhouse and return the file of every pin.

    Args:
        folder: of the wheelhouse; made where it is not there.
        pins: those that this machine needs.
        progress: called with (pins that have a file, pins in all, a text).

    Raises:
        WheelhouseUnfit: WHL-FOREIGN, a file there that is none of these; WHL-DOWNLOAD, a file could not be fetched, or not with a hash of the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = survey(folder, pins)
    if found.foreign:
        found.require_whole()
    done = len(found.files)
    for start in range(0, len(found.missing), BATCH):
        progress(done, len(pins), found.missing[start].name)
        done += _fetch_batch(folder, found.missing[start : start + BATCH])
    progress(done, len(pins), "")
    return (survey(folder, pins) if found.missing else found).require_whole()


def _fetch_batch(folder: Path, pins: Sequence[Pin]) -> int:
    incoming = folder / PARTIAL
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir()
    wanted = incoming / "requirements.txt"
    wanted.write_text("".join(f"{pin.to_requirement()}\n" for pin in pins), encoding="utf-8")
    command = [*pip(), "download", "--no-deps", "--require-hashes", "--no-build-isolation", "--quiet"]
    run([*command, "-d", str(incoming), "-r", str(wanted)], "WHL-DOWNLOAD", ", ".join(pin.name for pin in pins), offline=False)
    wanted.unlink()
    for path in sorted(incoming.iterdir()):
        if pin_of(path, pins) is None:
            raise WheelhouseUnfit(
                "WHL-DOWNLOAD",
                where=path.name,
                found="a file whose hash the lock does not list",
                expected="the files of the lock",
                repair="fetch again; if it stays, the place that packages come from serves other files than were locked",
            )
        path.replace(folder / path.name)
    incoming.rmdir()
    return len(pins)
