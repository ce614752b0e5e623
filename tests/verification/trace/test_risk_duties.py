"""What the gate asks of the risk file beyond its own links: order, what users are owed, and the review, each with a case that holds and one that does not."""

import json

import pytest

from risk.labelling import Disclosure, Sentence
from risk.model import Acceptability
from verification.trace import gate
from verification.trace.executed_protocol import ExecutedProtocol, read_executed_protocol
from verification.trace.label_pages import read_label_pages, render

HAZARDS, CONTROLS, POLICY = (f"risk/data/{name}.toml" for name in ("hazards", "controls", "policy"))
VALIDATION, PROTOCOL, LABEL = "artifacts/validation/validation.json", "validation/protocol.toml", "docs/labelling.md"
PAGE = (
    "# Labelling\n\n{{ plain(risk.policy.scope) }}\n\n{{ risk.instructions() }}\n\n{{ risk.residuals() }}\n\n{{ figure('/a') }}\n"
)

INFORMATION = """\
[[control]]
id = "RC-002"
title = "Adults are named"
kind = "information"
text = "The instructions say who may be examined."
situations = ["HS-001"]
requirements = ["SRS-002"]
probability_steps = 1
severity_steps = 0
effect = "Readers know."
option_analysis = "RC-001 comes first."
evidence = ["@RC-002"]
label_section = "labelling"
ifu_sentence = "Use it for adults only."
arising = { risk = "", assessment = "None found.", situations = [] }
"""


def found(project, *codes, level=gate.Level.DEVELOPMENT):
    return [(each.code, each.where, each.item, each.found) for each in project.check(level).problems if each.code in codes]


@pytest.fixture
def informed(project):
    """The tiny project with a control by information, whose sentence the labelling page prints."""
    project.write(CONTROLS, project.read(CONTROLS) + INFORMATION)
    requirements = "requirements_spec/data/software_requirements/device.toml"
    project.replace(
        requirements,
        'safety = false\nnot_risk_related = "It repeats what the film says."',
        'safety = true\ncontrols = ["RC-002"]',
    )
    project.replace("verification/features/admission.feature", "  @SRS-002\n", "  @SRS-002 @RC-002\n")
    project.write(LABEL, PAGE)
    project.seal()
    return project


def test_a_sentence_that_the_page_prints_is_in_order(informed):
    assert found(informed, "TRC-LABEL-SENTENCE", "TRC-LABEL-RESIDUAL") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ risk.instructions() }}", ""),
        ("{{ risk.instructions() }}", "<!-- {{ risk.instructions() }} -->"),
        ("{{ risk.instructions() }}", "<!-- {{ risk.instructions() }}"),
        ("{{ risk.instructions() }}", "{# {{ risk.instructions() }} #}"),
        ("{{ risk.instructions() }}", "{% if subject.final %}{{ risk.instructions() }}{% endif %}"),
        ("{{ risk.instructions() }}", "{% for one in gaps() %}{{ risk.instructions() }}{% endfor %}"),
        ("{{ risk.instructions() }}", "  % Use it for adults only."),
        ("{{ risk.instructions() }}", "Use it for adults."),
        ("{{ risk.instructions() }}", '{{ risk.instructions("validation") }}'),
    ],
    ids=[
        "removed",
        "commented",
        "commented to the end",
        "template comment",
        "condition",
        "empty loop",
        "MyST comment",
        "altered",
        "elsewhere",
    ],
)
def test_a_sentence_that_no_reader_sees_is_missing(informed, old, new):
    line = informed.line(CONTROLS, 'id = "RC-002"')
    informed.replace(LABEL, old, new)
    (only,) = found(informed, "TRC-LABEL-SENTENCE")
    assert only == (
        "TRC-LABEL-SENTENCE",
        f"{CONTROLS}:{line - 1}",
        "RC-002",
        "docs/labelling.md does not print: Use it for adults only.",
    )


def test_a_sentence_may_be_written_into_the_page_by_hand(informed):
    informed.replace(LABEL, "{{ risk.instructions() }}", "Use it\nfor adults   only.")
    assert found(informed, "TRC-LABEL-SENTENCE") == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (None, "docs/labelling.md does not exist"),
        ("{{ risk.instructions( }}", "docs/labelling.md:1 cannot be rendered: unexpected '}', expected ')'"),
        ("a\n{% if %}", "docs/labelling.md:2 cannot be rendered: Expected an expression, got 'end of statement block'"),
        ("{{ 1 / 0 }}", "docs/labelling.md cannot be rendered: division by zero"),
    ],
)
def test_a_page_that_cannot_be_made_prints_nothing(informed, page, words):
    if page is None:
        (informed.root / LABEL).unlink()
    else:
        informed.write(LABEL, page)
    assert [each[3] for each in found(informed, "TRC-LABEL-SENTENCE")] == [words]


def stated(project):
    """State an unacceptable residual risk, with the reason why it stays."""
    change = 'residual_probability = 4\nfurther_control = "The header is all there is."'
    project.replace(HAZARDS, "residual_probability = 2", change)
    project.write(LABEL, PAGE)
    project.seal()


def test_a_residual_that_the_page_tells_is_disclosed(project):
    stated(project)
    assert found(project, "TRC-LABEL-RESIDUAL", level=gate.Level.RELEASE) == []


def test_a_residual_that_the_page_does_not_tell_blocks_a_release_and_no_development(project):
    stated(project)
    project.replace(LABEL, "{{ risk.residuals() }}", "")
    words = "docs/labelling.md does not print: Marks on a child's film are believed."
    line = project.line(HAZARDS, "[[hazard.situation]]")
    assert found(project, "TRC-LABEL-RESIDUAL") == []
    assert found(project, "TRC-LABEL-RESIDUAL", level=gate.Level.RELEASE) == [
        ("TRC-LABEL-RESIDUAL", f"{HAZARDS}:{line}", "HS-001", words)
    ]


def test_a_situation_without_its_harm_is_not_disclosed(project):
    stated(project)
    project.replace(LABEL, "{{ risk.residuals() }}", "Marks on a child's film are believed.")
    assert [each[2] for each in found(project, "TRC-LABEL-RESIDUAL", level=gate.Level.RELEASE)] == ["HS-001"]


def test_without_a_page_nothing_is_disclosed(project):
    stated(project)
    (project.root / LABEL).unlink()
    assert [each[3] for each in found(project, "TRC-LABEL-RESIDUAL", level=gate.Level.RELEASE)] == [
        "docs/labelling.md does not exist"
    ]


def test_without_a_policy_nothing_is_judged_and_the_policy_is_what_is_missing(project):
    project.write(POLICY, "[[")
    codes = {each.code for each in project.check(gate.Level.SUBMISSION).problems}
    assert "SPC-TOML" in codes
    assert not codes & {"TRC-LABEL-RESIDUAL", "TRC-RISK-REVIEW", "TRC-RISK-OVERALL", "RSK-CRITERIA"}


def test_the_protocol_of_the_figures_is_in_order(project):
    assert found(project, "TRC-PROTOCOL-ORDER") == []


def test_a_threshold_moved_after_the_figures_is_found(project):
    before = read_executed_protocol(project.root)
    project.write(PROTOCOL, "threshold = 0.55\n")
    after = read_executed_protocol(project.root)
    assert after == ExecutedProtocol(before.recorded, after.here)
    words = f"{after.here[:12]}, the figures were made by {before.recorded[:12]}"
    assert found(project, "TRC-PROTOCOL-ORDER") == [("TRC-PROTOCOL-ORDER", PROTOCOL, "protocol", words)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: record.pop("protocol"), "the figures were made by a protocol that the record does not name"),
        (lambda record: record.update(protocol="x"), "the figures were made by a protocol that the record does not name"),
        (lambda record: record["protocol"].update(sha256="9" * 64), "the figures were made by 999999999999"),
    ],
)
def test_figures_by_another_protocol_or_none_are_found(project, change, words):
    record = json.loads(project.read(VALIDATION))
    change(record)
    project.write(VALIDATION, json.dumps(record))
    (only,) = found(project, "TRC-PROTOCOL-ORDER")
    assert only[3].endswith(words)


def test_a_protocol_that_cannot_be_read_is_none(project):
    (project.root / PROTOCOL).write_bytes(b"\xff\xfe")
    assert read_executed_protocol(project.root).here == ""
    (project.root / PROTOCOL).unlink()
    assert found(project, "TRC-PROTOCOL-ORDER")[0][3].startswith("no readable protocol, the figures were made by ")


def test_without_figures_there_is_nothing_to_compare(project):
    (project.root / VALIDATION).unlink()
    assert found(project, "TRC-PROTOCOL-ORDER") == []
    assert read_executed_protocol(project.root).recorded == ""


def test_a_changed_policy_makes_estimates_suspect_at_their_place(project):
    project.replace(POLICY, "best_probability = 2", "best_probability = 1")
    project.seal()
    places = [(code, item, where) for code, where, item, _ in found(project, "RSK-CRITERIA")]
    assert places == [
        ("RSK-CRITERIA", "RC-001", f"{CONTROLS}:{project.line(CONTROLS, '[[control]]')}"),
        ("RSK-CRITERIA", "HAZ-001", f"{HAZARDS}:{project.line(HAZARDS, '[[hazard]]')}"),
    ]


def reviews(project, level):
    return [(item, where) for _, where, item, _ in found(project, "TRC-RISK-REVIEW", level=level)]


def test_development_asks_for_no_review(project):
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"})
    assert reviews(project, gate.Level.DEVELOPMENT) == []


def test_a_release_asks_for_a_review_with_no_open_point(project):
    assert reviews(project, gate.Level.RELEASE) == []
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"})
    opened = [item for item, _ in reviews(project, gate.Level.RELEASE)]
    assert sorted(opened) == ["ISO 14971 7.2", "ISO 14971 7.2", "ISO 14971 7.3", "ISO 14971 8"]


def test_what_is_stated_passes_a_release_and_blocks_a_submission(project):
    stated(project)
    assert reviews(project, gate.Level.RELEASE) == []
    where = f"{POLICY}:{project.line(POLICY, 'scope = ')}"
    at_submission = reviews(project, gate.Level.SUBMISSION)
    assert ("ISO 14971 7.3", where) in at_submission
    assert ("ISO 14971 10", where) in at_submission
    (words,) = [each[3] for each in found(project, "TRC-RISK-REVIEW", level=gate.Level.SUBMISSION) if each[2] == "ISO 14971 7.3"]
    title = "each residual risk is the one that the file states, and acceptable"
    assert words == f"{title}: does not hold, as the file states (HS-001: S3 P4 is unacceptable)"


def test_templates_are_read_as_they_are_and_a_page_that_is_no_text_is_none(project):
    project.write(LABEL, PAGE)
    (project.root / "docs/soup.md").write_bytes(b"\xff\xfe")
    pages = read_label_pages(project.root)
    assert pages["labelling"] == PAGE
    assert set(pages) == {"labelling", "user-needs", "software-requirements"}


def test_a_page_shows_only_what_its_section_owes():
    sentences = [Sentence("RC-001", "labelling", "Here.", "c:1"), Sentence("RC-002", "validation", "There.", "c:2")]
    told = [Disclosure("HS-001", "It burns.", "A scald.", Acceptability.REDUCE, "h:1")]
    shown = render(
        "labelling",
        "{{ risk.instructions() }}|{{ risk.residuals() }}|{{ risk.conclusion() }}|{{ other.a.b(1)[2] }}",
        sentences,
        told,
    )
    assert shown.text == "- Here.|- HS-001 It burns. A scald.||"
    assert render("validation", '{{ risk.instructions("validation") }}', sentences, told).text == "- There."


def test_every_sentence_of_the_shipped_file_is_needed_on_the_page(shipped):
    """Alter each sentence on the page, one by one, as the technical file would print it: its control is named, and no other."""
    template = shipped.read(LABEL)
    owed = [each for each in shipped.check().graph.nodes.values() if each.facts.get("label_section")]
    assert len(owed) == 7
    assert found(shipped, "TRC-LABEL-SENTENCE") == []
    for control in owed:
        filtered = "{{ risk.instructions().replace(sentence, 'nothing') }}".replace(
            "sentence", repr(_sentence(shipped, control.id))
        )
        shipped.write(LABEL, template.replace("{{ risk.instructions() }}", filtered))
        assert [each[2] for each in found(shipped, "TRC-LABEL-SENTENCE")] == [control.id]


def _sentence(project, control):
    text = project.read(CONTROLS)
    block = text[text.index(f'id = "{control}"') :]
    return block[block.index('ifu_sentence = "') :].split('"')[1]


def test_the_review_lies_in_the_trace_with_its_hash(project):
    result = project.check()
    written = json.loads(project.read(gate.TRACE))["risk_management_review"]
    assert written == json.loads(json.dumps(result.review.to_json()))
    assert (len(written["points"]), written["result"]) == (12, "engineering baseline; not acceptable for clinical use")
    project.write(POLICY, "[[")
    assert project.check().review is None
    assert json.loads(project.read(gate.TRACE))["risk_management_review"] is None
