"""Asks the verifier the way a person does, by its command line, and gives what it answered."""

import json
from dataclasses import dataclass

from pipeline.release import verifier


@dataclass(frozen=True)
class Verdict:
    exit: int
    words: str
    codes: frozenset
    by_check: dict
    states: dict


def verify(capsys, folder, *arguments):
    """Return the verdict on a folder."""
    capsys.readouterr()
    code = verifier.main([str(folder), "--json", *map(str, arguments)])
    report = json.loads(capsys.readouterr().out)
    assert report["exit"] == code
    by_check = {each["name"]: {fault["code"] for fault in each["faults"]} for each in report["checks"] if each["faults"]}
    states = {each["name"]: each["state"] for each in report["checks"]}
    return Verdict(code, report["verdict"], frozenset().union(*by_check.values()), by_check, states)
