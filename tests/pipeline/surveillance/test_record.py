"""What surveillance finds in trails that the device's own batch recorded: nothing where nothing changed, and each drift by the indicator that watches for it."""

import html
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from device_sw.types import Policy
from pipeline.surveillance import baseline as baselines
from pipeline.surveillance import page
from pipeline.surveillance.errors import SurveillanceRefused
from pipeline.surveillance.installed import Released
from pipeline.surveillance.record import record_of
from pipeline.surveillance.tally import tally
from pipeline.surveillance.trail import in_order
from tests.pipeline.surveillance.sites import (
    FINDINGS,
    RELEASED,
    ROOT,
    WORDS,
    digest,
    ordered,
    points,
    read,
    states,
    steady,
)

SCHEMAS = {
    name: json.loads((ROOT / f"pipeline/surveillance/{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("record", "baseline")
}


def holds(name, value):
    jsonschema.Draft202012Validator(SCHEMAS[name]).validate(json.loads(json.dumps(value)))


def baseline_of(plan, *folders, words=WORDS):
    """Return the baseline of the first inputs of these folders, as it is read back from its file."""
    trails = read(*folders)
    path = folders[0].parent / "formed-baseline.json"
    path.write_bytes(baselines.form(in_order(trails), trails, plan, words, RELEASED).content)
    return baselines.load(path)


def judged(plan, *folders, words=WORDS, base=None):
    """Return the record of windows after a baseline of the first 80 inputs."""
    return record_of(ordered(plan, read(*folders), base or baseline_of(plan, *folders, words=words)))


def of(record, indicator):
    return next(each for each in record["indicators"] if each["id"] == indicator)


def test_nothing_is_outside_where_nothing_changed(site, plan):
    site.record([*steady(76), *["ADM-VIEW"] * 4]).record([*steady(38), *["ADM-VIEW"] * 2, *steady(38, seed=3), *["ADM-VIEW"] * 2])
    record = judged(plan, site.folder)
    holds("record", record)
    assert record["verdict"] == "inside"
    assert [window["inputs"] for window in record["windows"]] == [40, 40]
    assert states(record, "PMI-01", "ADM-VIEW") == ["inside", "inside"]
    share = points(record, "PMI-01", "all codes")[0]
    assert (share["count"], share["n"], share["value"]) == (2, 40, 0.05)
    assert share["limits"] == pytest.approx([0.0, 0.05 + 3 * (0.05 * 0.95 * (1 / 40 + 1 / 80)) ** 0.5], abs=1e-9)


def test_more_refusals_are_outside(site, plan):
    site.record([*steady(76), *["ADM-VIEW"] * 4]).record([*steady(28), *["ADM-POLARITY"] * 12])
    record = judged(plan, site.folder)
    assert record["verdict"] == "outside"
    assert states(record, "PMI-01", "all codes") == ["outside"]
    assert points(record, "PMI-01", "ADM-POLARITY")[0]["reason"] == "none in the baseline: each one is looked at"
    assert states(record, "PMI-01", "ADM-VIEW") == ["inside"]
    assert states(record, "PMI-03", FINDINGS[0]) == ["inside"]


def test_a_code_that_doubled_is_outside_although_all_codes_together_are_inside(site, plan):
    site.record([*steady(68), *["ADM-VIEW"] * 10, *["ADM-SIZE"] * 2]).record([*steady(34), "ADM-VIEW", *["ADM-SIZE"] * 5])
    record = judged(plan, site.folder)
    assert states(record, "PMI-01", "all codes") == ["inside"]
    assert points(record, "PMI-01", "ADM-SIZE")[0]["reason"] == "more than twice the share of the baseline"


def test_two_films_of_a_rare_code_do_not_decide(site, plan):
    site.record([*steady(79), "ADM-SIZE"]).record([*steady(38), *["ADM-SIZE"] * 2])
    assert states(judged(plan, site.folder), "PMI-01", "ADM-SIZE") == ["inside"]


def test_a_failure_counts_at_once_and_none_only_in_a_full_window(site, plan):
    site.record(steady(80)).record([*steady(39), "INF-NONFINITE"]).record([*steady(3), "INF-SHAPE"])
    record = judged(plan, site.folder)
    assert [point["state"] for point in points(record, "PMI-02")] == ["outside", "outside"]
    assert points(record, "PMI-02")[1]["reason"] == "failed with INF-SHAPE 1"
    site.record(steady(36)).record(steady(10))
    assert states(judged(plan, site.folder), "PMI-02")[-1] == "not evaluated"


def test_shifted_scores_are_outside_although_as_many_films_are_marked(site, plan):
    site.record(steady(80)).record(
        [(distance, {name: [score / 2 for score in found] for name, found in marks.items()}) for distance, marks in steady(40)]
    )
    record = judged(plan, site.folder)
    assert states(record, "PMI-03", FINDINGS[0]) == ["inside"]
    (point,) = points(record, "PMI-05", FINDINGS[0])
    assert point["state"] == "outside"
    assert "the median lies outside the quartiles" in point["reason"]
    assert "Kolmogorov-Smirnov" in point["reason"]
    assert point["also"]["ks_chance"] < 0.0027


def test_films_that_moved_are_outside_before_any_crosses_the_limit(site, plan):
    site.record(steady(80)).record([(distance + 0.5, marks) for distance, marks in steady(40)])
    record = judged(plan, site.folder)
    assert states(record, "PMI-04", "outside") == ["inside"]
    assert states(record, "PMI-04", "distance") == ["outside"]


def test_films_beyond_the_limit_are_outside(site, plan):
    site.record(steady(80)).record([*steady(34), *[(9.0, {})] * 6])
    record = judged(plan, site.folder)
    assert (points(record, "PMI-04", "outside")[0]["count"], states(record, "PMI-04", "outside")) == (6, ["outside"])


def test_marks_that_become_frequent_are_outside(site, plan):
    site.record(steady(80)).record([(1.0, {FINDINGS[0]: [0.6]}) if index % 4 else (1.0, {}) for index in range(40)])
    assert states(judged(plan, site.folder), "PMI-03", FINDINGS[0]) == ["outside"]


def test_seven_windows_together_are_outside_where_none_of_them_is_alone(site, plan):
    """20 of 80 films have a mark in the baseline: 19 of 40 are within the limits of a window, 133 of 280 beyond those of seven."""
    window = [(distance, {FINDINGS[0]: [0.6]} if index < 19 else {}) for index, (distance, _) in enumerate(steady(40))]
    site.record(steady(80)).record(window * 8)
    found = points(judged(plan, site.folder), "PMI-03", FINDINGS[0])
    assert [point["state"] for point in found] == ["inside"] * 6 + ["outside"] * 2
    assert found[6]["reason"] == "the last 7 windows together, 133 of 280, beyond three standard deviations of the baseline"


def test_windows_around_one_that_was_not_evaluated_are_not_taken_together(site, plan):
    window = [(distance, {FINDINGS[0]: [0.6]} if index < 19 else {}) for index, (distance, _) in enumerate(steady(40))]
    site.record(steady(80)).record([*window * 3, *steady(10), *["ADM-VIEW"] * 30, *window * 4])
    found = points(judged(plan, site.folder), "PMI-03", FINDINGS[0])
    assert [point["state"] for point in found] == ["inside"] * 3 + ["not evaluated"] + ["inside"] * 4


def test_what_is_no_release_is_outside_at_once(site, plan):
    site.record(steady(80))
    site.bundle = "c" * 64
    site.record(steady(3))
    record = judged(plan, site.folder)
    assert f"bundle {'c' * 12} is no release" in points(record, "PMI-07")[0]["reason"]


def test_the_research_policy_is_outside(site, plan):
    site.record(steady(80))
    site.policy = Policy.RESEARCH
    site.record(steady(40))
    assert points(judged(plan, site.folder), "PMI-07")[0]["reason"] == "policy research"


def test_answers_of_another_bundle_are_not_held_against_the_baseline(site, plan):
    site.record(steady(80))
    site.bundle = "c" * 64
    site.record([(2.5, {FINDINGS[0]: [0.1]})] * 40)
    record = judged(plan, site.folder)
    reason = "inputs of another bundle than the baseline's, whose limits do not hold for it"
    for indicator in ("PMI-03", "PMI-04", "PMI-05"):
        assert {(point["state"], point["reason"]) for one in of(record, indicator)["series"] for point in one["points"]} == {
            ("not evaluated", reason)
        }
    assert states(record, "PMI-01", "all codes") == ["inside"]


def test_windows_after_a_released_update_are_not_inside_although_one_window_before_it_was(site, plan, tmp_path):
    site.record(steady(120))
    site.day, site.bundle = "2030-01-02", "c" * 64
    site.record([(9.0, {FINDINGS[0]: [0.1]})] * 400)
    order = ordered(plan, read(site.folder), baseline_of(plan, site.folder))
    record = record_of(replace(order, releases=RELEASED | {Released("0.1.0", "0.1.0", "c" * 64)}))
    assert len(record["windows"]) == 11
    assert {name: of(record, name)["state"] for name in ("PMI-01", "PMI-02", "PMI-03", "PMI-04", "PMI-05", "PMI-07")} == {
        **dict.fromkeys(("PMI-01", "PMI-02", "PMI-07"), "inside"),
        **dict.fromkeys(("PMI-03", "PMI-04", "PMI-05"), "not evaluated"),
    }
    assert record["verdict"] == "not evaluated"
    unknown = sum(each["points"]["not evaluated"] for each in record["indicators"])
    text = page.write(tmp_path / "out", record, plan).read_text(encoding="utf-8")
    assert f"{unknown} values could not be evaluated." in text
    assert unknown == (len(FINDINGS) - 1) + 10 * (2 * len(FINDINGS) + 2)


def test_the_page_of_what_is_inside_says_how_much_could_not_be_evaluated(site, plan, tmp_path):
    site.record(steady(123))
    record = judged(plan, site.folder)
    assert record["verdict"] == "inside"
    unknown = sum(each["points"]["not evaluated"] for each in record["indicators"])
    text = page.write(tmp_path / "out", record, plan).read_text(encoding="utf-8")
    words = "in every full window at least one value of each indicator that a program sums up could be evaluated"
    assert words in text
    assert f"{unknown} values could not be evaluated." in text


def ruled(plan, indicator, rule):
    """Return the plan with one rule of an indicator only."""
    changed = (replace(each, rules=(rule,)) if each.id == indicator else each for each in plan.indicators)
    return replace(plan, indicators=tuple(changed))


@pytest.mark.parametrize(
    ("rule", "series"),
    [
        ("PMI-01 three-standard-deviations", "ADM-VIEW"),
        ("PMI-01 twice-baseline", "all codes"),
        ("PMI-04 three-standard-deviations", "distance"),
        ("PMI-04 kolmogorov-smirnov", "outside"),
    ],
)
def test_a_series_that_no_rule_judges_is_not_inside(site, plan, rule, series):
    site.record([*steady(79), "ADM-VIEW"]).record([*steady(39), "ADM-VIEW"])
    (point,) = points(judged(ruled(plan, *rule.split()), site.folder), rule.split()[0], series)
    assert (point["state"], point["reason"]) == ("not evaluated", "no rule of the plan judges it")
    assert point["value"] is not None


def test_a_window_that_is_not_full_says_so(site, plan):
    site.record(steady(80)).record(["ADM-VIEW"] * 39)
    record = judged(plan, site.folder)
    assert points(record, "PMI-01", "all codes")[0]["reason"] == "39 of 40 inputs: the window is not full"
    assert points(record, "PMI-01", "all codes")[0]["value"] == 1.0
    assert record["verdict"] == "not evaluated"


def test_too_few_analysed_films_or_marks_are_not_judged(site, plan):
    site.record(steady(80)).record([*steady(10), *["ADM-VIEW"] * 30])
    record = judged(plan, site.folder)
    reason = "10 films in the window, 80 in the baseline, at least 20 are needed"
    assert points(record, "PMI-03", FINDINGS[0])[0]["reason"] == reason
    assert points(record, "PMI-05", FINDINGS[0])[0]["reason"] == "3 marks in the window, at least 8 are needed"
    assert states(record, "PMI-01", "all codes") == ["outside"]


@pytest.mark.parametrize(
    ("base", "reason"),
    [(False, "no baseline was given"), (True, "nobody has looked through the baseline")],
    ids=["none", "unread"],
)
def test_no_limit_rests_on_a_baseline_that_nobody_has_looked_through(site, plan, base, reason):
    site.record(steady(120))
    made = baseline_of(plan, site.folder, words="") if base else None
    record = record_of(ordered(plan, read(site.folder), made))
    assert {point["reason"] for point in points(record, "PMI-01", "all codes")} == {reason}
    assert states(record, "PMI-02")[0] == "inside"
    assert record["verdict"] == "not evaluated"


def test_without_results_what_needs_them_is_not_evaluated(site, plan):
    import shutil

    site.record(steady(120))
    base = baseline_of(plan, site.folder)
    shutil.rmtree(site.folder / "results")
    record = judged(plan, site.folder, base=base)
    reason = "no results of 40 of 40 analysed films were passed on"
    assert {points(record, name)[0]["reason"] for name in ("PMI-04", "PMI-05")} == {reason}
    assert states(record, "PMI-03", FINDINGS[0]) == ["inside"]
    assert record["trails"][0]["results"] is False


def test_what_a_baseline_states_of_results_that_are_not_given_again_is_not_believed(site, new_site, plan, tmp_path):
    import shutil

    site.record(steady(80))
    later = new_site("later")
    later.day = "2030-01-05"
    later.record(steady(40))
    base = baseline_of(plan, site.folder)
    scores = {FINDINGS[0]: tuple(score / 2 for score in base.tally.scores[FINDINGS[0]])}
    eased = replace(base, tally=replace(base.tally, scores=scores, highest=scores))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found other counts than its lines give"):
        judged(plan, site.folder, later.folder, base=eased)
    shutil.rmtree(site.folder / "results")
    record = judged(plan, site.folder, later.folder, base=eased)
    holds("record", record)
    reason = "results of the baseline were not given again, so what it states of them is not checked"
    found = [*points(record, "PMI-04", "outside"), *points(record, "PMI-04", "distance"), *points(record, "PMI-05", FINDINGS[0])]
    assert [(point["state"], point["reason"]) for point in found] == [("not evaluated", reason)] * 3
    assert states(record, "PMI-03", FINDINGS[0]) == ["inside"]
    assert record["verdict"] == "not evaluated"
    text = page.write(tmp_path / "out", record, plan).read_text(encoding="utf-8")
    assert "Results of the baseline were not given again, so what it states of them is not checked" in text


def test_results_without_a_distance_are_not_judged(site, plan):
    site.record(steady(80)).record([*steady(39), (None, {})])
    record = judged(plan, site.folder)
    assert {points(record, "PMI-04", name)[0]["reason"] for name in ("outside", "distance")} == {
        "1 of 40 results hold no distance"
    }


def test_what_no_program_sums_up_is_said_with_its_reason(site, plan):
    site.record(steady(120))
    record = judged(plan, site.folder)
    found = {each["id"]: each for each in record["indicators"] if not each["summed"]}
    assert set(found) == {"PMI-06", "PMI-08", "PMI-09", "PMI-10", "PMI-11"}
    assert all(each["reason"] and each["state"] == "not evaluated" and not each["series"] for each in found.values())


def test_the_baseline_of_shorter_trails_is_refused(site, plan):
    site.record(steady(79))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found 79 inputs, expected 80"):
        baseline_of(plan, site.folder)


def test_the_baseline_of_two_bundles_is_refused(site, plan):
    site.record(steady(40))
    site.bundle = "c" * 64
    site.record(steady(40))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found 2 installations"):
        baseline_of(plan, site.folder)


def test_the_baseline_of_another_policy_is_refused(site, plan):
    site.policy = Policy.RESEARCH
    site.record(steady(80))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found policy research, expected intended-use"):
        baseline_of(plan, site.folder)


def test_the_baseline_of_failed_inputs_is_refused(site, plan):
    site.record([*steady(78), "INF-SHAPE", "INF-SHAPE"])
    with pytest.raises(
        SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found failed inputs \(INF-SHAPE 2\), expected none"
    ):
        baseline_of(plan, site.folder)


def test_the_baseline_of_no_release_is_refused(site, plan):
    site.bundle = "c" * 64
    site.record(steady(80))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found device 0.1.0, .* is no release, expected a"):
        baseline_of(plan, site.folder)


def test_a_baseline_that_could_not_be_formed_is_refused_where_it_is_used(site, plan):
    site.record([*steady(79), "INF-SHAPE"]).record(steady(40))
    trails = read(site.folder)
    counted = tally(in_order(trails)[:80])
    head = baselines.Head(80, trails[0].hashes[79])
    by_hand = baselines.Baseline(plan.sha256, WORDS, (head,), counted)
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found failed inputs \(INF-SHAPE 1\)"):
        judged(plan, site.folder, base=by_hand)


def test_after_an_update_a_baseline_is_formed_from_a_new_folder_alone(site, new_site, plan):
    site.record(steady(40))
    site.bundle = "c" * 64
    site.record(steady(40))
    with pytest.raises(SurveillanceRefused, match=r"Repair: record into a new output folder, form the baseline from that folder"):
        baseline_of(plan, site.folder)
    anew = new_site("anew")
    anew.day = "2030-01-05"
    anew.record(steady(120))
    assert judged(plan, anew.folder)["verdict"] == "inside"


def test_the_baseline_of_films_without_results_is_refused(site, plan):
    import shutil

    site.record(steady(80))
    shutil.rmtree(site.folder / "results")
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found results of 0 of 80 analysed films"):
        baseline_of(plan, site.folder)


def test_a_baseline_of_other_trails_is_refused(site, new_site, plan):
    site.record(steady(80))
    other = new_site("other").record(steady(120))
    with pytest.raises(
        SurveillanceRefused, match=r"^PMS-BASELINE at trails of the command: found no trail whose line 80 has SHA-256"
    ):
        judged(plan, other.folder, base=baseline_of(plan, site.folder))


def test_an_earlier_trail_that_the_baseline_does_not_know_is_refused(site, new_site, plan):
    site.day = "2030-02-01"
    site.record(steady(120))
    early = new_site("early").record(steady(5))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found inputs that were recorded before its end"):
        judged(plan, site.folder, early.folder, base=baseline_of(plan, site.folder))


def test_a_baseline_whose_counts_were_changed_is_refused(site, plan):
    site.record(steady(120))
    base = baseline_of(plan, site.folder)
    eased = replace(base, tally=replace(base.tally, marked={FINDINGS[0]: 40}))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found other counts than its lines give"):
        judged(plan, site.folder, base=eased)


def test_the_file_of_a_baseline_is_read_back_and_nothing_else_is(site, plan, tmp_path):
    site.record([*steady(79), "ADM-VIEW"])
    base, path = baseline_of(plan, site.folder), tmp_path / "baseline.json"
    holds("baseline", base.to_json())
    path.write_text(json.dumps(base.to_json()), encoding="utf-8")
    assert baselines.load(path).to_json() == base.to_json()
    path.write_text(json.dumps(base.to_json() | {"more": 1}), encoding="utf-8")
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found other content"):
        baselines.load(path)
    path.write_text('{"schema": ', encoding="utf-8")
    with pytest.raises(
        SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found a file that is no baseline \(JSONDecodeError\)"
    ):
        baselines.load(path)


@pytest.mark.parametrize(
    "words", [True, 7, "", " ", "somebody", " " * 20, "a reader\nand more", "a reader on no day ", "x" * 201], ids=repr
)
def test_a_baseline_is_looked_through_by_words_that_can_say_so(site, plan, tmp_path, words):
    site.record(steady(80))
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(baseline_of(plan, site.folder).to_json() | {"looked_through": words}), encoding="utf-8")
    with pytest.raises(SurveillanceRefused, match=r"^PMS-BASELINE at baseline: found other content than a baseline has"):
        baselines.load(path)


def test_what_was_seen_before_has_to_be_there_still(site, plan):
    site.record(steady(120))
    earlier = record_of(ordered(plan, read(site.folder)))
    site.record(steady(40))
    assert record_of(ordered(plan, read(site.folder), earlier=earlier))["trails"][0]["lines"] == 160
    trail = site.folder / "audit.jsonl"
    trail.write_text("".join(trail.read_text(encoding="utf-8").splitlines(keepends=True)[:119]), encoding="utf-8")
    with pytest.raises(
        SurveillanceRefused, match=r"^PMS-LOST at trails of the command: found no trail whose line 120 has SHA-256"
    ):
        record_of(ordered(plan, read(site.folder), earlier=earlier))


@pytest.mark.parametrize(
    "earlier", [[], {"schema": "thoratrace/result/1"}, {"schema": "thoratrace/surveillance-record/1", "trails": 1}]
)
def test_what_is_no_earlier_record_is_refused(site, plan, earlier):
    site.record(steady(1))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-LOST at earlier record: found no record of a surveillance"):
        record_of(ordered(plan, read(site.folder), earlier=earlier))


def test_a_trail_and_an_older_copy_of_it_are_refused(site, plan, tmp_path):
    import shutil

    site.record(steady(20))
    shutil.copytree(site.folder, tmp_path / "copy")
    site.record(steady(20))
    with pytest.raises(SurveillanceRefused, match=r"^PMS-TWICE at trail 2: found the beginning of trail 1 again"):
        record_of(ordered(plan, read(site.folder, tmp_path / "copy")))


def test_the_order_of_folders_does_not_show_and_equal_inputs_give_equal_bytes(site, new_site, plan, tmp_path):
    site.record([*steady(79), "ADM-VIEW"])
    later = new_site("later")
    later.day = "2030-01-05"
    later.record([*steady(50), "ADM-SIZE"])
    base = baseline_of(plan, site.folder)
    written = []
    for name, folders in (("a", (site.folder, later.folder)), ("b", (later.folder, site.folder))):
        page.write(tmp_path / name, judged(plan, *folders, base=base), plan)
        written.append({path.name: digest(path) for path in sorted((tmp_path / name).iterdir())})
    assert written[0] == written[1]
    assert set(written[0]) == {"surveillance.json", "surveillance.html", *(f"PMI-0{number}.png" for number in (1, 2, 3, 4, 5, 7))}


def test_the_order_of_folders_does_not_show_where_times_are_equal(site, new_site, plan, tmp_path):
    """All inputs of both folders stand at the same time, and the end of the baseline lies between them."""
    site.record([*steady(49), "ADM-VIEW"])
    other = new_site("other").record([*steady(69, seed=3, shift=0.01), "ADM-VIEW"])
    written = []
    for name, folders in (("a", (site.folder, other.folder)), ("b", (other.folder, site.folder))):
        base = baseline_of(plan, *folders)
        record = judged(plan, *folders, base=base)
        assert len(base.heads) == 2
        page.write(tmp_path / name, record, plan)
        written.append([base.content, *(digest(path) for path in sorted((tmp_path / name).iterdir()))])
    assert written[0] == written[1]


def test_control_charts_of_an_earlier_run_are_removed_and_nothing_else_is(site, plan, tmp_path):
    site.record(steady(120))
    page.write(tmp_path / "out", judged(plan, site.folder), plan)
    (tmp_path / "out/notes.png").write_bytes(b"")
    fewer = replace(plan, indicators=tuple(each for each in plan.indicators if each.id != "PMI-03"))
    page.write(tmp_path / "out", judged(fewer, site.folder), fewer)
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "notes.png",
        *(f"PMI-0{number}.png" for number in (1, 2, 4, 5, 7)),
    }


def test_nothing_that_names_a_film_is_written(site, plan, tmp_path):
    site.record([*steady(79), "ADM-VIEW"]).record([*steady(39), "ADM-VIEW"])
    lines = [json.loads(line) for line in (site.folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    base = baseline_of(plan, site.folder)
    page.write(tmp_path / "out", judged(plan, site.folder, base=base), plan)
    text = "".join((tmp_path / "out" / name).read_text(encoding="utf-8") for name in ("surveillance.json", "surveillance.html"))
    text += json.dumps(base.to_json())
    hidden = {
        str(line[name])[:12]
        for line in lines
        for name in ("content_sha256", "sop_instance_uid", "leaf", "picture_sha256")
        if line[name]
    }
    hidden |= {Path(line["record"]).stem for line in lines} | {"DOE^JANE", str(site.folder), "T12:00"}
    assert len(hidden) > 300
    assert not [word for word in hidden if word in text]


def test_the_page_says_what_follows_and_escapes_what_it_is_given(site, plan, tmp_path):
    site.record(steady(80)).record([*steady(39), "INF-SHAPE"])
    made = judged(plan, site.folder, words="<b>somebody</b>, as a test")
    text = page.write(tmp_path, made, plan).read_text(encoding="utf-8")
    assert "&lt;b&gt;somebody" in text
    assert "<b>somebody" not in text
    action = next(each.action for each in plan.indicators if each.id == "PMI-02")
    assert f"What follows:</strong> {action}" in html.unescape(text)
    assert "not for clinical use" in text
    assert text.count("data:image/png;base64,") == 6


def test_trails_without_windows_after_the_baseline_are_not_evaluated(site, plan, tmp_path):
    site.record(steady(80))
    record = judged(plan, site.folder)
    holds("record", record)
    assert (record["windows"], record["verdict"]) == ([], "not evaluated")
    assert "No input follows the baseline." in page.write(tmp_path, record, plan).read_text(encoding="utf-8")
