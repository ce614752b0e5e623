"""The validation pages print every figure with its interval, its counts where films are counted, and a reason where there is none."""

import json
import re

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.validation_pages import RECORD, ValidationPages

RATES = ("0.125", "0.25", "0.5", "1", "2", "4", "8")


def metric(value, above=None, below=None):
    found = {"value": value, "interval": {"low": value - 0.1, "high": value + 0.1}}
    return found | ({"numerator": above, "denominator": below} if below else {})


UNDEFINED = {"value": None, "reason": "no truth boxes", "denominator": 0}


def curve(value):
    points = {rate: metric(value + index / 100) for index, rate in enumerate(RATES)}
    return {"sensitivity_at_false_positives_per_film": points, "cpm": metric(value + 0.05)}


@pytest.fixture
def pages(tmp_path):
    rates = ("sensitivity", "sensitivity_refusals_missed", "film_sensitivity", "specificity")
    row = {name: metric(0.75, 3, 4) for name in (*rates, "false_positives_per_film", "false_positives_per_normal_film")}
    undefined = dict.fromkeys(row, UNDEFINED)
    names = ("ap30", "ap40", "ap50", "ap75", "ap50_95", "ar1", "ar10", "ar100")
    record = {
        "findings": ["scoliosis", "aortic_curvature"],
        "figures": {
            name: {"scoliosis": metric(0.5 + index / 100), "aortic_curvature": UNDEFINED, "macro": UNDEFINED}
            for index, name in enumerate(names)
        },
        "operating_point": {
            "per_finding": {"scoliosis": row | {"threshold": 0.25}, "aortic_curvature": undefined | {"threshold": 0.5}},
            "all_findings": row | {"film_specificity": metric(0.2, 4, 20)},
        },
        "froc": {"scoliosis": curve(0.3), "aortic_curvature": curve(0.4), "macro": curve(0.35), "all_findings": curve(0.15)},
    }
    (tmp_path / RECORD).parent.mkdir(parents=True)
    (tmp_path / RECORD).write_text(json.dumps(record), encoding="utf-8")
    return ValidationPages(EvidenceBook(tmp_path), {"scoliosis": "Scoliosis", "aortic_curvature": "Aortic curvature"})


def rows(table):
    """Return the cells of a list table without their sources."""
    text = re.sub(r"\{ev\}`([^<`]*?) <[^`]*`", r"\1", table)
    return [re.split(r"\n  - ", row) for row in re.split(r"\n\* - ", text.removesuffix("\n```"))[1:]]


def test_localisation_has_every_overlap_and_reasons_where_there_is_no_figure(pages):
    header, first, second, _ = rows(pages.localisation())
    assert header == ["Finding", "AP30", "AP40", "AP50", "AP75", "AP50:95"]
    assert [cell[:5] for cell in first[1:]] == ["0.500", "0.510", "0.520", "0.530", "0.540"]
    assert second[1:] == ["undefined: no truth boxes"] * 5


def test_recall_has_its_three_figures(pages):
    header, first, *_ = rows(pages.recall())
    assert header == ["Finding", "AR1", "AR10", "AR100"]
    assert [cell[:5] for cell in first[1:]] == ["0.550", "0.560", "0.570"]


def test_film_level_figures_carry_their_counts(pages):
    _, first, second, pooled = rows(pages.film_level())
    assert all(cell.split("\n\n")[1].strip() == "3 of 4" for cell in first[1:])
    assert second[1:] == ["undefined: no truth boxes"] * 3
    assert pooled[0] == "**all findings**"
    assert pooled[2].startswith("0.200")
    assert pooled[2].endswith("4 of 20")


def test_froc_ends_with_the_macro_mean_and_all_marks_in_one_list(pages):
    header, *body = rows(pages.froc())
    assert header == ["Finding", *RATES, "CPM"]
    assert [row[0] for row in body] == ["Scoliosis", "Aortic curvature", "**macro mean**", "**all marks in one list**"]
    assert [re.sub(r"\s+", " ", body[3][place]) for place in (1, 7, 8)] == [
        "0.150 0.05-0.25",
        "0.210 0.11-0.31",
        "0.200 0.10-0.30",
    ]
