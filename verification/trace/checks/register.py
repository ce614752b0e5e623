"""The one list of what the gate asks, by the level from which on it is asked. A new check is one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.case import Level
from verification.trace.checks import (
    anomalies,
    audit,
    build,
    duties,
    endpoints,
    figures,
    ledgers,
    levels,
    links,
    modules,
    orphans,
    records,
    residual,
    results,
    risk_label,
    risk_order,
    risk_review,
    scenarios,
    seeded,
    signatures,
    tool,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verification.trace.case import Check

CHECKS: Mapping[Level, tuple[Check, ...]] = {
    Level.DEVELOPMENT: (
        modules.modules_belong_to_items,
        ledgers.changes_are_recorded,
        ledgers.criteria_come_first,
        links.tags_exist,
        links.sections_exist,
        links.endpoints_name_requirements,
        orphans.requirements_have_scenarios,
        orphans.controls_have_scenarios,
        orphans.scenarios_have_requirements,
        scenarios.scenarios_expect_something,
        scenarios.tags_reach_the_result,
        results.every_result_is_a_clean_pass,
        results.every_scenario_has_its_results,
        results.results_carry_the_tags,
        endpoints.endpoints_are_stated,
        endpoints.primary_endpoints_are_met,
        build.identity_is_known,
        build.pipeline_is_up_to_date,
        build.dependencies_are_soup,
        figures.figures_name_this_build,
        figures.endpoints_are_the_protocols,
        figures.endpoints_are_counted_again,
        figures.patients_are_in_one_split,
        residual.residuals_are_acceptable,
        risk_label.sentences_land_in_the_label,
        risk_order.protocol_comes_first,
        anomalies.concerned_items_exist,
        anomalies.states_are_grounded,
        anomalies.verified_ones_are_shown,
        duties.obligations_are_kept,
        signatures.signatures_hold,
        audit.the_log_holds,
        seeded.controls_have_seeded_defects,
        seeded.seeded_defects_name_what_exists,
        seeded.no_seeded_defect_survives,
    ),
    Level.RELEASE: (
        anomalies.no_anomaly_is_open,
        anomalies.failures_have_anomalies,
        anomalies.every_anomaly_is_assessed_for_security,
        anomalies.list_is_not_older_than_the_run,
        anomalies.trends_are_analysed,
        records.every_verdict_has_a_record,
        risk_label.residuals_are_disclosed,
        risk_review.review_is_ready,
        levels.content_is_signed,
        levels.reductions_are_signed,
        levels.statements_are_own_words,
        audit.the_locked_validation_is_by_this_protocol,
        audit.the_locked_endpoints_are_met,
        tool.tool_is_validated,
        seeded.seeded_defects_were_tried,
    ),
    Level.SUBMISSION: (levels.no_gap_is_open, residual.overall_is_acceptable),
}
"""Every check once; a level asks its own and those of the levels before it."""
