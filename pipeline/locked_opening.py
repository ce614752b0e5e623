"""Whether the locked cohort may be opened, and for what: freezing the protocol, and the opening that is bound to protocol, model and code.

An opening is one for each protocol. It stays the same one while its run goes on, and nothing else can take its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from device_sw.detector.bundle import load_bundle
from device_sw.errors import CodedError
from pipeline import audit_log
from pipeline.dvc_runs import canonical, run_folder
from pipeline.run import Run, file_sha256
from validation import protocol
from validation.sample_size import rationale
from verification.trace.audit_log import Event
from verification.trace.identity import SourceTreeError, content_hash, digest, tracked

if TYPE_CHECKING:
    from device_sw.detector.bundle import Bundle
    from pipeline.audit_log import Signer
    from validation.protocol import Protocol
    from verification.trace.audit_log import AuditTrail, Entry

CODE = ("device_sw", "phantom")
"""What decides films and predictions besides protocol and bundle; it may not change between opening and result."""


class LockedCohortRefused(CodedError):
    """The protocol was not frozen or the cohort not opened. Codes: LCK-SIZE, LCK-FROZEN, LCK-UNFROZEN, LCK-OPENED, LCK-DONE, LCK-MODEL, LCK-CODE."""


@dataclass(frozen=True)
class Opening:
    """One opening: what it is bound to, and where it works.

    Attributes:
        root: of the project.
        plan: the frozen protocol.
        run: the development run whose model is judged.
        weights_sha256: of the model.
        bundle_sha256: of the bundle's manifest.
        code_sha256: of ``CODE`` as it lies here.
    """

    root: Path
    plan: Protocol
    run: Run
    weights_sha256: str
    bundle_sha256: str
    code_sha256: str

    @property
    def seed(self) -> int:
        """Seed of the films."""
        return protocol.locked_seed(self.plan.sha256, self.weights_sha256)

    @property
    def name(self) -> str:
        """The first 16 hexadecimal digits of the seed: the name of the folders."""
        return f"{self.seed:064x}"[:16]

    @property
    def work(self) -> Run:
        """Where films, predictions and figures are made, laid out as a run."""
        return Run(self.root / "artifacts" / "locked" / self.name)

    @property
    def evidence(self) -> Path:
        """Where the result is kept, relative to the root."""
        return Path("evidence") / "locked_validation" / self.name

    @property
    def facts(self) -> dict[str, str]:
        """What the log says of it."""
        return {
            "protocol_sha256": self.plan.sha256,
            "weights_sha256": self.weights_sha256,
            "bundle_sha256": self.bundle_sha256,
            "code_sha256": self.code_sha256,
            "seed": f"{self.seed:064x}",
            "studies": str(self.plan.locked.studies),
        }


def freeze(root: Path, signer: Signer) -> Entry:
    """Enter the protocol's hash in the audit log.

    Raises:
        LockedCohortRefused: ``LCK-SIZE``, it plans too few studies; ``LCK-FROZEN``, it is frozen already.
        AuditRefused: the entry would not hold.
        ValidationError: the protocol cannot be read.
    """
    plan, trail = plan_of(root), audit_log.read_trail(root)
    needs = rationale(plan)
    if not needs:
        raise refused(
            "LCK-SIZE", f"{needs.planned} studies", f"at least {needs.required}", "plan more studies (./qms protocol show)"
        )
    if trail.of(Event.FROZEN, plan.sha256):
        raise refused("LCK-FROZEN", f"{plan.sha256[:12]}, frozen already", "a protocol that is not frozen yet", "open it")
    facts = {
        "protocol_sha256": plan.sha256,
        "version": plan.version,
        "studies": str(needs.planned),
        "studies_needed": str(needs.required),
    }
    return audit_log.enter(root, Event.FROZEN, facts, signer)


def plan_of(root: Path) -> Protocol:
    """Return the protocol of a project.

    Raises:
        ValidationError: ``VAL-PROTOCOL``.
    """
    return protocol.load((root / protocol.PROTOCOL).read_text(encoding="utf-8"))


def opening_of(root: Path) -> Opening:
    """Return what an opening would be bound to now.

    Raises:
        LockedCohortRefused: ``LCK-MODEL``, no model of the locked set's run, or not with its training films; ``LCK-CODE``, no clone.
        BundleError: the bundle does not verify.
        ValidationError: the protocol cannot be read.
    """
    plan = plan_of(root)
    profile, budget = plan.locked.profile, plan.locked.budget
    run = _development_run(root, profile, budget)
    if not (run.artifact("bundle") / "manifest.json").is_file():
        raise refused(
            "LCK-MODEL", "no bundle", f"the bundle of {profile}/{budget}", f"./qms pipeline --profile {profile} --budget {budget}"
        )
    bundle = load_bundle(run.artifact("bundle"))
    _require_model(bundle, run, plan)
    try:
        files = {name: content_hash(root / name) for name in tracked(root, *CODE)}
    except (SourceTreeError, OSError) as err:
        raise refused("LCK-CODE", str(err), "a clone of the project with its device code", "work in a clone") from err
    return Opening(
        root, plan, run, str(bundle.manifest["lineage"]["weights_sha256"]), bundle.sha256, digest("locked cohort", files, {})
    )


def _development_run(root: Path, profile: str, budget: str) -> Run:
    folder = canonical().root if (profile, budget) == ("phantom", "quick") else run_folder(profile, budget)
    return Run(root / folder.relative_to(canonical().root))


def _require_model(bundle: Bundle, run: Run, plan: Protocol) -> None:
    """Refuse a model of another profile or budget, and one whose training films do not lie here: figures are compared with a detector learned from these."""
    made = (bundle.settings.profile, bundle.settings.budget)
    if made != (plan.locked.profile, plan.locked.budget):
        found, expected = "/".join(made), f"{plan.locked.profile}/{plan.locked.budget}"
        raise refused("LCK-MODEL", f"a bundle of {found}", f"one of {expected}", "run the pipeline for this budget")
    index = run.artifact("cohort") / "cohort.json"
    if not index.is_file() or file_sha256(index) != bundle.manifest["lineage"]["cohort_sha256"]:
        raise refused(
            "LCK-MODEL", "no or another development cohort", "the cohort the model was made with", "run the pipeline again"
        )


def require_frozen(plan: Protocol, trail: AuditTrail) -> None:
    """Refuse a protocol that no entry froze as it lies here.

    Raises:
        LockedCohortRefused: ``LCK-UNFROZEN``.
    """
    if not trail.of(Event.FROZEN, plan.sha256):
        last = [each.fact("protocol_sha256")[:12] for each in trail.entries if each.event is Event.FROZEN]
        found = f"{plan.sha256[:12]}, not frozen (frozen: {', '.join(last) or 'none'})"
        raise refused(
            "LCK-UNFROZEN", found, "the protocol as it was frozen", "restore it, or ./qms protocol freeze this one first"
        )


def is_new(opening: Opening, trail: AuditTrail) -> bool:
    """Say whether this is a first opening; an unfinished one of the same model and code goes on.

    Raises:
        LockedCohortRefused: ``LCK-DONE``, its result stands; ``LCK-OPENED``, it was opened for another model; ``LCK-CODE``, device or phantom changed since.
    """
    earlier = [each for each in trail.opened if each.fact("protocol_sha256") == opening.plan.sha256]
    if not earlier:
        return True
    entry = earlier[-1]
    if done := trail.of(Event.JUDGED, opening.plan.sha256):
        raise refused(
            "LCK-DONE", f"its result at {done[-1].fact('evidence')}", "a protocol without a result", "write a new version of it"
        )
    for name, code in (("weights_sha256", "LCK-OPENED"), ("bundle_sha256", "LCK-OPENED"), ("code_sha256", "LCK-CODE")):
        if entry.fact(name) != opening.facts[name]:
            found = f"{name} {opening.facts[name][:12]}, opened at {entry.where} with {entry.fact(name)[:12]}"
            raise refused(code, found, "what the cohort was opened with", "restore it, or write a new version of the protocol")
    return False


def refused(code: str, found: str, expected: str, repair: str) -> LockedCohortRefused:
    """Return the error of a code; its place is the protocol."""
    return LockedCohortRefused(code, where=protocol.PROTOCOL, found=found, expected=expected, repair=repair)
