"""Two revisions read for `impact`: from git, without touching the checkout, or the working tree as it lies there.

A commit is unpacked into a temporary folder, as far as impact needs it; names of files come from git, contents from the loaders of the gate. Where
something cannot be read the answer says so and is incomplete: what was not read cannot be compared.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requirements_spec import loader as specification_loader
from requirements_spec.changes import specification_content
from requirements_spec.fingerprint import fingerprint
from risk import loader as risk_loader
from verification.trace import anomalies, assembly, features, seeded, step_use
from verification.trace.file_owners import PROTOCOL, owners
from verification.trace.impact import Impact, State, impact
from verification.trace.item_records import scenario_fingerprint
from verification.trace.step_use import EVERYWHERE, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from requirements_spec.model import Specification
    from requirements_spec.problem import Problem
    from risk.model import Control, RiskFile, Situation
    from verification.trace.features import Scenario
    from verification.trace.seeded import Fault

NEEDED = (
    "device_sw",
    "docs",
    "pyproject.toml",
    "requirements.lock",
    "requirements_spec/data",
    "risk/data",
    PROTOCOL,
    "verification/anomalies.toml",
    "verification/faults",
    "verification/features",
    STEPS,
    *EVERYWHERE,
)
"""What is unpacked of a commit."""

FAULTS = "verification/faults/"
"""Folder of the seeded defects."""

WORKING_TREE = "working tree"


class RevisionError(Exception):
    """The revisions cannot be compared; the message says where, found, expected and how to repair it."""

    def __init__(self, where: str, found: str, expected: str, repair: str) -> None:
        """Say what was wrong with which revision."""
        super().__init__(f"{where}: found {found}, expected {expected}. Repair: {repair}.")


@dataclass(frozen=True, slots=True)
class Range:
    """Two revisions: commits, or the working tree as the second."""

    before: str
    after: str | None

    @property
    def names(self) -> tuple[str, str]:
        """Return both for people."""
        return self.before[:12], self.after[:12] if self.after else WORKING_TREE


def resolve(root: Path, text: str) -> Range:
    """Return the commits that ``A..B`` or ``A`` names.

    Raises:
        RevisionError: there is no git checkout, no such commit, or another form.
    """
    before, dots, after = text.partition("..")
    if not before or (dots and not after) or after.startswith("."):
        raise RevisionError(
            "impact", repr(text), "A..B, or A alone for the working tree", "name two revisions, for example v0.1.0..HEAD"
        )
    return Range(_commit(root, before), _commit(root, after) if dots else None)


def _commit(root: Path, name: str) -> str:
    if name.startswith("-"):
        raise RevisionError("impact", repr(name), "a commit, tag or branch", "name one that `git log` shows")
    done = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RevisionError("impact", repr(name), "a commit, tag or branch of this repository", "name one that `git log` shows")
    return done.stdout.strip()


def compare(root: Path, span: Range) -> Impact:
    """Return the impact of what lies between two revisions.

    Raises:
        RevisionError: git cannot read one of them.
    """
    files = changed_files(root, span)
    with unpacked(root, span.before) as before, _second(root, span) as after:
        old, new = read_state(before, files), read_state(after, files)
    return impact(old, new, files, owners(files, old.graph, new.graph))


def changed_files(root: Path, span: Range) -> tuple[str, ...]:
    """Return the paths that differ, sorted; in a working tree those that git does not know yet too."""
    names = _git(root, "diff", "--name-only", "--no-renames", "-z", span.before, *([span.after] if span.after else []))
    if span.after is None:
        names += _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return tuple(sorted({name.decode("utf-8", "surrogateescape") for name in names.split(b"\0") if name}))


@contextmanager
def _second(root: Path, span: Range) -> Iterator[Path]:
    if span.after is None:
        yield root
    else:
        with unpacked(root, span.after) as folder:
            yield folder


@contextmanager
def unpacked(root: Path, commit: str, also: Sequence[str] = ()) -> Iterator[Path]:
    """Give a folder with what impact needs of a commit, and with other paths of it, for as long as it is needed.

    Raises:
        RevisionError: git cannot read it.
    """
    present = _git(root, "ls-tree", "-z", "--name-only", commit, "--", *NEEDED, *also).split(b"\0")
    paths = [name.decode() for name in present if name]
    with tempfile.TemporaryDirectory(prefix="thoratrace-impact-") as folder:
        if paths:
            content = io.BytesIO(_git(root, "archive", "--format=tar", commit, "--", *paths))
            with tarfile.open(fileobj=content) as archive:
                archive.extractall(folder, filter="data")
        yield Path(folder)


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RevisionError(
            "git " + arguments[0], said[0] if said else f"exit code {done.returncode}", "an answer", "run it in the repository"
        )
    return done.stdout


def read_state(root: Path, files: Sequence[str]) -> State:
    """Return what lies in a folder; of modules and step files only those in ``files`` are taken apart, the others cannot have changed."""
    specification, specification_problems = specification_loader.load(root)
    risk, risk_problems = risk_loader.load(root, specification)
    scenarios, feature_problems = features.load(root)
    listed, anomaly_problems = anomalies.read_anomalies(root)
    faults, fault_problems = seeded.read_faults(root)
    endpoints, protocol_problems = _endpoints(root)
    graph = assembly.assemble(
        assembly.Sources(
            specification=specification,
            risk=risk,
            evaluation=None,
            scenarios=scenarios,
            modules=assembly.read_modules(root),
            pages=assembly.read_pages(root),
            endpoints=tuple(endpoints.values()),
            anomalies=listed.anomalies,
            seeded=seeded.Seeded(faults),
        )
    )
    uses, definitions = _steps(root, scenarios, files)
    problems = (*specification_problems, *risk_problems, *feature_problems, *anomaly_problems, *fault_problems)
    return State(
        graph=graph,
        fingerprints={
            **_of_specification(specification),
            **_of_risk(risk),
            **{scenario.id: scenario_fingerprint(scenario) for scenario in scenarios},
            **{anomaly.id: fingerprint(anomaly) for anomaly in listed.anomalies},
            **{f"VE:{name}": digest for name, digest in _endpoint_digests(root, endpoints).items()},
            **_of_faults(root, faults, files),
            **_of_modules(root, files),
        },
        kinds=_kinds(specification, risk),
        uses=uses,
        definitions=definitions,
        unread=(*_unreadable(problems), *protocol_problems),
    )


def _unreadable(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield what kept an item from being read: a fault of a file or of its form; broken links and duties are content like any other."""
    for problem in problems:
        if problem.code in UNREADABLE:
            yield f"{problem.where} {problem.code} {problem.item}: {problem.found}"


UNREADABLE = frozenset(
    {
        "SPC-FILE",
        "SPC-ENCODING",
        "SPC-TOML",
        "SPC-UNKNOWN-KEY",
        "SPC-MISSING-KEY",
        "SPC-TYPE",
        "SPC-VALUE",
        "SPC-DUPLICATE-ID",
        "TRC-FEATURE-SYNTAX",
        "TRC-SCENARIO-DUPLICATE",
    }
)
"""Codes of problems with which an item is left out of what is compared."""


def _of_specification(specification: Specification) -> dict[str, str]:
    return dict(specification_content(specification).fingerprints)


def _of_risk(risk: RiskFile) -> dict[str, str]:
    """Return the fingerprints of policy, hazards without their situations, situations and controls: each changes by itself."""
    found = {str(hazard.id): fingerprint(replace(hazard, situations=())) for hazard in risk.hazards}
    items: tuple[Situation | Control, ...] = (*risk.situations, *risk.controls)
    found |= {str(item.id): fingerprint(item) for item in items}
    if risk.policy is not None:
        found[risk.policy.id] = fingerprint(risk.policy)
    return found


def _kinds(specification: Specification, risk: RiskFile) -> dict[str, str]:
    """Return the kinds of what has a fingerprint and is no item of the graph."""
    found = {specification.system.id: "system"} if specification.system else {}
    return found | ({risk.policy.id: "policy"} if risk.policy else {})


def _endpoints(root: Path) -> tuple[dict[str, Mapping[str, Any]], tuple[str, ...]]:
    """Return the endpoints of the protocol by id; the same id in several sets is one endpoint with several thresholds."""
    try:
        sets = tomllib.loads((root / PROTOCOL).read_text(encoding="utf-8")).get("set", [])
        rows = [row for each in sets for row in each.get("endpoint", [])]
        found: dict[str, Mapping[str, Any]] = {
            str(row["id"]): {**row, "id": str(row["id"]), "requirement": str(row["requirement"])} for row in rows
        }
    except FileNotFoundError:
        return {}, ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        return {}, (f"{PROTOCOL}: {type(err).__name__}",)
    return found, ()


def _endpoint_digests(root: Path, endpoints: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return a digest of everything the protocol says about each endpoint: its rows with the heads of their sets, and what holds for all."""
    if not endpoints:
        return {}
    protocol = tomllib.loads((root / PROTOCOL).read_text(encoding="utf-8"))
    sets = protocol.pop("set", [])
    for_all = json.dumps(protocol, sort_keys=True, default=str)
    digests = {}
    for name in endpoints:
        rows = [{**each, "endpoint": [row for row in each.get("endpoint", []) if str(row["id"]) == name]} for each in sets]
        rows = [each for each in rows if each["endpoint"]]
        digests[name] = _sha256(f"{for_all}{json.dumps(rows, sort_keys=True, default=str)}")
    return digests


def _of_faults(root: Path, faults: Sequence[Fault], files: Sequence[str]) -> dict[str, str]:
    """Return a digest for each seeded defect: of its declaration, and of the files that put it into the device where they are among those that differ."""
    changed = [path for path in files if path.startswith(FAULTS) and path.endswith(".py")]
    found = {}
    for fault in faults:
        own = f"{FAULTS}{fault.defect.rsplit('.', 1)[0].replace('.', '/')}.py"
        machinery = [path for path in changed if path == own or not _is_kind_of_defect(path, faults)]
        found[fault.id] = _sha256(
            fingerprint(fault) + "".join(_syntax(root / path) for path in machinery if (root / path).is_file())
        )
    return found


def _is_kind_of_defect(path: str, faults: Sequence[Fault]) -> bool:
    """Say whether a file holds defects of one kind; the others put every defect into the device."""
    name = path.removeprefix(FAULTS).removesuffix(".py").replace("/", ".")
    return any(fault.defect.startswith(f"{name}.") for fault in faults)


def _of_modules(root: Path, files: Sequence[str]) -> dict[str, str]:
    """Return a digest for each module: of its syntax tree where its file is among those that differ, else the same word for all."""
    changed = frozenset(files)
    found = {}
    for name in assembly.read_modules(root):
        path = f"{name.replace('.', '/')}.py"
        found[name] = _syntax(root / path) if path in changed else "as before"
    return found


def _syntax(path: Path) -> str:
    """Return the digest of a Python file's syntax tree, of its bytes where it has none; comments and layout are no content, docstrings are."""
    content = path.read_bytes()
    try:
        return _sha256(ast.dump(ast.parse(content)))
    except (SyntaxError, ValueError):
        return hashlib.sha256(content).hexdigest()


def _steps(root: Path, scenarios: Sequence[Scenario], files: Sequence[str]) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """Return what each scenario uses and the digests of all definitions; nothing where no step file differs."""
    if not any(path.startswith((f"{STEPS}/", *EVERYWHERE)) for path in files):
        return {}, {}
    paths = [*sorted((root / STEPS).rglob("*.py")), *(root / name for name in EVERYWHERE)]
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()
    }
    read = step_use.read_files(texts)
    digests = {name: definition.sha256 or _sha256(texts[name.split("::")[0]]) for name, definition in read.definitions.items()}
    return {scenario.id: step_use.used(scenario, read) for scenario in scenarios}, digests


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
