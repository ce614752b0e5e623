"""Everything the gate judges, read once: all input of the gate happens here, and nothing is judged.

Loaders name what is wrong with a file itself; those problems travel along and reach the verdict unchanged.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from requirements_spec import changes, loader
from requirements_spec.datafile import plain_content
from requirements_spec.source_lines import line_index, line_of
from risk import changes as risk_ledger
from risk import loader as risk_loader
from verification.trace import assembly, features
from verification.trace.anomalies import NO_LIST, AnomalyList, read_anomalies
from verification.trace.approvals import Approvals, examine, read_chain
from verification.trace.audit_log import AuditTrail, read_log
from verification.trace.audit_log import examine as examine_log
from verification.trace.baseline import Baseline, Ledger, read_baseline, read_ledger
from verification.trace.bridges import Bridge, read_bridges
from verification.trace.codes import problem
from verification.trace.evidence import Evidence, read_evidence
from verification.trace.executed_protocol import ExecutedProtocol, read_executed_protocol
from verification.trace.identity import Identity, read_identity
from verification.trace.label_pages import read_label_pages
from verification.trace.lineage import LineageError, StaleStage, stale_stages
from verification.trace.locked_validation import LockedValidation, read_locked_validation
from verification.trace.people import PEOPLE, People, read_people
from verification.trace.records import NO_FILES, RecordFiles, read_record_files
from verification.trace.seeded import Seeded, read_seeded
from verification.trace.slices import SLICES
from verification.trace.subjects import Document, Material, named, read_documents, subjects
from verification.trace.tool_validation import NO_TOOL, ToolState
from verification.trace.tool_validation import read_state as read_tool
from verification.trace.validated_build import ValidatedBuild, read_validated_build
from verification.trace.written import read_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.changes import Change
    from requirements_spec.model import Specification
    from requirements_spec.problem import Problem
    from requirements_spec.reading_cache import ReadingCache
    from risk.model import RiskFile
    from verification.trace.obligations import Obligation
    from verification.trace.signed_chain import Chain

SIGNED = (
    "requirements_spec/data",
    "risk/data",
    "validation/protocol.toml",
    "verification/features",
    "verification/obligations.toml",
    "docs/clauses",
    "docs/gaps.toml",
    "people.toml",
)
"""Content that two roles have to sign before a release."""

GAPS = "docs/gaps.toml"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A dependency of the device as pyproject.toml declares it: normalised name and ``file:line``."""

    name: str
    where: str


@dataclass(frozen=True)
class Inputs:
    """Everything that was read, one field for each source.

    Attributes:
        specification: needs, requirements, architecture, SOUP.
        risk: policy, hazards, situations, controls.
        scenarios: what the feature files hold.
        modules: dotted names of the device's modules.
        pages: section ids for which a page of the technical file exists.
        specification_changes: entries of the specification's ledger.
        risk_changes: entries of the risk file's ledger.
        evidence: the last verification run as it lies there, not yet believed.
        identity: of the slice ``verification`` as it lies here.
        stale: stages whose lock entry the tree contradicts; none where there is no lock, which the identity says.
        endpoints: as the validation record states them; None where there is no readable one.
        dependencies: of the device; None where pyproject.toml holds no readable list.
        reviewed: files that have to be signed before a release, sorted.
        has_people: whether roles and keys lie here.
        people: who may sign what.
        approvals: the signatures that hold, and what was refused.
        audit: what was done by the audit log, and what was refused.
        locked: the result on the locked cohort by the protocol that lies here.
        documents: hash and stated authors of each file that is signed or has to be.
        gaps: one problem for each gap of the register, for the level that asks.
        written: obligations that stand in source texts: assertions, switches, protocol, the gate's own questions.
        baseline: the obligations when they were last looked at; None where there is no readable baseline.
        obligations: entries of the ledger of obligations.
        build: what the figures say they were made from, and what lies here.
        now: when this was read, UTC; keys are valid at a time.
        problems: what the loaders found wrong with the files themselves.
        anomalies: the list of what is known to be wrong.
        label_pages: templates of the technical file's sections, which may owe the user something.
        protocol: hashes of the validation protocol, as executed and as it lies here.
        record_files: test records and raw record as bytes; read only where a level asks for them.
        bridges: regression analyses, not yet believed.
        tool: plan, last run and identity of the tool's own validation.
        seeded: declared seeded defects, and the record of their trials where it belongs to what lies here.
    """

    specification: Specification
    risk: RiskFile
    scenarios: tuple[features.Scenario, ...]
    modules: tuple[str, ...]
    pages: frozenset[str]
    specification_changes: tuple[Change, ...]
    risk_changes: tuple[Change, ...]
    evidence: Evidence
    identity: Identity
    stale: tuple[StaleStage, ...]
    endpoints: tuple[Mapping[str, Any], ...] | None
    dependencies: tuple[Dependency, ...] | None
    reviewed: tuple[str, ...]
    has_people: bool
    gaps: tuple[Problem, ...]
    written: tuple[Obligation, ...]
    baseline: Baseline | None
    obligations: Ledger
    build: ValidatedBuild
    now: datetime
    problems: tuple[Problem, ...]
    anomalies: AnomalyList = NO_LIST
    label_pages: Mapping[str, str] = field(default_factory=dict)
    protocol: ExecutedProtocol = field(default_factory=ExecutedProtocol)
    people: People = field(default_factory=People)
    approvals: Approvals = field(default_factory=Approvals)
    audit: AuditTrail = field(default_factory=AuditTrail)
    locked: LockedValidation = field(default_factory=LockedValidation)
    documents: Mapping[str, Document] = field(default_factory=dict)

    @property
    def material(self) -> Material:
        """What signatures are held against."""
        changes_of_both = (*self.specification_changes, *self.risk_changes)
        return Material(
            self.specification, self.risk, self.scenarios, changes_of_both, self.obligations, self.written, self.documents
        )

    record_files: RecordFiles = NO_FILES
    bridges: tuple[Bridge, ...] = ()
    tool: ToolState = NO_TOOL
    seeded: Seeded = field(default_factory=Seeded)


@dataclass(frozen=True)
class Heavy:
    """What takes long to read, because files are hashed or a run is parsed: a caller who knows that none of it changed may hand it on."""

    identity: Identity
    stale: tuple[StaleStage, ...]
    evidence: Evidence
    written: tuple[Obligation, ...]
    baseline: tuple[Baseline | None, tuple[Problem, ...]]
    build: ValidatedBuild
    tool: tuple[ToolState, tuple[Problem, ...]]
    endpoints: tuple[Mapping[str, Any], ...] | None
    protocol: ExecutedProtocol
    dependencies: tuple[Dependency, ...] | None
    gaps: tuple[Problem, ...]
    documents: Mapping[str, Document]
    reviewed: tuple[str, ...]
    modules: tuple[str, ...]
    pages: frozenset[str]
    label_pages: Mapping[str, str]


def read_heavy(root: Path) -> Heavy:
    """Hash the tree, hold the pipeline's lock against it, read the last verification run, and take the sources apart."""
    identity = read_identity(root, "verification")
    return Heavy(
        identity=identity,
        stale=read_stale(root),
        evidence=read_evidence(root),
        written=read_written(root),
        baseline=read_baseline(root),
        build=read_validated_build(root, bundle_of(identity)),
        tool=read_tool(root),
        endpoints=assembly.read_endpoints(root),
        protocol=read_executed_protocol(root),
        dependencies=read_dependencies(root),
        gaps=tuple(read_gaps(root)),
        documents=read_signed(root),
        reviewed=read_reviewed(root),
        modules=assembly.read_modules(root),
        pages=assembly.read_pages(root),
        label_pages=read_label_pages(root),
    )


def read_signed(root: Path) -> Mapping[str, Document]:
    """Return every file that has to be signed before a release, and every file that a line of the chain names."""
    return read_documents(root, (*read_reviewed(root), *named(read_chain(root))))


def bundle_of(identity: Identity) -> str | None:
    """Return the hash of the bundle that an identity's lineage ends in, or None where it has none."""
    found = identity.lineage.get("model", {}).get("bundle_sha256")
    return None if found is None else str(found)


def read(root: Path, heavy: Heavy | None = None, cache: ReadingCache | None = None) -> Inputs:
    """Read the project at ``root``; never raises for missing or broken content, which is named in the problems instead.

    Only the mutation run hands ``heavy`` in, and proves on a sample that the verdict is that of reading everything. A file whose bytes were read
    before is taken from the cache, where one is given.
    """
    heavy = heavy or read_heavy(root)
    specification, specification_problems = loader.load(root, cache)
    risk, risk_problems = risk_loader.load(root, specification, cache)
    scenarios, feature_problems = features.load(root, cache)
    anomalies, anomaly_problems = read_anomalies(root, cache)
    bridges, bridge_problems = read_bridges(root)
    specification_changes, specification_ledger_problems = changes.read_ledger(root, changes.SPECIFICATION_BOOK.ledger, cache)
    risk_changes, risk_ledger_problems = changes.read_ledger(root, risk_ledger.RISK_BOOK.ledger, cache)
    baseline, baseline_problems = heavy.baseline
    obligations, obligation_problems = read_ledger(root, cache)
    people, people_problems = read_people(root)
    chain, now = read_chain(root), datetime.now(UTC)
    audit = examine_log(read_log(root), people, now)
    tool, tool_problems = heavy.tool
    seeded, seeded_problems = read_seeded(root, heavy.identity, cache)
    inputs = Inputs(
        specification=specification,
        risk=risk,
        scenarios=scenarios,
        modules=heavy.modules,
        pages=heavy.pages,
        specification_changes=specification_changes,
        risk_changes=risk_changes,
        evidence=heavy.evidence,
        identity=heavy.identity,
        stale=heavy.stale,
        endpoints=heavy.endpoints,
        dependencies=heavy.dependencies,
        reviewed=heavy.reviewed,
        has_people=(root / PEOPLE).is_file(),
        gaps=heavy.gaps,
        written=heavy.written,
        baseline=baseline,
        obligations=obligations,
        build=heavy.build,
        now=now,
        audit=audit,
        locked=read_locked_validation(root, audit, heavy.protocol.here),
        anomalies=anomalies,
        label_pages=heavy.label_pages,
        protocol=heavy.protocol,
        people=people,
        documents=heavy.documents,
        record_files=read_record_files(root),
        bridges=bridges,
        tool=tool,
        seeded=seeded,
        problems=(
            *specification_problems,
            *risk_problems,
            *feature_problems,
            *anomaly_problems,
            *bridge_problems,
            *seeded_problems,
            *specification_ledger_problems,
            *risk_ledger_problems,
            *baseline_problems,
            *obligation_problems,
            *people_problems,
            *tool_problems,
        ),
    )
    return replace(inputs, approvals=_approvals(inputs, chain))


def _approvals(inputs: Inputs, chain: Chain) -> Approvals:
    """Judge the signatures; who wrote what is asked only where somebody signed."""
    known = subjects(inputs.material) if chain.lines else {}
    return examine(chain, inputs.people, known, inputs.now)


def read_stale(root: Path, md5: Callable[[Path], str] | None = None) -> tuple[StaleStage, ...]:
    """Return the stages of the lock that no longer describe what lies here; none where there is no lock."""
    try:
        return stale_stages(root, SLICES["verification"].stages, md5)
    except LineageError:
        return ()


def read_dependencies(root: Path) -> tuple[Dependency, ...] | None:
    """Return what pyproject.toml declares the device to need, or None where it holds no readable list."""
    try:
        text = plain_content(root / "pyproject.toml").decode("utf-8")
        declared = tomllib.loads(text)["project"]["dependencies"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(declared, list) or not all(isinstance(each, str) for each in declared):
        return None
    return tuple(Dependency(distribution(each), f"pyproject.toml:{_line(text, each)}") for each in declared)


def _line(text: str, value: str) -> int:
    """Return the line on which a value first stands, or 1 where it is written in another way than it reads."""
    return 1 + text[: max(text.find(value), 0)].count("\n")


def distribution(requirement: str) -> str:
    """Return the normalised name in a dependency.

    >>> distribution("PyJPEG_LS>=1.5.1,<2")
    'pyjpeg-ls'
    """
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]).lower()


def read_reviewed(root: Path) -> tuple[str, ...]:
    """Return the files that two roles have to sign before a release, sorted; one that is named and not there is among them."""
    return tuple(sorted(_reviewed(root)))


def _reviewed(root: Path) -> Iterator[str]:
    for name in SIGNED:
        path = root / name
        files = [path] if path.is_file() or path.suffix else [*path.rglob("*.toml"), *path.rglob("*.feature")]
        yield from ("/".join(file.parts[len(root.parts) :]) for file in files)


def read_gaps(root: Path) -> Iterator[Problem]:
    """Yield every gap of docs/gaps.toml; a register that cannot be read hides gaps and is one problem itself."""
    try:
        text = plain_content(root / GAPS).decode("utf-8")
        gaps = tomllib.loads(text)["gap"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as err:
        yield problem("TRC-GAP", GAPS, "gaps", found=f"no readable register of gaps ({type(err).__name__})")
        return
    if not isinstance(gaps, list) or not all(isinstance(gap, dict) for gap in gaps):
        yield problem("TRC-GAP", GAPS, "gaps", found="no readable register of gaps (no array of tables)")
        return
    lines = line_index(text)
    for index, gap in enumerate(gaps):
        where = f"{GAPS}:{line_of(lines, f'$.gap[{index}]')}"
        missing, owner = str(gap.get("missing", "not stated")), str(gap.get("owner_role", "nobody"))
        yield problem("TRC-GAP", where, str(gap.get("id", f"gap {index + 1}")), found=f"{missing} (owner: {owner})")
