"""What a change truly touches, worked out another way than `verification.trace.impact` does it.

The tool walks a table of rules breadth first. Here every kind of change has its own sentence of set algebra over the links that the gate exports (as
networkx sees them), and the use of step functions is not read from source texts but from pytest-bdd's own registry and from the byte code of the
imported functions.

What counts as truly affected (ADR 0017 says why):

- a changed item itself, the section that lists its kind, and the matrix (`traceability`);
- need: its sections, every requirement that serves it, and what a changed demand of each of those touches;
- demand of a requirement: its software item, its sections, its scenarios and endpoints, every control it and the control name each other for, and what
  a weaker control touches;
- a weaker control: its situations, its scenarios, its seeded defects (to be tried again); of a control that is no longer shown the same without the scenarios;
- seeded defect (declared otherwise, or put into the device otherwise): its control, which is no longer shown;
- control: the section with its sentence, its situations, its scenarios, its requirements, and what a changed demand of each of those touches;
- situation: its controls. Hazard: its situations and their controls. Policy: every situation. System: every software item;
- module: its software item; software item, SOUP: every requirement of the items, and of each what a changed demand touches, but for the item;
- model: every endpoint, the requirement of each, and what its loss of support touches;
- scenario (changed, or a function it runs changed): what it verifies; for requirements their controls; none of the controls is shown any longer;
- page of a section: the controls whose sentence it holds, and what a weaker control touches.
"""

from __future__ import annotations

import importlib
import sys
import types
from functools import cache
from pathlib import Path

import networkx as nx
from pytest_bdd.feature import get_feature
from pytest_bdd.steps import step_function_context_registry

LISTED = {
    "need": {"user-needs"},
    "requirement": {"software-requirements"},
    "software item": {"architecture"},
    "module": {"architecture"},
    "soup": {"soup"},
    "hazard": {"risk-management"},
    "situation": {"risk-management"},
    "control": {"risk-management"},
    "scenario": {"verification"},
    "endpoint": {"validation"},
}
MATRIX = {"traceability"}


class Oracle:
    """The links of one state, as trace.json holds them."""

    def __init__(self, exported):
        self.kinds = {item["id"]: item["kind"] for item in exported["items"]}
        self.links = nx.MultiDiGraph()
        self.links.add_nodes_from(self.kinds)
        for link in exported["links"]:
            if link["source"] in self.kinds and link["target"] in self.kinds:
                self.links.add_edge(link["source"], link["target"], link["link"])

    def named_by(self, item, word):
        """What the item names by a link."""
        return {target for _, target, key in self.links.out_edges(item, keys=True) if key == word}

    def naming(self, item, word):
        """What names the item by a link."""
        return {source for source, _, key in self.links.in_edges(item, keys=True) if key == word}

    def all(self, kind):
        return {item for item, found in self.kinds.items() if found == kind}

    def controls(self, requirement):
        return self.named_by(requirement, "contributes to") | self.naming(requirement, "is implemented by")

    def weaker(self, control):
        return self.unshown(control) | self.naming(control, "verifies")

    def unshown(self, control):
        return {control} | self.named_by(control, "reduces") | self.naming(control, "is seeded against")

    def support(self, requirement):
        found = {requirement} | self.naming(requirement, "verifies") | self.named_by(requirement, "is rendered in")
        return found.union(*(self.weaker(control) for control in self.controls(requirement)))

    def demand(self, requirement):
        return self.support(requirement) | self.named_by(requirement, "is allocated to")

    def of_item(self, item):
        return {item}.union(*(self.support(each) for each in self.naming(item, "is allocated to")))

    def affected(self, name):
        """Everything one changed item touches, itself and the pages that list it included."""
        kind = self.kinds.get(name)
        if kind is None:
            return set()
        return (
            {name}
            | LISTED.get(kind, set())
            | (set() if kind == "section" else MATRIX)
            | getattr(self, f"_{kind.replace(' ', '_')}")(name)
        )

    def _need(self, name):
        serving = self.naming(name, "serves")
        return self.named_by(name, "is rendered in").union(*(self.demand(each) for each in serving))

    def _requirement(self, name):
        return self.demand(name)

    def _control(self, name):
        held = self.named_by(name, "is implemented by") | self.naming(name, "contributes to")
        return self.weaker(name).union(self.named_by(name, "is rendered in"), *(self.demand(each) for each in held))

    def _situation(self, name):
        return self.naming(name, "reduces")

    def _hazard(self, name):
        situations = self.naming(name, "arises from")
        return situations.union(*(self._situation(each) for each in situations))

    def _module(self, name):
        return set().union(*(self.of_item(each) for each in self.naming(name, "holds")))

    def _software_item(self, name):
        return self.of_item(name)

    def _soup(self, name):
        return set().union(*(self.of_item(each) for each in self.named_by(name, "is used by")))

    def _scenario(self, name):
        shown = self.named_by(name, "verifies")
        requirements = {each for each in shown if self.kinds[each] == "requirement"}
        controls = (shown - requirements).union(*(self.controls(each) for each in requirements))
        return shown.union(*(self.unshown(each) for each in controls))

    def _endpoint(self, name):
        return self._scenario(name)

    def _seeded_defect(self, name):
        return set().union(*(self.unshown(each) for each in self.named_by(name, "is seeded against")))

    def _section(self, name):
        landing = {each for each in self.naming(name, "is rendered in") if self.kinds[each] == "control"}
        return set().union(*(self.weaker(each) for each in landing))

    def policy(self):
        return {"POLICY-RISK", "risk-management"} | self.all("situation")

    def model(self):
        endpoints = self.all("endpoint")
        requirements = set().union(*(self.named_by(each, "verifies") for each in endpoints))
        return {"MODEL", "model", "data", "validation"}.union(endpoints, *(self.support(each) for each in requirements))


class StepUse:
    """Which scenario runs which function of the step files, by pytest-bdd's registry and the byte code."""

    def __init__(self, root):
        importlib.import_module("verification.conftest")
        self.modules = {name: module for name, module in sys.modules.items() if name.startswith("verification.steps.")}
        self.steps = list(step_function_context_registry.values())
        self.fixtures = {name: function for module in self.modules.values() for name, function in _fixtures(module)}
        self.autouse = [function for module in self.modules.values() for name, function in _fixtures(module, autouse=True)]
        self.scenarios = dict(self._scenarios(Path(root) / "verification/features"))

    def of(self, module, name):
        """The scenarios that run a function."""
        return {scenario for scenario, reached in self.scenarios.items() if (module, name) in reached}

    def functions(self):
        """Every top-level function and class of the step files that some scenario runs."""
        return sorted({each for reached in self.scenarios.values() for each in reached})

    def _scenarios(self, folder):
        for path in sorted(folder.rglob("*.feature")):
            feature = get_feature(str(folder), path.relative_to(folder).as_posix())
            for template in feature.scenarios.values():
                contexts = [context for examples in template.examples for context in examples.as_contexts()] or [{}]
                texts = {(step.type, step.name) for context in contexts for step in template.render(context).steps}
                yield f"TC:{path.relative_to(folder).as_posix()}::{template.name}", self._reached(texts)

    def _reached(self, texts):
        waiting = [
            context.step_func
            for context in self.steps
            for kind, text in texts
            if context.type in (kind, None) and context.parser.is_matching(text)
        ]
        waiting += self.autouse
        found = set()
        while waiting:
            thing = waiting.pop()
            key = (getattr(thing, "__module__", None), getattr(thing, "__qualname__", ""))
            if key in found or not str(key[0]).startswith("verification.steps"):
                continue
            found.add(key)
            waiting += self._next(thing)
        return frozenset((module, name.split(".", 1)[0]) for module, name in found)

    def _next(self, thing):
        if isinstance(thing, type):
            return [each for each in vars(thing).values() if isinstance(each, types.FunctionType)] + [
                each.fget for each in vars(thing).values() if isinstance(each, property)
            ]
        return list(self._named(thing))

    def _named(self, function):
        code = function.__code__
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        yield from (self.fixtures[name] for name in arguments if name in self.fixtures)
        names = set(_names(code))
        spaces = [
            function.__globals__,
            *(
                vars(function.__globals__[name])
                for name in names
                if isinstance(function.__globals__.get(name), types.ModuleType)
                and function.__globals__[name].__name__ in self.modules
            ),
        ]
        for space in spaces:
            for name in names & space.keys():
                yield from _functions_in(space[name])


def _names(code):
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
        elif isinstance(constant, str):
            yield constant


def _functions_in(value, depth=0):
    """The functions and classes a global holds, in tables and closures too."""
    value = _unwrapped(value)
    if isinstance(value, (types.FunctionType, type)):
        yield value
        for cell in getattr(value, "__closure__", None) or ():
            if depth < 3:
                yield from _functions_in(cell.cell_contents, depth + 1)
    elif isinstance(value, dict) and depth < 3:
        for each in value.values():
            yield from _functions_in(each, depth + 1)
    elif isinstance(value, (list, tuple)) and depth < 3:
        for each in value:
            yield from _functions_in(each, depth + 1)


def _unwrapped(value):
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return getattr(value, "_fixture_function", value)


def _fixtures(module, *, autouse=False):
    for name, value in vars(module).items():
        marker = getattr(value, "_fixture_function_marker", None)
        if marker is not None and not name.startswith("__pytest_bdd") and (marker.autouse or not autouse):
            yield marker.name or name, _unwrapped(value)


@cache
def step_use(root):
    """The use of the step functions of a repository, found once."""
    return StepUse(root)
