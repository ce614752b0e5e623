"""What the risk file owes the user, looked for where the user reads: in the page that the technical file makes of its template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from risk.labelling import RESIDUALS_SECTION, disclosures, sentences
from verification.trace.codes import problem
from verification.trace.label_pages import Rendered, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def sentences_land_in_the_label(case: Case) -> Iterator[Problem]:
    """Yield controls by information whose sentence the page of their section does not print: nobody is informed by them."""
    owed = sentences(case.inputs.risk)
    pages = {section: _page(case, section) for section in sorted({each.section for each in owed})}
    for each in owed:
        page = pages[each.section]
        if not page.shows(each.text):
            found = page.error or f"docs/{each.section}.md does not print: {each.text}"
            yield problem("TRC-LABEL-SENTENCE", each.where, each.control, found=found)


def residuals_are_disclosed(case: Case) -> Iterator[Problem]:
    """Yield residual risks that are not plainly acceptable and that the instructions for use do not tell (asked from release on)."""
    if case.evaluation is None:
        return
    owed = disclosures(case.inputs.risk, case.evaluation)
    page = _page(case, RESIDUALS_SECTION) if owed else Rendered("")
    for each in owed:
        if not (page.shows(each.text) and page.shows(each.harm)):
            found = page.error or f"docs/{RESIDUALS_SECTION}.md does not print: {each.text}"
            yield problem("TRC-LABEL-RESIDUAL", each.where, each.situation, found=found)


def _page(case: Case, section: str) -> Rendered:
    """Return what a section shows with the sentences and residuals of this case."""
    template = case.inputs.label_pages.get(section)
    if template is None:
        return Rendered("", f"docs/{section}.md does not exist")
    told = disclosures(case.inputs.risk, case.evaluation) if case.evaluation else ()
    return render(section, template, sentences(case.inputs.risk), told)
