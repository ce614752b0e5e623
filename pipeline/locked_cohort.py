"""The locked cohort: films that follow from the frozen protocol and the weights, the finished device on them, and its figures. Opened once, and resumable.

    frozen protocol + weights -> seed -> entry "opened" -> films -> predictions -> figures -> evidence -> entry "judged"

The entry comes before the first film, so that nobody looks unnoticed. A run that dies goes on by the same command: finished parts stay, the bundle is the copy made at the
opening, and neither another protocol, model or device code can slip in. Films and predictions lie under artifacts/locked/<seed>/; the figures go to evidence/.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_sw._version import __version__
from device_sw.detector.bundle import load_bundle
from device_sw.device import Device
from device_sw.types import Policy
from phantom.cohort import generate
from pipeline import audit_log
from pipeline.locked_opening import is_new, opening_of, refused, require_frozen
from pipeline.repository import commit
from pipeline.run import available_workers, file_sha256, read_json, write_json
from pipeline.stages.validate import validate
from validation.outcomes import outcome_of, predictions_of
from verification.trace.audit_log import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pipeline.audit_log import Signer
    from pipeline.locked_opening import Opening
    from pipeline.progress import Report

KEPT_PLOTS = ("froc.png", "precision_recall.png", "ap50.png", "ap50_severity.png", "confusion.png")
PREFIX = "locked-"
"""Before every film and patient of the locked cohort, so that none is taken for one of the development cohort."""


def open_cohort(root: Path, signer: Signer, progress: Callable[[str], AbstractContextManager[Report]]) -> dict[str, Any]:
    """Open the locked cohort, or go on with an opening that is not finished, and return the validation record.

    Args:
        root: of the project.
        signer: who opens it.
        progress: gives a context manager of a progress bar for a title.

    Raises:
        LockedCohortRefused: ``LCK-UNFROZEN``, this protocol is not frozen; ``LCK-OPENED``, it was opened for another model; ``LCK-DONE``, its result stands;
            ``LCK-MODEL``, no model of the locked set's run, or not with its training films; ``LCK-CODE``, device or phantom changed since the opening.
        AuditRefused: an entry would not hold.
        BundleError: the bundle does not verify.
    """
    opening = opening_of(root)
    trail = audit_log.read_trail(root)
    require_frozen(opening.plan, trail)
    if is_new(opening, trail):
        audit_log.enter(root, Event.OPENED, opening.facts, signer)
    _lay_out(opening)
    with progress("locked films") as report:
        _make_films(opening, report)
    with progress("device on locked films") as report:
        _predict(opening, report)
    record = validate(opening.work)
    _keep(opening, record)
    audit_log.enter(root, Event.JUDGED, _judged_facts(opening, record), signer)
    return record


def _lay_out(opening: Opening) -> None:
    """Copy the bundle and write the parameters of the run, unless that was done."""
    work, params = opening.work, opening.run.params()
    if not (work.root / "params.yaml").is_file():
        shutil.rmtree(work.artifact("bundle"), ignore_errors=True)
        shutil.copytree(opening.run.artifact("bundle"), work.artifact("bundle"))
        kept = {name: params[name] for name in ("profile", "budget", "prepare", "predict")}
        _whole(work.root / "params.yaml", json.dumps(kept, indent=1, sort_keys=True) + "\n")
    copied = load_bundle(work.artifact("bundle")).sha256
    if copied != opening.bundle_sha256:
        raise refused("LCK-OPENED", f"bundle {copied[:12]} in {work.root.name}", opening.bundle_sha256[:12], "remove the folder")


def _make_films(opening: Opening, report: Report) -> None:
    """Make the films, and one index of them as test films beside the development cohort's other films."""
    folder, plan = opening.work.artifact("cohort"), opening.plan.locked
    index, made = folder / "cohort.json", folder / "phantom.json"
    if not made.is_file():
        generate(
            folder,
            seed=opening.seed,
            patients={"test": plan.studies},
            matrix=plan.matrix,
            profile=plan.profile,
            budget=plan.budget,
            workers=available_workers(),
            progress=lambda done, total: report(done, total, ""),
        )
        index.replace(made)
    phantom = read_json(made)
    others = [film for film in read_json(opening.run.artifact("cohort") / "cohort.json")["films"] if film["split"] != "test"]
    _whole(index, json.dumps({**phantom, "films": [*others, *map(_renamed, phantom["films"])]}, sort_keys=True) + "\n")


def _renamed(film: dict[str, Any]) -> dict[str, Any]:
    return film | {"film_id": PREFIX + film["film_id"], "patient_id": PREFIX + film["patient_id"]}


def _predict(opening: Opening, report: Report) -> None:
    """Ask the finished device about every film that has no answer yet, and write the predictions when all have."""
    work = opening.work
    policy, cohort = work.params()["predict"]["policy"], work.artifact("cohort")
    films = [film for film in read_json(cohort / "cohort.json")["films"] if film["split"] == "test"]
    parts = work.artifact("predictions") / "parts.jsonl"
    known = dict(_answered(parts))
    tasks = [
        (film["film_id"], str(work.artifact("bundle")), policy, str(cohort / film["path"]))
        for film in films
        if film["film_id"] not in known
    ]
    parts.parent.mkdir(parents=True, exist_ok=True)
    with (
        ProcessPoolExecutor(available_workers(), mp_context=get_context("spawn")) as pool,
        parts.open("a", encoding="utf-8") as out,
    ):
        for film_id, outcome in pool.map(_ask, tasks, chunksize=4):
            known[film_id] = outcome
            out.write(json.dumps([film_id, outcome], sort_keys=True, allow_nan=False) + "\n")
            out.flush()
            report(len(known), len(films), "")
    outcomes = [{"film_id": film["film_id"], **known[film["film_id"]]} for film in films]
    device = _device(str(work.artifact("bundle")), policy)
    write_json(work.artifact("predictions") / "predictions.json", predictions_of(device, outcomes))


def _answered(parts: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield film and outcome of every complete line; a line that a crash cut is taken off, and its film asked again."""
    if not parts.is_file():
        return
    content = parts.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        parts.write_bytes(whole)
    for line in whole.decode().splitlines():
        film_id, outcome = json.loads(line)
        yield film_id, outcome


@cache
def _device(bundle: str, policy: str) -> Device:
    """One device a process: its bundle is verified and self-tested once."""
    return Device(Path(bundle), Policy(policy))


def _ask(task: tuple[str, str, str, str]) -> tuple[str, dict[str, Any]]:
    film_id, bundle, policy, path = task
    return film_id, outcome_of(_device(bundle, policy), Path(path))


def _keep(opening: Opening, record: dict[str, Any]) -> None:
    """Write the result, dated, under evidence/: the record, what it was made from, and plots."""
    target, made = opening.root / opening.evidence, opening.work.artifact("validation")
    write_json(target / "validation.json", record)
    for name in KEPT_PLOTS:
        shutil.copy(made / name, target / name)
    origin = {
        "schema": "thoratrace/locked-validation/1",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(opening.root),
        "device_version": __version__,
        "cohort_sha256": file_sha256(opening.work.artifact("cohort") / "phantom.json"),
        **opening.facts,
    }
    write_json(target / "origin.json", origin)


def _judged_facts(opening: Opening, record: dict[str, Any]) -> dict[str, str]:
    result = opening.evidence / "validation.json"
    return {
        "protocol_sha256": opening.plan.sha256,
        "weights_sha256": opening.weights_sha256,
        "predictions_sha256": file_sha256(opening.work.artifact("predictions") / "predictions.json"),
        "evidence": result.as_posix(),
        "evidence_sha256": file_sha256(opening.root / result),
        "primary_passed": "yes" if record["primary_passed"] else "no",
    }


def _whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
