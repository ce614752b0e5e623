"""The engine and the oracle on 10,000 random risk files: every verdict of every item, and no disagreement. The same files, so the same result, each time."""

import random
from collections import Counter

from risk.evaluation import ACCEPTABLE, BASELINE, Lack, ReasonKind, Weighing, evaluate
from risk.links import link_problems
from risk.loader import load
from risk.model import Acceptability
from tests.risk import oracle
from tests.risk.generated import as_risk_file, as_specification, as_toml, random_file

FILES, LOADED = 10_000, 200
LEAST = 50
"""How often each verdict has to come up, so that the sample shows something about it."""

KIND = {
    ReasonKind.NOTHING_ANALYSED: "nothing analysed",
    ReasonKind.INCOMPLETE: "incomplete",
    ReasonKind.UNACCEPTABLE: "unacceptable",
    ReasonKind.NOT_REDUCED: "not reduced",
    ReasonKind.NO_BENEFIT: "no benefit",
    ReasonKind.NOT_SHOWN: "not shown",
    ReasonKind.CLAIMS_ONLY: "claims only",
}
WEIGHING = {
    Weighing.NOT_NEEDED: "not needed",
    Weighing.OUTWEIGHED: "outweighed",
    Weighing.NOT_SHOWN: "not shown",
    Weighing.RULED_OUT: "ruled out",
}
DISPOSITION = {
    "none found": "none",
    "acceptable by itself": "accepted",
    "carried by hazardous situations": "carried",
    "open": "open",
}
SHOWN = {True: "yes", False: "no", None: "nobody looked"}
WHOLE = {"nothing analysed": {"the file"}, "claims only": {"the evidence"}}
"""Reasons about the whole file, for which the oracle names the whole."""


def told(evaluation):
    """Return the engine's verdict in the oracle's words."""
    return {
        "situations": {
            each.id: {
                "before": (each.initial.severity, each.initial.probability),
                "before word": each.initial_acceptability.word,
                "after": (each.residual.severity, each.residual.probability),
                "after word": each.residual_acceptability.word,
                "weighing": WEIGHING[each.weighing],
                "controls": list(each.controls),
                "option": each.highest_option,
            }
            for each in evaluation.situations
        },
        "controls": {
            each.id: {
                "implemented": SHOWN[each.implemented],
                "effective": SHOWN[each.effective],
                "missing": list(each.missing),
                "arising": {
                    "verdict": DISPOSITION[each.arising.disposition],
                    "word": None if each.arising.acceptability is None else each.arising.acceptability.word,
                    "unanswered": list(each.arising.unhandled),
                    "worse": list(each.arising.worse),
                },
            }
            for each in evaluation.controls
        },
        "lacks": {(each.lack.name.lower(), each.item) for each in evaluation.missing},
        "circles": {frozenset(circle) for circle in evaluation.loops},
        "reasons": {KIND[each.kind]: set(each.items) or WHOLE[KIND[each.kind]] for each in evaluation.findings},
        "acceptable": evaluation.conclusion == ACCEPTABLE,
    }


def problems_owed(file, expected):
    """Return the pairs of code and item that the loader owes by the oracle's verdict on the claims alone."""
    codes = {"control": "RSK-UNCONTROLLED", "loop": "RSK-ARISING-LOOP", "options": "RSK-OPTIONS"}
    owed = {(codes[lack], item) for lack, item in expected["lacks"] if lack in codes}
    for situation in (each for hazard in file["hazards"] for each in hazard["situation"]):
        line = expected["situations"][situation["id"]]
        claim = oracle.cell(file["policy"], situation["residual_severity"], situation["residual_probability"])
        alone = line["option"] == "information" and line["before word"] != "acceptable"
        owed |= {("RSK-CLAIM", situation["id"])} if not line["claim holds"] else set()
        owed |= (
            {("RSK-FURTHER-CONTROL", situation["id"])} if claim != "acceptable" and "further_control" not in situation else set()
        )
        owed |= {("RSK-INFORMATION-ONLY", situation["id"])} if alone != ("information_only" in situation) else set()
    for control in file["controls"]:
        said, brought = control["arising"], expected["controls"][control["id"]]["arising"]
        halves = len({"severity", "probability"} & said.keys())
        wordless = not said["risk"] and bool(halves or said["situations"])
        if halves == 1 or wordless or (said["risk"] and brought["verdict"] == "open"):
            owed.add(("RSK-ARISING", control["id"]))
    return owed


COMPARED = {
    "RSK-UNCONTROLLED",
    "RSK-ARISING-LOOP",
    "RSK-OPTIONS",
    "RSK-CLAIM",
    "RSK-FURTHER-CONTROL",
    "RSK-INFORMATION-ONLY",
    "RSK-ARISING",
}


def test_engine_and_oracle_agree_on_everything_in_ten_thousand_files(record_property):
    rng, seen = random.Random("risk files"), Counter()
    for number in range(FILES):
        file = random_file(rng)
        risk, specification = as_risk_file(file), as_specification(file)
        expected = oracle.judge(file)
        count(seen, expected)
        owed = problems_owed(file, oracle.judge(file | {"passed": None}))
        assert told(evaluate(risk, specification, file["passed"])) == without_claims(expected), number
        found = {(each.code, each.item) for each in link_problems(risk, specification, frozenset())}
        assert {pair for pair in found if pair[0] in COMPARED} == owed, number
    record_property("verdicts", ", ".join(f"{name} {seen[name]}" for name in EVERY))
    assert {name: seen[name] for name in EVERY if seen[name] < LEAST} == {}


def without_claims(expected):
    """Whether a claim holds is a problem of the file, and no part of its evaluation."""
    for line in expected["situations"].values():
        del line["claim holds"]
    return expected


def count(seen, expected):
    seen["acceptable" if expected["acceptable"] else "baseline"] += 1
    seen.update(f"reason {kind}" for kind in expected["reasons"])
    seen.update({f"lack {lack}" for lack, _ in expected["lacks"]})
    seen["circle"] += bool(expected["circles"])
    for line in expected["situations"].values():
        seen.update((f"before {line['before word']}", f"after {line['after word']}", f"weighing {line['weighing']}"))
        seen[f"option {line['option']}"] += 1
    for control in expected["controls"].values():
        seen.update((f"implemented {control['implemented']}", f"effective {control['effective']}"))
        seen.update((f"arising {control['arising']['verdict']}", f"arising word {control['arising']['word']}"))
        seen["unanswered"] += bool(control["arising"]["unanswered"])
        seen["worse"] += bool(control["arising"]["worse"])


EVERY = (
    *("acceptable", "baseline", "circle", "unanswered", "worse"),
    *(f"reason {kind}" for kind in KIND.values()),
    *(f"lack {lack.name.lower()}" for lack in Lack),
    *(f"{when} {each.word}" for when in ("before", "after", "arising word") for each in Acceptability),
    *(f"weighing {each}" for each in WEIGHING.values()),
    *(f"arising {each}" for each in DISPOSITION.values()),
    *(f"{duty} {each}" for duty in ("implemented", "effective") for each in SHOWN.values()),
    *("option inherent-design", "option protective", "option information", "option None", "arising word None"),
)
"""Every verdict there is: a sample without one of them would show nothing about it."""


def test_files_read_from_disk_are_judged_as_those_built_in_memory(tmp_path):
    rng = random.Random("risk files, through the loader")
    folder = tmp_path / "risk/data"
    folder.mkdir(parents=True)
    conclusions = Counter()
    for number in range(LOADED):
        file = random_file(rng, loadable=True)
        for name, text in as_toml(file).items():
            (folder / name).write_text(text, encoding="utf-8")
        specification = as_specification(file)
        risk, problems = load(tmp_path, specification)
        empty = (bool(file["hazards"]), bool(file["controls"]))
        assert risk == as_risk_file(file), number
        spoken = {each.code for each in problems if each.code.startswith("SPC-")}
        assert spoken == (set() if all(empty) else {"SPC-VALUE"}), number
        evaluation = evaluate(risk, specification, file["passed"])
        assert told(evaluation) == without_claims(oracle.judge(file)), number
        conclusions[evaluation.conclusion] += 1
    assert min(conclusions[BASELINE], conclusions[ACCEPTABLE]) > 10
