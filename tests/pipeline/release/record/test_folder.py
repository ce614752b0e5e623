"""The folder: parts lie where their names say, the whole folder comes at once, and what cannot be read is refused."""

from __future__ import annotations

import json

import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import find, folder_of
from pipeline.release.record.record import Kind
from tests.pipeline.release.bench import PARTS
from tests.pipeline.release.records import record


def lying(path):
    return {each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()}


def test_a_trial_lies_outside_the_repository_as_a_whole(bench):
    made = bench.release()
    assert made.path == bench.root / "artifacts/releases/0.1.0"
    assert lying(made.path) == {*PARTS, "record.dsse.json", "keys.json"}


def test_a_release_is_committed_but_for_its_archive(bench):
    made = bench.release(kind=Kind.RELEASE)
    committed = {name for name in PARTS if not name.startswith("archive/")}
    assert lying(bench.root / "releases/0.1.0") == {*committed, "record.dsse.json", "keys.json"}
    assert lying(bench.root / "artifacts/releases/0.1.0") == {"archive/wheel/device.whl"}
    assert all(made.place(name).read_bytes() == content for name, content in PARTS.items())


def test_the_bundle_lies_where_the_device_looks_for_it(bench):
    bench.release(kind=Kind.RELEASE)
    assert [each.parent.name for each in (bench.root / "releases").glob("*/bundle")] == ["0.1.0"]


def test_a_folder_is_written_whole_over_what_lay_there(bench):
    made = bench.release()
    (made.path / "left_behind").write_bytes(b"x")
    bench.release()
    assert lying(made.path) == {*PARTS, "record.dsse.json", "keys.json"}
    assert [each.name for each in made.path.parent.iterdir()] == ["0.1.0"]


def test_the_keys_are_listed_for_reading(bench):
    made = bench.release()
    listed = json.loads((made.path / "keys.json").read_bytes())
    assert [each["key"] for each in listed["keys"]] == [bench.keys[name].id for name in ("DEMO-quality", "DEMO-regulatory")]


def test_a_release_is_found_before_a_trial(bench):
    bench.release()
    assert find(bench.root, "0.1.0").record().kind is Kind.TRIAL
    bench.release(kind=Kind.RELEASE)
    assert find(bench.root, "0.1.0").record().kind is Kind.RELEASE


@pytest.mark.parametrize("version", ["1", "1.0.0-rc", "../0.1.0", ""])
def test_another_version_than_three_numbers_is_refused(tmp_path, version):
    with pytest.raises(ReleaseRefused, match="REL-VERSION at VERSION"):
        folder_of(tmp_path, version, Kind.TRIAL)


def test_no_folder_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(ReleaseRefused, match=r"REL-RECORD at 0\.1\.0: found no record.*build 0\.1\.0 --trial"):
        find(tmp_path, "0.1.0")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"payload":"e30=","payloadType":"x","signatures":[]}\n'])
def test_a_record_that_cannot_be_read_is_refused(bench, content):
    made = bench.release()
    made.record_file.write_bytes(content)
    with pytest.raises(ReleaseRefused, match=r"REL-RECORD at record\.dsse\.json"):
        made.record()


def test_the_record_is_unsigned_at_first(bench):
    assert bench.release().envelope().signatures == ()
    assert record().sha256 != bench.release().record().sha256
