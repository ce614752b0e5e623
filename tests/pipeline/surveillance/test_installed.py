"""What was installed: releases as they are sealed in this repository, and the day of an update."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.surveillance.errors import SurveillanceRefused
from pipeline.surveillance.installed import Released, foreign, releases, stale
from pipeline.surveillance.trail import Entry, Installation
from tests.pipeline.surveillance.sites import ROOT

OLD, NEW = (Installation("0.1.0", f"0.{number}.0", "a" * 64, "intended-use") for number in (1, 2))


def entries(*parts):
    """One entry for each day and installation, in this order."""
    start = datetime(2030, 1, 1, tzinfo=UTC)
    return tuple(
        Entry(1, line, start + timedelta(days=day), "refused", "ADM-VIEW", False, {}, made_by, None)
        for line, (day, made_by) in enumerate(parts, start=1)
    )


def test_the_first_release_is_known():
    (found,) = [each for each in releases(ROOT) if each.device_version == "0.1.0"]
    assert found.bundle_sha256.startswith("5b71a757757a")


def test_a_record_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "releases/0.1.0").mkdir(parents=True)
    shutil.copy(ROOT / "releases/0.1.0/keys.json", tmp_path / "releases/0.1.0/record.dsse.json")
    with pytest.raises(SurveillanceRefused, match=r"^PMS-RELEASES at releases: found REL-RECORD"):
        releases(tmp_path)


def test_a_release_is_known_by_all_three_of_its_parts():
    released = {Released("0.1.0", "0.1.0", "a" * 64)}
    assert not list(foreign([OLD], released))
    for other in (
        replace(OLD, device_version="0.1.1"),
        replace(OLD, model_version="0.1.1"),
        replace(OLD, bundle_sha256="c" * 64),
    ):
        assert next(foreign([other], released)).endswith("is no release")


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([(0, OLD), (1, OLD), (1, NEW), (1, OLD), (2, NEW)], set()),
        ([(0, OLD), (1, NEW), (2, OLD), (3, NEW)], {3}),
        ([(0, OLD), (0, NEW), (0, OLD)], set()),
        ([(0, OLD), (5, OLD)], set()),
        ([(0, OLD), (5, NEW), (3, OLD), (4, OLD)], {3, 4}),
        ([(0, OLD), (5, NEW), (3, NEW), (3, OLD)], {4}),
        ([(0, OLD), (5, NEW), (3, NEW), (6, NEW)], set()),
    ],
    ids=[
        "both on the day",
        "the old one comes back",
        "the first day",
        "one only",
        "the old one comes back with the clock set back",
        "both with the clock set back",
        "the new one with the clock set back",
    ],
)
def test_the_old_one_may_stand_on_the_day_of_an_update_only(parts, lines):
    assert {line for _, line in stale(entries(*parts))} == lines


@settings(deadline=None)
@given(parts=st.lists(st.tuples(st.integers(0, 5), st.sampled_from([OLD, NEW])), max_size=20))
def test_one_installation_alone_is_never_late(parts):
    assert not stale(entries(*((day, OLD) for day, _ in sorted(parts, key=lambda part: part[0]))))
