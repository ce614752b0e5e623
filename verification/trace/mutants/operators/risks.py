"""Harms to the risk file's numbers: every severity, probability, step and cell of the matrix, one at a time and together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from risk.model import LEVELS, Acceptability, ControlKind
from verification.trace.mutants.mutant import Change, Form, Mutant, Operator, Part, Sign
from verification.trace.mutants.operators.items import owner
from verification.trace.mutants.operators.signs import obligation, unrecorded
from verification.trace.mutants.project import ARCHITECTURE, POLICY, DataRow, Project, place
from verification.trace.mutants.toml_text import TomlText

Places = Callable[[Project], Iterator[Mutant]]
"""What an operator is applied to."""

_CELLS = ("severity", "probability", "residual_severity", "residual_probability")
_KINDS = [str(kind) for kind in ControlKind]
"""Kinds of control, the strongest first."""


def _lowered(row: DataRow, key: str, project: Project, form: Form) -> Change:
    """Lower one level of a situation by one."""
    text = project.toml(row.file).with_value(f"{row.path}.{key}", row.data[key] - 1)
    if form is Form.RECORDED:
        sign = obligation("OBL-SEVERITY", place(row.file, text, row.id), row.id, key.replace("_", " "))
        return Change({row.file: text}, (sign,), form)
    return Change({row.file: text}, (unrecorded(row.file, text, owner(project, row).id),))


def _raised_residual(row: DataRow, project: Project) -> Change:
    """Claim a residual that is worse than the risk before the controls: a typing error that no computation can be built on."""
    text = project.toml(row.file).with_value(f"{row.path}.residual_severity", row.data["severity"] + 1)
    return Change({row.file: text}, (Sign("RSK-CLAIM", place(row.file, text, row.id), row.id),))


def _too_good(row: DataRow, project: Project) -> Change:
    """Claim the best residual there is: better than the controls add up to, wherever they do not reach it."""
    text = project.toml(row.file).with_value(f"{row.path}.residual_probability", 1)
    text = TomlText(text).with_value(f"{row.path}.residual_severity", 1)
    return Change({row.file: text}, (Sign("RSK-CLAIM", place(row.file, text, row.id), row.id),))


def _all_lowered(row: DataRow, project: Project) -> Change:
    """Lower severity and probability of a situation, before and after the controls, so that every number fits every other."""
    text = project.text(row.file)
    lowered = [key for key in _CELLS if row.data.get(key, 0) > LEVELS[0]]
    for key in lowered:
        text = TomlText(text).with_value(f"{row.path}.{key}", row.data[key] - 1)
    where = place(row.file, text, row.id)
    signs = tuple(obligation("OBL-SEVERITY", where, row.id, key.replace("_", " ")) for key in lowered)
    return Change({row.file: text}, signs, Form.RECORDED)


def _more_steps(row: DataRow, key: str, project: Project, form: Form) -> Change:
    """Claim one step more for a control."""
    text = project.toml(row.file).with_value(f"{row.path}.{key}_steps", row.data[f"{key}_steps"] + 1)
    if form is Form.RECORDED:
        sign = obligation("OBL-CONTROL", place(row.file, text, row.id), row.id, "claimed steps", key)
        return Change({row.file: text}, (sign,), form)
    return Change({row.file: text}, (unrecorded(row.file, text, row.id),))


def _no_effect(row: DataRow, project: Project) -> Change:
    text = project.toml(row.file).with_value(f"{row.path}.probability_steps", 0)
    text = TomlText(text).with_value(f"{row.path}.severity_steps", 0)
    return Change({row.file: text}, (Sign("RSK-NO-EFFECT", place(row.file, text, row.id), row.id),))


def _weaker_option(row: DataRow, project: Project) -> Change:
    """Put a control one place lower in the order of options."""
    weaker = _KINDS[_KINDS.index(row.data["kind"]) + 1]
    text = project.toml(row.file).with_value(f"{row.path}.kind", weaker)
    if "option_analysis" not in row.data:
        text = TomlText(text).with_line_after(f"{row.path}.kind", 'option_analysis = "Weighed again."')
    sign = obligation("OBL-CONTROL", place(row.file, text, row.id), row.id, "option")
    return Change({row.file: text}, (sign,), Form.RECORDED)


def _no_options(row: DataRow, project: Project) -> Change:
    text = project.toml(row.file).without_key(f"{row.path}.option_analysis")
    return Change({row.file: text}, (Sign("RSK-OPTIONS", place(row.file, text, row.id), row.id),))


def _no_assessment(row: DataRow, project: Project) -> Change:
    """Leave out what a control brings: the duty of 7.5 without an answer."""
    value = {**row.data["arising"], "assessment": ""}
    text = project.toml(row.file).with_value(f"{row.path}.arising", value)
    line = project.toml(row.file).line(f"{row.path}.arising")
    return Change({row.file: text}, (Sign("SPC-VALUE", f"{row.file}:{line}", f"{row.path}.arising.assessment"),))


def _no_sentence(row: DataRow, project: Project) -> Change:
    text = project.toml(row.file).without_key(f"{row.path}.ifu_sentence")
    return Change({row.file: text}, (Sign("RSK-LABEL", place(row.file, text, row.id), row.id),))


def _loosened(severity: int, probability: int, project: Project, form: Form) -> Change:
    """Make one cell of the matrix one step more acceptable."""
    row = list(project.toml(POLICY).value(f"$.acceptability.S{severity}"))
    words = [each.word for each in Acceptability]
    row[probability - 1] = words[words.index(row[probability - 1]) - 1]
    text = project.toml(POLICY).with_value(f"$.acceptability.S{severity}", row)
    where = f"{POLICY}:{TomlText(text).line('$.scope')}"
    if form is Form.RECORDED:
        sign = obligation("OBL-POLICY", where, "POLICY-RISK", "matrix cell", f"S{severity} P{probability}")
        return Change({POLICY: text}, (sign,), form)
    return Change({POLICY: text}, (Sign("CHG-UNRECORDED", where, "POLICY-RISK"),))


def _milder_limit(table: str, key: str, value: int, aspect: tuple[str, str], project: Project) -> Change:
    text = project.toml(POLICY).with_value(f"$.{table}.{key}", value)
    where = f"{POLICY}:{TomlText(text).line('$.scope')}"
    return Change({POLICY: text}, (obligation("OBL-POLICY", where, "POLICY-RISK", *aspect),), Form.RECORDED)


def _milder_words(scale: str, index: int, project: Project) -> Change:
    """Let a level of a scale mean something milder."""
    path = f"$.{scale}[{index}].meaning"
    text = project.toml(POLICY).with_value(path, f"{project.toml(POLICY).value(path)}, unless reversible")
    where = f"{POLICY}:{TomlText(text).line('$.scope')}"
    level = project.toml(POLICY).value(f"$.{scale}[{index}].level")
    return Change(
        {POLICY: text}, (obligation("OBL-POLICY", where, "POLICY-RISK", "criterion", f"{scale} {level}"),), Form.RECORDED
    )


def _lower_class(key: str, value: str, aspect: str, project: Project, form: Form) -> Change:
    text = project.toml(ARCHITECTURE).with_value(f"$.system.{key}", value)
    system = str(project.toml(ARCHITECTURE).value("$.system.id"))
    where = place(ARCHITECTURE, text, system)
    if form is Form.RECORDED:
        return Change({ARCHITECTURE: text}, (obligation("OBL-CLASS", where, system, aspect),), form)
    return Change({ARCHITECTURE: text}, (Sign("CHG-UNRECORDED", where, system),))


def _cells(name: str, form: Form) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for row in project.of("situation"):
            keys = (key for key in _CELLS if row.data.get(key, 0) > LEVELS[0])
            yield from (Mutant(name, f"{row.id} {key}", partial(_lowered, row, key, form=form)) for key in keys)

    return places


def _steps(name: str, form: Form) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for row in project.of("control"):
            keys = (key for key in ("probability", "severity") if row.data[f"{key}_steps"] < len(LEVELS) - 1)
            yield from (Mutant(name, f"{row.id} {key}", partial(_more_steps, row, key, form=form)) for key in keys)

    return places


def _matrix(name: str, form: Form) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for severity in LEVELS:
            row = project.toml(POLICY).value(f"$.acceptability.S{severity}")
            for probability in LEVELS:
                if row[probability - 1] != Acceptability.ACCEPTABLE.word:
                    yield Mutant(name, f"S{severity} P{probability}", partial(_loosened, severity, probability, form=form))

    return places


def _of_situations(name: str, make: Callable[..., Change], wanted: Callable[[DataRow], bool]) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        yield from (Mutant(name, row.id, partial(make, row)) for row in project.of("situation") if wanted(row))

    return places


def _of_controls(name: str, make: Callable[..., Change], wanted: Callable[[DataRow], bool]) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        yield from (Mutant(name, row.id, partial(make, row)) for row in project.of("control") if wanted(row))

    return places


def _policies(project: Project) -> Iterator[Mutant]:
    name, policy = "policy-milder", project.toml(POLICY)
    steps = policy.value("$.information_limit.steps")
    aspect = ("most steps", "of information controls together")
    yield Mutant(name, "information_limit", partial(_milder_limit, "information_limit", "steps", steps + 1, aspect))
    best = policy.value("$.single_control_limit.best_probability")
    aspect = ("best level", "with fewer than two controls")
    yield Mutant(
        name, "single_control_limit", partial(_milder_limit, "single_control_limit", "best_probability", best - 1, aspect)
    )
    for scale in ("severity", "probability"):
        for index in range(len(LEVELS)):
            yield Mutant(name, f"{scale} {index + 1}", partial(_milder_words, scale, index))
    for index, approval in enumerate(policy.data["approval"]):
        yield Mutant(name, f"role {approval['role']}", partial(_other_role, index))


def _other_role(index: int, project: Project) -> Change:
    """Let somebody else than the role that is named approve the risk file."""
    path = f"$.approval[{index}].role"
    text = project.toml(POLICY).with_value(path, "office")
    where = f"{POLICY}:{TomlText(text).line('$.scope')}"
    role = str(project.toml(POLICY).value(path))
    return Change({POLICY: text}, (obligation("OBL-POLICY", where, "POLICY-RISK", "approving role", role),), Form.RECORDED)


def _judged_anew(project: Project) -> Iterator[Mutant]:
    """Change the policy by one harmless word and record it: every estimate was made by another one."""
    for row in project.of("hazard", "control"):
        yield Mutant("criteria-after-evaluation", row.id, partial(_policy_touched, row))


def _policy_touched(row: DataRow, project: Project) -> Change:
    review = project.toml(POLICY).value("$.production_and_post_production")
    text = project.toml(POLICY).with_value("$.production_and_post_production", f"{review} Put in order.")
    return Change({POLICY: text}, (Sign("RSK-CRITERIA", project.where(row), row.id),), Form.RECORDED)


def _classes(project: Project) -> Iterator[Mutant]:
    name, system = "safety-class-lowered", project.toml(ARCHITECTURE).value("$.system")
    lower = {"C": "B", "B": "A"}.get(system["safety_class"])
    for form in (Form.EDITED, Form.RECORDED):
        if lower:
            make = partial(_lower_class, "safety_class", lower, "safety class", form=form)
            yield Mutant(name, f"class {lower}, {form}", make)
        if system["documentation_level"] == "Enhanced":
            make = partial(_lower_class, "documentation_level", "Basic", "documentation level", form=form)
            yield Mutant(name, f"documentation, {form}", make)


def _is_better_than_supported(row: DataRow) -> bool:
    """Say whether the best residual there is would be a change: severity falls by no control of this file below its level."""
    return bool(row.data["residual_severity"] > LEVELS[0])


_OWED = "what the baseline owes stays, or somebody answers for it"
_ENTERED = "a changed number has an entry"

OPERATORS = (
    Operator("level-lowered", Part.GRAPH, _ENTERED, _cells("level-lowered", Form.EDITED)),
    Operator("level-lowered-and-recorded", Part.GRAPH, _OWED, _cells("level-lowered-and-recorded", Form.RECORDED)),
    Operator(
        "risk-lowered-consistently",
        Part.GRAPH,
        _OWED,
        _of_situations("risk-lowered-consistently", _all_lowered, lambda row: row.data["severity"] > LEVELS[0]),
    ),
    Operator(
        "residual-too-good",
        Part.GRAPH,
        "a residual is at best what the controls add up to",
        _of_situations("residual-too-good", _too_good, _is_better_than_supported),
    ),
    Operator(
        "residual-above-risk",
        Part.GRAPH,
        "a residual is at most the risk before controls",
        _of_situations("residual-above-risk", _raised_residual, lambda row: row.data["severity"] < LEVELS[-1]),
    ),
    Operator("steps-raised", Part.GRAPH, _ENTERED, _steps("steps-raised", Form.EDITED)),
    Operator("steps-raised-and-recorded", Part.GRAPH, _OWED, _steps("steps-raised-and-recorded", Form.RECORDED)),
    Operator(
        "control-without-effect",
        Part.GRAPH,
        "a control claims an effect",
        _of_controls("control-without-effect", _no_effect, lambda _: True),
    ),
    Operator(
        "control-weaker-option",
        Part.GRAPH,
        _OWED,
        _of_controls("control-weaker-option", _weaker_option, lambda row: row.data["kind"] != _KINDS[-1]),
    ),
    Operator(
        "option-analysis-dropped",
        Part.GRAPH,
        "a weaker option says why no stronger one was taken",
        _of_controls("option-analysis-dropped", _no_options, lambda row: "option_analysis" in row.data),
    ),
    Operator(
        "arising-not-assessed",
        Part.GRAPH,
        "what a control brings is assessed (7.5)",
        _of_controls("arising-not-assessed", _no_assessment, lambda _: True),
    ),
    Operator(
        "information-without-sentence",
        Part.GRAPH,
        "an information control has its sentence and its section",
        _of_controls("information-without-sentence", _no_sentence, lambda row: "ifu_sentence" in row.data),
    ),
    Operator("matrix-cell-loosened", Part.GRAPH, _ENTERED, _matrix("matrix-cell-loosened", Form.EDITED)),
    Operator("matrix-cell-loosened-and-recorded", Part.GRAPH, _OWED, _matrix("matrix-cell-loosened-and-recorded", Form.RECORDED)),
    Operator("policy-milder", Part.GRAPH, _OWED, _policies),
    Operator("criteria-after-evaluation", Part.GRAPH, "every estimate names the policy it was made by", _judged_anew),
    Operator("safety-class-lowered", Part.GRAPH, _OWED, _classes),
)
