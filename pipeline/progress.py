"""Progress bars for long work, on stderr, so that stdout stays the result."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[int, int, str], None]


@contextmanager
def bar(title: str) -> Iterator[Report]:
    """Yield a function ``report(done, total, text)`` that draws a bar; in a log without a terminal it prints a line every tenth."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(title, console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None, text="")

        def report(done: int, total: int, text: str) -> None:
            progress.update(task, completed=done, total=total, text=text)

        yield report


def _lines(title: str, console: Console) -> Report:
    shown = -1

    def report(done: int, total: int, text: str) -> None:
        nonlocal shown
        tenth = 10 * done // max(total, 1)
        if tenth != shown:
            shown = tenth
            console.print(f"{title}: {done}/{total} {text}".rstrip(), highlight=False)

    return report
