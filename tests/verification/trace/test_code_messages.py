"""The message on each code's page is what the gate prints: one small thing is broken in the tiny project, and the gate is asked.

`THORATRACE_WRITE_MESSAGES=1 pytest tests/verification/trace/test_code_messages.py` writes verification/trace/messages.json anew.
"""

import json
import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import quoteattr, unescape

import pytest
import yaml

from tests.verification.trace.audit_entries import Log, people_toml, quality
from tests.verification.trace.signers import Signer
from tests.verification.trace.test_anomalies import anomaly, put
from tests.verification.trace.test_bridges import STEP, sign_bridge
from tests.verification.trace.test_bridges import write as write_bridge
from tests.verification.trace.test_records import edit as edit_records
from verification.trace import features, gate
from verification.trace.audit_log import AUDIT
from verification.trace.code_pages import MESSAGES
from verification.trace.evidence import JUNIT, VERDICTS, read_record, write_json
from verification.trace.identity import read_identity
from verification.trace.junit import read_junit
from verification.trace.outcomes import judge
from verification.trace.records import RECORDS
from verification.trace.seeded import FAULTS, SHOWN, FaultRecord, Trial
from verification.trace.verdict_text import problem_json

NEEDS = "requirements_spec/data/user_needs.toml"
REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"
ARCHITECTURE = "requirements_spec/data/architecture.toml"
SOUP = "requirements_spec/data/soup.toml"
HAZARDS = "risk/data/hazards.toml"
CONTROLS = "risk/data/controls.toml"
POLICY = "risk/data/policy.toml"
FEATURE = "verification/features/admission.feature"
CHILD = ("A child's film is refused", "")
VALIDATION = "artifacts/validation/validation.json"


def edit(name, old, new):
    """Return a way to break a project: one text replaced by another in one file."""
    return lambda project: project.replace(name, old, new)


def result(children):
    """Return a way to break a project: one scenario ends otherwise."""
    return lambda project: project.verify({CHILD: children})


def sealed(name, old, new):
    """Return a way to break a project whose run has seen the change."""

    def broken(project):
        project.replace(name, old, new)
        project.reproduce()
        project.verify()

    return broken


def remove(name):
    return lambda project: (project.root / name).unlink()


def record(change):
    return lambda project: project.edit_verdicts(change)


def _endpoint(**changes):
    def broken(project):
        content = json.loads(project.read(VALIDATION))
        content["endpoints"][0] |= changes
        project.write(VALIDATION, json.dumps(content))
        _relock(project)

    return broken


def _relock(project):
    """Let the lock describe the outputs as they are now."""
    lock = yaml.safe_load(project.read("dvc.lock"))
    for stage in lock["stages"].values():
        for side in ("deps", "outs"):
            stage[side] = [project._hashed(entry["path"]) for entry in stage[side]]
    project.write("dvc.lock", yaml.safe_dump(lock))


def _altered(data):
    data["verdicts"][0]["outcome"] = "failed"
    data["counts"] = {"failed": 1, "passed": len(data["verdicts"]) - 1}


def _cut_row(project):
    project.verify({("Every view is told", "view=LATERAL"): None})


def _rejudge(project, change):
    """Let ``change`` edit the raw record, and judge it again as the run would have."""
    project.write(JUNIT, change(project.read(JUNIT)))
    scenarios, _ = features.load(project.root)
    verdicts = judge(scenarios, read_junit(project.root / JUNIT))
    write_json(project.root / VERDICTS, replace(read_record(project.root), verdicts=verdicts).to_json())


def _duplicate(project):
    _rejudge(
        project,
        lambda text: re.sub(r"(<testcase(?:(?!</testcase>).)*A child.*?</testcase>)", r"\1\1", text, count=1, flags=re.DOTALL),
    )


def _foreign(project):
    def another(text):
        case = re.search(r"<testcase(?:(?!</testcase>).)*A child.*?</testcase>", text, re.DOTALL)[0]
        gone = case.replace("A child's film is refused", "Gone").replace("admission.feature", "old.feature")
        return text.replace("</testsuite>", f"{gone}</testsuite>")

    _rejudge(project, another)


OPENED = ("open", "2026-11-21")


def _broken_call(text):
    end = text.index("</properties>", text.index("A child"))
    close = len("</properties>")
    return (
        f"{text[:end]}<property name='broke' value='call'/></properties><failure message='KeyError: view'/>{text[end + close :]}"
    )


def _left_out(text):
    case = re.search(r"<testcase(?:(?!</testcase>).)*A child.*?</testcase>", text, re.DOTALL)[0]
    properties = re.findall(r'<property name="(feature|scenario|row|verifies)" value="([^"]*)"', case)
    note = json.dumps(
        {"node": "test_features.py::test_child", "properties": [[name, unescape(value)] for name, value in properties]}
    )
    return text.replace(case, "").replace(
        "</properties>", f"<property name='deselected' value={quoteattr(note)}/></properties>", 1
    )


def _bridged(project, *, changes=(STEP,), unaffected=("TC:admission.feature::Every view is told",), end=None):
    project.write("verification/steps/film.py", "AGE = 16\n")
    write_bridge(project, changes=changes, unaffected=unaffected, end=end)


def _half_bridged(project):
    _bridged(project)
    sign_bridge(project)


def _logged(write):
    """Return a way to break a project: a log of the audit that ``write`` makes, entry by entry."""

    def broken(project):
        signer = quality(since=datetime.now(UTC).replace(microsecond=0) - timedelta(days=2))
        project.write("people.toml", people_toml(signer, CLERK))
        log = Log(signer, start=datetime.now(UTC) - timedelta(days=1))
        write(log)
        log.write(project)

    return broken


CLERK = Signer("DEMO-author", "software lead", since=datetime(2026, 1, 1, tzinfo=UTC))


def _log_cut(project):
    _logged(lambda log: (log.frozen(), log.opened()))(project)
    project.write(AUDIT, project.read(AUDIT).partition("\n")[0] + "\n")


RECIPES = {
    "AUD-CHAIN": ("the last entry of the audit log is taken off", _log_cut),
    "AUD-ENTRY": ("an opening names another seed", _logged(lambda log: (log.frozen(), log.opened(seed="0" * 64)))),
    "AUD-SIGNED": ("somebody without the role freezes the protocol", _logged(lambda log: log.frozen(signer=CLERK))),
    "AUD-UNFROZEN": ("the cohort is opened by a protocol that nobody froze", _logged(lambda log: log.opened())),
    "AUD-OPENED-TWICE": (
        "one protocol opens the cohort for a second model",
        _logged(lambda log: (log.frozen(), log.opened(), log.opened(weights="3" * 64))),
    ),
    "AUD-RELEASED-TWICE": (
        "a second record calls itself the same release",
        _logged(lambda log: (log.recorded(), log.recorded(record="1" * 64))),
    ),
    "AUD-UNRECORDED": ("a release is approved that no entry records", _logged(lambda log: log.approved())),
    "AUD-LOCKED": ("nobody opened the locked cohort, and release level is asked", lambda project: None),
    "TRC-SECTION-UNKNOWN": ("the page of a section is deleted", remove("docs/software-requirements.md")),
    "TRC-TAG-UNKNOWN": ("a scenario's tag is misspelt", edit(FEATURE, "@SRS-002", "@SRS-020")),
    "TRC-REQ-SCENARIO": ("a requirement's tag is taken off its only scenario", edit(FEATURE, "@SRS-002", "@slow")),
    "TRC-SOUP-UNLISTED": (
        "a dependency is added and not described",
        edit("pyproject.toml", '"numpy>=2.4,<3",', '"numpy>=2.4,<3",\n  "rich>=15",'),
    ),
    "TRC-CONTROL-SCENARIO": ("a control's tag is taken off its only scenario", edit(FEATURE, "@RC-001", "@slow")),
    "TRC-RISK-RESIDUAL": ("the scenario that shows the control fails, and the harm is made graver", None),
    "TRC-RISK-OVERALL": ("the scenario that shows the only control fails, and submission level is asked", None),
    "TRC-FEATURE-SYNTAX": (
        "a feature file loses the colon of its first line",
        edit(FEATURE, "Feature: Admission", "Feature Admission"),
    ),
    "TRC-SCENARIO-TAG": ("a feature is added without any tag", None),
    "TRC-TAG-LOST": ("a tag stands on an example table", edit(FEATURE, "    Examples:", "    @SRS-001\n    Examples:")),
    "TRC-SCENARIO-DUPLICATE": ("two scenarios have one name", edit(FEATURE, "Every view is told", "A child's film is refused")),
    "TRC-SCENARIO-NO-OUTCOME": ("the Then step is removed", edit(FEATURE, "    Then it is refused\n", "")),
    "TRC-EVIDENCE-MISSING": ("the verdicts are deleted", remove(VERDICTS)),
    "TRC-EVIDENCE-UNREADABLE": ("the verdicts are cut off", lambda p: p.write(VERDICTS, p.read(VERDICTS)[:200])),
    "TRC-EVIDENCE-ALTERED": ("a verdict is edited after the run", record(_altered)),
    "TRC-EVIDENCE-STALE": ("the device is edited after the run", edit("device_sw/device.py", "18", "17")),
    "TRC-EVIDENCE-EXIT": ("the runner ends with another exit code", lambda p: p.verify(exit_code=3)),
    "TRC-IDENTITY-UNKNOWN": ("the packaged model is deleted", lambda p: shutil.rmtree(p.root / "artifacts/bundle")),
    "TRC-PIPELINE-STALE": ("the training code is edited after the run", edit("pipeline/training/loop.py", "1", "2")),
    "TRC-RESULT-FAILED": ("a step does not hold", result("<failure message='AssertionError: the film was analysed'/>")),
    "TRC-RESULT-ERROR": ("set-up breaks", result("<error message='fixture film: no such file'/>")),
    "TRC-RESULT-SKIPPED": ("a scenario is skipped", result("<skipped message='no data'/>")),
    "TRC-RESULT-XFAILED": ("a scenario is expected to fail", result("<skipped type='pytest.xfail' message='known'/>")),
    "TRC-RESULT-XPASSED": ("it passes against the expectation", result("<failure message='[XPASS(strict)] known'/>")),
    "TRC-RESULT-DUPLICATE": ("the record holds a result twice", _duplicate),
    "TRC-RESULT-FOREIGN": ("the record holds a scenario that no feature file holds", _foreign),
    "TRC-RESULT-MISSING": ("a row of an outline has no result", _cut_row),
    "TRC-RESULT-SETUP": ("a fixture breaks", result("<error message='failed on setup with &quot;no film&quot;'/>")),
    "TRC-RESULT-CALL": ("a step raises something else", lambda p: _rejudge(p, _broken_call)),
    "TRC-RESULT-TEARDOWN": ("a fixture's end breaks", result("<error message='failed on teardown with &quot;open file&quot;'/>")),
    "TRC-RESULT-CRASHED": (
        "the worker dies",
        result("<error message='failed on setup with &quot;worker gw0 crashed while running it&quot;'/>"),
    ),
    "TRC-RESULT-RERUN": ("it passes the second time", result("<flakyFailure message='the file was not there yet'/>")),
    "TRC-RESULT-DESELECTED": ("an option leaves it out", lambda p: _rejudge(p, _left_out)),
    "TRC-RESULT-STALE": ("a bridge names the other scenario only", _half_bridged),
    "ANO-UNKNOWN-ITEM": ("an anomaly concerns a control that does not exist", lambda p: put(p, anomaly(concerns=("RC-010",)))),
    "ANO-HISTORY": ("a step is left out", lambda p: put(p, anomaly("resolved", steps=[OPENED, ("resolved", "2026-11-22")]))),
    "ANO-IMPACT": ("an anomaly says nothing of its effect", lambda p: put(p, anomaly(situations=()))),
    "ANO-ASSESSMENT": ("an assessed anomaly has no root cause", lambda p: put(p, anomaly(root_cause=""))),
    "ANO-UNVERIFIED": ("a verified anomaly concerns no scenario", lambda p: put(p, anomaly("verified", concerns=("data",)))),
    "ANO-OPEN": ("nobody has assessed an anomaly", lambda p: put(p, anomaly("open"))),
    "ANO-UNREPORTED": ("a step does not hold", result("<failure message='AssertionError: the film was analysed'/>")),
    "ANO-SECURITY": ("an anomaly has no security assessment", lambda p: put(p, anomaly(security=""))),
    "ANO-REVIEW": ("nobody has reviewed the list", lambda p: put(p, anomaly())),
    "ANO-TREND": ("a third anomaly of one kind is entered", lambda p: put(p, *[anomaly()] * 3)),
    "TRC-RECORD-MISSING": ("the test records are deleted", remove(RECORDS)),
    "TRC-RECORD-INCOMPLETE": (
        "the test records lose who started the run",
        lambda p: edit_records(p, lambda d: d["run"].update(tester="")),
    ),
    "TRC-RECORD-FOREIGN": ("the raw record is edited", lambda p: p.write(JUNIT, p.read(JUNIT) + "\n")),
    "TRC-BRIDGE-NAME": ("a bridge has another name", lambda p: p.write("verification/bridges/bridge.toml", "")),
    "TRC-BRIDGE-IDENTITY": ("the step file is edited again", lambda p: _bridged(p, end="0" * 64)),
    "TRC-BRIDGE-CHANGES": ("a difference is not listed", lambda p: _bridged(p, changes=[("device_sw/device.py", "changed")])),
    "TRC-BRIDGE-SIGNATURE": ("nobody has signed the bridge", _bridged),
    "TRC-BRIDGE-SCENARIO": (
        "the bridge names a scenario that does not exist",
        lambda p: _bridged(p, unaffected=["TC:old.feature::Gone"]),
    ),
    "TRC-SCENARIO-UNBOUND": ("no test executes a scenario", lambda p: p.verify({CHILD: None})),
    "TRC-OUTLINE-EMPTY": (
        "the rows of an outline are removed",
        sealed(FEATURE, "      | PA      |\n      | LATERAL |\n", ""),
    ),
    "TRC-ENDPOINT-REQUIREMENT": ("an endpoint names a requirement that does not exist", _endpoint(requirement="SRS-099")),
    "TRC-ENDPOINT-MISSING": ("the validation record is deleted", remove(VALIDATION)),
    "TRC-ENDPOINT-FAILED": ("the figure lies below its threshold", _endpoint(value=0.58, margin=-0.07, passed=False)),
    "TRC-SIGNATURE": ("nothing is broken, and release level is asked", lambda project: None),
    "TRC-GAP": ("nothing is broken, and submission level is asked", lambda project: None),
    "SPC-FILE": ("a data file is deleted", remove(NEEDS)),
    "SPC-ENCODING": (
        "a data file is saved as Latin-1",
        lambda p: (p.root / NEEDS).write_bytes(p.read(NEEDS).replace("Adults", "Ädults").encode("latin-1")),
    ),
    "SPC-TOML": ("a closing quote is lost", edit(NEEDS, 'title = "Adults only"', 'title = "Adults only')),
    "SPC-UNKNOWN-KEY": ("a key is misspelt", edit(HAZARDS, "severity = 3", "sverity = 3")),
    "SPC-MISSING-KEY": ("a key is removed", edit(REQUIREMENTS, 'acceptance = "A film of age 17 is refused."\n', "")),
    "SPC-TYPE": ("a level lies outside its range", edit(HAZARDS, "severity = 3", "severity = 9")),
    "SPC-VALUE": ("a text is blank", edit(REQUIREMENTS, '"Intended use."', '""')),
    "SPC-DUPLICATE-ID": ("two requirements have one id", edit(REQUIREMENTS, 'id = "SRS-002"', 'id = "SRS-001"')),
    "SPC-DANGLING": ("a requirement names a need that does not exist", edit(REQUIREMENTS, '"UN-001"', '"UN-010"')),
    "SPC-NEED-UNSERVED": (
        "a need is added that no requirement names",
        lambda p: p.write(NEEDS, p.read(NEEDS) + p.read(NEEDS)[p.read(NEEDS).index("[[need]]") :].replace("UN-001", "UN-002")),
    ),
    "SPC-ITEM-IDLE": ("a software item is added and nothing required of it", None),
    "SPC-DISPOSITION": (
        "a requirement says neither controls nor a reason",
        edit(REQUIREMENTS, 'not_risk_related = "It repeats what the film says."\n', ""),
    ),
    "SPC-MODULE-UNASSIGNED": ("a module is added and not assigned", lambda p: p.write("device_sw/viewer.py", "X = 1\n")),
    "SPC-MODULE-TWICE": ("an item claims a module twice", None),
    "SPC-MODULE-ABSENT": (
        "an item claims a module that does not exist",
        edit(ARCHITECTURE, '["device_sw.device"', '["device_sw.audits", "device_sw.device"'),
    ),
    "SPC-SOUP-UNLOCKED": (
        "the name of a SOUP item's distribution is misspelt",
        edit(SOUP, 'distribution = "numpy"', 'distribution = "numpi"'),
    ),
    "RSK-DANGLING": (
        "a control names a situation that does not exist",
        edit(CONTROLS, 'situations = ["HS-001"]', 'situations = ["HS-001", "HS-010"]'),
    ),
    "RSK-ONE-SIDED": (
        "a control names a requirement that does not name it",
        edit(CONTROLS, '["SRS-001"]', '["SRS-001", "SRS-002"]'),
    ),
    "RSK-UNCONTROLLED": ("a situation is added without control", None),
    "RSK-SCALE": ("a level of a scale stands twice", edit(POLICY, "level = 2", "level = 1")),
    "RSK-MATRIX": ("a cell of the matrix is made more acceptable than its neighbours", None),
    "RSK-APPROVAL": ("one identity stands in two roles", None),
    "RSK-EVIDENCE": ("a control names another tag as its evidence", edit(CONTROLS, '["@RC-001"]', '["@SRS-001"]')),
    "RSK-OPTIONS": (
        "a control becomes protective and says nothing about design",
        edit(CONTROLS, "inherent-design", "protective"),
    ),
    "RSK-LABEL": ("a control becomes information and names no sentence", edit(CONTROLS, "inherent-design", "information")),
    "RSK-NO-EFFECT": ("a control claims no step", edit(CONTROLS, "probability_steps = 2", "probability_steps = 0")),
    "RSK-ARISING": (
        "a control brings a risk that nobody accepts",
        edit(CONTROLS, 'risk = "", assessment = "None found."', 'risk = "Adults are refused.", assessment = "Rare."'),
    ),
    "RSK-CLAIM": (
        "a residual is better than the controls add up to",
        edit(HAZARDS, "residual_probability = 2", "residual_probability = 1"),
    ),
    "RSK-ARISING-WORSE": ("a control brings a worse risk than it reduces", None),
    "RSK-ARISING-LOOP": (
        "a control brings the risk that it reduces",
        edit(
            CONTROLS,
            'risk = "", assessment = "None found.", situations = []',
            'risk = "Adults are refused.", assessment = "Rare.", situations = ["HS-001"]',
        ),
    ),
    "RSK-INFORMATION-ONLY": (
        "a control becomes information and stands alone",
        edit(
            CONTROLS,
            '"inherent-design"',
            '"information"\noption_analysis = "None."\nlabel_section = "labelling"\nifu_sentence = "Adults only."',
        ),
    ),
    "RSK-FURTHER-CONTROL": (
        "a residual is no longer plainly acceptable",
        edit(HAZARDS, "residual_probability = 2", "residual_probability = 3"),
    ),
    "RSK-CRITERIA": ("the policy is edited and recorded, and no estimate is looked at again", None),
    "TRC-LABEL-SENTENCE": (
        "a control becomes information, and no page prints its sentence",
        edit(
            CONTROLS,
            '"inherent-design"',
            '"information"\noption_analysis = "None."\nlabel_section = "labelling"\nifu_sentence = "Adults only."',
        ),
    ),
    "TRC-LABEL-RESIDUAL": ("a residual is no longer plainly acceptable, and no page tells it", None),
    "TRC-PROTOCOL-ORDER": (
        "a threshold is moved after the figures were made",
        edit("validation/protocol.toml", "threshold = 0.65", "threshold = 0.55"),
    ),
    "TRC-RISK-REVIEW": ("a scenario fails, and release level is asked", result("<failure message='AssertionError: analysed'/>")),
    "CHG-UNRECORDED": ("a requirement's text is edited and not recorded", edit(REQUIREMENTS, "under 18.", "under 17.")),
    "CHG-CHAIN": ("an entry of the ledger is edited", None),
}


def _item_idle(project):
    project.replace(
        ARCHITECTURE,
        "[[interface]]",
        '[[item]]\nid = "SWI-VIEWER"\ntitle = "Viewer"\npurpose = "Shows."\nmodules = ["device_sw.viewer"]\n[[interface]]',
    )
    project.write("device_sw/viewer.py", "X = 1\n")


def _module_twice(project):
    project.replace(
        ARCHITECTURE,
        "[[interface]]",
        '[[item]]\nid = "SWI-VIEWER"\ntitle = "Viewer"\npurpose = "Shows."\nmodules = ["device_sw.device"]\n[[interface]]',
    )


def _uncontrolled(project):
    text = project.read(HAZARDS)
    block = text[text.index("[[hazard.situation]]") :]
    project.write(HAZARDS, text + block.replace("HS-001", "HS-002"))


def _matrix(project):
    text = project.read(POLICY)
    row = re.search(r"^S5 = .*$", text, re.MULTILINE)[0]
    project.write(POLICY, text.replace(row, re.sub(r'"unacceptable"\]', '"acceptable"]', row)))


def _approval(project):
    text = project.read(POLICY)
    one, two = re.findall(r'^identity = "(.*)"$', text, re.MULTILINE)[:2]
    project.write(POLICY, text.replace(f'identity = "{two}"', f'identity = "{one}"'))


def _chain(project):
    ledger = "requirements_spec/data/changes.toml"
    text = project.read(ledger)
    first = re.search(r'^old = ""', text, re.MULTILINE)
    project.write(ledger, text[: first.start()] + f'old = "{"0" * 64}"' + text[first.end() :])


def _untagged(project):
    project.write(
        "verification/features/extra.feature", "Feature: Extra\n  Scenario: Something\n    Given a film\n    Then it is seen\n"
    )


def _residual(project):
    project.replace(HAZARDS, "severity = 3", "severity = 5")
    project.replace(HAZARDS, "residual_severity = 3", "residual_severity = 5")
    project.verify({CHILD: "<failure message='AssertionError: the film was analysed'/>"})


def _worse(project):
    """A second situation, worse after its own control than the first one was before; the first control brings it."""
    hazards, controls = project.read(HAZARDS), project.read(CONTROLS)
    situation = (
        hazards[hazards.index("[[hazard.situation]]") :].replace("HS-001", "HS-002").replace("severity = 3", "severity = 5")
    )
    project.write(HAZARDS, hazards + situation.replace("residual_probability = 2", "residual_probability = 4"))
    second = controls[controls.index("[[control]]") :].replace("RC-001", "RC-002").replace("HS-001", "HS-002")
    nothing, dark = (
        'risk = "", assessment = "None found.", situations = []',
        'risk = "Too dark.", assessment = "a", situations = ["HS-002"]',
    )
    project.write(CONTROLS, controls.replace(nothing, dark) + second)


def _criteria(project):
    project.replace(POLICY, "best_probability = 2", "best_probability = 1")
    project.record_changes()


def _undisclosed(project):
    project.replace(HAZARDS, "residual_probability = 2", 'residual_probability = 3\nfurther_control = "None."')
    project.reproduce()
    project.verify()


LATER = {
    "RSK-ARISING-WORSE": _worse,
    "RSK-CRITERIA": _criteria,
    "TRC-LABEL-RESIDUAL": _undisclosed,
    "SPC-ITEM-IDLE": _item_idle,
    "SPC-MODULE-TWICE": _module_twice,
    "TRC-RISK-OVERALL": _residual,
    "RSK-UNCONTROLLED": _uncontrolled,
    "RSK-MATRIX": _matrix,
    "RSK-APPROVAL": _approval,
    "CHG-CHAIN": _chain,
    "TRC-SCENARIO-TAG": _untagged,
    "TRC-RISK-RESIDUAL": _residual,
}
RECIPES |= {code: (RECIPES[code][0], broken) for code, broken in LATER.items()}


def overlooked(project):
    """Leave a run of seeded defects in which the scenario noticed nothing."""
    case = "TC:admission.feature::A child's film is refused"
    trial = Trial("SD-001", "RC-001", False, f"nothing failed in {case}", (), "", "", {"passed": 1}, (), ())
    record = FaultRecord(read_identity(project.root, "verification"), (trial,))
    write_json(project.root / SHOWN, record.to_json())


def overlooked_before(project):
    overlooked(project)
    project.write("verification/steps/film.py", "AGE = 16\n")


RECIPES |= {
    "TRC-CONTROL-UNSEEDED": ("the table of seeded defects is gone", remove(FAULTS)),
    "TRC-SEEDED-LINK": ("a seeded defect names a scenario that was renamed", edit(FAULTS, "A child's film", "A young film")),
    "TRC-SEEDED-SURVIVED": ("the scenario passes although the control is broken", overlooked),
    "TRC-SEEDED-MISSING": ("nobody has tried the defects", lambda _: None),
    "TRC-SEEDED-STALE": ("a step changed after the defects were tried", overlooked_before),
}
LEVELS = {
    **dict.fromkeys(("ANO-OPEN", "ANO-UNREPORTED", "ANO-SECURITY", "ANO-REVIEW", "ANO-TREND"), "release"),
    **dict.fromkeys(("TRC-RECORD-MISSING", "TRC-RECORD-INCOMPLETE", "TRC-RECORD-FOREIGN"), "release"),
    **dict.fromkeys(("TRC-SEEDED-MISSING", "TRC-SEEDED-STALE"), "release"),
    "TRC-LABEL-RESIDUAL": "release",
    "TRC-RISK-REVIEW": "release",
    "TRC-SIGNATURE": "release",
    "AUD-LOCKED": "release",
    "TRC-GAP": "submission",
    "TRC-RISK-OVERALL": "submission",
}
WRITE = "THORATRACE_WRITE_MESSAGES" in os.environ
KEPT = json.loads(MESSAGES.read_text(encoding="utf-8"))


def without_hashes(problem):
    """Return a problem with its fingerprints masked: they follow the form of the items, the message does not."""
    return {name: re.sub(r"\b[0-9a-f]{12}\b", "0123456789ab", text) for name, text in problem.items()}


@pytest.mark.parametrize("code", RECIPES)
def test_page_shows_what_the_gate_prints(code, project):
    broken, breaks = RECIPES[code]
    breaks(project)
    level = gate.Level(LEVELS.get(code, "development"))
    found = [problem_json(problem) for problem in project.check(level).problems if problem.code == code]
    assert found, f"the gate did not print {code}"
    if WRITE:
        KEPT[code] = {"broken": broken, "problem": found[0]}
        MESSAGES.write_text(json.dumps(dict(sorted(KEPT.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert KEPT[code]["broken"] == broken
    assert without_hashes(KEPT[code]["problem"]) == without_hashes(found[0])


def test_no_message_is_kept_that_nothing_produces():
    assert set(KEPT) == set(RECIPES)
