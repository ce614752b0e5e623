"""Removes the identity from many films into a folder: each film whole or not at all, one bad film never stops the rest, and who is who stays apart and sealed.

The report names inputs by their number only. Original ids, UIDs and paths stand in the table of pseudonyms, which only the key opens and which must not lie in the
folder that is given away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from device_sw._version import __version__
from device_sw.deidentification.film import clean_film
from device_sw.deidentification.profile import EDITION
from device_sw.errors import DeidentificationError, DeviceError
from device_sw.report.folder import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from device_sw.deidentification.film import Choice, CleanFilm
    from device_sw.deidentification.pseudonyms import Pseudonyms

REPORT = "deidentification.json"
SCHEMA = "thoratrace/deidentification/1"


@dataclass
class Run:
    """Films into one folder with one key.

    Attributes:
        out: the folder that can be given away.
        table: the sealed table of pseudonyms, outside of it.
        pseudonyms: of the key.
        choice: what the person chose.
        outcomes: one for each input so far.
    """

    out: Path
    table: Path
    pseudonyms: Pseudonyms
    choice: Choice
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    _entries: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Make the folder and open the table, before any film is read.

        Raises:
            DeidentificationError: DEI-APART, the table lies in the folder; DEI-TABLE, it cannot be opened; DEI-FOLDER, the folder cannot be made.
        """
        require_apart(self.table, self.out)
        if self.table.exists():
            self._entries = self.pseudonyms.open(self.table.read_bytes())
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise DeidentificationError(
                "DEI-FOLDER", where="output folder", found=type(err).__name__, expected="a folder", repair="check the path"
            ) from err

    @property
    def all_clean(self) -> bool:
        """Whether no input was refused."""
        return all(outcome["status"] == "clean" for outcome in self.outcomes)

    def take(self, paths: Iterable[Path]) -> Iterator[int]:
        """Clean film after film and yield how many inputs are done."""
        for number, path in enumerate(paths, start=1):
            try:
                film = clean_film(path, self.pseudonyms, self.choice)
            except DeviceError as error:
                self.outcomes.append({"index": number, "status": "refused", "code": error.code, "reason": str(error)})
            else:
                self._keep(number, film)
            yield number

    def _keep(self, number: int, film: CleanFilm) -> None:
        """Seal who is who first, then write the film: a film without its entry could never be traced back."""
        self._entries[film.sop_instance_uid] = dict(film.entry)
        write_whole(self.table, self.pseudonyms.seal(self._entries))
        name = f"{film.patient}/{film.sop_instance_uid}.dcm"
        (self.out / film.patient).mkdir(exist_ok=True)
        write_whole(self.out / name, film.content)
        self.outcomes.append(
            {
                "index": number,
                "status": "clean",
                "file": name,
                "attributes": dict(sorted(film.actions.items())),
                "text_regions": [[each.left, each.top, each.right, each.bottom] for each in film.regions],
            }
        )

    def finish(self) -> dict[str, Any]:
        """Write the report and return it."""
        report = {
            "schema": SCHEMA,
            "device_version": __version__,
            "profile": f"Basic Application Level Confidentiality Profile, {EDITION}",
            "burned_in": self.choice.burned_in.value,
            "characteristics_kept": self.choice.keep_characteristics,
            "inputs": len(self.outcomes),
            "clean": sum(outcome["status"] == "clean" for outcome in self.outcomes),
            "refused": sum(outcome["status"] == "refused" for outcome in self.outcomes),
            "note": "Look at the films before you give them away: no method finds every word in a picture, and a face or a rare disease can identify a person without any text.",
            "outcomes": self.outcomes,
        }
        write_whole(self.out / REPORT, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())
        return report


def require_apart(private: Path, out: Path) -> None:
    """Refuse a key or a table in the folder that is given away.

    Raises:
        DeidentificationError: DEI-APART.
    """
    if private.resolve().is_relative_to(out.resolve()):
        raise DeidentificationError(
            "DEI-APART",
            where="key file or table of pseudonyms",
            found="a path inside the output folder",
            expected="a path outside of it",
            repair="keep what re-identifies apart from what is given away",
        )
