"""Reads Cucumber JSON, as pytest-bdd, Cucumber-JVM and Cucumber-JS write it, into the same outcomes as JUnit; what it does not say is never a pass.

The format has steps, hooks and tags, and no word for an expected failure, for the number of attempts or for what was left out. pytest-bdd writes the call
only, so that a broken tear-down looks like a pass; the plugin `recording` completes its file with tags (``@attempts=1``, ``@row=...``, ``@xfail``) and
hooks, and says how the call ended (``@ended=...``): a step in which a test skips itself looks passed there. A pass without stated attempts counts only where the caller vouches that the runner was started without retries and has no expected failures
(Cucumber-JVM and -JS have none); for pytest-bdd's own form nobody can vouch.

Source: the JSON that these runners write; Cucumber's own status words (passed, failed, skipped, undefined, pending, ambiguous).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from verification.trace.outcomes import Outcome, RecordError, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from verification.trace.features import Scenario
    from verification.trace.outcomes import Key

ITEM = re.compile(r"(SRS|RC)-\d{3,}")
OF_STATUS = {
    "failed": Outcome.FAILED,
    "skipped": Outcome.SKIPPED,
    "undefined": Outcome.CALL_ERROR,
    "pending": Outcome.CALL_ERROR,
    "ambiguous": Outcome.CALL_ERROR,
}
"""What a step that did not pass makes of its scenario; any other word is an error."""

_ORDER = (Outcome.ERROR, Outcome.CALL_ERROR, Outcome.FAILED, Outcome.SKIPPED)
"""Of several steps the first of these decides; steps after a broken one are skipped, so skipping decides last."""


def read_cucumber(path: Path, scenarios: Iterable[Scenario], *, single_attempt: bool = False) -> tuple[Result, ...]:
    """Return every scenario of a Cucumber JSON file, in its order.

    Args:
        path: the file.
        scenarios: what the feature files hold; a result names its row by line only.
        single_attempt: the caller vouches that the runner was started without retries; no word of a caller makes a pass of pytest-bdd's form.

    Raises:
        RecordError: no such file, not JSON, or not a list of features.
    """
    try:
        features = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise RecordError(f"{path.name} is unreadable ({type(err).__name__})") from err
    known = tuple(scenarios)
    try:
        return tuple(each for feature in features for each in _results(feature, known, single_attempt=single_attempt))
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        raise RecordError(f"{path.name} holds something other than features with elements ({type(err).__name__}: {err})") from err


def _results(feature: dict[str, Any], known: tuple[Scenario, ...], *, single_attempt: bool) -> Iterator[Result]:
    background: list[dict[str, Any]] = []
    for element in feature.get("elements", ()):
        if _is_background(element):
            background = list(element.get("steps", ()))
            continue
        whole = {**element, "steps": [*background, *element.get("steps", ())], "retry": _retry(feature, element)}
        background = []
        yield _result(feature, whole, known, single_attempt=single_attempt)


def _is_background(element: dict[str, Any]) -> bool:
    return element.get("type") == "background" or str(element.get("keyword", "")).strip() == "Background"


def _retry(feature: dict[str, Any], element: dict[str, Any]) -> int:
    return int(element.get("retry", feature.get("retry", 0)))


def _result(feature: dict[str, Any], element: dict[str, Any], known: tuple[Scenario, ...], *, single_attempt: bool) -> Result:
    tags = {str(tag["name"]).removeprefix("@") for each in (feature, element) for tag in each.get("tags", ())}
    key = _key(feature, element, tags, known)
    outcome, reason = _outcome(element, tags, single_attempt=single_attempt)
    if outcome is Outcome.PASSED and not _is_whole(key, element, known):
        outcome, reason = Outcome.ERROR, "other steps passed than the scenario has"
    return Result(
        key=key,
        node=f"{feature.get('uri', '')}::{element.get('id', element.get('name', ''))}",
        verifies=tuple(sorted(tag for tag in tags if ITEM.fullmatch(tag))),
        outcome=outcome,
        reason=reason,
        steps=tuple(
            f"{_status(step)}: {str(step['keyword']).strip()} {step['name']}" for step in element["steps"] if "name" in step
        ),
    )


def _key(feature: dict[str, Any], element: dict[str, Any], tags: set[str], known: tuple[Scenario, ...]) -> Key:
    """Return feature, scenario and row; a line that is none of a scenario or row makes a key that no feature file holds."""
    uri, name, line = str(feature.get("uri", "")), str(element.get("name", "")), int(element.get("line", 0))
    file = _noted(tags, "feature") or _file(uri, {scenario.feature for scenario in known})
    row = _noted(tags, "row")
    if row is not None:
        return (file, name, row)
    for scenario in known:
        if scenario.feature == file and scenario.name == name:
            if scenario.line == line and not scenario.is_outline:
                return (file, name, "")
            found = [each.text for each in scenario.rows if each.line == line]
            if found:
                return (file, name, found[0])
    return (file, name, f"line {line}")


def _noted(tags: set[str], name: str) -> str | None:
    """Return what the plugin noted under a name, or None where it did not."""
    return next((tag.removeprefix(f"{name}=") for tag in tags if tag.startswith(f"{name}=")), None)


def _is_whole(key: Key, element: dict[str, Any], known: tuple[Scenario, ...]) -> bool:
    """Say whether as many steps stand there as the scenario has; pytest-bdd leaves a step out that nobody wrote."""
    owed = [len(scenario.steps) for scenario in known if (scenario.feature, scenario.name) == key[:2]]
    return not owed or sum("name" in step for step in element["steps"]) in owed


def _file(uri: str, features: set[str]) -> str:
    """Return the feature file that a URI ends in, the longest if several do; else the only one that ends in the URI; else the URI as it is.

    pytest-bdd writes of a path only the file and the folder it lies in.

    >>> _file("file:src/test/resources/features/sub/a.feature", {"a.feature", "sub/a.feature"})
    'sub/a.feature'
    >>> _file("sub/a.feature", {"deep/sub/a.feature"}), _file("sub/a.feature", {"one/sub/a.feature", "two/sub/a.feature"})
    ('deep/sub/a.feature', 'sub/a.feature')
    """
    path = uri.split(":", maxsplit=1)[-1].replace("\\", "/")
    inside = [name for name in features if path == name or path.endswith(f"/{name}")]
    around = [name for name in features if f"features/{name}".endswith(f"/{path}")]
    return max(inside, key=len, default=around[0] if len(around) == 1 else uri)


def _outcome(element: dict[str, Any], tags: set[str], *, single_attempt: bool) -> tuple[Outcome, str]:
    """Return the outcome of an element: set-up, then steps, then tear-down, then what its tags say of a seeming pass."""
    before, steps, after = _phases(element)
    for hooks, broken in ((before, Outcome.SETUP_ERROR), (steps, None), (after, Outcome.TEARDOWN_ERROR)):
        found = _worst(hooks)
        if found is not None:
            return _told(found[0], broken, tags), found[1]
    if not steps:
        return Outcome.ERROR, "no step was executed"
    return _unrefuted(element, tags, single_attempt=single_attempt)


def _told(found: Outcome, broken: Outcome | None, tags: set[str]) -> Outcome:
    """Tell what a hook broke, an expected failure and an error in call from what Cucumber calls skipped and failed."""
    if found is Outcome.SKIPPED:
        return Outcome.XFAILED if "xfail" in tags else found
    if broken is not None:
        return found if found is Outcome.ERROR else broken
    if "xfail" in tags and found is Outcome.FAILED:
        return Outcome.XFAILED
    return Outcome.CALL_ERROR if "broke=call" in tags and found is Outcome.FAILED else found


def _phases(element: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return hooks before, steps with their own hooks, hooks after; Cucumber-JS writes hooks as steps without a name."""
    before, after = list(element.get("before", ())), list(element.get("after", ()))
    steps: list[dict[str, Any]] = []
    for step in element["steps"]:
        word = str(step.get("keyword", "")).strip()
        if "name" not in step and word in {"Before", "After"}:
            (before if word == "Before" else after).append(step)
        else:
            steps += [*step.get("before", ()), step, *step.get("after", ())]
    return before, steps, after


def _worst(parts: list[dict[str, Any]]) -> tuple[Outcome, str] | None:
    found = [(OF_STATUS.get(_status(part), Outcome.ERROR), part) for part in parts if _status(part) != "passed"]
    for outcome in _ORDER:
        for each, part in found:
            if each is outcome:
                return outcome, _reason(part)
    return None


def _status(part: dict[str, Any]) -> str:
    return str(part.get("result", {}).get("status", "no result")).lower()


def _reason(part: dict[str, Any]) -> str:
    lines = str(part.get("result", {}).get("error_message", "")).strip().splitlines()
    return lines[0][:300] if lines else f"{part.get('name', 'a hook')}: {_status(part)}"


def _unrefuted(element: dict[str, Any], tags: set[str], *, single_attempt: bool) -> tuple[Outcome, str]:
    """Return the outcome of an element in which everything passed."""
    ended = _noted(tags, "ended") or "passed"
    if ended == "skipped":
        return (Outcome.XFAILED if "xfail" in tags else Outcome.SKIPPED), "ended inside a step"
    if "xfail" in tags:
        return Outcome.XPASSED, "expected to fail, passed"
    if ended != "passed":
        return (Outcome.CALL_ERROR if "broke=call" in tags else Outcome.ERROR), "no step failed, the scenario did"
    stated = _noted(tags, "attempts") or ""
    attempts = int(stated) if stated.isdecimal() else int(element["retry"]) + 1
    if attempts > 1:
        return Outcome.RERUN, f"passed in attempt {attempts}"
    if stated == "1" or (single_attempt and not _is_pytest_bdd(element)):
        return Outcome.PASSED, ""
    return Outcome.ERROR, "the file does not say in how many attempts it passed, nor that its tear-down did"


def _is_pytest_bdd(element: dict[str, Any]) -> bool:
    """Say whether pytest-bdd wrote the element: it leaves the place of every step's definition empty."""
    return all(step.get("match", {}).get("location") == "" for step in element["steps"])
