"""The reader on synthetic files: what must be read exactly, and what must be refused with which code."""

import logging
import re
import struct
import zlib
from io import BytesIO

import numpy as np
import pydicom
import pydicom.config
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from device_sw.dicom import reader
from device_sw.dicom.reader import open_file, read
from device_sw.errors import InputRefused
from tests.device_sw.dicom import bombs
from verification.steps import encodings, films

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


@pytest.fixture(autouse=True)
def _faults_may_be_written(monkeypatch):
    monkeypatch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)


@pytest.fixture
def put(tmp_path):
    def write(dataset):
        return films.write(dataset, tmp_path / "film.dcm")

    return write


def compressed(dataset, syntax):
    dataset.compress(syntax, generate_instance_uid=False)
    return dataset


def jpeg(side=512, syntax=JPEGBaseline8Bit, change=lambda stream: stream):
    """Return a baseline JPEG film of 8 bits, its stream changed at will."""
    buffer = BytesIO()
    Image.fromarray((films.picture(side, side) >> 4).astype(np.uint8)).save(buffer, "JPEG", quality=95)
    dataset = films.film()
    dataset.Rows = dataset.Columns = side
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = encapsulate([change(buffer.getvalue())])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def test_values_and_identity_are_those_of_the_file(put):
    path = put(films.film())
    film = read(path)
    assert np.array_equal(film.stored, films.picture())
    assert film.attributes.sop_instance_uid == str(films.film().SOPInstanceUID)
    assert len(film.content_sha256) == 64


def test_stored_values_cannot_be_changed(put):
    with pytest.raises(ValueError, match="read-only"):
        read(put(films.film())).stored[0, 0] = 1


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_syntaxes_give_the_same_values(put, syntax):
    dataset = films.film()
    dataset.file_meta.TransferSyntaxUID = syntax
    assert np.array_equal(read(put(dataset)).stored, films.picture())


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_syntaxes_give_the_same_values(put, syntax):
    assert np.array_equal(read(put(compressed(films.film(), syntax))).stored, films.picture())


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_signed_values_are_extended(put, syntax):
    stored = (films.picture().astype(np.int32) - 2048).astype(np.int16)
    dataset = films.film(stored)
    if syntax:
        compressed(dataset, syntax)
    assert np.array_equal(read(put(dataset)).stored, stored)


def test_signed_values_without_sign_extension_are_the_same(put):
    stored = (films.picture().astype(np.int32) - 2048).astype(np.int16)
    dataset = films.film(stored)
    dataset.PixelData = (stored.view(np.uint16) & 0x0FFF).tobytes()
    assert np.array_equal(read(put(dataset)).stored, stored)


def test_a_file_without_preamble_is_read_with_a_caution(put, tmp_path):
    path = put(films.film())
    bare = tmp_path / "bare.dcm"
    bare.write_bytes(path.read_bytes()[132:])
    film = read(bare)
    assert np.array_equal(film.stored, films.picture())
    assert film.attributes.cautions == ("no preamble: the file is read as a bare dataset",)


def test_a_bare_dataset_without_file_meta_is_read(tmp_path):
    dataset = films.film()
    path = tmp_path / "bare.dcm"
    path.write_bytes(b"")
    pydicom.dcmwrite(path, dataset_without_meta(dataset), implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert np.array_equal(read(path).stored, films.picture())


def dataset_without_meta(dataset):
    bare = Dataset()
    bare.update({element.tag: element for element in dataset})
    return bare


def refused(path):
    with pytest.raises(InputRefused, match="IN-") as caught:
        read(path)
    return caught.value.code


def outcome(path):
    try:
        read(path)
    except InputRefused as refusal:
        return refusal.code
    return "read"


def change(**attributes):
    def apply(dataset):
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)

    return apply


def without(keyword):
    return lambda dataset: delattr(dataset, keyword)


def pixels(function):
    def apply(dataset):
        dataset.PixelData = function(dataset.PixelData)

    return apply


def no_syntax(dataset):
    del dataset.file_meta.TransferSyntaxUID


BAD_FILMS = {
    "a byte short": (pixels(lambda data: data[:-2]), "IN-PIXELS-SHORT"),
    "bytes too many": (pixels(lambda data: data + b"\0\0"), "IN-PIXELS-SURPLUS"),
    "empty pixel data": (pixels(lambda _: b""), "IN-PIXELS-MISSING"),
    "a value beyond 12 bits": (pixels(lambda data: b"\x00\x10" + data[2:]), "IN-BITS"),
    "high bit above the stored bits": (change(HighBit=15), "IN-HEADER"),
    "more stored than allocated bits": (change(BitsAllocated=8), "IN-HEADER"),
    "32 bits": (change(BitsAllocated=32), "IN-HEADER"),
    "no rows": (change(Rows=0), "IN-HEADER"),
    "signs not stated": (without("PixelRepresentation"), "IN-HEADER"),
    "signs of a third kind": (change(PixelRepresentation=2), "IN-HEADER"),
    "many rows": (change(Rows=10_001), "IN-TOO-LARGE"),
    "huge matrix": (change(Rows=9_000, Columns=9_000), "IN-TOO-LARGE"),
    "many frames": (change(NumberOfFrames="4000"), "IN-TOO-LARGE"),
    "two frames": (change(NumberOfFrames="2"), "IN-NOT-GREY"),
    "three samples": (change(SamplesPerPixel=3), "IN-NOT-GREY"),
    "infinite slope": (change(RescaleSlope="inf"), "IN-ATTRIBUTE"),
    "fewer widths than centers": (change(WindowCenter=["1", "2"]), "IN-ATTRIBUTE"),
}


@pytest.mark.parametrize(("spoil", "code"), BAD_FILMS.values(), ids=BAD_FILMS.keys())
def test_a_spoilt_film_is_refused(put, spoil, code):
    dataset = films.film()
    spoil(dataset)
    assert refused(put(dataset)) == code


def test_a_look_up_table_shorter_than_it_says_is_refused(put):
    dataset = films.film()
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 0, 12])
    item.add_new("LUTData", "US", list(range(200)))
    dataset.VOILUTSequence = Sequence([item])
    assert refused(put(dataset)) == "IN-LUT"


def test_a_look_up_table_is_read_as_its_descriptor_says(put):
    dataset = films.film()
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 7, 12])
    item.add_new("LUTData", "US", list(range(256)))
    dataset.VOILUTSequence = Sequence([item])
    (table,) = open_file(put(dataset)).attributes.voi_luts
    assert (table.first_mapped, table.bits, table.entries.tolist()) == (7, 12, list(range(256)))


def test_a_jpeg_is_read(put):
    stored = read(put(jpeg())).stored
    assert stored.shape == (512, 512)
    assert abs(stored - (films.picture() >> 4).astype(np.int32)).mean() < 2.0


def announcing(dataset, side):
    dataset.Rows = dataset.Columns = side
    return dataset


BAD_STREAMS = {
    "half of it": (jpeg(change=lambda stream: stream[: len(stream) // 2]), "IN-TRUNCATED"),
    "labelled JPEG 2000": (jpeg(syntax="1.2.840.10008.1.2.4.90"), "IN-CODESTREAM"),
    "labelled JPEG lossless": (jpeg(syntax="1.2.840.10008.1.2.4.70"), "IN-CODESTREAM"),
    "labelled JPEG-LS": (jpeg(syntax="1.2.840.10008.1.2.4.80"), "IN-CODESTREAM"),
    "another size than the header": (announcing(jpeg(side=256), 512), "IN-CODESTREAM"),
    "no JPEG at all": (jpeg(change=lambda _: b"nothing that looks like an image, but ends well" + b"\xff\xd9"), "IN-CODESTREAM"),
    "a start and an end": (jpeg(change=lambda _: b"\xff\xd8\xff\xd9" * 20), "IN-CODESTREAM"),
}


@pytest.mark.parametrize(("dataset", "code"), BAD_STREAMS.values(), ids=BAD_STREAMS.keys())
def test_a_lying_stream_is_refused(put, dataset, code):
    assert refused(put(dataset)) == code


def test_a_compressed_frame_whose_scan_is_garbage_is_refused(put):
    dataset = jpeg(syntax=JPEGBaseline8Bit, change=lambda stream: stream[:700] + b"\x00" * 50 + stream[-2:])
    assert refused(put(dataset)) == "IN-TRUNCATED"


STREAMS = [name for name, build in encodings.ENCODINGS.items() if name.startswith(encodings.CODECS)]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.95])
@pytest.mark.parametrize("name", STREAMS)
def test_a_part_of_a_stream_with_an_end_marker_is_not_a_film(put, name, share):
    """JPEG decoders fill up what is missing without a word, so an end marker alone proves nothing."""
    dataset = encodings.ENCODINGS[name]()
    stream = get_frame(dataset.PixelData, 0, number_of_frames=1).rstrip(b"\0")
    part = stream[: int(len(stream) * share)] + b"\xff\xd9"
    assert refused(put(encodings.around(part, dataset.file_meta.TransferSyntaxUID, dataset))) in {"IN-TRUNCATED", "IN-DECODE"}


@pytest.mark.parametrize("name", ["JPEG baseline .50", "JPEG Lossless .70, 12 bits", "JPEG extended .51, 12 bits"])
def test_the_last_bytes_of_a_jpeg_stream_count(put, name):
    """A stream that lost its last four bytes differs in a few pixels at the lower right corner only."""
    dataset = encodings.ENCODINGS[name]()
    stream = get_frame(dataset.PixelData, 0, number_of_frames=1).rstrip(b"\0")
    dataset = encodings.around(stream[:-6] + b"\xff\xd9", dataset.file_meta.TransferSyntaxUID, dataset)
    assert refused(put(dataset)) in {"IN-TRUNCATED", "IN-DECODE"}


def test_a_codestream_in_tiles_needs_all_of_them(put):
    assert refused(put(pydicom.dcmread(BytesIO(bombs.BOMBS["JPEG 2000, 65,000 tiles"]())))) == "IN-TRUNCATED"


NO_DICOM = {
    "text": (b"This is a letter, not a film. " * 20, "IN-NOT-DICOM"),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 300, "IN-NOT-DICOM"),
    "nothing": (b"", "IN-EMPTY"),
    "prefix only": (b"\0" * 128 + b"DICM", "IN-PARSE"),
    "three thousand nested sequences": (films.nested(3000), "IN-PARSE"),
}


@pytest.mark.parametrize(("content", "code"), NO_DICOM.values(), ids=NO_DICOM.keys())
def test_what_is_no_film_is_refused(tmp_path, content, code):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert refused(path) == code


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert refused(tmp_path / "absent") == "IN-UNREADABLE"
    assert refused(tmp_path) == "IN-UNREADABLE"


def test_a_file_above_the_limit_is_not_even_read(put, monkeypatch):
    path = put(films.film())
    monkeypatch.setattr(reader, "MAX_FILE_BYTES", 1000)
    assert refused(path) == "IN-TOO-LARGE"


def test_a_deflated_bomb_is_refused_before_it_unfolds(put, tmp_path, monkeypatch):
    dataset = films.film()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = put(dataset).read_bytes()
    end = 144 + struct.unpack("<I", content[140:144])[0]
    packer = zlib.compressobj(wbits=-15)
    bomb = tmp_path / "bomb.dcm"
    bomb.write_bytes(content[:end] + packer.compress(b"\0" * 40_000_000) + packer.flush())
    monkeypatch.setattr(reader, "MAX_INFLATED_BYTES", 20_000_000)
    assert refused(bomb) == "IN-TOO-LARGE"


SMALL_BOMBS = ["deflate, syntax behind 3 kB of meta", "200,000 nested sequences", "JPEG, 65500 x 65500 in the stream", "JPEG 2000, 36 million tiles",
               "JPEG 2000, 65,535 layers", "JPEG-LS, 6000 x 6000 announced", "RLE, 6000 x 6000 announced", "2,147,483,647 frames"]  # fmt: skip


@pytest.mark.parametrize("name", SMALL_BOMBS)
def test_a_bomb_is_refused(tmp_path, name):
    """All of them, with time and memory: tests/benchmarks/dicom_corpus.py."""
    path = tmp_path / "bomb.dcm"
    path.write_bytes(bombs.BOMBS[name]())
    assert re.fullmatch("IN-[A-Z0-9-]+", refused(path))


def test_elements_without_number_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_READS", 100)
    path = tmp_path / "film.dcm"
    path.write_bytes(bombs.HEAD + bombs.elements(1)[:80_000])
    assert refused(path) == "IN-TOO-LARGE"


@pytest.mark.parametrize(
    "keyword", [b"\x08\x00\x60\x00", b"\x10\x00\x20\x00", b"\x08\x00\x18\x00", b"\x28\x00\x10\x00", b"\x18\x00\x15\x00"]
)
def test_a_sequence_in_the_place_of_a_value_is_refused_at_once(tmp_path, keyword):
    """Found by fuzzing: the text of a sequence that is nested 300 times took the parser more than a minute."""
    opening, item = b"SQ\0\0\xff\xff\xff\xff", b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path = tmp_path / "film.dcm"
    path.write_bytes(
        bombs.HEAD + keyword + opening + item + (b"\x40\x00\x75\x02" + opening + item) * 200 + b"\x08\x00\x05\x00CS\x02\x00zz"
    )
    assert refused(path) in {"IN-ATTRIBUTE", "IN-PARSE"}


def test_an_element_that_describes_the_film_has_a_limit(put, monkeypatch):
    monkeypatch.setattr(reader, "MAX_ELEMENT_BYTES", 1000)
    dataset = films.film()
    dataset.add_new("ImageComments", "LT", "x" * 1001)
    assert outcome(put(dataset)) == "IN-TOO-LARGE"
    del dataset.ImageComments
    dataset.add_new(0x00291010, "OB", b"x" * 1002)
    assert outcome(put(dataset)) == "read"


def test_a_deflated_dataset_that_ends_early_is_refused(put, tmp_path):
    dataset = films.film()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = put(dataset).read_bytes()
    short = tmp_path / "short.dcm"
    short.write_bytes(content[: len(content) * 3 // 4])
    assert refused(short) == "IN-TRUNCATED"


def test_a_prefix_without_transfer_syntax_is_refused(tmp_path):
    dataset = films.film()
    path = tmp_path / "film.dcm"
    films.write(dataset, path)
    content = path.read_bytes().replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x11\x00UI")
    path.write_bytes(content)
    assert refused(path) == "IN-SYNTAX"


BAD_TEXT = {
    "a window that is no number": (b"2048", b"wide", "IN-ATTRIBUTE"),
    "an unknown transfer syntax": (b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0", "IN-SYNTAX"),
}


@pytest.mark.parametrize(("good", "bad", "code"), BAD_TEXT.values(), ids=BAD_TEXT.keys())
def test_a_value_that_cannot_be_written_is_refused_when_read(put, good, bad, code):
    path = put(films.film())
    content = path.read_bytes()
    assert good in content
    path.write_bytes(content.replace(good, bad, 1))
    assert refused(path) == code


def test_a_refusal_after_reading_names_the_content(put):
    dataset = films.film()
    dataset.RescaleSlope = "inf"
    with pytest.raises(InputRefused, match="IN-ATTRIBUTE") as caught:
        read(put(dataset))
    assert len(caught.value.content_sha256) == 64


def test_the_parsers_complaints_are_not_printed(put, capfd, caplog):
    dataset = films.film()
    dataset.PatientBirthDate = "SECRETNAME"
    path = put(dataset)
    logging.getLogger("pydicom").warning("not silenced outside")
    caplog.clear()
    read(path)
    assert "SECRETNAME" not in "".join(capfd.readouterr())
    assert caplog.records == []


AGES = {
    "age": ({"PatientAge": "066Y"}, 66.0),
    "months": ({"PatientAge": "030M"}, 2.5),
    "dates": ({"PatientAge": "", "PatientBirthDate": "19600602", "StudyDate": "20240601"}, 63.0),
    "birthday": ({"PatientAge": "", "PatientBirthDate": "20060601", "StudyDate": "20240601"}, 18.0),
    "the lower of both": ({"PatientAge": "066Y", "PatientBirthDate": "20100101", "StudyDate": "20240601"}, 14.0),
    "no age": ({"PatientAge": "", "PatientBirthDate": ""}, None),
    "a study before birth": ({"PatientAge": "", "PatientBirthDate": "20300101"}, None),
    "a day that does not exist": ({"PatientAge": "", "PatientBirthDate": "19600231"}, None),
    "an age without unit": ({"PatientAge": "062", "PatientBirthDate": ""}, 62.0),
}


@pytest.mark.parametrize(("attributes", "years"), AGES.values(), ids=AGES.keys())
def test_the_lowest_stated_age_counts(put, attributes, years):
    dataset = films.film()
    change(**attributes)(dataset)
    assert open_file(put(dataset)).attributes.age.years == years


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_end_in_a_film_or_a_refusal(tmp_path, data):
    """Flip, cut or overwrite bytes of a small film: nothing but InputRefused may come out."""
    path = tmp_path / "film.dcm"
    if not path.exists():
        films.write(films.film(films.picture(64, 64)), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, 2000))] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(content[: data.draw(st.integers(100, len(content)))])
    assert re.fullmatch("read|IN-[A-Z-]+", outcome(damaged))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_run_length_stream_ends_in_a_film_or_a_refusal(tmp_path, data):
    """A decoder that panics on such a stream would end the whole batch, and write to the terminal."""
    stream = bytearray(get_frame(compressed(films.film(films.picture(64, 64)), RLELossless).PixelData, 0, number_of_frames=1))
    for _ in range(data.draw(st.integers(1, 6))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    dataset = compressed(films.film(films.picture(64, 64)), RLELossless)
    dataset.PixelData = encapsulate([bytes(stream)])
    assert re.fullmatch("read|IN-[A-Z-]+", outcome(films.write(dataset, tmp_path / "film.dcm")))
