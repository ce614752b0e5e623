"""Flipped bytes: drawn evenly and again the same, invisible to size and time, put back, and counted as missed where nothing names the file."""

import hashlib

import pytest

from pipeline.release.attacks.attack import Finding, Outcome
from pipeline.release.attacks.bench import lay_out, state
from pipeline.release.attacks.checks import in_this_process, verify
from pipeline.release.attacks.flips import KINDS, Flip, FlipCount, drawn, kind_of, names_by_kind, put, together, try_kind


def asked(bench):
    return verify(bench, in_this_process)


@pytest.fixture
def bench(original, tmp_path):
    return lay_out(original, tmp_path / "bench")


def test_every_part_of_the_release_belongs_to_one_kind(bench):
    kinds = names_by_kind(bench)
    names = [name for each in kinds.values() for name in each]
    lying = [path.relative_to(bench.release).as_posix() for path in bench.release.rglob("*") if path.is_file()]
    assert sorted(names) == sorted([*lying, *(name for name in names if name.startswith("archive/"))])
    assert len(set(names)) == len(names)
    assert len(kinds) >= 12
    assert list(kinds) == [kind for kind, _ in KINDS if kind in kinds]


@pytest.mark.parametrize("name", ["files/matrix.json", "archive/trace/matrix.json"])
def test_the_trace_matrix_is_one_kind_wherever_a_release_has_it(name):
    assert kind_of(name) == "trace matrix"


def test_a_name_without_a_kind_of_its_own_is_evidence():
    assert kind_of("files/something.new") == "evidence"


@pytest.mark.parametrize("kind", ["weights", "record and signatures", "keys for reading", "people and keys", "test report"])
def test_flips_of_a_kind_are_caught_and_put_back(kind, bench):
    before = state(bench.folder)
    count = try_kind(bench, kind, names_by_kind(bench)[kind], range(8), asked)
    assert (count.tried, count.caught, count.missed) == (8, 8, ())
    assert count.unseen_by_stat == 8
    assert state(bench.folder) == before
    assert sum(count.codes.values()) >= 8


def test_parts_of_the_work_are_the_whole(bench):
    names = names_by_kind(bench)["weights"]
    parts = [try_kind(bench, "weights", names, part, asked) for part in (range(3), range(3, 6))]
    assert together(parts) == try_kind(bench, "weights", names, range(6), asked)
    assert FlipCount.from_json(together(parts).to_json()) == together(parts)


def test_a_flip_that_the_check_does_not_name_is_missed(bench):
    names = names_by_kind(bench)["weights"]
    quiet = try_kind(bench, "weights", names, range(2), lambda _: Outcome(0))
    elsewhere = try_kind(bench, "weights", names, range(2), lambda _: Outcome(1, (Finding("VER-HASH", "params.yaml"),)))
    assert (quiet.caught, elsewhere.caught) == (0, 0)
    assert quiet.missed[0].startswith("bundle/weights.safetensors at ")


def test_a_flip_changes_one_byte_and_neither_size_nor_time(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(10))
    before = path.stat()
    put(path, Flip("a", 4, 0x81))
    after = path.stat()
    assert path.read_bytes() == bytes(4) + b"\x81" + bytes(5)
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    put(path, Flip("a", 4, 0x81))
    assert path.read_bytes() == bytes(10)


def test_places_are_spread_over_all_bytes_of_a_kind():
    flips = [flip for flip, _ in drawn("seed", "kind", {"large": 900, "small": 100}, 2000)]
    share = sum(flip.name == "small" for flip in flips) / len(flips)
    assert 0.07 < share < 0.13
    assert {flip.mask for flip in flips} == set(range(1, 256))
    assert all(flip.offset < {"large": 900, "small": 100}[flip.name] for flip in flips)
    assert drawn("other", "kind", {"large": 900}, 5) != drawn("seed", "kind", {"large": 900}, 5)


def test_the_draw_follows_the_record(bench):
    name = "bundle/weights.safetensors"
    seed = hashlib.sha256((bench.original.folder / "record.dsse.json").read_bytes()).hexdigest()
    expected = [1000 * flip.offset // 3000 for flip, _ in drawn(seed, "weights", {name: 3000}, 4)]
    assert try_kind(bench, "weights", (name,), range(4), asked).places == tuple(expected)
