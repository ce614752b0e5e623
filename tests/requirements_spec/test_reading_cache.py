"""A kept reading is recalled for the same bytes at the same path by the same code, and for nothing else."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from requirements_spec import reading_cache
from requirements_spec.loader import load
from requirements_spec.reading_cache import ReadingCache, open_cache


def saved(path, pairs):
    """Save readings of paths and contents."""
    cache = ReadingCache()
    for name, content, reading in pairs:
        cache.keep(name, content, reading)
    cache.save(path)


def test_a_reading_is_recalled_by_path_and_content_only(tmp_path):
    saved(tmp_path / "c", [("a.toml", b"1", {"x": "é\n"})])
    cache = open_cache(tmp_path / "c")
    assert cache.recall("a.toml", b"1") == {"x": "é\n"}
    assert cache.recall("a.toml", b"2") is None
    assert cache.recall("b.toml", b"1") is None


def test_what_is_not_asked_for_is_forgotten(tmp_path):
    saved(tmp_path / "c", [("a", b"1", 1), ("b", b"2", 2)])
    cache = open_cache(tmp_path / "c")
    assert cache.recall("a", b"1") == 1
    cache.save(tmp_path / "c")
    assert open_cache(tmp_path / "c").recall("b", b"2") is None


def test_readings_of_other_code_are_foreign(tmp_path, monkeypatch):
    saved(tmp_path / "c", [("a", b"1", 1)])
    monkeypatch.setattr(reading_cache, "code_hash", lambda: "0" * 64)
    assert open_cache(tmp_path / "c").recall("a", b"1") is None


def test_no_file_and_a_folder_are_an_empty_cache(tmp_path):
    assert open_cache(tmp_path / "absent").recall("a", b"1") is None
    assert open_cache(tmp_path).recall("a", b"1") is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_cache_is_empty(tmp_path_factory, place, put):
    path = tmp_path_factory.getbasetemp() / "damaged"
    saved(path, [("a", b"1", {"title": "x"}), ("b", b"2", [1, 2])])
    content = path.read_bytes()
    place %= len(content)
    damaged = content[:place] + put + content[place + 1 :]
    path.write_bytes(damaged)
    assert damaged == content or open_cache(path).recall("a", b"1") is None


def test_a_cache_is_written_whole_or_not_at_all(tmp_path):
    saved(tmp_path / "c", [("a", b"1", 1)])
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    head, _, body = (tmp_path / "c").read_bytes().partition(b"\n")
    assert head.split()[2].decode() == hashlib.sha256(body).hexdigest()


def test_recalled_and_read_specifications_are_equal(project, tmp_path):
    fresh = load(project)
    for _ in range(2):
        cache = open_cache(tmp_path / "c")
        assert load(project, cache) == fresh
        cache.save(tmp_path / "c")


@pytest.mark.parametrize("damage", ['id = "UN-001"', "title = 3"])
def test_a_file_with_a_problem_is_never_kept(project, tmp_path, damage):
    path = project / "requirements_spec/data/user_needs.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n[[need]]\n{damage}\n", encoding="utf-8")
    fresh = load(project)
    assert fresh[1]
    for _ in range(2):
        cache = open_cache(tmp_path / "c")
        assert load(project, cache) == fresh
        cache.save(tmp_path / "c")
