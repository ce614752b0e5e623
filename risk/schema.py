"""Describes each file under risk/data: the keys it may hold and the form of their values."""

from __future__ import annotations

from requirements_spec.datafile import Table, Tables, Text, Texts, Whole
from requirements_spec.model import SECTIONS
from requirements_spec.schema import CONTROL_ID, REQUIREMENT_ID, head
from risk.model import LEVELS, Acceptability, ControlKind

HAZARD_ID = r"HAZ-\d{3,}"
SITUATION_ID = r"HS-\d{3,}"
EVIDENCE = r"@(RC|SRS)-\d{3,}"

_LEVEL = Whole(LEVELS[0], LEVELS[-1])
_LEVEL_OR_NONE = Whole(LEVELS[0], LEVELS[-1], required=False)
_STEPS = Whole(0, len(LEVELS) - 1)
_CELL = Text(choices=frozenset(each.word for each in Acceptability))
_ROW = Texts(_CELL, least=len(LEVELS), most=len(LEVELS), repeats=True)
_SCALE = Tables(Table({"level": _LEVEL, "name": Text(), "meaning": Text()}), least=len(LEVELS))

POLICY = Table(
    {
        **head("thoratrace/risk-policy/1"),
        "scope": Text(),
        "intended_use": Text(),
        "foreseeable_misuse": Texts(),
        "probability_unknown": Text(),
        "overall_residual_method": Text(),
        "verification_activities": Text(),
        "production_and_post_production": Text(),
        "review": Text(),
        "severity": _SCALE,
        "probability": _SCALE,
        "acceptability": Table({f"S{level}": _ROW for level in LEVELS}),
        "acceptability_words": Table({each.word: Text() for each in Acceptability}),
        "benefit": Table(
            {"statement": Text(), "clinical_evidence": Texts(least=0), "missing": Text(), "owner_role": Text(), "plan": Text()}
        ),
        "information_limit": Table({"steps": _STEPS, "reason": Text()}),
        "single_control_limit": Table({"best_probability": _LEVEL, "reason": Text()}),
        "unknown_probability": Table({"level": _LEVEL, "reason": Text()}),
        "post_production": Tables(Table({"title": Text(), "source": Text(), "owner_role": Text(), "gap": Text(blank=True)})),
        "approval": Tables(Table({"role": Text(), "identity": Text(), "note": Text()}), least=2),
    }
)

HAZARDS = Table(
    {
        **head("thoratrace/hazards/1"),
        "hazard": Tables(
            Table(
                {
                    "id": Text(pattern=HAZARD_ID),
                    "title": Text(),
                    "source": Text(),
                    "sequence": Texts(least=2),
                    "situation": Tables(
                        Table(
                            {
                                "id": Text(pattern=SITUATION_ID),
                                "text": Text(),
                                "harm": Text(),
                                "severity": _LEVEL,
                                "probability": _LEVEL_OR_NONE,
                                "basis": Text(),
                                "residual_severity": _LEVEL,
                                "residual_probability": _LEVEL,
                                "residual_basis": Text(),
                                "further_control": Text(required=False),
                                "information_only": Text(required=False),
                            }
                        )
                    ),
                }
            )
        ),
    }
)

CONTROLS = Table(
    {
        **head("thoratrace/controls/1"),
        "control": Tables(
            Table(
                {
                    "id": Text(pattern=CONTROL_ID),
                    "title": Text(),
                    "kind": Text(choices=frozenset(ControlKind)),
                    "text": Text(),
                    "situations": Texts(Text(pattern=SITUATION_ID)),
                    "requirements": Texts(Text(pattern=REQUIREMENT_ID)),
                    "probability_steps": _STEPS,
                    "severity_steps": _STEPS,
                    "effect": Text(),
                    "option_analysis": Text(required=False),
                    "evidence": Texts(Text(pattern=EVIDENCE)),
                    "label_section": Text(choices=frozenset(SECTIONS), required=False),
                    "ifu_sentence": Text(required=False),
                    "arising": Table(
                        {
                            "risk": Text(blank=True),
                            "assessment": Text(),
                            "severity": _LEVEL_OR_NONE,
                            "probability": _LEVEL_OR_NONE,
                            "situations": Texts(Text(pattern=SITUATION_ID), least=0),
                        }
                    ),
                }
            )
        ),
    }
)
