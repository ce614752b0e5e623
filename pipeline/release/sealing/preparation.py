"""What a release run has to go through before it is sealed: candidate, verification, seeded defects, tool validation, comparison, validated.

Each step is one that `./qms demo`, `./qms mutate --part controls` and `./qms validate-tool` take for the canonical run, with the same functions, and does
nothing where it is done already for exactly this state. What came of seeded defects and tool validation is judged by the gate at release level.

What is sealed has to follow from the commit alone, or nobody can make it again. So the scenarios are run at the very commit that is released, which their verdicts name; and
the model is compared with that of the last sealed release below ``releases/``, not with what a registry on this machine holds.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from device_sw.detector.bundle import MANIFEST
from device_sw.errors import CodedError
from pipeline import cut_offs, registry, seeded_defects, tool_validation, verification_run
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import folder_of, newest
from pipeline.release.record.record import Kind
from pipeline.run import Run, read_json
from pipeline.seeded_defects import SeedingError
from pipeline.tool_validation import NoPlanError
from verification.trace.tool_validation import read_state, unshown

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Report


def prepare(workspace: Path, commit: str, report: Report, *, show_tools: bool = True) -> None:
    """Register, verify and validate the model of a workspace; without ``show_tools`` neither seeded defects nor the tests of the tool are tried.

    Raises:
        ReleaseRefused: ``REL-VERIFICATION``, a scenario did not pass; ``REL-RUN``, the registry or the comparison refused the model.
    """
    run = Run(workspace)
    try:
        registry.register(run, commit)
        verify_at(workspace, commit, report)
        if show_tools:
            _show_tools(workspace, report)
        _compare(run, report)
        registry.validate(run, verification_passed=True, replaced=lambda _, bundle: sealed_predecessor(workspace, bundle))
    except ReleaseRefused:
        raise
    except (CodedError, SeedingError, NoPlanError) as err:
        repair = "mend what is named in the release run"
        raise ReleaseRefused(
            "REL-RUN", where="the release run", found=str(err), expected="a validated model", repair=repair
        ) from err


def verify_at(workspace: Path, commit: str, report: Report) -> None:
    """Run the scenarios unless verdicts of exactly this state lie there that name this commit.

    Raises:
        ReleaseRefused: ``REL-VERIFICATION``, a scenario did not pass.
    """
    done = verification_run.run(workspace, report)
    if done.record is not None and not done.executed and done.record.identity.commit != commit:
        done = verification_run.run(workspace, report, force=True)
    if not done.passed:
        counts = done.record.counts() if done.record else {}
        found = done.reason or ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        raise ReleaseRefused(
            "REL-VERIFICATION",
            where="artifacts/verification",
            found=found,
            expected="every scenario passed for this build",
            repair="mend the device or the scenario, commit, and build again",
        )


def _show_tools(workspace: Path, report: Report) -> None:
    """Run the seeded defects that were not tried yet, and the tests of the tool unless they passed for this very tool."""
    seeded_defects.run(workspace, report)
    state, _ = read_state(workspace)
    if any(unshown(state)):
        tool_validation.run(workspace)


def _compare(run: Run, report: Report) -> None:
    bundle = read_json(run.artifact("predictions") / "predictions.json")["bundle_sha256"]
    cut_offs.measure(run, sealed_predecessor(run.root, bundle), report)


def sealed_predecessor(root: Path, bundle_sha256: str) -> cut_offs.Predecessor | None:
    """Return the model of the last sealed release, whose place a bundle takes.

    None where there is no release, it has this very bundle, or it was made by another profile or budget than the run below ``root``: a trial takes the place of no
    release, and its quick model is not compared with one (ADR 0044).

    Raises:
        ReleaseRefused: ``REL-RECORD``, the record cannot be read; ``REL-PREDECESSOR``, other parameters or another bundle lie beside it than it names.
    """
    version = newest(root)
    if version is None:
        return None
    folder = folder_of(root, version, Kind.RELEASE)
    record = folder.record()
    held = record.model.bundle_sha256
    if held == bundle_sha256:
        return None
    recorded = {each.name: each.sha256 for each in record.subjects}
    sealed = Run(folder.path / "files")
    _require_recorded(sealed.root / "params.yaml", recorded.get("files/params.yaml", "no such part"), version)
    if _made_by(sealed) != _made_by(Run(root)):
        return None
    _require_recorded(folder.path / "bundle" / MANIFEST, held, version)
    return cut_offs.Predecessor(version, held, folder.path / "bundle")


def _made_by(run: Run) -> tuple[object, object]:
    """Return profile and budget of a run."""
    params = run.params()
    return params.get("profile"), params.get("budget")


def _require_recorded(part: Path, held: str, version: str) -> None:
    """Refuse a part that is not the recorded one; that the other files of a bundle are those of its manifest is checked by whoever loads it."""
    found = hashlib.sha256(part.read_bytes()).hexdigest() if part.is_file() else "no such file"
    if found != held:
        raise ReleaseRefused(
            "REL-PREDECESSOR",
            where=f"releases/{version}/{part.parent.name}/{part.name}",
            found=found,
            expected=f"the part of the record, {held}",
            repair="restore the folder of the release from version control",
        )
