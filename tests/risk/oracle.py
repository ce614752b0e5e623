"""What the risk file means, read from the policy's words and the clauses of ISO 14971 a second time, and written down as tables.

This is the independent reading that the engine is compared with: it imports nothing from the package it judges, takes plain dictionaries as they stand in the
TOML files, counts levels down one step at a time instead of adding and cutting, and finds circles by asking what can be reached from where. Slow and plain on
purpose. `test_oracle.py` holds it against cases worked out by hand.
"""

ORDER = ("acceptable", "reduce", "unacceptable")
RANK = {"inherent-design": 1, "protective": 2, "information": 3}


def cell(policy, severity, probability):
    """Clause 6: the word in the policy's table."""
    return policy["acceptability"][f"S{severity}"][probability - 1]


def first_estimate(policy, situation):
    """Clause 5.5: severity and probability; where no probability can be given, the policy says which level stands in."""
    return situation["severity"], situation.get("probability", policy["unknown_probability"]["level"])


def lowered(policy, situation, controls):
    """Clauses 7.3 and the policy's two limits: take off one step at a time for as long as it is allowed."""
    severity, probability = first_estimate(policy, situation)
    hard = [control for control in controls if control["kind"] != "information"]
    allowance = policy["information_limit"]["steps"]
    bottom = 1 if len(hard) >= 2 else policy["single_control_limit"]["best_probability"]
    for control in controls:
        for _ in range(control["probability_steps"]):
            if control["kind"] == "information":
                if not allowance:
                    break
                allowance -= 1
            if probability > bottom:
                probability -= 1
    deepest = 0
    for control in hard:
        deepest = max(deepest, control["severity_steps"])
    while deepest and severity > 1:
        severity, deepest = severity - 1, deepest - 1
    return severity, probability


def not_better_than(one, other):
    """Of two estimates, level by level, the worse."""
    return tuple(max(pair) for pair in zip(one, other, strict=True))


def is_worse(policy, one, other):
    """Clause 7.5, weighing what a control brings against what it takes: by the word, and within a word level by level."""
    places = ORDER.index(cell(policy, *one)), ORDER.index(cell(policy, *other))
    if places[0] != places[1]:
        return places[0] > places[1]
    return one != other and not_better_than(one, other) == tuple(one)


def judge(file):
    """Return everything that follows from a file; ``file["passed"]`` is None without evidence."""
    policy, controls, passed = file["policy"], file["controls"], file["passed"]
    situations = [situation for hazard in file["hazards"] for situation in hazard["situation"]]
    duties = {control["id"]: verifications(control, file["requirements"], passed) for control in controls}
    naming = {s["id"]: [c for c in controls if s["id"] in c["situations"]] for s in situations}
    rows = {s["id"]: row(policy, s, naming[s["id"]], duties) for s in situations}
    brought = {c["id"]: brings(policy, c, rows) for c in controls}
    circles = circling(policy, controls)
    lacks = {*unanswered(file["hazards"], rows, naming), *unfinished(controls, brought, circles)}
    against = reasons(file, situations, rows, duties, lacks)
    return {
        "situations": rows,
        "controls": {c["id"]: duties[c["id"]] | {"arising": brought[c["id"]]} for c in controls},
        "lacks": lacks,
        "circles": circles,
        "reasons": against,
        "acceptable": not against,
    }


def verifications(control, requirements, passed):
    """Clause 7.2, twice: implemented (its requirements), effective (its own evidence). Three answers: yes, no, nobody looked."""
    tags = {tag.lstrip("@") for tag in control["evidence"]}
    there = control["requirements"] and set(control["requirements"]) <= set(requirements)
    open_tags = tags | set(control["requirements"])
    if passed is None:
        answers = {"implemented": "nobody looked" if there else "no", "effective": "nobody looked"}
    else:
        yes = {True: "yes", False: "no"}
        answers = {
            "implemented": yes[bool(there) and set(control["requirements"]) <= set(passed)],
            "effective": yes[bool(tags) and tags <= set(passed)],
        }
        open_tags -= set(passed)
    return answers | {"missing": sorted(open_tags)}


def row(policy, situation, named, duties):
    """One line of the risk table: before, after, and the weighing of clause 7.4."""
    before = first_estimate(policy, situation)
    working = [c for c in named if "no" not in (duties[c["id"]]["implemented"], duties[c["id"]]["effective"])]
    claim = situation["residual_severity"], situation["residual_probability"]
    best = lowered(policy, situation, working)
    after = not_better_than(claim, best)
    word = cell(policy, *after)
    weighing = {
        "acceptable": "not needed",
        "unacceptable": "ruled out",
        "reduce": "outweighed" if policy["benefit"]["clinical_evidence"] and situation.get("further_control") else "not shown",
    }
    return {
        "before": before,
        "before word": cell(policy, *before),
        "after": after,
        "after word": word,
        "weighing": weighing[word],
        "controls": [c["id"] for c in sorted(named, key=lambda c: (RANK[c["kind"]], c["id"]))],
        "option": min((c["kind"] for c in named), key=RANK.get, default=None),
        "claim holds": claim == not_better_than(claim, lowered(policy, situation, named))
        and claim == before_or_better(claim, before),
    }


def before_or_better(claim, before):
    """A claim, cut down to what was there before any control."""
    return tuple(min(pair) for pair in zip(claim, before, strict=True))


def answered(line):
    """Clauses 6 and 7.6: a risk is answered by a control, or needs none."""
    return bool(line["controls"]) or line["before word"] == "acceptable"


def own_estimate(control):
    said = control["arising"]
    return (said["severity"], said["probability"]) if {"severity", "probability"} <= said.keys() else None


def brings(policy, control, rows):
    """Clause 7.5 for one control."""
    said, own = control["arising"], own_estimate(control)
    word = cell(policy, *own) if own else None
    unanswered = [name for name in said["situations"] if name not in rows or not answered(rows[name])]
    nothing = not said["risk"] and not said["situations"] and own is None
    if unanswered or not said["assessment"] or (not said["risk"] and not nothing):
        verdict = "open"
    elif nothing:
        verdict = "none"
    elif word == "acceptable":
        verdict = "accepted"
    else:
        verdict = "carried" if said["situations"] else "open"
    weighed = {
        "accepted": [(control["id"], own)],
        "carried": [(name, rows[name]["after"]) for name in said["situations"] if name in rows],
    }
    taken = [rows[name]["before"] for name in control["situations"] if name in rows]
    worse = [
        name for name, risk in weighed.get(verdict, []) if taken and False not in [is_worse(policy, risk, old) for old in taken]
    ]
    return {"verdict": verdict, "word": word, "unanswered": unanswered, "worse": worse}


def circling(policy, controls):
    """Clause 7.5, the end of the chain: which controls reach themselves over what they bring."""
    leads = {}
    for control in controls:
        own = own_estimate(control)
        ends = own is not None and cell(policy, *own) == "acceptable"
        held = [] if ends else control["arising"]["situations"]
        leads[control["id"]] = {c["id"] for c in controls for name in c["situations"] if name in held}
    reach = {name: set(ahead) for name, ahead in leads.items()}
    grown = True
    while grown:
        grown = False
        for name, seen in reach.items():
            wider = seen.union(*(reach[each] for each in seen))
            grown = grown or wider != seen
            reach[name] = wider
    return {frozenset(each for each in seen if name in reach[each]) for name, seen in reach.items() if name in seen}


def unanswered(hazards, rows, naming):
    """Clause 7.6, seen from the hazards: what has no situation, no control, or no reason, as pairs of what and where."""
    for hazard in hazards:
        if hazard["situation"] == []:
            yield "situation", hazard["id"]
        for situation in hazard["situation"]:
            line, kinds = rows[situation["id"]], {c["kind"] for c in naming[situation["id"]]}
            if line["before word"] != "acceptable" and not kinds:
                yield "control", situation["id"]
            if line["before word"] != "acceptable" and kinds == {"information"} and not situation.get("information_only"):
                yield "justification", situation["id"]


def unfinished(controls, brought, circles):
    """Clause 7.6, seen from the controls."""
    for control in controls:
        if control["kind"] in {"protective", "information"} and not control.get("option_analysis"):
            yield "options", control["id"]
        if brought[control["id"]]["verdict"] == "open":
            yield "arising", control["id"]
        if brought[control["id"]]["worse"]:
            yield "trade", control["id"]
    for name in set().union(*circles):
        yield "loop", name


def reasons(file, situations, rows, duties, lacks):
    """Clause 8 by the policy's rule: what stands against calling the whole acceptable, as kinds with the items concerned."""
    evidence, passed = file["policy"]["benefit"]["clinical_evidence"], file["passed"]
    words = {word: [s["id"] for s in situations if rows[s["id"]]["after word"] == word] for word in ORDER}
    table = {
        "nothing analysed": [] if situations else ["the file"],
        "incomplete": {where for _, where in lacks},
        "unacceptable": words["unacceptable"],
        "not reduced": [s["id"] for s in situations if s["id"] in words["reduce"] and not s.get("further_control")],
        "no benefit": [] if evidence else words["reduce"],
        "not shown": []
        if passed is None
        else [n for n, d in duties.items() if (d["implemented"], d["effective"]) != ("yes", "yes")],
        "claims only": ["the evidence"] if passed is None else [],
    }
    return {kind: set(items) for kind, items in table.items() if items}
