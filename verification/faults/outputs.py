"""Defects of what the device writes: results, overlays, refusal records, audit lines, messages and exit codes.

Nothing numeric is imported here, because the command line is loaded before the numeric environment is set.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def refusals_not_recorded(module: ModuleType) -> None:
    """A refused input leaves a message and nothing else (device_sw.batch.run)."""

    def record(original: Any, self: Any, examination: Any) -> None:
        if examination.status == "refused":
            self._say(f"{examination.job.index:04d} refused: {examination.message}")
        else:
            original(self, examination)

    wrap(module, "Batch._record", record)


def batch_ends_at_the_first_refusal(module: ModuleType) -> None:
    """The first refusal ends the batch (device_sw.batch.run)."""

    def record(original: Any, self: Any, examination: Any) -> None:
        original(self, examination)
        if not self.all_analysed:
            raise typer.Exit(1)

    wrap(module, "Batch._record", record)


def refusals_end_with_success(module: ModuleType) -> None:
    """The exit code does not tell of refusals (device_sw.batch.run)."""
    replace(module, "Batch.all_analysed", property(lambda _self: True))


def audit_lines_for_results_only(module: ModuleType) -> None:
    """A refused input adds no audit line (device_sw.audit)."""

    def append(original: Any, self: Any, entry: dict[str, Any]) -> None:
        if entry["status"] == "analysed":
            original(self, entry)

    wrap(module, "AuditTrail.append", append)


def failures_passed_over(module: ModuleType) -> None:
    """A film on which the network fails leaves nothing (device_sw.batch.run)."""

    def record(original: Any, self: Any, examination: Any) -> None:
        if examination.status != "failed":
            original(self, examination)

    wrap(module, "Batch._record", record)


def films_ranked_by_marks(module: ModuleType) -> None:
    """The summary begins with the film that has the most marks (device_sw.batch.run)."""
    inner = module.Batch.outcomes.fget

    def ranked(self: Any) -> list[dict[str, Any]]:
        return sorted(inner(self), key=lambda outcome: -outcome.get("detections", 0))

    replace(module, "Batch.outcomes", property(ranked))


def path_in_the_message(module: ModuleType) -> None:
    """The message of a refusal begins with the path of the input (device_sw.batch.run)."""

    def record(original: Any, self: Any, examination: Any) -> None:
        self._say(f"{examination.job.path}:")
        original(self, examination)

    wrap(module, "Batch._record", record)


def path_in_the_audit_line(module: ModuleType) -> None:
    """An audit line names the path of the input (device_sw.batch.run)."""

    def line(original: Any, self: Any, examination: Any, files: Any) -> dict[str, Any]:
        return {**original(self, examination, files), "path": str(examination.job.path)}

    wrap(module, "Batch._line", line)


def info_without_status(module: ModuleType) -> None:
    """The info command leaves the statement out (device_sw.cli)."""

    def facts(original: Any, found: dict[str, Any], **options: Any) -> None:
        original({name: "" if name == "statement" else value for name, value in found.items()}, **options)

    wrap(module, "_print_facts", facts)


def research_by_default(module: ModuleType) -> None:
    """The command line opens the device under the research policy (device_sw.cli)."""

    def device(original: Any, bundle: Any, _policy: Any, *more: Any) -> Any:
        return original(bundle, module.Policy.RESEARCH, *more)

    wrap(module, "_device", device)


def option_for_operating_points(module: ModuleType) -> None:
    """A command lets a site set operating points (device_sw.cli)."""

    def calibrate(threshold: float) -> None:
        module._say_error(f"operating point {threshold}")  # noqa: SLF001

    calibrate.__annotations__ = {"threshold": Annotated[float, typer.Option("--threshold")], "return": None}
    module.app.command("calibrate")(calibrate)


def asks_for_updates(module: ModuleType) -> None:
    """A batch begins with a question to the network (device_sw.batch.run)."""

    def opened(original: Any, self: Any, *arguments: Any, **options: Any) -> None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), timeout=1).close()
        original(self, *arguments, **options)

    wrap(module, "Batch.__init__", opened)


def audit_file_begun_anew(module: ModuleType) -> None:
    """Each run begins a new audit file (device_sw.audit)."""

    def opened(original: Any, self: Any, path: Path) -> None:
        path.unlink(missing_ok=True)
        original(self, path)

    wrap(module, "AuditTrail.__init__", opened)


def chain_not_verified(module: ModuleType) -> None:
    """The lines that are there are taken as they are (device_sw.audit)."""

    def verify(lines: Any) -> Any:
        taken = list(lines)
        return module._digest(taken[-1]) if taken else module.FIRST  # noqa: SLF001

    replace(module, "verify", verify)


def _appended(module: ModuleType, change: Any) -> None:
    wrap(module, "AuditTrail.append", lambda original, self, entry: original(self, change(dict(entry))))


def counts_left_out(module: ModuleType) -> None:
    """An audit line does not say how many marks of which finding there are (device_sw.audit)."""
    _appended(module, lambda entry: {**entry, "detections": {}})


def codes_left_out(module: ModuleType) -> None:
    """An audit line does not say why a film was refused (device_sw.audit)."""
    _appended(module, lambda entry: {**entry, "code": None})


def audit_lines_unmarked(module: ModuleType) -> None:
    """An audit line of the research policy does not carry the mark (device_sw.audit)."""
    _appended(module, lambda entry: {name: value for name, value in entry.items() if name != "mark"})


def audit_failure_passed_over(module: ModuleType) -> None:
    """A line that cannot be written is left out (device_sw.audit)."""

    def append(original: Any, self: Any, entry: Any) -> None:
        with suppress(module.OutputFailed):
            original(self, entry)

    wrap(module, "AuditTrail.append", append)


def written_in_place(module: ModuleType) -> None:
    """Files are written under their final names (device_sw.report.folder)."""
    replace(module, "_part_of", lambda target: target)


def leftovers_stay(module: ModuleType) -> None:
    """What was staged and never finished stays (device_sw.report.folder)."""
    replace(module, "OutputFolder.discard", nothing)


def called_normal(module: ModuleType) -> None:
    """A film without marks is called normal (device_sw.report.content)."""

    def conclusion(original: Any, result: Any) -> Any:
        return original(result) if result.detections else f"Normal film. {original(result)}"

    wrap(module, "conclusion", conclusion)


def not_said_what_was_looked_for(module: ModuleType) -> None:
    """A film without marks does not say what was looked for (device_sw.report.content)."""

    def conclusion(original: Any, result: Any) -> Any:
        return original(result).partition(" Looked for:")[0]

    wrap(module, "conclusion", conclusion)


def everything_marked_research(module: ModuleType) -> None:
    """The mark stands on every output, so that it says nothing (device_sw.report.content)."""
    replace(module, "mark", lambda _policy: module.RESEARCH)


def statement_without_status(module: ModuleType) -> None:
    """The statement leaves out that the device is not cleared (device_sw.report.content)."""
    replace(
        module, "STATEMENT", "A mark supports but never replaces reading the whole film; a place without a mark says nothing."
    )


def statement_without_limits(module: ModuleType) -> None:
    """The statement leaves out that the whole film has to be read (device_sw.report.content)."""
    replace(module, "STATEMENT", "Engineering baseline, not cleared, not for clinical use.")


def refusal_with_an_empty_list(module: ModuleType) -> None:
    """A refusal record has a list of findings, which is empty (device_sw.report.refusal)."""

    def record(original: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        return {**original(*arguments, **options), "findings": []}

    wrap(module, "refusal_record", record)


def score_floor_printed(module: ModuleType) -> None:
    """The score floor is printed as operating point (device_sw.report.json_report)."""

    def detection(original: Any, result: Any, *arguments: Any) -> dict[str, Any]:
        return {**original(result, *arguments), "operating_point": result.settings.score_floor}

    wrap(module, "_detection", detection)


def cautions_not_in_the_result(module: ModuleType) -> None:
    """The result leaves its cautions out (device_sw.report.json_report)."""
    wrap(module, "json_report", lambda original, result, index: original(changed(result, cautions=()), index))


def results_unmarked(module: ModuleType) -> None:
    """The result of the research policy does not carry the mark (device_sw.report.json_report)."""
    replace(module, "mark", lambda _policy: None)


def operating_point_of_marks_only(module: ModuleType) -> None:
    """A finding without marks has no operating point in the result (device_sw.report.json_report)."""

    def finding(original: Any, result: Any, row: Any) -> dict[str, Any]:
        told = dict(original(result, row))
        return told if told["detections"] else {name: value for name, value in told.items() if name != "operating_point"}

    wrap(module, "_finding", finding)


def overlay_unmarked(module: ModuleType) -> None:
    """The overlay of the research policy looks like any other (device_sw.report.drawing)."""
    replace(module, "mark", lambda _policy: None)


def overlay_without_statement(module: ModuleType) -> None:
    """The overlay does not carry the statement (device_sw.report.overlay)."""
    replace(module, "STATEMENT", "")


def overlay_without_origin(module: ModuleType) -> None:
    """The overlay names neither the film nor what made it (device_sw.report.overlay)."""

    def banner(original: Any, page: Any, result: Any) -> None:
        film = changed(result.film, content_sha256="")
        original(page, changed(result, film=film, bundle_sha256=""))

    wrap(module, "banner", banner)


def overlay_without_operating_points(module: ModuleType) -> None:
    """The overlay leaves operating points out (device_sw.report.overlay)."""
    wrap(module, "_finding_line", lambda original, *arguments: original(*arguments).partition(" (operating point")[0])


def overlay_without_cautions(module: ModuleType) -> None:
    """The overlay does not carry the cautions (device_sw.report.overlay)."""
    wrap(module, "_legend_lines", lambda original, result, width: original(changed(result, cautions=()), width))


def overlay_without_label_of_the_map(module: ModuleType) -> None:
    """The overlay does not say what the heat map is not (device_sw.report.overlay)."""
    wrap(module, "_legend_lines", lambda original, result, width: original(changed(result, heat_map_label=""), width))


def boxes_filled(module: ModuleType) -> None:
    """A mark covers what it marks (device_sw.report.overlay)."""

    def marks(original: Any, page: Any, result: Any, corner: tuple[int, int], size: tuple[int, int]) -> None:
        original(page, result, corner, size)
        scale = (size[0] / result.film.columns, size[1] / result.film.rows)
        for each in result.detections:
            place = module._on_page(each.box, corner, scale)  # noqa: SLF001
            module.ImageDraw.Draw(page).rectangle(place, fill=module.colour(each.finding))

    wrap(module, "marks", marks)


def outline_beside_the_box(module: ModuleType) -> None:
    """Outlines are drawn with the scale of the other axis (device_sw.report.overlay)."""

    def on_page(original: Any, box: Any, corner: Any, scale: tuple[float, float]) -> Any:
        return original(box, corner, (scale[0] * 1.1, scale[1]))

    wrap(module, "_on_page", on_page)
