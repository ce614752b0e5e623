"""Appends a new item or scenario to the file it belongs to: next free id, every key the schema asks for, and placeholders that the gate refuses.

A placeholder is a value that the loader's own description does not allow (a blank text, an empty list, a level 0), so a new item is red until
somebody has filled it, without any mark to be forgotten. A file is written whole or not at all, and only after the new text was read back.

Source: IEC 62304 8.1.1 (a unique identification); design 4 (ids are never used twice: the ledgers remember removed ones).
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli
from gherkin.errors import CompositeParserException, ParserException
from gherkin.parser import Parser

from requirements_spec.datafile import MAX_TEXT, Flag, Kind, Table, Tables, Text, Texts, Whole
from requirements_spec.schema import SOFTWARE_REQUIREMENTS
from risk.schema import CONTROLS, HAZARDS
from verification.trace.features import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

DATA = ("requirements_spec/data", "risk/data")
REQUIREMENTS = "requirements_spec/data/software_requirements"
HAZARDS_FILE = "risk/data/hazards.toml"
CONTROLS_FILE = "risk/data/controls.toml"

FORMULA = ("=", "+", "-", "@")
"""First characters that a spreadsheet takes for a formula."""

LONGEST_TITLE = 120

Values = Mapping[str, object]


class ScaffoldError(ValueError):
    """The new item cannot be made from what was given; nothing was written. The message says where, found, expected and how to repair it."""

    def __init__(self, where: str, found: str, expected: str, repair: str) -> None:
        """Say what was wrong with which option or file."""
        super().__init__(f"{where}: found {found}, expected {expected}. Repair: {repair}.")


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was appended.

    Attributes:
        id: of the new item; a scenario's ``TC:`` id.
        where: ``file:line`` of its first line.
        placeholders: keys still to be filled, in their order.
        steps: what to do next, in order.
    """

    id: str
    where: str
    placeholders: tuple[str, ...]
    steps: tuple[str, ...]


def requirement(root: Path, item: str, title: str, needs: Sequence[str], controls: Sequence[str]) -> Scaffold:
    """Append a requirement to the file of its software item.

    Raises:
        ScaffoldError: an option is no usable text or names nothing that exists, or the file cannot be appended to.
    """
    _require_title(title)
    path = _file_of_item(root, item)
    _require_known(root, "--need", needs, "UN")
    _require_known(root, "--control", controls, "RC")
    name = next_id(root, "SRS")
    given: dict[str, object] = {"id": name, "title": title, "needs": list(needs), "verification": "test"}
    given |= {"safety": True, "controls": list(controls)} if controls else {"safety": False, "not_risk_related": ""}
    steps = [f"add {name} to `requirements` of {', '.join(controls)} in {CONTROLS_FILE}"] if controls else []
    return _append_item(
        root, path, "requirement", SOFTWARE_REQUIREMENTS, given, ("requirements_spec.changes", *steps), scenario=True
    )


def hazard(root: Path, title: str) -> Scaffold:
    """Append a hazard with one hazardous situation.

    Raises:
        ScaffoldError: the title is no usable text, or the file cannot be appended to.
    """
    _require_title(title)
    situation = next_id(root, "HS")
    given = {"id": next_id(root, "HAZ"), "title": title, "situation": {"id": situation}}
    step = f"write a control for it: ./qms new control --situation {situation} --requirement SRS-ID --title TEXT"
    return _append_item(root, HAZARDS_FILE, "hazard", HAZARDS, given, ("risk.changes", step), scenario=False)


def control(root: Path, title: str, situations: Sequence[str], requirements: Sequence[str]) -> Scaffold:
    """Append a risk control.

    Raises:
        ScaffoldError: an option is no usable text or names nothing that exists, or the file cannot be appended to.
    """
    _require_title(title)
    _require_known(root, "--situation", situations, "HS")
    _require_known(root, "--requirement", requirements, "SRS")
    name = next_id(root, "RC")
    given = {
        "id": name,
        "title": title,
        "situations": list(situations),
        "requirements": list(requirements),
        "evidence": [f"@{name}"],
    }
    steps = [f"add {name} to `controls` of {each}, with `safety = true`" for each in requirements]
    return _append_item(root, CONTROLS_FILE, "control", CONTROLS, given, ("risk.changes", *steps), scenario=True)


def scenario(root: Path, feature: str, title: str, tags: Sequence[str], steps: Sequence[tuple[str, str]] = ()) -> Scaffold:
    """Append a scenario to a feature file, or begin a new one; without a Then step the gate refuses it.

    Args:
        root: of the repository.
        feature: name of the file below verification/features, without its ending.
        title: name of the scenario, not yet in the file.
        tags: ids of requirements and controls, the first a requirement's.
        steps: (keyword, text) of each step already known.

    Raises:
        ScaffoldError: an option is no usable text or names nothing that exists, or the file cannot be appended to.
    """
    _require_title(title)
    for keyword, text in steps:
        _require_text(f"--{keyword.lower()}", text, MAX_TEXT, formulas=True)
    if not re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]+)*", feature, re.ASCII):
        raise ScaffoldError(
            "--feature", repr(feature), "the name of a file below verification/features", "use small letters, digits and _"
        )
    if not any(tag.startswith("SRS-") for tag in tags):
        raise ScaffoldError(
            "--tag", ", ".join(tags) or "none", "at least one requirement", "name what the scenario verifies: --tag SRS-001"
        )
    for tag in tags:
        _require_known(root, "--tag", (tag,), "RC" if tag.startswith("RC-") else "SRS")
    return _append_scenario(root, feature, title, tags, steps)


def next_id(root: Path, prefix: str) -> str:
    """Return the lowest id above every one of its kind that the data or the ledgers ever held."""
    numbers = [int(number) for text in _data_texts(root) for number in re.findall(rf'"@?{prefix}-(\d{{3,}})"', text, re.ASCII)]
    return f"{prefix}-{max(numbers, default=0) + 1:03d}"


def placeholder(kind: Kind) -> object:
    """Return a value that the description does not allow, where there is one that fits into a data file.

    >>> placeholder(Text()), placeholder(Whole(1, 5)), placeholder(Texts(least=2))
    ('', 0, ['', ''])
    """
    match kind:
        case Table():
            return {key: placeholder(inner) for key, inner in kind.fields.items() if inner.required}
        case Tables():
            return [placeholder(kind.each)] * max(kind.least, 1)
        case Texts():
            return [""] * kind.least if kind.least > 1 else []
        case Whole():
            return max(kind.low - 1, 0)
        case Flag():
            return False
    return ""


def _append_item(  # noqa: PLR0913, PLR0917  the parts of one item
    root: Path, name: str, key: str, schema: Table, given: dict[str, Any], steps: tuple[str, ...], *, scenario: bool
) -> Scaffold:
    """Append one table of the array ``key`` and return what is left to do; ``steps`` begins with the ledger's module."""
    array = schema.fields[key]
    assert isinstance(array, Tables)  # by the schema of this file
    before = _read(root / name)
    values = _filled(array.each, given)
    text = _tables(key, values, array.each)
    line = 1 + before.count("\n") + text.index("[")
    _require_readable(name, before + text, key, given["id"])
    _replace(root / name, before + text)
    return Scaffold(
        given["id"], f"{name}:{line}", _open_places(array.each, values), _next_steps(given["id"], steps, scenario=scenario)
    )


def _filled(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given values among placeholders, in the order of the schema."""
    values: dict[str, Any] = {}
    for key, kind in table.fields.items():
        if isinstance(kind, Tables):
            values[key] = [_filled(kind.each, given.get(key, {}))]
        elif key in given:
            values[key] = given[key]
        elif kind.required:
            values[key] = placeholder(kind)
    return values


def _tables(key: str, values: Mapping[str, Any], table: Table) -> str:
    """Return an array's table as TOML; arrays of tables inside it come last, as TOML asks."""
    plain = {name: value for name, value in values.items() if not isinstance(table.fields[name], Tables)}
    lines = [f"\n[[{key}]]", *(f"{name} = {_toml(value)}{_hint(table.fields[name], value)}" for name, value in plain.items())]
    text = "\n".join(lines) + "\n"
    for name, kind in table.fields.items():
        if isinstance(kind, Tables):
            text += "".join(_tables(f"{key}.{name}", inner, kind.each).lstrip("\n") for inner in values[name])
    return text


def _toml(value: object) -> str:
    """Return a value as TOML; a JSON string without control characters is a TOML basic string."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _hint(kind: Kind, value: object) -> str:
    """Return a comment beside a placeholder that says what is allowed there."""
    if value not in ("", [], 0, ["", ""]) or isinstance(value, bool):
        return ""
    each = kind.each if isinstance(kind, Texts) else kind
    if isinstance(each, Whole):
        return f"  # {each.low} to {each.high}"
    if isinstance(each, Text) and each.choices:
        return f"  # of: {', '.join(sorted(each.choices))}"
    return '  # one sentence with "shall"' if isinstance(each, Text) and each.pattern and "shall" in each.pattern else ""


def _open_places(table: Table, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys whose values the schema refuses, in its order."""
    found: list[str] = []
    for key, kind in table.fields.items():
        if isinstance(kind, Tables):
            found += (f"{key}.{inner}" for each in values[key] for inner in _open_places(kind.each, each))
        elif key in values and kind.faults(values[key]):
            found.append(key)
    return tuple(found)


def _next_steps(name: str, steps: tuple[str, ...], *, scenario: bool) -> tuple[str, ...]:
    ledger, *others = steps
    shown = [f"write the scenario: ./qms new scenario --feature NAME --tag {name} --title TEXT"] if scenario else []
    if scenario and name.startswith("RC-"):
        shown = [
            f"write the scenario that shows its effect: ./qms new scenario --feature NAME --tag SRS-ID --tag {name} --title TEXT"
        ]
    return (
        "fill the placeholders; until then ./qms check refuses the item",
        *others,
        f'record the change: .venv/bin/python -m {ledger} record --author ROLE --reason "WHY"',
        *shown,
        f"look at it: ./qms check; ./qms show {name}",
    )


def _append_scenario(root: Path, feature: str, title: str, tags: Sequence[str], steps: Sequence[tuple[str, str]]) -> Scaffold:
    name = f"{FOLDER}/{feature}.feature"
    path = root / name
    before = _read(path) if path.exists() else f"Feature: {feature.rsplit('/', 1)[-1].replace('_', ' ').capitalize()}\n"
    if title in _scenario_names(name, before):
        raise ScaffoldError("--title", f"{title!r}, which {name} has already", "a name of its own", "choose another name")
    written = "".join(f"    {keyword} {text}\n" for keyword, text in steps)
    missing = [] if any(keyword == "Then" for keyword, _ in steps) else ["Then"]
    hint = "    # Given what is there, When what is done, Then what must be seen: without a Then step the gate refuses it.\n"
    text = f"\n  {' '.join(f'@{tag}' for tag in tags)}\n  Scenario: {title}\n{hint if missing else ''}{written}"
    whole = before.rstrip("\n") + "\n" + text
    if [*_scenario_names(name, before), title] != _scenario_names(name, whole):
        raise ScaffoldError(
            name,
            "a text that Gherkin reads otherwise",
            "one scenario more and nothing else",
            "write plain words into title and steps",
        )
    _replace(path, whole)
    line = whole.count("\n") - text.count("\n") + 3
    return Scaffold(
        f"TC:{feature}.feature::{title}",
        f"{name}:{line}",
        tuple(missing),
        (
            "write its steps; those that exist stand in verification/steps/",
            f'see it fail: .venv/bin/python -m pytest verification -p no:cacheprovider -k "{_keyword(title)}"',
            "make it pass, then bring the evidence up to date: ./qms demo",
            "look at it: ./qms check",
        ),
    )


def _keyword(title: str) -> str:
    """Return the part of the test's name that pytest-bdd makes of a title.

    >>> _keyword("A child's film is refused")
    'a_childs_film_is_refused'
    """
    return re.sub(r"\W+", "", re.sub(r"\s+", "_", title.strip().lower()))


def _scenario_names(name: str, text: str) -> list[str]:
    try:
        document: Any = Parser().parse(text)
    except (CompositeParserException, ParserException) as err:
        raise ScaffoldError(
            name, "a text that is not Gherkin", "a readable feature file", f"correct it first ({str(err).splitlines()[0]})"
        ) from err
    feature = document.get("feature") or {"children": []}
    rules = [child["rule"]["children"] if "rule" in child else [child] for child in feature["children"]]
    return [child["scenario"]["name"] for children in rules for child in children if "scenario" in child]


def _require_title(title: str) -> None:
    _require_text("--title", title, LONGEST_TITLE, formulas=False)


def _require_text(option: str, text: str, longest: int, *, formulas: bool) -> None:
    """Refuse what no data file, page or spreadsheet should have to carry."""
    if not text.strip() or text != text.strip():
        raise ScaffoldError(option, repr(text), "words without blanks around them", "write the text")
    if not text.isprintable():
        raise ScaffoldError(option, "a control character", "printable characters on one line", "remove it")
    if len(text) > longest:
        raise ScaffoldError(option, f"{len(text)} characters", f"at most {longest}", "shorten it")
    if not formulas and text.startswith(FORMULA):
        raise ScaffoldError(
            option, f"a text that begins with {text[0]!r}", "words, which no spreadsheet takes for a formula", "begin with a word"
        )


def _require_known(root: Path, option: str, names: Sequence[str], prefix: str) -> None:
    known = {
        each
        for text in _data_texts(root, ledgers=False)
        for each in re.findall(rf'^id = "({prefix}-\d+)"', text, re.MULTILINE | re.ASCII)
    }
    for name in names:
        if name not in known:
            closest = ", ".join(difflib.get_close_matches(name, sorted(known), n=3)) or f"{prefix}-..."
            raise ScaffoldError(
                option, repr(name), f"the id of an item that exists ({closest})", "correct the id, or add that item first"
            )
    if len(set(names)) < len(names):
        raise ScaffoldError(option, "an id twice", "each once", "name it once")


def _file_of_item(root: Path, item: str) -> str:
    """Return the file of requirements whose head names the item."""
    items: dict[str, str] = {}
    for path in sorted((root / REQUIREMENTS).glob("*.toml")):
        if found := re.search(r'^item = "([^"]+)"', _read(path), re.MULTILINE):
            items[found[1]] = f"{REQUIREMENTS}/{path.name}"
    if item not in items:
        raise ScaffoldError(
            "--item", repr(item), f"one of {', '.join(sorted(items)) or 'the files of ' + REQUIREMENTS}", "name a software item"
        )
    return items[item]


def _data_texts(root: Path, *, ledgers: bool = True) -> list[str]:
    files = [path for name in DATA for path in sorted((root / name).rglob("*.toml"))]
    return [_read(path) for path in files if ledgers or path.name != "changes.toml"]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise ScaffoldError(path.name, type(err).__name__, "a readable UTF-8 file", "restore it from version control") from err


def _require_readable(name: str, text: str, key: str, item: str) -> None:
    """Read the new text back before anything is written: TOML, with the new item as its last and only once."""
    try:
        rows = tomli.loads(text)[key]
    except (tomli.TOMLDecodeError, KeyError) as err:
        raise ScaffoldError(
            name, "a file that is not TOML", "a readable file to append to", "correct it first; ./qms check names the line"
        ) from err
    if rows[-1].get("id") != item:
        raise ScaffoldError(name, "a file that ends inside another table", "tables of the array last", "move the other table up")


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105  atomic within one folder
