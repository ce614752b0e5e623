"""Properties of reading and admission over files whose structure is drawn, not their bytes: what the fuzzing study tries at length, tried in every test run.

Spoilt files come from `tests.device_sw.dicom.mutation`, which knows where elements begin; sound ones say the same thing in another of the ways that DICOM
allows. ``python -m tests.benchmarks.fuzzing`` runs the same mutations over a hundred thousand files.
"""

import re
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from device_sw.device import Analysis
from device_sw.dicom.reader import read
from device_sw.errors import InputRefused
from device_sw.types import Policy
from tests.device_sw.dicom.corpus import ENGINE, outcome, whole_outcome
from tests.device_sw.dicom.mutation import elements, mutated
from verification.steps import encodings, films

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SPOILT = (
    "Explicit VR, 12 bits",
    "Implicit VR",
    "Deflated",
    "modality LUT and VOI LUT",
    "RLE, 12 bits",
    "JPEG-LS .80, 12 bits",
    "JPEG 2000 .90, 12 bits",
    "JPEG Lossless .70, 12 bits",
    "signed 12 bits",
)
"""Encodings whose structures differ; the fuzzing study takes all of them."""

FULL = "a film of the intended use"
PLANTED = [value.split("^")[0] for value in films.PLANTED.values()]


@cache
def content(name):
    """The bytes of a small film of the table of encodings, or of a film that is admitted under both policies."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.dcm"
        if name == FULL:
            films.write(films.film(), path)
        else:
            encodings.written(name, path)
        return path.read_bytes()


names = st.sampled_from(SPOILT)
spoilers = st.randoms(use_true_random=False, note_method_calls=False)
"""A source of choices that hypothesis shrinks."""


@QUICK
@given(name=names, random=spoilers, strict=st.booleans())
def test_a_spoilt_file_ends_in_a_picture_or_in_one_coded_line(tmp_path, name, random, strict):
    path = tmp_path / "spoilt.dcm"
    path.write_bytes(mutated(content(name), random))
    assert re.fullmatch(r"admitted|(ADM|IN)-[A-Z0-9-]+", whole_outcome(path, strict))


@QUICK
@given(random=spoilers)
def test_what_the_intended_use_admits_research_admits(tmp_path, random):
    """A film that is admitted, spoilt: whatever was done to it, research is never stricter, and both see the same reasons to refuse a file that cannot be read."""
    path = tmp_path / "spoilt.dcm"
    path.write_bytes(mutated(content(FULL), random))
    told = {policy: outcome(path, policy) for policy in Policy}
    strict, lenient = told[Policy.INTENDED_USE], told[Policy.RESEARCH]
    assert strict["outcome"] == "refused" or lenient["outcome"] == "admitted"
    assert lenient["outcome"] == "admitted" or strict["outcome"] == "refused"
    if (strict["code"] or "").startswith("IN-"):
        assert lenient["code"] == strict["code"]


@QUICK
@given(name=st.one_of(names, st.just(FULL)), random=spoilers)
def test_no_refusal_repeats_what_identifies_a_patient(tmp_path, name, random):
    path = tmp_path / "spoilt.dcm"
    path.write_bytes(mutated(content(name), random))
    analysis = Analysis(ENGINE, Policy.INTENDED_USE)
    try:
        analysis.load(path)
        analysis.admit()
    except InputRefused as refusal:
        told = " ".join(str(reason) for reason in (refusal, *refusal.also))
        assert [value for value in PLANTED if value in told] == []


@QUICK
@given(name=names, random=spoilers)
def test_the_same_bytes_are_judged_alike(tmp_path, name, random):
    spoilt = mutated(content(name), random)
    told = []
    for place in ("a.dcm", "b.dcm"):
        (tmp_path / place).write_bytes(spoilt)
        told.append((judged(tmp_path / place), whole_outcome(tmp_path / place, strict=False)))
    assert told[0] == told[1]


def judged(path):
    """What was read, as a value: the stored pixels with the attributes, or the refusal in words."""
    try:
        film = read(path)
    except InputRefused as refusal:
        return str(refusal)
    return (film.stored.tobytes(), repr(film.attributes), film.content_sha256)


def extended(cells, stored, signed):
    """Return what the low bits of each cell say, the sign in all bits above (PS3.5 8.1.1)."""
    low = cells & ((1 << stored) - 1)
    return np.where(signed & (low >= 1 << (stored - 1)), low - (1 << stored), low)


@QUICK
@given(data=st.data())
def test_native_pixels_are_read_as_the_header_says_or_refused(tmp_path, data):
    """A film that is read has exactly the samples of PS3.5 8.1.1: bits HighBit - BitsStored + 1 to HighBit of each cell, sign extended; a sound one is read."""
    allocated, stored = data.draw(st.sampled_from([8, 16])), data.draw(st.integers(1, 17))
    high = data.draw(st.sampled_from([stored - 1, stored - 1, stored, 7, 15]))
    signed, surplus = data.draw(st.sampled_from([0, 1, 0, 1, 2])), data.draw(st.sampled_from([0, 0, 0, 1, 2, -1, -2]))
    rows, columns = data.draw(st.integers(1, 24)), data.draw(st.integers(1, 24))
    cells = np.random.default_rng(data.draw(st.integers(0, 9))).integers(0, 1 << allocated, rows * columns)
    if data.draw(st.booleans()):
        cells = extended(cells, stored, signed) & ((1 << allocated) - 1)
    content = cells.astype(f"<u{allocated // 8}").tobytes()
    kept = max(len(content) + surplus, 0) // 2 * 2  # an even number, or padding would put a byte back
    content = content[:kept] if surplus < 0 else content + b"\0" * surplus
    dataset = encodings.native()
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = allocated, stored, high, signed
    dataset.Rows, dataset.Columns = rows, columns
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    told = judged(films.write(dataset, tmp_path / "film.dcm"))
    declared = np.array_equal(cells, extended(cells, stored, signed) & ((1 << allocated) - 1))
    sound = 8 <= stored <= allocated and high == stored - 1 and signed < 2 and surplus == 0 and declared
    if isinstance(told, str):
        assert not sound
        assert re.match(r"(IN|ADM)-[A-Z-]+ at ", told)
    else:
        assert np.array_equal(np.frombuffer(told[0], np.int32), extended(cells >> (high - stored + 1), stored, signed))
        assert (stored <= allocated, high < allocated, signed < 2) == (True, True, True)


private = st.lists(
    st.tuples(
        st.sampled_from([0x0009, 0x0029, 0x7FE1, 0x6001]),
        st.integers(0x1001, 0x10FE),
        st.sampled_from(["LO", "OB", "UN", "SQ", "DS"]),
    ),
    max_size=6,
    unique_by=lambda each: each[:2],
)


@settings(QUICK, max_examples=25)
@given(
    extra=private,
    syntax=st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]),
    undefined=st.booleans(),
    padding=st.integers(0, 40),
    depth=st.integers(1, 6),
)
def test_a_film_said_in_another_way_is_the_same_film(tmp_path, extra, syntax, undefined, padding, depth):  # noqa: PLR0917 - ways to say it
    """Private elements, nested sequences of either length, trailing padding and another syntax change neither pixels nor judgement."""
    dataset = films.film()
    for group in {group for group, _, _ in extra}:
        dataset.add_new((group, 0x0010), "LO", "SOMEBODY")
    for group, element, kind in extra:
        dataset.add_new(
            (group, element),
            kind,
            {"SQ": nested(depth, undefined=undefined), "OB": b"\1\2", "UN": b"\1\2", "DS": "1.5"}.get(kind, "x"),
        )
    dataset.ReferencedStudySequence = nested(depth, undefined=undefined)
    if padding:
        dataset.add_new(0xFFFCFFFC, "OB", b"\0" * (padding + padding % 2))
    dataset.file_meta.TransferSyntaxUID = syntax
    path = films.write(dataset, tmp_path / "film.dcm")
    assert outcome(path, Policy.INTENDED_USE) == {"outcome": "admitted", "code": None, "cautions": []}
    assert np.array_equal(read(path).stored, films.stored_values(films.film()))


def nested(depth, *, undefined):
    """A sequence in a sequence, so many deep, of defined or undefined length."""
    item = Dataset()
    item.CodeMeaning = "x"
    for _ in range(depth):
        outer = Dataset()
        outer.PurposeOfReferenceCodeSequence = [item]
        outer["PurposeOfReferenceCodeSequence"].is_undefined_length = undefined
        item = outer
    return [item]


@pytest.mark.parametrize("name", SPOILT[:3])
@given(random=spoilers)
@settings(max_examples=25, deadline=None)
def test_mutation_spoils_and_finds_elements(name, random):
    """The tool itself: files differ from their seeds in most draws, and elements of an undamaged file lie end to end."""
    sound = content("Explicit VR, 12 bits")
    start = 132
    found = elements(sound, start, implicit=False)
    assert found[0].start == start
    assert all(a.end == b.start for a, b in pairwise(found))
    assert found[-1].end == len(sound)
    assert isinstance(mutated(content(name), random), bytes)
