"""The documentation level is argued with the estimates of the risk file before controls."""

from dataclasses import replace

import pytest

from pipeline.dossier.level_pages import LevelPages
from pipeline.file_error import FileError


@pytest.fixture
def pages(risk):
    return LevelPages(risk, risk.policy)


def test_the_gravest_situations_are_those_of_the_highest_severity(risk, pages):
    worst = {each.id for hazard in risk.hazards for each in hazard.situations if each.severity == 5}
    text = pages.gravest()
    assert {"HS-006", "HS-020"} <= worst
    assert all(f"[{each}](#{each.lower()})" in text for each in worst)
    assert text.count("S5 catastrophic") == len(worst)


def test_a_milder_risk_file_gives_other_rows(risk):
    milder = tuple(
        replace(hazard, situations=tuple(replace(each, severity=2, probability=None) for each in hazard.situations))
        for hazard in risk.hazards
    )
    text = LevelPages(replace(risk, hazards=milder), risk.policy).gravest()
    assert "S2 minor" in text
    assert "P4" not in text
    assert "S5" not in text


def test_the_situations_of_one_hazard_are_listed(pages):
    assert "HS-012" in pages.of_hazard("HAZ-012")
    assert "HS-006" not in pages.of_hazard("HAZ-012")


def test_a_hazard_that_is_gone_is_named(pages):
    with pytest.raises(FileError, match=r"FILE-CONTENT at docs/intended-use\.md: found no hazard HAZ-999"):
        pages.of_hazard("HAZ-999")
