"""Shards and their merge: the same root whoever worked and whatever died, and nothing that was changed afterwards passes."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest

from pipeline.fleet import examiners, shard, work
from pipeline.fleet import merge as merging
from pipeline.fleet import plan as planning
from pipeline.fleet.errors import FleetError
from tests.device_sw.batch import dying
from tests.pipeline.fleet.conftest import silent

SHARDS = 4


@pytest.fixture
def plan(tmp_path, lines):
    return planning.make(lines, tmp_path / "fleet", SHARDS)


@pytest.fixture
def examiner():
    return examiners.Simulated()


@pytest.fixture
def finished(plan, examiner):
    work.run(plan, range(SHARDS), examiner, 1, silent)
    return plan


def root_of(plan, examiner):
    return merging.merge(plan, examiner, silent)["merkle_root"]


def test_a_merge_counts_every_study_and_keeps_what_it_says(finished, examiner):
    merged = merging.merge(finished, examiner, silent)
    assert merged["recorded"] == merged["studies"] == 23
    assert sum(merged["counts"].values()) == 23
    assert json.loads((finished.folder / "merged.json").read_bytes()) == merged


def test_workers_and_order_and_division_into_jobs_do_not_change_the_root(tmp_path, lines, finished, examiner):
    expected = root_of(finished, examiner)
    pooled = planning.make(lines, tmp_path / "pooled", SHARDS)
    work.run(pooled, range(SHARDS), examiner, 2, silent)
    jobs = planning.make(lines, tmp_path / "jobs", SHARDS)
    for part in (2, 0, 1):
        work.run(jobs, shard.share(jobs, part, 3)[::-1], examiner, 1, silent)
    assert root_of(pooled, examiner) == root_of(jobs, examiner) == expected


def test_jobs_share_out_each_shard_once(plan):
    assert sorted(index for part in range(3) for index in shard.share(plan, part, 3)) == list(range(SHARDS))
    with pytest.raises(FleetError, match=r"FLT-SHARD at --part 3 --of 3.*number the jobs from 0"):
        shard.share(plan, 3, 3)


def test_a_shard_that_is_done_is_not_touched_again(finished, examiner):
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")}
    work.run(finished, range(SHARDS), examiner, 1, silent)
    assert {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")} == before


def test_a_death_at_any_call_is_followed_by_the_same_root_and_no_part_is_left(tmp_path, lines, examiner):
    def whole(folder):
        plan = planning.make(lines, folder, 2)
        work.run(plan, range(2), examiner, 1, silent)
        return root_of(plan, examiner)

    expected = whole(tmp_path / "undisturbed")
    points = dying.points_of(lambda: whole(tmp_path / "counted"))
    assert len(points) > 20
    for number, (at, moment) in enumerate(points):
        folder = tmp_path / f"died-{number}"

        def dies(folder=folder, at=at, moment=moment):
            dying.Countdown(at, moment).install()
            whole(folder)

        assert dying.in_child(dies) == dying.DIED
        assert whole(folder) == expected
        assert not list(folder.rglob("*.part"))
        shutil.rmtree(folder)


def test_an_unfinished_archive_is_not_merged(plan, examiner):
    work.run(plan, [0, 2], examiner, 1, silent)
    assert shard.missing(plan) == [1, 3]
    with pytest.raises(FleetError, match="FLT-INCOMPLETE at done: found 2 of 4 shards not done"):
        merging.merge(plan, examiner, silent)


def results(plan, index):
    return shard.place_of(plan.folder, index) / examiners.SIMULATED


def test_one_changed_byte_of_a_result_stops_the_merge(finished, examiner):
    path = results(finished, 1)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"analysed", b"Analysed", 1))
    with pytest.raises(FleetError, match=r"FLT-RESULT at shard 1: found results\.jsonl missing or with another SHA-256"):
        root_of(finished, examiner)
    path.unlink()
    with pytest.raises(FleetError, match="FLT-RESULT at shard 1"):
        root_of(finished, examiner)


def rewrite(plan, index, lines):
    """Replace the results of a shard and let its mark agree with them: what a wrong examiner would leave."""
    path, mark = results(plan, index), shard.mark_of(plan.folder, index)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    value = json.loads(mark.read_bytes())
    value["files"][examiners.SIMULATED] = examiners.file_sha256(path)
    mark.write_text(json.dumps(value))


def test_a_study_lost_or_twice_or_foreign_is_seen_even_where_the_hashes_agree(finished, examiner):
    lines = results(finished, 1).read_bytes().splitlines()
    foreign = results(finished, 2).read_bytes().splitlines()[0]
    rewrite(finished, 1, lines[1:])
    with pytest.raises(FleetError, match=r"FLT-INCOMPLETE at shard 1: found 1 of \d studies without a record"):
        root_of(finished, examiner)
    for added in (lines[0], foreign):
        rewrite(finished, 1, [*lines, added])
        with pytest.raises(FleetError, match="FLT-TWICE at shard 1: found 1 studies"):
            root_of(finished, examiner)


def test_the_mark_of_another_shard_or_plan_is_none(tmp_path, lines, finished, examiner):
    shutil.copy(shard.mark_of(finished.folder, 0), shard.mark_of(finished.folder, 1))
    with pytest.raises(FleetError, match="FLT-RESULT at shard 1: found a mark of another plan or shard"):
        root_of(finished, examiner)
    other = planning.make(lines[1:], tmp_path / "other", SHARDS)
    shutil.copytree(finished.folder / "done", other.folder / "done")
    with pytest.raises(FleetError, match="FLT-RESULT at shard 0: found a mark of another plan or shard"):
        work.run(other, [0], examiner, 1, silent)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "another"}', '{"schema": "thoratrace/fleet-shard/1"}'])
def test_a_mark_that_is_none_of_ours_is_not_believed(finished, examiner, content):
    shard.mark_of(finished.folder, 3).write_text(content)
    with pytest.raises(FleetError, match="FLT-RESULT at shard 3: found a mark"):
        work.run(finished, [3], examiner, 1, silent)


class OtherExaminer(examiners.Simulated):
    """A stand-in of another identity."""

    @property
    def identity(self):
        return {"examiner": "another"}


def test_results_of_two_examiners_are_not_brought_together(finished):
    with pytest.raises(FleetError, match="FLT-MIXED at shard 0"):
        work.run(finished, range(SHARDS), OtherExaminer(), 1, silent)
    with pytest.raises(FleetError, match="FLT-MIXED at shard 0"):
        merging.merge(finished, OtherExaminer(), silent)


def test_a_leaf_names_plan_shard_and_root(finished):
    done = shard.read_mark(finished, 0)
    others = [dataclasses.replace(done, **change) for change in ({"shard": 1}, {"plan_sha256": "0" * 64}, {"root": "0" * 64})]
    assert len({merging.leaf(each) for each in (done, *others)}) == 4
