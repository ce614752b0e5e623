"""The plan follows from the studies alone, holds each once, and refuses what is no list."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fleet import plan as planning
from pipeline.fleet.errors import FleetError
from tests.pipeline.fleet.conftest import line


def bytes_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=25, deadline=None)
@given(numbers=st.sets(st.integers(0, 10**9), min_size=1, max_size=40), shards=st.integers(1, 40), seed=st.integers())
def test_any_order_gives_the_same_plan_with_each_study_once(tmp_path_factory, numbers, shards, seed):
    shards = min(shards, len(numbers))
    ordered = [line(number) for number in sorted(numbers)]
    shuffled = random.Random(seed).sample(ordered, len(ordered))
    folders = [tmp_path_factory.mktemp("plan") for _ in range(2)]
    plan, again = (planning.make(lines, folder, shards) for lines, folder in zip((ordered, shuffled), folders, strict=True))
    assert bytes_of(folders[0]) == bytes_of(folders[1])
    assert plan.sha256 == again.sha256
    found = [plan.of_shard(index) for index in range(shards)]
    assert max(map(len, found)) - min(map(len, found)) <= 1
    assert sorted(f"{study.uid}\t{study.path}".encode() for studies in found for study in studies) == sorted(ordered)


def test_studies_are_sorted_by_the_hash_of_their_uid(tmp_path, lines):
    plan = planning.make(lines, tmp_path, 4)
    uids = [study.uid for index in range(4) for study in plan.of_shard(index)]
    assert uids == sorted(uids, key=lambda uid: hashlib.sha256(uid.encode()).hexdigest())


def test_a_plan_read_is_the_plan_made_and_making_it_again_changes_nothing(tmp_path, lines):
    made = planning.make(lines, tmp_path, 4)
    before = bytes_of(tmp_path)
    assert planning.make(reversed(lines), tmp_path, 4) == made == planning.read(tmp_path)
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize(("kept", "shards"), [(22, 4), (23, 5)])
def test_another_plan_in_the_folder_is_refused(tmp_path, lines, kept, shards):
    planning.make(lines, tmp_path, 4)
    before = bytes_of(tmp_path)
    with pytest.raises(FleetError, match="FLT-PLAN"):
        planning.make(lines[:kept], tmp_path, shards)
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize(
    "wrong",
    [
        b"1.2.3",
        b"1.2.3\t",
        b"\tpath",
        b"1.2.3\tpath\tmore",
        b"1.2.03\tleading zero",
        b"1.2.\tends with a dot",
        b"1\tone component",
        b"1.2.x\tletters",
        b"1.2." + b"3" * 61 + b"\t65 characters",
        b"",
        b"1.2.3\tcarriage\rreturn",
        "1.2.3\tline\u2028separator".encode(),
    ],
)
def test_what_is_no_study_is_refused_with_its_line_and_without_its_text(tmp_path, wrong):
    with pytest.raises(FleetError, match=r"FLT-LIST at line 2: found no study") as refused:
        planning.make([line(1), wrong], tmp_path, 1)
    assert len(wrong) < 4 or wrong.decode() not in str(refused.value)
    assert not (tmp_path / "plan.json").exists()


def test_the_longest_uid_and_a_path_in_any_script_are_taken(tmp_path):
    uid, path = "1.2." + "3" * 60, "檔案/ü \udcff"
    plan = planning.make([f"{uid}\t{path}\n".encode("utf-8", "surrogateescape")], tmp_path, 1)
    assert plan.of_shard(0) == [planning.Study(uid, path)]


def test_a_study_in_two_lines_is_refused(tmp_path, lines):
    with pytest.raises(FleetError, match=r"FLT-LIST .* a study in two lines"):
        planning.make([*lines, b"1.2.826.0.1.4\telsewhere"], tmp_path, 2)


@pytest.mark.parametrize("shards", [0, 24])
def test_more_shards_than_studies_are_refused(tmp_path, lines, shards):
    with pytest.raises(FleetError, match=r"FLT-SHARDS .*a number from 1 to 23"):
        planning.make(lines, tmp_path, shards)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema": "another", "studies": 1, "shards": ["x"]}', None])
def test_what_is_no_plan_is_not_read(tmp_path, content):
    if content is not None:
        (tmp_path / "plan.json").write_text(content)
    with pytest.raises(FleetError, match="FLT-PLAN"):
        planning.read(tmp_path)


def test_a_shard_that_was_edited_or_does_not_exist_is_refused(tmp_path, lines):
    plan = planning.make(lines, tmp_path, 4)
    path = planning.shard_path(tmp_path, 2)
    path.write_bytes(path.read_bytes().replace(b"archive", b"Archive", 1))
    with pytest.raises(FleetError, match="FLT-SHARD at shard 2: found another SHA-256"):
        plan.of_shard(2)
    path.unlink()
    with pytest.raises(FleetError, match="FLT-SHARD at shard 2: found FileNotFoundError"):
        plan.of_shard(2)
    with pytest.raises(FleetError, match="FLT-SHARD at shard 4: found no such shard"):
        plan.of_shard(4)
