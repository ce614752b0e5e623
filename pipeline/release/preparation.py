"""What a release run has to go through before it is sealed, as every run: candidate, verification, comparison with the version in use, validated.

Each step is one that `./qms demo` takes for the canonical run, with the same functions, and does nothing where it is done already.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from device_sw.errors import CodedError
from pipeline import cut_offs, registry, verification_run
from pipeline.release.errors import ReleaseRefused
from pipeline.run import Run, read_json

if TYPE_CHECKING:
    from pipeline.progress import Report

STEPS = ("candidate", "verification", "cut-offs", "validated")


def prepare(workspace: Path, commit: str, report: Report) -> None:
    """Register, verify and validate the model of a workspace.

    Raises:
        ReleaseRefused: ``REL-VERIFICATION``, a scenario did not pass; ``REL-RUN``, the registry or the comparison refused the model.
    """
    run = Run(workspace)
    try:
        registry.register(run, commit)
        _verify(workspace, report)
        _compare(run, report)
        registry.validate(run, verification_passed=True)
    except ReleaseRefused:
        raise
    except CodedError as err:
        repair = "mend what is named in the release run"
        raise ReleaseRefused(
            "REL-RUN", where="the release run", found=str(err), expected="a validated model", repair=repair
        ) from err


def _verify(workspace: Path, report: Report) -> None:
    done = verification_run.run(workspace, report)
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


def _compare(run: Run, report: Report) -> None:
    client = registry.open_registry(run.artifact("mlflow"))
    bundle = read_json(run.artifact("predictions") / "predictions.json")["bundle_sha256"]
    with TemporaryDirectory() as folder:
        other = registry.in_use(client, registry.find_version(client, bundle) or "", Path(folder))
        cut_offs.measure(run, other, report)
