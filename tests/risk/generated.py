"""Random risk files: plain dictionaries as they stand in the TOML files, and what the engine and its loader make of them.

``tidiness`` is how rarely something is wrong: a file without a flaw is as needed as one with ten, because both conclusions have to be reached.
"""

import json
from types import SimpleNamespace

from risk.model import (
    Acceptability,
    Approval,
    Arising,
    Benefit,
    Control,
    ControlKind,
    Hazard,
    Level,
    Method,
    Policy,
    RiskFile,
    Situation,
)

WORDS = ("acceptable", "reduce", "unacceptable")
KINDS = ("inherent-design", "protective", "information")
TEXTS = (
    "scope",
    "intended_use",
    "probability_unknown",
    "overall_residual_method",
    "verification_activities",
    "production_and_post_production",
    "review",
)
HEAD = {"author": "DEMO-author", "status": "draft"}


def random_file(rng, *, loadable=False):
    """Return a random file; a ``loadable`` one has no empty list where the loader asks for an entry."""
    tidiness = rng.choice((0.0, 0.6, 0.9, 0.97, 1.0))

    def flawed(often=0.5):
        return rng.random() < often * (1 - tidiness)

    hazards = _hazards(rng, flawed, loadable=loadable)
    situations = [each for hazard in hazards for each in hazard["situation"]]
    names = [each["id"] for each in situations]
    controls = [_control(rng, number, names, flawed, loadable=loadable) for number in range(1, 1 + _many(rng, 30))]
    if tidiness > 0.8:
        _cover(rng, situations, controls)
    requirements = [f"SRS-{number:03}" for number in range(1, 21)]
    known = [each for each in requirements if not flawed(0.1)]
    everything = [*requirements, *(each["id"] for each in controls)]
    passed = None if rng.random() < 0.1 else [each for each in everything if not flawed(0.2)]
    file = {"policy": _policy(rng, flawed), "hazards": hazards, "controls": controls, "requirements": known, "passed": passed}
    if tidiness > 0.8:
        _settle(rng, file)
    return file


def _many(rng, most):
    return min(int(rng.expovariate(1 / 5)), most)


def _policy(rng, flawed):
    """A policy whose matrix never improves with severity or probability: each cell is at least as bad as those it grows from."""
    bias = rng.choice((0.05, 0.2, 0.5))
    matrix = [[0] * 5 for _ in range(5)]
    for s in range(5):
        for p in range(5):
            least = max(matrix[s - 1][p] if s else 0, matrix[s][p - 1] if p else 0)
            matrix[s][p] = min(least + (rng.random() < bias) + (rng.random() < bias / 4), 2)
    return {
        "acceptability": {f"S{s + 1}": [WORDS[cell] for cell in row] for s, row in enumerate(matrix)},
        "information_limit": {"steps": rng.choice((0, 1, 1, 2, 4)), "reason": "r"},
        "single_control_limit": {"best_probability": rng.choice((1, 2, 2, 3, 5)), "reason": "r"},
        "unknown_probability": {"level": rng.choice((5, 5, 4, 3)), "reason": "r"},
        "benefit": {
            "statement": "b",
            "clinical_evidence": [] if flawed(0.8) else ["study"],
            "missing": "a study",
            "owner_role": "o",
            "plan": "p",
        },
    }


def _hazards(rng, flawed, *, loadable):
    hazards, number = [], 0
    for index in range(1, 1 + _many(rng, 30)):
        count = 0 if flawed(0.2) and not loadable else rng.choice((1, 1, 1, 2, 3))
        situations = []
        for _ in range(count):
            number += 1
            situations.append(_situation(rng, f"HS-{number:03}", flawed))
        hazards.append({"id": f"HAZ-{index:03}", "title": "t", "source": "s", "sequence": ["a", "b"], "situation": situations})
    return hazards


def _situation(rng, name, flawed):
    situation = {"id": name, "text": f"text of {name}", "harm": "h", "severity": rng.randint(1, 5), "basis": "b"}
    if rng.random() < 0.9:
        situation["probability"] = rng.randint(1, 5)
    before = situation.get("probability", 5)
    situation["residual_severity"] = rng.randint(1, 5) if flawed() else rng.randint(1, situation["severity"])
    situation["residual_probability"] = rng.randint(1, 5) if flawed() else rng.randint(1, before)
    situation["residual_basis"] = "r"
    if rng.random() < 0.5 and not flawed():
        situation["further_control"] = "none is practicable"
    if rng.random() < 0.3:
        situation["information_only"] = "nothing else helps"
    return situation


def _control(rng, number, situations, flawed, *, loadable):
    kind = rng.choice(KINDS)
    known = [*situations, "HS-900"] if flawed(0.2) or not situations else situations
    least = 1 if loadable or not flawed(0.2) else 0
    control = {
        "id": f"RC-{number:03}",
        "title": "t",
        "kind": kind,
        "text": "t",
        "situations": _some(rng, known, least, 4),
        "requirements": _some(rng, [f"SRS-{each:03}" for each in range(1, 21)], least, 3),
        "probability_steps": rng.randint(0, 3),
        "severity_steps": rng.choice((0, 0, 0, 1, 2)),
        "effect": "e",
        "evidence": [] if flawed(0.1) and not loadable else [f"@RC-{number:03}"],
        "arising": _arising(rng, known, flawed, loadable=loadable),
    }
    if kind != "inherent-design" and not flawed(0.3):
        control["option_analysis"] = "o"
    return control


def _arising(rng, known, flawed, *, loadable):
    said = {"risk": "", "assessment": "a", "situations": []}
    if flawed(0.1) and not loadable:
        said["assessment"] = ""
    if rng.random() < 0.5 and not flawed(0.5):
        return said
    said["risk"] = "" if flawed(0.1) else "something"
    if rng.random() < 0.6:
        said["severity"], said["probability"] = rng.randint(1, 5), rng.randint(1, 5)
        if flawed(0.1):
            del said[rng.choice(("severity", "probability"))]
    if rng.random() < 0.6 or "severity" not in said:
        said["situations"] = _some(rng, known, 0 if flawed(0.3) else 1, 3)
    return said


def _some(rng, values, least, most):
    return rng.sample(values, min(rng.randint(least, max(least, most)), len(values)))


def _cover(rng, situations, controls):
    """Give every situation a control, where there are controls."""
    for situation in situations:
        if controls and not any(situation["id"] in control["situations"] for control in controls):
            rng.choice(controls)["situations"].append(situation["id"])


def _settle(rng, file):
    """Bring most claims and arising risks of a tidy file in order, so that the better conclusion is within reach."""
    calm = rng.random() < 0.7
    for control in file["controls"]:
        if calm and control["arising"]["risk"]:
            control["arising"] |= {"severity": 1, "probability": 1, "situations": []}
    for situation in (each for hazard in file["hazards"] for each in hazard["situation"]):
        if calm:
            situation |= {"residual_severity": 1, "residual_probability": 1, "further_control": "f", "information_only": "i"}


def as_policy(plain):
    """Return the policy as the engine has it."""
    scale = tuple(Level(level, "n", "m") for level in range(1, 6))
    rows = plain["acceptability"]
    return Policy(
        **dict.fromkeys(TEXTS, "t"),
        foreseeable_misuse=("m",),
        severities=scale,
        probabilities=scale,
        matrix=tuple(tuple(Acceptability(WORDS.index(word)) for word in rows[f"S{level}"]) for level in range(1, 6)),
        acceptability_words=tuple((word, "w") for word in WORDS),
        benefit=Benefit(
            plain["benefit"]["statement"],
            tuple(plain["benefit"]["clinical_evidence"]),
            plain["benefit"]["missing"],
            plain["benefit"]["owner_role"],
            plain["benefit"]["plan"],
        ),
        information_steps=plain["information_limit"]["steps"],
        information_reason="r",
        single_control_probability=plain["single_control_limit"]["best_probability"],
        single_control_reason="r",
        unknown_probability=plain["unknown_probability"]["level"],
        unknown_probability_reason="r",
        post_production=(Method("m", "s", "o", ""),),
        approvals=(Approval("a", "DEMO-a", "n"), Approval("b", "DEMO-b", "n")),
        where="risk/data/policy.toml:1",
        **HEAD,
    )


def as_risk_file(file):
    """Return the file as the loader would hand it on, without reading anything."""
    return RiskFile(as_policy(file["policy"]), tuple(map(_as_hazard, file["hazards"])), tuple(map(_as_control, file["controls"])))


def _as_hazard(row):
    situations = tuple(
        Situation(
            **{
                key: each.get(key)
                for key in (
                    "id",
                    "text",
                    "harm",
                    "severity",
                    "probability",
                    "basis",
                    "residual_severity",
                    "residual_probability",
                    "residual_basis",
                    "further_control",
                    "information_only",
                )
            },
            where=f"hazards.toml:{each['id']}",
        )
        for each in row["situation"]
    )
    return Hazard(
        row["id"], row["title"], row["source"], tuple(row["sequence"]), situations, **HEAD, where=f"hazards.toml:{row['id']}"
    )


def _as_control(row):
    said = row["arising"]
    return Control(
        id=row["id"],
        title=row["title"],
        kind=ControlKind(row["kind"]),
        text=row["text"],
        situations=tuple(row["situations"]),
        requirements=tuple(row["requirements"]),
        probability_steps=row["probability_steps"],
        severity_steps=row["severity_steps"],
        effect=row["effect"],
        option_analysis=row.get("option_analysis"),
        evidence=tuple(row["evidence"]),
        label_section=row.get("label_section"),
        ifu_sentence=row.get("ifu_sentence"),
        arising=Arising(
            said["risk"], said["assessment"], tuple(said["situations"]), said.get("severity"), said.get("probability")
        ),
        **HEAD,
        where=f"controls.toml:{row['id']}",
    )


def as_specification(file):
    """Return requirements of these ids, each naming the controls that name it."""
    naming = {name: tuple(c["id"] for c in file["controls"] if name in c["requirements"]) for name in file["requirements"]}
    return SimpleNamespace(
        requirements=tuple(SimpleNamespace(id=name, controls=controls, where="srs.toml:1") for name, controls in naming.items())
    )


def as_toml(file):
    """Return the three files as text, by name."""
    policy = file["policy"]
    texts = as_policy(policy)
    head = {"author": "DEMO-author", "status": "draft"}
    plain = dict.fromkeys(TEXTS, "t")
    scale = [{"level": each.level, "name": each.name, "meaning": each.meaning} for each in texts.severities]
    whole = {
        "schema": "thoratrace/risk-policy/1",
        **head,
        **plain,
        "foreseeable_misuse": ["m"],
        "severity": scale,
        "probability": scale,
        **policy,
        "acceptability_words": dict.fromkeys(WORDS, "w"),
        "post_production": [{"title": "m", "source": "s", "owner_role": "o", "gap": ""}],
        "approval": [{"role": "a", "identity": "DEMO-a", "note": "n"}, {"role": "b", "identity": "DEMO-b", "note": "n"}],
    }
    return {
        "policy.toml": _toml(whole),
        "hazards.toml": _toml({"schema": "thoratrace/hazards/1", **head, "hazard": file["hazards"]}),
        "controls.toml": _toml({"schema": "thoratrace/controls/1", **head, "control": file["controls"]}),
    }


def _toml(table):
    """Every table inline but the outermost, on one line a key: ugly, and valid TOML."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
