"""Shards that the device itself examines."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess

import pytest

from pipeline.fleet import examiners, shard, work
from pipeline.fleet import merge as merging
from pipeline.fleet import plan as planning
from pipeline.fleet.errors import FleetError
from tests.pipeline.fleet.conftest import silent
from verification.steps import bundles, films


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Three studies: a film, a folder of two files, and a file that is none."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "b").mkdir()
    films.write(films.film(films.picture(520, 512, seed=0), name="film 0"), folder / "a.dcm")
    films.write(films.film(films.picture(520, 512, seed=1), name="film 1"), folder / "b" / "one.dcm")
    shutil.copy(folder / "a.dcm", folder / "b" / "two.dcm")
    (folder / "c.dcm").write_text("no film\n")
    return folder


@pytest.fixture(scope="module")
def examiner(tmp_path_factory):
    return examiners.DeviceCommand(bundles.untrained(tmp_path_factory.mktemp("bundle") / "bundle"), ("--no-dicom", "--no-page"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, archive, examiner):
    lines = [f"1.2.3.{number}\t{path}".encode() for number, path in enumerate(sorted(archive.iterdir()), start=1)]
    plan = planning.make(lines, tmp_path_factory.mktemp("fleet") / "fleet", 1)
    work.run(plan, [0], examiner, 1, silent)
    return plan


def test_the_device_records_each_study_and_a_second_call_goes_on_to_the_same_root(finished, examiner):
    merged = merging.merge(finished, examiner, silent)
    assert merged["counts"] == {"analysed": 3, "failed": 0, "refused": 1}
    assert merged["recorded"] == 3
    shard.mark_of(finished.folder, 0).unlink()
    work.run(finished, [0], examiner, 1, silent)
    assert merging.merge(finished, examiner, silent)["merkle_root"] == merged["merkle_root"]


def test_a_study_whose_file_came_later_is_missing(finished, examiner, archive):
    films.write(films.film(films.picture(520, 512, seed=2), name="film 2"), archive / "b" / "three.dcm")
    try:
        with pytest.raises(FleetError, match="FLT-INCOMPLETE at shard 0: found 1 of 3 studies"):
            merging.merge(finished, examiner, silent)
    finally:
        (archive / "b" / "three.dcm").unlink()


def test_a_study_whose_files_went_or_that_never_had_any_is_missing(finished, examiner, tmp_path):
    (tmp_path / "empty").mkdir()
    studies = [planning.Study("1.2.3", str(tmp_path / "empty")), planning.Study("1.2.4", str(tmp_path / "gone.dcm"))]
    assert examiner.recorded(studies, shard.place_of(finished.folder, 0)).total() == 0


def test_workers_change_the_command_and_not_the_identity(tmp_path, examiner, monkeypatch):
    many, commands = dataclasses.replace(examiner, workers=8), []

    def ended(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 2, b"", b"")

    monkeypatch.setattr(examiners.subprocess, "run", ended)
    for each in (examiner, many):
        with pytest.raises(FleetError, match="FLT-DEVICE"):
            each.examine([planning.Study("1.2.3", "a.dcm")], tmp_path)
    assert commands[1] == [*commands[0], "--engine", "ray", "--workers", "8"]
    assert many.identity == examiner.identity
    assert dataclasses.replace(examiner, options=("--policy", "research")).identity != examiner.identity


def test_a_result_changed_afterwards_stops_the_merge(finished, examiner):
    record = next((shard.place_of(finished.folder, 0) / "results").glob("*.json"))
    content = record.read_bytes()
    record.write_bytes(content + b" ")
    try:
        with pytest.raises(FleetError, match=r"FLT-DEVICE .*results/"):
            merging.merge(finished, examiner, silent)
    finally:
        record.write_bytes(content)


def test_a_device_that_cannot_work_marks_nothing(tmp_path, examiner, monkeypatch):
    plan = planning.make([b"1.2.3\tabsent.dcm"], tmp_path, 1)
    ended = subprocess.CompletedProcess([], 3, b"", b"BND-HASH at weights")
    monkeypatch.setattr(examiners.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(FleetError, match=r"FLT-DEVICE .*exit code 3: BND-HASH"):
        shard.run(plan, 0, examiner)
    assert shard.missing(plan) == [0]


def test_a_file_name_with_a_line_break_is_refused(tmp_path, examiner):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "a\nb.dcm").write_bytes(b"")
    with pytest.raises(FleetError, match=r"FLT-DEVICE .*line break"):
        examiner.examine([planning.Study("1.2.3", str(tmp_path / "study"))], tmp_path / "out")
