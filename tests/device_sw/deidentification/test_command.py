"""From files to files: identities gone from every byte, who is who sealed and apart, one bad film never in the way of the others."""

import json

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from device_sw import cli
from device_sw.deidentification.dataset import deidentify  # noqa: F401 - the module must not be shadowed by the command's name
from verification.steps import films

run = CliRunner().invoke


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "PLANTEDFOLDER"
    folder.mkdir()
    films.write(films.film(soft()), folder / "one.dcm")
    films.write(films.film(soft(), name="two"), folder / "two.dcm")
    (folder / "three.txt").write_text("no film")
    return folder


def call(source, tmp_path, *options):
    key = tmp_path / "key"
    fresh = [] if key.exists() else ["--new-key"]
    return run(cli.app, ["deidentify", str(source), "-o", str(tmp_path / "out"), "--key", str(key), *fresh, *options])


def clean_films(tmp_path):
    return sorted((tmp_path / "out").rglob("*.dcm"))


def soft():
    """A drawn chest without crisp edges, in which there is nothing to blank."""
    drawn = Image.fromarray(films.picture().astype(np.float32), mode="F")
    blurred = drawn.resize((64, 64), Image.Resampling.BOX).resize(drawn.size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(blurred), 0, 4095).astype(np.uint16)


def with_words(words="DOE JOHN 1962"):
    film = films.film(soft())
    stored = film.pixel_array.copy()
    ink = Image.new("L", stored.shape[::-1], 0)
    ImageDraw.Draw(ink).text((20, 20), words, fill=255, font=ImageFont.load_default(28))
    stored[np.asarray(ink) > 127] = (1 << film.BitsStored) - 1
    film.PixelData = stored.tobytes()
    return film


def test_no_planted_value_is_left_in_any_byte_that_is_given_away(source, tmp_path):
    told = call(source, tmp_path)
    assert told.exit_code == 1
    assert len(clean_films(tmp_path)) == 2
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()) + told.output.encode()
    for value in (*films.PLANTED.values(), "PLANTEDFOLDER", "one.dcm"):
        assert value.encode() not in everything


def test_pixels_without_text_stay_bit_by_bit(source, tmp_path):
    call(source, tmp_path)
    before = soft()
    assert any(np.array_equal(pydicom.dcmread(path).pixel_array, before) for path in clean_films(tmp_path))


def test_a_bad_input_is_refused_with_its_code_and_stops_nothing(source, tmp_path):
    call(source, tmp_path)
    report = json.loads((tmp_path / "out" / "deidentification.json").read_text())
    assert (report["inputs"], report["clean"], report["refused"]) == (3, 2, 1)
    assert [each.get("code") for each in report["outcomes"] if each["status"] == "refused"] == ["IN-NOT-DICOM"]


def test_the_same_key_gives_the_same_pseudonyms_in_another_run(source, tmp_path):
    call(source, tmp_path)
    first = {path.name for path in clean_films(tmp_path)}
    call(source, tmp_path)
    assert {path.name for path in clean_films(tmp_path)} == first


def test_who_is_who_opens_with_the_key(source, tmp_path):
    call(source, tmp_path)
    told = run(cli.app, ["pseudonyms", str(tmp_path / "key.table"), "--key", str(tmp_path / "key")])
    entries = json.loads(told.stdout)
    assert {each["patient_id"] for each in entries.values()} == {films.PLANTED["PatientID"]}
    assert set(entries) == {path.stem for path in clean_films(tmp_path)}
    assert b"PLANTED" not in (tmp_path / "key.table").read_bytes()


def test_text_in_the_picture_is_blanked_and_the_place_told(tmp_path):
    films.write(with_words(), tmp_path / "film.dcm")
    assert call(tmp_path / "film.dcm", tmp_path).exit_code == 0
    clean = pydicom.dcmread(clean_films(tmp_path)[0])
    outcome = json.loads((tmp_path / "out" / "deidentification.json").read_text())["outcomes"][0]
    assert outcome["text_regions"]
    assert np.unique(clean.pixel_array[20:60, 20:260]).size == 1
    assert clean.BurnedInAnnotation == "NO"
    assert "113101" in {item.CodeValue for item in clean.DeidentificationMethodCodeSequence}


def test_text_in_the_picture_refuses_the_film_where_that_is_wanted(tmp_path):
    films.write(with_words(), tmp_path / "film.dcm")
    told = call(tmp_path / "film.dcm", tmp_path, "--burned-in", "refuse")
    assert told.exit_code == 1
    assert "DEI-BURNED-IN" in told.stderr
    assert clean_films(tmp_path) == []


def test_text_that_is_kept_is_not_claimed_to_be_cleaned(tmp_path):
    films.write(with_words(), tmp_path / "film.dcm")
    call(tmp_path / "film.dcm", tmp_path, "--burned-in", "keep")
    clean = pydicom.dcmread(clean_films(tmp_path)[0])
    assert "113101" not in {item.CodeValue for item in clean.DeidentificationMethodCodeSequence}


def test_an_overlay_in_unused_bits_goes_with_its_group(tmp_path):
    film = films.film()
    film.add_new(0x60000010, "US", 512)
    film.add_new(0x60003000, "OW", b"PLANTEDOVERLAY..")
    films.write(film, tmp_path / "film.dcm")
    call(tmp_path / "film.dcm", tmp_path)
    assert b"PLANTED" not in clean_films(tmp_path)[0].read_bytes()


@pytest.mark.parametrize("option", ["--key", "--table"])
def test_what_reidentifies_must_lie_apart(source, tmp_path, option):
    options = {"--key": str(tmp_path / "key"), "--table": str(tmp_path / "table"), option: str(tmp_path / "out" / "secret")}
    arguments = [part for pair in options.items() for part in pair]
    told = run(cli.app, ["deidentify", str(source), "-o", str(tmp_path / "out"), "--new-key", *arguments])
    assert told.exit_code == 3
    assert "DEI-APART" in told.stderr


def test_a_table_of_another_key_stops_before_any_film_is_written(source, tmp_path):
    (tmp_path / "key.table").write_text("{}")
    told = call(source, tmp_path)
    assert told.exit_code == 3
    assert "DEI-TABLE" in told.stderr
    assert clean_films(tmp_path) == []


def test_nothing_to_do_is_wrong_usage(tmp_path):
    (tmp_path / "empty").mkdir()
    assert call(tmp_path / "empty", tmp_path).exit_code == 2
