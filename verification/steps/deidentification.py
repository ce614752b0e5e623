"""Steps on films that are given away: what is left in them, who can find the way back, and what is not given away at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pytest_bdd import given, then, when
from typer.testing import CliRunner

from device_sw import cli
from verification.steps import films

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

_NAME = (slice(30, 60), slice(24, 200))
"""Where a name is drawn: rows and columns."""


@dataclass
class Giving:
    """Films, and runs that removed their identities, by the name of the output folder."""

    folder: Path
    originals: list[Path] = field(default_factory=list)
    runs: dict[str, Result] = field(default_factory=dict)

    def remove(self, out: str, key: str, *options: str) -> None:
        """Run the command into a folder with a key, which is made where there is none."""
        fresh = () if (self.folder / key).exists() else ("--new-key",)
        arguments = [*map(str, self.originals), "-o", str(self.folder / out), "--key", str(self.folder / key), *fresh, *options]
        self.runs[out] = CliRunner().invoke(cli.app, ["deidentify", *arguments])

    def clean(self, out: str) -> list[Path]:
        """Return the clean films of a run."""
        return sorted((self.folder / out).rglob("*.dcm"))

    def report(self, out: str) -> dict[str, object]:
        """Return the report of a run."""
        return dict(json.loads((self.folder / out / "deidentification.json").read_text(encoding="utf-8")))


def _planted(number: int) -> pydicom.FileDataset:
    drawn = Image.fromarray(films.picture().astype(np.float32), mode="F")
    soft = np.asarray(drawn.resize((64, 64), Image.Resampling.BOX).resize(drawn.size, Image.Resampling.BICUBIC))
    film = films.film(np.clip(soft, 0, 4095).astype(np.uint16), name=f"given-{number}")
    film.StudyInstanceUID = "1.2.826.0.1.3680043.10.1999.4711"
    film.StudyDate, film.AcquisitionDate = "20260310", "20260301"
    inner = Dataset()
    for keyword in ("PatientName", "PatientID", "InstitutionName"):
        setattr(inner, keyword, films.PLANTED[keyword])
    inner.RetrieveURL = f"https://{films.PLANTED['PatientID']}/series"
    film.AnatomicRegionSequence = Sequence([inner])
    film.add_new(0x00111001, "LO", films.PLANTED["PatientName"])
    return film


@given("two films of a patient, each with planted patient data at the top and in a sequence", target_fixture="giving")
def _two_films(tmp_path: Path) -> Giving:
    giving = Giving(tmp_path)
    for number in (1, 2):
        giving.originals.append(films.write(_planted(number), tmp_path / f"PLANTEDFILE-{number}.dcm"))
    return giving


@given("a film with a name drawn into its picture", target_fixture="giving")
def _drawn(tmp_path: Path) -> Giving:
    film = films.film()
    stored = film.pixel_array.copy()
    ink = Image.new("L", stored.shape[::-1], 0)
    ImageDraw.Draw(ink).text((24, 28), "DOE JOHN 1957", fill=255, font=ImageFont.load_default(24))
    stored[np.asarray(ink) > 127] = (1 << film.BitsStored) - 1
    film.PixelData = stored.tobytes()
    return Giving(tmp_path, [films.write(film, tmp_path / "drawn.dcm")])


@given("a good film, a text file and a truncated film", target_fixture="giving")
def _mixed(tmp_path: Path) -> Giving:
    good = films.write(films.film(), tmp_path / "a.dcm")
    (tmp_path / "b.txt").write_text("no film", encoding="utf-8")
    (tmp_path / "c.dcm").write_bytes(good.read_bytes()[:-1000])
    return Giving(tmp_path, [good, tmp_path / "b.txt", tmp_path / "c.dcm"])


@when("their identities are removed")
@when("its identity is removed")
def _removed(giving: Giving) -> None:
    giving.remove("out", "key")


@when("their identities are removed again with the same key, and with another key")
def _again(giving: Giving) -> None:
    giving.remove("again", "key")
    giving.remove("other", "another-key")


@when("its identity is removed with --burned-in refuse")
def _refusing(giving: Giving) -> None:
    giving.remove("out", "key", "--burned-in", "refuse")


@when("the key or the table is to lie in the folder")
def _inside(giving: Giving) -> None:
    giving.remove("one", "one/key")
    giving.remove("two", "key", "--table", str(giving.folder / "two" / "table"))


@then("no planted value is found in the folder, on stdout or on stderr")
def _nothing_planted(giving: Giving) -> None:
    assert len(giving.clean("out")) == 2, f"expected two clean films, observed {giving.runs['out'].output}"
    told = giving.runs["out"]
    places = {path.name: path.read_bytes() for path in (giving.folder / "out").rglob("*") if path.is_file()}
    places |= {"stdout": told.stdout.encode(), "stderr": told.stderr.encode()}
    values = [
        *(value.encode() for value in films.PLANTED.values()),
        b"PLANTEDFILE",
        b"1.2.826.0.1.3680043.10.1999.4711",
        b"20260310",
    ]
    leaked = [(place, value) for place, content in places.items() for value in values if value in content]
    assert not leaked, f"expected no planted value, observed {leaked}"


@then("each clean film says what was done to it")
def _says(giving: Giving) -> None:
    for path in giving.clean("out"):
        film = pydicom.dcmread(path)
        codes = [item.CodeValue for item in film.DeidentificationMethodCodeSequence]
        assert (film.PatientIdentityRemoved, codes) == ("YES", ["113100", "113107", "113101"]), f"observed {codes}"


def _identities(giving: Giving, out: str) -> list[tuple[str, str, str]]:
    read = [pydicom.dcmread(path) for path in giving.clean(out)]
    return sorted((str(film.PatientID), str(film.StudyInstanceUID), str(film.SOPInstanceUID)) for film in read)


@then("the films of a run share patient and study, and differ in their instance")
def _together(giving: Giving) -> None:
    for out in ("out", "again", "other"):
        patients, studies, instances = zip(*_identities(giving, out), strict=True)
        assert (len(set(patients)), len(set(studies)), len(set(instances))) == (1, 1, 2), f"observed {_identities(giving, out)}"


@then("the second run made the same names and UIDs, and the one with another key made others")
def _same(giving: Giving) -> None:
    first, again, other = (_identities(giving, out) for out in ("out", "again", "other"))
    assert first == again, f"expected the same, observed {first} and {again}"
    assert {part for row in first for part in row}.isdisjoint(part for row in other for part in row), "expected other pseudonyms"


@then("the dates lie as many days apart as before, and are others")
def _moved(giving: Giving) -> None:
    for path in giving.clean("out"):
        film = pydicom.dcmread(path)
        study, acquired = (date.fromisoformat(str(film[name].value)) for name in ("StudyDate", "AcquisitionDate"))
        assert (study - acquired).days == 9, f"expected 9 days, observed {study - acquired}"
        assert study != date(2026, 3, 10), "expected another date, observed the planted one"


@then("the table names the planted patient for its key, and opens with no other key")
def _sealed(giving: Giving) -> None:
    call = CliRunner().invoke
    table = str(giving.folder / "key.table")
    told = call(cli.app, ["pseudonyms", table, "--key", str(giving.folder / "key")])
    assert told.exit_code == 0, f"expected a table that opens, observed {told.output}"
    named = {entry["patient_id"] for entry in json.loads(told.stdout).values()}
    assert named == {films.PLANTED["PatientID"]}, f"observed {named}"
    (giving.folder / "foreign").write_bytes(b"\1" * 32)
    (giving.folder / "foreign").chmod(0o600)
    refused = call(cli.app, ["pseudonyms", table, "--key", str(giving.folder / "foreign")])
    assert (refused.exit_code, "DEI-TABLE" in refused.stderr) == (3, True), f"observed {refused.output}"
    assert films.PLANTED["PatientID"].encode() not in (giving.folder / "key.table").read_bytes(), "expected a sealed table"


@then("each run ends with exit code 3 and DEI-APART, and no film was written")
def _apart(giving: Giving) -> None:
    for out in ("one", "two"):
        told = giving.runs[out]
        assert (told.exit_code, "DEI-APART" in told.stderr) == (3, True), f"observed {told.exit_code}: {told.output}"
        assert giving.clean(out) == [], f"observed {giving.clean(out)}"


@then("the place of the name holds one value, and the report tells the place")
def _covered(giving: Giving) -> None:
    (path,) = giving.clean("out")
    values = np.unique(pydicom.dcmread(path).pixel_array[_NAME])
    assert values.size == 1, f"expected one value, observed {values.size}"
    (outcome,) = giving.report("out")["outcomes"]  # type: ignore[misc]
    assert any(
        left <= 24 and top <= 30 and right >= 200 and bottom >= 60 for left, top, right, bottom in outcome["text_regions"]
    ), f"observed {outcome['text_regions']}"


@then("the film says that its pixels were cleaned")
def _claims(giving: Giving) -> None:
    (path,) = giving.clean("out")
    film = pydicom.dcmread(path)
    codes = {item.CodeValue for item in film.DeidentificationMethodCodeSequence}
    assert (film.BurnedInAnnotation, "113101" in codes) == ("NO", True), f"observed {film.BurnedInAnnotation}, {codes}"


@then("the film is refused with DEI-BURNED-IN, and nothing is given away")
def _refused(giving: Giving) -> None:
    told = giving.runs["out"]
    assert (told.exit_code, "DEI-BURNED-IN" in told.stderr) == (1, True), f"observed {told.exit_code}: {told.output}"
    assert giving.clean("out") == [], f"observed {giving.clean('out')}"


@then("the pixel data of each clean film is that of its original")
def _pixels_kept(giving: Giving) -> None:
    before = sorted(bytes(pydicom.dcmread(path).PixelData) for path in giving.originals)
    after = sorted(bytes(pydicom.dcmread(path).PixelData) for path in giving.clean("out"))
    assert before == after, "expected the same bytes of pixel data, observed others"


@then("one film is clean, two inputs are refused with their codes, and the run ends with exit code 1")
def _others_go_on(giving: Giving) -> None:
    assert (giving.folder / "out" / "deidentification.json").is_file(), "expected a report of the run, observed none"
    codes = sorted(str(outcome.get("code", "clean")) for outcome in giving.report("out")["outcomes"])  # type: ignore[attr-defined]
    assert giving.runs["out"].exit_code == 1, f"observed {giving.runs['out'].exit_code}"
    assert len(giving.clean("out")) == 1, f"observed {giving.clean('out')}"
    assert codes == ["IN-NOT-DICOM", "IN-PIXELS-SHORT", "clean"], f"observed {codes}"
