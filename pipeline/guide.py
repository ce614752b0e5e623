"""The commands that guide people through the trace: `show`, `sample`, `new`, `impact`. Each parses, calls one function, and prints."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from verification.trace.scaffold import Scaffold

HOLDS, DOES_NOT_HOLD, USAGE = 0, 1, 2

guide = typer.Typer(pretty_exceptions_enable=False)
new = typer.Typer(
    help="Append a requirement, hazard, control or scenario that the gate refuses until it is filled.", no_args_is_help=True
)
guide.add_typer(new, name="new")

AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]
Title = Annotated[str, typer.Option(help="a short name")]
Needs = Annotated[list[str] | None, typer.Option("--need", help="id of a user need it serves; may be repeated")]
Controls = Annotated[list[str] | None, typer.Option("--control", help="id of a risk control it implements; may be repeated")]
Situations = Annotated[
    list[str] | None, typer.Option("--situation", help="id of a hazardous situation it reduces; may be repeated")
]
Requirements = Annotated[
    list[str] | None, typer.Option("--requirement", help="id of a requirement that implements it; may be repeated")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="id of a requirement or control it verifies; may be repeated")]
Givens = Annotated[list[str] | None, typer.Option("--given", help="a step; may be repeated")]
Whens = Annotated[list[str] | None, typer.Option("--when", help="a step; may be repeated")]
Thens = Annotated[list[str] | None, typer.Option("--then", help="a step; may be repeated")]


@guide.command()
def show(
    name: Annotated[
        str, typer.Argument(help="an id, a part of a scenario's name, a module, a section, an ADR, or a code of the gate")
    ],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Print one item's whole chain: what it says, what it rests on, what rests on it, its results and problems."""
    from verification.trace import reading_room, show_text  # noqa: PLC0415
    from verification.trace.show import UnknownItemError  # noqa: PLC0415

    try:
        found = reading_room.look_up(_root(), name)
    except UnknownItemError as err:
        closest = "".join(f"\n  {each}" for each in err.closest)
        hint = (
            "Which of these?" if err.ambiguous else "Closest:" if closest else "Nothing is similar; ./qms matrix lists all ids."
        )
        print(f"SHOW-UNKNOWN: {err}. {hint}{closest}", file=sys.stderr)
        raise typer.Exit(DOES_NOT_HOLD) from err
    if isinstance(found, reading_room.Text):
        _print(found.to_json() if as_json else found.text, as_json=as_json)
    else:
        _print(show_text.to_json(found) if as_json else show_text.to_text(found, _width()), as_json=as_json)


@guide.command()
def sample(
    n: Annotated[int, typer.Option("--n", min=1, max=10_000, help="how many chains")] = 10,
    seed: Annotated[
        str, typer.Option(help="any text, for example the date of the audit; the same seed draws the same chains")
    ] = "1",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Draw an audit sample of the chains, controls and safety requirements first, with what to tick off."""
    from verification.trace import gate, sampling  # noqa: PLC0415

    result = gate.check(_root(), write=False)
    drawn = sampling.draw(result.graph, n, seed)
    _print(sampling.to_json(drawn, result.identity.sha256) if as_json else sampling.to_text(drawn, _width()), as_json=as_json)


@guide.command()
def impact(
    span: Annotated[str, typer.Argument(metavar="A..B", help="two revisions; A alone compares with the working tree")] = "HEAD",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say what a change touches: changed items, and every requirement, risk, scenario and section that is suspect because of them."""
    from verification.trace import impact as engine  # noqa: PLC0415
    from verification.trace import impact_text, revisions  # noqa: PLC0415

    try:
        found = revisions.resolve(_root(), span)
        result = revisions.compare(_root(), found)
    except revisions.RevisionError as err:
        print(f"IMPACT-REVISION at {err}", file=sys.stderr)
        raise typer.Exit(USAGE) from err
    _print(
        engine.to_json(result, *found.names) if as_json else impact_text.to_text(result, *found.names, _width()), as_json=as_json
    )
    raise typer.Exit(DOES_NOT_HOLD if result.unread else HOLDS)


@new.command("requirement")
def new_requirement(
    item: Annotated[str, typer.Option(help="id of the software item it is allocated to, for example SWI-DICOM")],
    title: Title,
    needs: Needs = None,
    controls: Controls = None,
) -> None:
    """Append a software requirement."""
    from verification.trace import scaffold  # noqa: PLC0415

    _appended(lambda: scaffold.requirement(_root(), item, title, needs or (), controls or ()))


@new.command("hazard")
def new_hazard(title: Title) -> None:
    """Append a hazard with one hazardous situation."""
    from verification.trace import scaffold  # noqa: PLC0415

    _appended(lambda: scaffold.hazard(_root(), title))


@new.command("control")
def new_control(title: Title, situations: Situations = None, requirements: Requirements = None) -> None:
    """Append a risk control."""
    from verification.trace import scaffold  # noqa: PLC0415

    _appended(lambda: scaffold.control(_root(), title, situations or (), requirements or ()))


@new.command("scenario")
def new_scenario(  # noqa: PLR0913, PLR0917  one parameter an option
    feature: Annotated[str, typer.Option(help="name of the feature file, without folder and ending")],
    title: Title,
    tags: Tags = None,
    given: Givens = None,
    when: Whens = None,
    then: Thens = None,
) -> None:
    """Append a scenario to a feature file, or begin a new one."""
    from verification.trace import scaffold  # noqa: PLC0415

    steps = [
        *(("Given", text) for text in given or ()),
        *(("When", text) for text in when or ()),
        *(("Then", text) for text in then or ()),
    ]
    _appended(lambda: scaffold.scenario(_root(), feature, title, tags or (), steps))


def _appended(append: Callable[[], Scaffold]) -> None:
    """Print what was appended and what is next; what cannot be appended is wrong usage and leaves every file as it was."""
    from verification.trace.scaffold import ScaffoldError  # noqa: PLC0415

    try:
        made = append()
    except ScaffoldError as err:
        print(f"NEW-REFUSED at {err}", file=sys.stderr)
        raise typer.Exit(USAGE) from err
    print(f"{made.id}  {made.where}")
    if made.placeholders:
        print(f"to be filled: {', '.join(made.placeholders)}")
    for number, step in enumerate(made.steps, start=1):
        print(f"{number}. {step}")


def _print(result: Any, *, as_json: bool) -> None:
    print(json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False) if as_json else result)


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _root() -> Any:
    from pipeline.dvc_runs import canonical  # noqa: PLC0415

    return canonical().root
