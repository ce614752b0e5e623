"""A run over many inputs into one output folder: each is examined, and what became of it is recorded before the next one is.

The protocol, which makes every run one that can be killed: the files of an input are written under temporary names and synced; the audit line that names them with
their hashes is appended and synced; the files get their final names. The audit line decides. So at every moment each input is either not yet taken, or recorded
with one audit line whose files exist; a run that begins completes or removes what the one before it left. One process writes (the audit file is locked).

An input whose bytes were recorded before, by the same device, bundle, policy and outputs, is not examined again unless that is asked for; one that failed is.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from device_sw import merkle
from device_sw.audit import NAME, SCHEMA, AuditTrail
from device_sw.batch.examination import Job, content_sha256
from device_sw.batch.names import LocalIndex
from device_sw.errors import InputRefused, OutputFailed
from device_sw.report.content import STATEMENT, mark
from device_sw.report.folder import OutputFolder, StagedFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from device_sw.batch.examination import Examination, Examiner, Identity

Key = tuple[str, ...]
"""Content, bundle, device version, policy and outputs of a recorded input."""


class Batch:
    """A run over many inputs into one output folder. Numbers continue where an earlier run into the same folder ended."""

    def __init__(self, examiner: Examiner, root: Path, say: Callable[[str], None], *, again: bool = False) -> None:
        """Open output folder and audit trail, and finish or undo what a run that died has left there.

        Args:
            examiner: what examines the inputs.
            root: the output folder.
            say: receives one line for each input that was not analysed, and one for what was recovered.
            again: whether an input that is recorded already is examined again.

        Raises:
            OutputFailed: the folder cannot be used (``OUT-...``).
        """
        self._examiner, self._say, self._again = examiner, say, again
        self._folder = OutputFolder(root)
        self._trail = AuditTrail(root / NAME)
        self._names = LocalIndex(root)
        self._leaves: list[str] = []
        self._recorded: dict[Key, dict[str, Any]] = {}
        self._pictures: dict[str, tuple[int, str]] = {}
        self._outcomes: dict[int, dict[str, Any]] = {}
        self._repeats: dict[int, Key] = {}
        self._taken: dict[Key, int] = {}
        self._read_trail()

    def _read_trail(self) -> None:
        files: dict[str, str] = {}
        for number, line in enumerate(self._trail.entries(), start=1):
            if "event" not in line:
                self._remember_earlier(line, number)
                files |= line.get("files", {})
        _require_lines(self._folder.root, self._trail.count)
        completed, removed = self._folder.recover(files)
        if completed or removed:
            self._say(f"recovered: {completed} files completed, {removed} removed that a run which ended early had left")

    def _remember_earlier(self, line: Mapping[str, Any], number: int) -> None:
        try:
            self._remember(line)
        except (KeyError, TypeError, AttributeError) as err:
            raise _broken(
                f"audit line {number}", "a line that is no record of an input", "a line as this device writes it"
            ) from err

    def _remember(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what later inputs need to know of a recorded one, and return its outcome."""
        outcome = _outcome(line)
        self._leaves += [line["leaf"]] if "leaf" in line else []
        if line["status"] != "failed" and line["content_sha256"]:
            self._recorded[_key_of_line(line)] = outcome
        if line.get("picture_sha256"):
            self._pictures.setdefault(line["sop_instance_uid"], (line["index"], line["picture_sha256"]))
        return outcome

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """What became of the inputs, in the order they were given."""
        found = {
            position: self._recorded.get(key) or self._outcomes.get(self._taken[key]) for position, key in self._repeats.items()
        }
        repeats = {position: {**outcome, "earlier": True} for position, outcome in found.items() if outcome is not None}
        return [outcome for _, outcome in sorted((self._outcomes | repeats).items())]

    @property
    def all_analysed(self) -> bool:
        """Whether no input was refused and none failed, earlier ones included."""
        return all(outcome["status"] == "analysed" for outcome in self.outcomes)

    def take(self, *paths: Path) -> None:
        """Examine inputs and record what became of each."""
        for _ in self.run(paths):
            pass

    def run(self, paths: Iterable[Path]) -> Iterator[int]:
        """Examine inputs, record what became of each, and yield after each how many are done.

        Raises:
            OutputFailed: something could not be recorded; what was recorded before stays (``OUT-...``).
        """
        for examination in self._examiner.examine_all(self._jobs(paths)):
            self._record(self._unique(examination))
            yield len(self._outcomes) + len(self._repeats)

    def _jobs(self, paths: Iterable[Path]) -> Iterator[Job]:
        """Number the inputs that have to be examined; those whose bytes are recorded, or being examined, are passed over."""
        index, first = self._trail.count, len(self._outcomes) + len(self._repeats)
        for position, path in enumerate(paths, start=first):
            digest = content_sha256(path)
            key = _key(digest, self._examiner.identity) if digest and not self._again else None
            if key is not None:
                if key in self._recorded or key in self._taken:
                    self._repeats[position] = key
                    continue
                self._taken[key] = position
            index += 1
            with _journal():
                self._names.take(index, path, digest)
            yield Job(position, index, path, digest)

    def _unique(self, examination: Examination) -> Examination:
        """Refuse a film that has the SOP Instance UID of another film of this folder."""
        earlier = self._pictures.get(examination.sop_instance_uid or "")
        if examination.picture_sha256 is None or earlier is None or earlier[1] == examination.picture_sha256:
            return examination
        return self._examiner.refuse(examination.job, _duplicate(earlier[0]))

    def _record(self, examination: Examination) -> None:
        """Record one input: parts, audit line, final names."""
        files = self._folder.write_parts(examination.files)
        line = self._line(examination, files)
        try:
            self._trail.append(line)
        except OutputFailed:
            if not self._trail.undecided:
                self._folder.discard()
            raise
        self._folder.commit()
        self._outcomes[examination.job.position] = self._remember(line)
        if examination.message:
            self._say(f"{examination.job.index:04d} {examination.status}: {examination.message}")

    def _line(self, examination: Examination, files: dict[str, str]) -> dict[str, Any]:
        made_by = self._examiner.identity
        words = mark(made_by.policy)
        return {
            "schema": SCHEMA,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "index": examination.job.index,
            **({} if words is None else {"mark": words}),
            **asdict(made_by),
            "policy": made_by.policy.value,
            "status": examination.status,
            "code": examination.code,
            "content_sha256": examination.content_sha256,
            "sop_instance_uid": examination.sop_instance_uid,
            "picture_sha256": examination.picture_sha256,
            "detections": examination.detections,
            "record": examination.record,
            "leaf": examination.leaf,
            "files": files,
        }

    def finish(self) -> None:
        """Write the index of names and the summary of this run, also where the run ends early, and let the folder go.

        Raises:
            OutputFailed: one of them could not be written (``OUT-WRITE``).
        """
        try:
            files = StagedFiles()
            files.stage_json("index.json", self._names.whole(self._trail.count))
            files.stage_json("summary.json", self.summary())
            self._folder.replace(files.contents)
            with _journal():
                self._names.settle()
        finally:
            self._trail.close()

    def summary(self) -> dict[str, Any]:
        """Return what became of the inputs, in the order they were given."""
        made_by, outcomes = self._examiner.identity, self.outcomes
        words = mark(made_by.policy)
        statuses = Counter(outcome["status"] for outcome in outcomes)
        return {
            "schema": "thoratrace/summary/1",
            **({} if words is None else {"mark": words}),
            "statement": STATEMENT,
            "policy": made_by.policy.value,
            "device_version": made_by.device_version,
            "model_version": made_by.model_version,
            "bundle_sha256": made_by.bundle_sha256,
            "inputs": len(outcomes),
            **{status: statuses[status] for status in ("analysed", "refused", "failed")},
            "recorded_earlier": len(self._repeats),
            "codes": dict(sorted(Counter(outcome["code"] for outcome in outcomes if outcome["code"]).items())),
            "merkle_root": merkle.root(self._leaves),
            "outcomes": outcomes,
        }


def _outcome(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: line[name] for name in ("index", "status", "code", "content_sha256", "sop_instance_uid")}
    marks = {"detections": sum(line["detections"].values())} if line["status"] == "analysed" else {}
    return {**kept, "file": line.get("record"), **marks}


def _key(digest: str, made_by: Identity) -> Key:
    return (digest, made_by.bundle_sha256, made_by.device_version, made_by.policy.value, *made_by.wanted)


def _key_of_line(line: Mapping[str, Any]) -> Key:
    return (line["content_sha256"], line["bundle_sha256"], line["device_version"], line["policy"], *line.get("wanted", ()))


def _duplicate(earlier: int) -> InputRefused:
    return InputRefused(
        "ADM-DUPLICATE",
        where="(0008,0018) SOP Instance UID",
        found=f"the UID of input {earlier:04d}, which shows another picture",
        expected="a UID that belongs to one picture",
        repair="find out at the sender which of the two is the film, and send it under a UID of its own",
    )


def _require_lines(root: Path, count: int) -> None:
    """Refuse a folder that holds records of inputs that the audit trail does not know: lines were lost or the file was replaced.

    Raises:
        OutputFailed: ``OUT-AUDIT-CHAIN``.
    """
    for folder in ("results", "refusals"):
        for path in (root / folder).glob("[0-9]*-*.json"):
            number = path.name.partition("-")[0]
            if number.isdecimal() and int(number) > count:
                raise _broken(f"audit line of input {number}", f"a record in {folder} and no line", "a line for each record")


def _broken(where: str, found: str, expected: str) -> OutputFailed:
    repair = "keep the folder for investigation and write to another one"
    return OutputFailed("OUT-AUDIT-CHAIN", where=where, found=found, expected=expected, repair=repair)


@contextmanager
def _journal() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise OutputFailed(
            "OUT-WRITE",
            where="index",
            found=type(err).__name__,
            expected="a name written in full",
            repair="check space and rights of the output folder, then give the same command again",
        ) from err
