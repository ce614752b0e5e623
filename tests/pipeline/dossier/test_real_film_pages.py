"""The studies on real films: figures with their intervals from the records alone, and studies that were not run named with their commands."""

import json

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.freshness import PREDICTIONS
from pipeline.dossier.real_film_pages import AGREEMENT, COMMANDS, COMPARISON, NORMALS, RUN, RealFilmPages

METRIC = {"value": 0.7, "interval": {"low": 0.6, "high": 0.8}}
SHOWN = "0.700 [0.600,\N{NO-BREAK SPACE}0.800]"
UNDEFINED = {"value": None, "reason": "no film was analysed"}
ALL = {name: {"macro": METRIC} for name in ("ap30", "ap50", "cpm")}
PAGES = {RUN: "performance", COMPARISON: "beside_a_public_detector", AGREEMENT: "agreement", NORMALS: "normals"}
RECORDS = {
    RUN: {
        "date": "2026-11-21",
        "validation": {
            "films_are": "real films",
            "films": {"scored": 88, "test": 222, "analysed": 84},
            "exclusions": [{"films": 4, "reason": "disputed"}, {"films": 130, "reason": "nobody looked"}],
            "refused": {"films": 4},
            "device": {"device_version": "0.1.0"},
            "statement": "no claim",
            "figures": ALL,
        },
        "subgroups": {
            "strata": {"view": {view: {"figures": {"ap30.macro": METRIC, "ap50.macro": METRIC}} for view in ("AP", "PA")}}
        },
    },
    COMPARISON: {
        "date": "2026-11-22",
        "epochs": 12,
        "device_version": "0.1.1",
        "families": {"small": {"figures": ALL}, "public": {"figures": ALL}},
    },
    AGREEMENT: {
        "date": "2026-11-22",
        "films": 230,
        "patients": 179,
        "teams": {"one": "Opacity", "other": "Consolidation"},
        "boxes": {"one": 350, "other": 393},
        "matched": {iou: {"one": METRIC, "other": METRIC} for iou in ("iou30", "iou50")},
    },
    NORMALS: {
        "date": "2026-11-22",
        "films": 78,
        "films_are": "real films called normal",
        "bundle_sha256": "ab" * 32,
        "device_version": "0.1.1",
        "analysed": 73,
        "refused": {"ADM-CHILD": 5},
        "goal_of_the_phantom": 0.25,
        "films_without_a_mark": METRIC,
        "marks_a_film": METRIC,
        "marks_a_film_of_findings_stated_absent": METRIC,
        "films_cautioned_as_unlike": METRIC,
        "marks_a_film_by_view": {"AP": METRIC, "PA": UNDEFINED},
        "marks_a_film_by_finding": {"scoliosis": METRIC},
    },
}


@pytest.fixture
def pages(tmp_path):
    def make(**records):
        for path, value in {PREDICTIONS: {"bundle_sha256": "cd" * 32}, **records}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(json.dumps(value), encoding="utf-8")
        return RealFilmPages(EvidenceBook(tmp_path), {"scoliosis": "Scoliosis of the spine"})

    return make


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (RUN, ("view AP", "`88 <", "the protocol: no claim", "not computed by view", "`84 <", ": disputed", ": nobody looked")),
        (COMPARISON, ("small", "public", "`12 <")),
        (AGREEMENT, ("one: Opacity", "393")),
        (
            NORMALS,
            (
                "**not the bundle that this file describes**",
                "Scoliosis of the spine",
                "ADM-CHILD: 5",
                "undefined: no film was analysed",
                "at most",
            ),
        ),
    ],
)
def test_each_study_is_shown_with_intervals(pages, path, said):
    text = getattr(pages(**{path: RECORDS[path]}), PAGES[path])()
    assert SHOWN in text
    for part in said:
        assert part in text, text


@pytest.mark.parametrize("path", PAGES)
def test_a_study_that_was_not_run_is_named_with_its_command(pages, path):
    text = getattr(pages(), PAGES[path])()
    assert COMMANDS[path] in text
    assert "not in this version" in text
