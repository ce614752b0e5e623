"""The risk management page: what is computed is printed, and the instructions for use print what the gate's reading of the template says they do."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Environment, FileSystemLoader

from pipeline.dossier.risk_pages import RiskPages
from pipeline.dossier.tables import plain
from requirements_spec.loader import load as load_specification
from risk.changes import risk_content
from risk.evaluation import evaluate
from risk.labelling import disclosures, sentences
from risk.loader import load
from risk.review import review
from verification.trace.label_pages import render

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shipped():
    specification, _ = load_specification(ROOT)
    return load(ROOT, specification)[0], specification


def pages(risk, specification, *, failed=(), reviewed=True):
    passed = {each.id for each in specification.requirements} | {each.id for each in risk.controls}
    evaluation = evaluate(risk, specification, passed - set(failed))
    result = review(risk, evaluation, risk_content(risk).fingerprints, ()) if reviewed else None
    return RiskPages(risk, risk.policy, evaluation, SimpleNamespace(verdict=lambda _item: ""), result), evaluation


def test_the_review_is_printed_with_result_and_hash(shipped):
    printed, evaluation = pages(*shipped)
    text = printed.review()
    expected = review(shipped[0], evaluation, risk_content(shipped[0]).fingerprints, ())
    assert (
        f"**Result: engineering baseline; not acceptable for clinical use.** SHA-256 of the review: `{expected.sha256}`." in text
    )
    assert text.count('<span class="acceptable">holds</span>') == 8
    assert text.count('<span class="unacceptable">does not hold, as the file states</span>') == 4
    assert "[HS-009](#hs-009): S4 P3 is unacceptable; [HS-022](#hs-022): S4 P3 is unacceptable" in text


def test_an_open_point_is_printed_as_a_failure(shipped):
    printed, _ = pages(*shipped, failed=["RC-005"])
    assert '<span class="failed">open</span>' in printed.review()
    assert "**Result: not ready: the plan is not carried out.**" in printed.review()


def test_what_an_estimate_names_is_a_reference_to_its_place(shipped):
    hazards = pages(*shipped)[0].hazards()
    assert "scores moved with a version ([LIT-10](#lit-10), [LIT-11](#lit-11))" in hazards
    assert "could hold ([GAP-010](#gap-010))" in hazards
    assert "`./qms release verify`" in hazards


def test_pages_without_a_review_print_none(shipped):
    with pytest.raises(ValueError, match="without a review"):
        pages(*shipped, reviewed=False)[0].review()


def test_what_controls_bring_is_printed_with_its_estimate_or_its_holder(shipped):
    controls = pages(*shipped)[0].controls()
    assert 'S1 P4: <span class="acceptable">acceptable</span>. [HS-016](#hs-016)' in controls
    assert "Held by [HS-006](#hs-006)." in controls
    assert "*Arising:* None found: it replaces several code paths by one." in controls
    assert "Open." not in controls


def test_an_open_risk_and_a_circle_are_printed(shipped):
    risk, specification = shipped
    first = risk.controls[0]
    unanswered = replace(first, arising=replace(first.arising, severity=None, probability=None, situations=()))
    printed, _ = pages(replace(risk, controls=(unanswered, *risk.controls[1:])), specification)
    assert '<span class="failed">Open.</span>' in printed.controls()
    assert printed.loops() == "Circles of controls and the risks they bring: none."
    turning = replace(first, arising=replace(first.arising, severity=None, probability=None, situations=first.situations))
    printed, _ = pages(replace(risk, controls=(turning, *risk.controls[1:])), specification)
    assert printed.loops() == "Circles of controls and the risks they bring: [RC-001](#rc-001)."


def test_each_situation_is_printed_with_its_weighing_and_its_reasons(shipped):
    hazards = pages(*shipped)[0].hazards()
    assert "benefit not shown" in hazards
    assert "ruled out by the policy" in hazards
    assert "*Why no further control:* Only clearance" in hazards
    assert "*Why information alone:* Software cannot know" in hazards


def test_post_production_methods_lead_to_their_gaps(shipped):
    risk, specification = shipped
    assert pages(risk, specification)[0].post_production().count("[GAP-005](#gap-005)") == 3
    method = replace(risk.policy.post_production[0], gap="")
    changed = replace(risk, policy=replace(risk.policy, post_production=(method,)))
    assert "in place" in pages(changed, specification)[0].post_production()


def test_the_page_prints_what_the_gate_reads_in_its_template(shipped):
    risk, specification = shipped
    printed, evaluation = pages(risk, specification)
    environment = Environment(loader=FileSystemLoader(ROOT / "docs"))
    environment.globals.update(
        risk=printed,
        plain=plain,
        validation=SimpleNamespace(metric=lambda _pointer: "1"),
        orientation=SimpleNamespace(date=lambda: "", noticed=lambda: "", wrongly=lambda: "", unclear=lambda _films, _shown: ""),
        anomalies=SimpleNamespace(for_users=lambda: ""),
        section_end=lambda _section: "",
    )
    page = " ".join(environment.get_template("labelling.md").render().split())
    owed, told = sentences(risk), disclosures(risk, evaluation)
    gate = render("labelling", (ROOT / "docs/labelling.md").read_text(encoding="utf-8"), owed, told)
    assert len(owed) == 7
    assert all(gate.shows(each.text) and plain(each.text) in page for each in owed)
    assert all(gate.shows(each.text) and plain(each.text) in page and plain(each.harm) in page for each in told)


def test_another_section_prints_nothing_that_is_owed_elsewhere(shipped):
    assert pages(*shipped)[0].instructions("validation") == ""


def test_a_file_without_a_residual_risk_to_tell_says_so_instead_of_an_empty_table(shipped):
    risk, specification = shipped
    text = pages(replace(risk, hazards=(), controls=()), specification)[0].residuals()
    assert text == "Every residual risk of this build is plainly acceptable by the policy; there is none to be told."
    assert "list-table" in pages(risk, specification)[0].residuals()
