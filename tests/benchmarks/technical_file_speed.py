"""Measures the HTML of the technical file for a large graph, sphinx-needs and StrictDoc on the same graph in the same run, and the whole shipped file.

    python -m tests.benchmarks.technical_file_speed --size 10000 --work FOLDER --peers FOLDER --out evidence/technical_file/speed.json

The shipped file is built by its own builder from a clone of the commit with the run's evidence (`shipped_file.py`), again in another folder with other
surroundings; ``--as-it-lies`` does not ask whether the run is that of the commit, and the report says so. ``--only shipped`` or ``--only generated`` does one half.

Of a large graph ours is one process: gate, matrix, templates, document builder (`graph_file.py`). It is built twice: the second time from a copy of the project in another
folder, with another hash seed and another time zone, and all bytes of both are compared. Wall time, processor time (children included) and
peak memory are those of whole processes; where other work shares the machine, wall time grows and processor time hardly does, so the limit is
judged by a run on a quiet machine. The file is written after each step, and steps that are in it already are not run again; ``--again PREFIX`` repeats steps.

The peers get needs, hazards, controls, requirements and tests with their links (`peer_projects.py`). They make neither a risk evaluation nor test
results nor a matrix, so what they build is less. sphinx-needs is the one of our own lock; StrictDoc comes from PyPI into a virtual environment under ``--peers``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import technical_file
from pipeline.dossier.file_record import CHECKSUMS, checksums
from pipeline.repository import commit
from tests.benchmarks import peer_projects
from tests.benchmarks.file_bytes import cloned
from tests.benchmarks.generated_project import Mix, write_project
from tests.benchmarks.graph_file import SAID
from tests.benchmarks.shipped_file import AS_IT_LIES
from tests.benchmarks.trace_speed import PACKAGES, Book, apart, figures, install, measure, peer_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.trace_speed import Written

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCHEMA = "thoratrace/technical-file-speed/1"
SIZE = 10_000
LIMIT_S = 60
"""Seconds of wall time for ``SIZE`` items on a quiet machine. Smaller sizes are not judged."""
SHIPPED_LIMITS_S = {"html": 60, "pdf": 180}
"""Seconds of wall time for the HTML of the shipped file, and for all its PDFs, on a quiet machine of two processors."""
OUTPUTS = {"sphinx-needs html": "_out", "strictdoc export": "_out"}
"""The peers that make HTML, with the folder that they write."""
ELSEWHERE = ("env", "PYTHONHASHSEED=1234", "TZ=Asia/Taipei", "LC_ALL=POSIX")
NAMED = 10
"""Differing files that are named at most."""


def prepared(work: Path, size: int) -> Path:
    """Return the folder of the generated project, written once; it has the shipped roles, because pages print who signs what."""
    root = work / f"project_{size}"
    if not (root / "people.toml").exists():
        shutil.rmtree(root, ignore_errors=True)
        apart(write_project, root, size)
        shutil.copy(ROOT / "people.toml", root / "people.toml")
    return root


def ours(book: Book, work: Path, size: int, limit: float) -> None:
    """Build our file twice and compare."""
    root, first = prepared(work, size), work / f"file_{size}"
    book.step(f"ours/{size}/html", lambda: _built(root, first, limit, ()))
    book.step(f"ours/{size}/html again", lambda: _again(root, work / f"elsewhere_{size}", first, limit))


def _built(root: Path, folder: Path, limit: float, before: tuple[str, ...]) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cost = measure([*before, sys.executable, str(HERE / "graph_file.py"), str(root), str(folder)], root, limit)
    if cost.status:
        return {"error": cost.said[-800:], "wall_s": round(cost.wall, 1), "status": cost.status}
    said = json.loads((folder / SAID).read_text(encoding="utf-8"))
    listed = checksums(folder, [folder / "html"])
    (folder / "SHA256SUMS").write_text(listed, encoding="utf-8")
    return {
        **figures([cost]),
        **said,
        "pages": len(said["pages"]),
        **_extent(folder / "html"),
        "sha256_of_checksums": _sha256(listed),
    }


def _again(root: Path, other: Path, first: Path, limit: float) -> dict[str, Any]:
    """Build from a copy of the project in other surroundings, and compare each file with that of the first build."""
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(root, other / "a project of another name")
    result = _built(other / "a project of another name", other / "file", limit, ELSEWHERE)
    if "error" in result:
        return result
    kept = ("wall_s", "cpu_s", "peak_mb", "files", "bytes", "sha256_of_checksums", "parts")
    return {**{key: result[key] for key in kept}, **_sameness(first, other / "file")}


def _sameness(first: Path, second: Path) -> dict[str, Any]:
    """Return whether two built folders have the same files with the same bytes, by their checksums."""
    lists = [(folder / CHECKSUMS).read_text(encoding="utf-8") for folder in (first, second)]
    differing = sorted({line.split("  ", 1)[1] for line in set(lists[0].splitlines()) ^ set(lists[1].splitlines())})
    return {
        "surroundings": " ".join(ELSEWHERE[1:]),
        "identical": not differing,
        "differing": len(differing),
        "differing_first": differing[:NAMED],
    }


def shipped(book: Book, work: Path, limit: float, how: tuple[str, ...]) -> None:
    """Build the shipped file in two clones and compare; ``how`` is what its script is told."""
    first, second = work / "shipped", work / "elsewhere_shipped" / "a project of another name"
    book.step("shipped/file", lambda: _shipped(first, limit, (), how))
    book.step("shipped/file again", lambda: _shipped_again(first, second, limit, how))


def _shipped(root: Path, limit: float, before: tuple[str, ...], how: tuple[str, ...]) -> dict[str, Any]:
    shutil.rmtree(root, ignore_errors=True)
    cloned(root)
    said, folder = root.parent / f"{root.name}.json", root / technical_file.FOLDER
    command = ["env", f"PYTHONPATH={root}", *before[1:], sys.executable, "-m", "tests.benchmarks.shipped_file", str(said), *how]
    cost = measure(command, root.parent, limit)
    told = {"commit": commit(ROOT), "run_is": "as it lies" if how else "that of the commit"}
    if cost.status:
        return {**told, "error": cost.said[-800:], "wall_s": round(cost.wall, 1), "status": cost.status}
    return {
        **told,
        **figures([cost]),
        **json.loads(said.read_text(encoding="utf-8")),
        **_extent(folder),
        "pdf_bytes": {path.stem: path.stat().st_size for path in sorted((folder / "pdf").glob("*.pdf"))},
        "sha256_of_checksums": _sha256((folder / CHECKSUMS).read_text(encoding="utf-8")),
    }


def _shipped_again(first: Path, root: Path, limit: float, how: tuple[str, ...]) -> dict[str, Any]:
    """Build from another clone in other surroundings, and compare each file with that of the first build."""
    result = _shipped(root, limit, ELSEWHERE, how)
    folders = [each / technical_file.FOLDER for each in (first, root)]
    return result if "error" in result else {**result, **_sameness(*folders)}


def _extent(folder: Path) -> dict[str, int]:
    """Return number and bytes of the files of a folder; what begins with a dot is no output."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    shown = [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    sizes = [path.stat().st_size for path in shown]
    pages = [path.stat().st_size for path in shown if path.suffix == ".html"]
    return {"files": len(sizes), "bytes": sum(sizes), "html_files": len(pages), "largest_html_bytes": max(pages, default=0)}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def peers(book: Book, work: Path, folder: Path, size: int, limit: float) -> None:
    """Let each peer that makes HTML build it, cold, from the same graph."""
    runs = peer_runs(folder)
    for name in OUTPUTS:
        book.step(
            f"peer/{size}/{name}",
            lambda name=name: _peer(work / f"peer_{size}_{name.split()[0]}", name, runs[name], Mix(size), limit),
        )


def _peer(root: Path, name: str, run: Written, mix: Mix, limit: float) -> dict[str, Any]:
    write, command = run
    shutil.rmtree(root, ignore_errors=True)
    apart(write, root, mix)
    items, links = peer_projects.counts(mix)
    cost = measure(command, root, limit)
    told = {"command": " ".join([Path(command[0]).name, *command[1:]]), "items_of_the_graph": items, "links_of_the_graph": links}
    if cost.status:
        return {**told, "error": cost.said[-400:], "wall_s": round(cost.wall, 1), "status": cost.status}
    result = {**told, **figures([cost]), **_extent(root / OUTPUTS[name])}
    shutil.rmtree(root)
    return result


def summary(steps: Mapping[str, Mapping[str, Any]], size: int) -> dict[str, Any]:
    """Return what the file is asked for: time against the limit, sameness, and each peer's cost as a multiple of ours.

    >>> own = {"wall_s": 40.0, "cpu_s": 30.0, "peak_mb": 400.0}
    >>> summary({"ours/25/html": own, "peer/25/x": {"wall_s": 80.0, "cpu_s": 60.0}}, 25)["peer_to_ours"]
    {'x': {'wall_s': 2.0, 'cpu_s': 2.0}}
    """
    own, again = steps.get(f"ours/{size}/html", {}), steps.get(f"ours/{size}/html again", {})
    whole = {"shipped": _of_shipped(steps)} if "shipped/file" in steps else {}
    if "cpu_s" not in own:
        return {"size": size, "built": False, **whole}
    beside = {name.split("/", 2)[2]: step for name, step in steps.items() if name.startswith(f"peer/{size}/") and "cpu_s" in step}
    return {
        "size": size,
        "built": True,
        "wall_s": own["wall_s"],
        "cpu_s": own["cpu_s"],
        "within_limit_s": own["wall_s"] <= LIMIT_S if size >= SIZE else None,
        "identical_twice": again.get("identical"),
        **whole,
        "peer_to_ours": {
            name: {key: round(step[key] / own[key], 2) for key in ("wall_s", "cpu_s")} for name, step in sorted(beside.items())
        },
    }


def _of_shipped(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the shipped file is asked for: HTML and all PDFs against their limits, and sameness.

    >>> made = {"html": {"wall_s": 31.0}, "pdf": {"wall_s": 190.0}, "run_is": "that of the commit"}
    >>> _of_shipped({"shipped/file": made, "shipped/file again": {"identical": True}})["pdf"]
    {'wall_s': 190.0, 'within_limit_s': False}
    """
    own = steps["shipped/file"]
    if "error" in own:
        return {"built": False}
    timed = {
        name: {"wall_s": own[name]["wall_s"], "within_limit_s": own[name]["wall_s"] <= limit}
        for name, limit in SHIPPED_LIMITS_S.items()
    }
    return {
        "built": True,
        "run_is": own["run_is"],
        **timed,
        "identical_twice": steps.get("shipped/file again", {}).get("identical"),
    }


def sound(found: Mapping[str, Any], only: str) -> bool:
    """Say whether what was asked for was built twice the same.

    >>> sound({"identical_twice": True, "shipped": {"identical_twice": False}}, "generated")
    True
    """
    halves = {"generated": found.get("identical_twice"), "shipped": found.get("shipped", {}).get("identical_twice")}
    return all(halves[name] for name in ([only] if only else halves))


def main() -> int:
    """Run the steps that are not done yet; 0 where our file was built, twice the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=SIZE, help="items; 1,000 is the least")
    parser.add_argument("--work", type=Path, required=True, help="folder for the generated projects and what is built")
    parser.add_argument("--peers", type=Path, help="folder for StrictDoc's environment; without it the peers are not measured")
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which a process is stopped")
    parser.add_argument("--out", type=Path, default=ROOT / "evidence" / "technical_file" / "speed.json")
    parser.add_argument("--again", default="", help="repeat the steps whose names begin like this")
    parser.add_argument("--only", default="", choices=["", "generated", "shipped"], help="measure one half")
    parser.add_argument(AS_IT_LIES, action="store_true", help="do not ask whether the run is that of the commit")
    options = parser.parse_args()
    book, work = Book(options.out, options.again, SCHEMA), options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    book.data["versions"] = {name: version(name) for name in ("sphinx", "docutils", "myst-parser", "furo", "sphinx-needs")}
    book.data["limits"] = {"size": SIZE, "wall_s": LIMIT_S, "shipped_wall_s": SHIPPED_LIMITS_S}
    if options.only != "shipped":
        ours(book, work, options.size, options.limit)
    if options.only != "generated":
        shipped(book, work, options.limit, (AS_IT_LIES,) if options.as_it_lies else ())
    if options.peers:
        options.peers.mkdir(parents=True, exist_ok=True)
        book.step("peers installed", lambda: install(options.peers.resolve(), {"strictdoc": PACKAGES["strictdoc"]}))
        peers(book, work, options.peers.resolve(), options.size, options.limit)
    book.data["summary"] = summary(book.data["steps"], options.size)
    book.data["load_at_end"] = round(os.getloadavg()[0], 1)
    book.save()
    print(json.dumps(book.data["summary"], indent=1))  # noqa: T201 - a command's result
    return 0 if sound(book.data["summary"], options.only) else 1


if __name__ == "__main__":
    raise SystemExit(main())
