"""Steps that run the command line: batches in processes of their own, once a session, and quick commands inside this process."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, parsers, then, when
from typer.main import get_command
from typer.testing import CliRunner

from device_sw._version import __version__
from device_sw.cli import app
from device_sw.device import Device
from device_sw.launcher import MARKER, NUMERIC_ENVIRONMENT, numeric_environment
from verification.steps import bundles, films
from verification.steps.bundle import parameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

WITNESS = '''
"""Put on the path of a device process as sitecustomize: refuses every socket and tells on exit what the process did."""
import atexit, json, os, sys

seen = []


def watch(event, _arguments):
    if event.startswith("socket."):
        frame = sys._getframe(1)
        while frame.f_back and frame.f_code.co_filename.endswith("socket.py"):
            frame = frame.f_back
        seen.append([event, "/".join(frame.f_code.co_filename.split(os.sep)[-3:])])
        raise PermissionError("no network here")


def tell():
    names = json.loads(os.environ["WITNESS_VARIABLES"])
    told = {
        "sockets": seen,
        "environment": {name: os.environ.get(name) for name in names},
        "random_hashes": sys.flags.hash_randomization,
    }
    with open(os.environ["WITNESS_FILE"], "w") as stream:
        json.dump(told, stream)


def go_on():
    """Run the start-up file that would have run without this one, if there is one."""
    from importlib import machinery, util

    here = os.path.dirname(os.path.abspath(__file__))
    spec = machinery.PathFinder.find_spec("sitecustomize", [place for place in sys.path if os.path.abspath(place) != here])
    if spec is not None:
        spec.loader.exec_module(util.module_from_spec(spec))


sys.addaudithook(watch)
atexit.register(tell)
go_on()
'''

MISLEADING = {
    "THORATRACE_POLICY": "research",
    "THORATRACE_BUNDLE": "/nowhere",
    "THORATRACE_THRESHOLD": "0",
    "POLICY": "research",
    "BUNDLE": "/nowhere",
    "ANALYSE_POLICY": "research",
}
"""Variables by which a setting could creep in."""


@dataclass(frozen=True)
class Run:
    """One finished command: what it was given, where it wrote, how it ended."""

    inputs: tuple[Path, ...]
    out: Path
    bundle: Path
    code: int
    stdout: str
    stderr: str
    witness: dict[str, Any]
    before: dict[str, str]

    def json(self, name: str) -> Any:
        """Return a JSON file of the output folder."""
        return json.loads((self.out / name).read_text(encoding="utf-8"))

    def named(self, folder: str, index: int) -> list[Path]:
        """Return the files that a folder of the output holds for an input number."""
        return sorted((self.out / folder).glob(f"{index:04d}-*"))

    def record(self, folder: str, index: int) -> dict[str, Any]:
        """Return the one JSON record of an input; the scenario fails where there is not exactly one."""
        found = self.named(folder, index)
        assert len(found) == 1, f"expected one file of input {index} in {folder}, observed {[path.name for path in found]}"
        return dict(json.loads(found[0].read_text(encoding="utf-8")))

    @property
    def audit(self) -> list[dict[str, Any]]:
        """The audit lines."""
        return [json.loads(line) for line in (self.out / "audit.jsonl").read_text(encoding="utf-8").splitlines()]

    def records(self) -> dict[str, dict[str, Any]]:
        """Return every JSON record by its path below the output folder."""
        paths = sorted([*self.out.glob("results/*.json"), *self.out.glob("refusals/*.json")])
        return {path.relative_to(self.out).as_posix(): json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _environment(witness: Path | None, changes: dict[str, str]) -> dict[str, str]:
    """Return the environment of a fresh process: as a shell would give it, without the numeric settings of this one."""
    kept = {name: value for name, value in os.environ.items() if name not in {*NUMERIC_ENVIRONMENT, MARKER}}
    if witness is not None:
        names = json.dumps([*NUMERIC_ENVIRONMENT, MARKER])
        path = os.pathsep.join([str(witness), *filter(None, [os.environ.get("PYTHONPATH", "")])])
        kept |= {"PYTHONPATH": path, "WITNESS_FILE": str(witness / "told.json"), "WITNESS_VARIABLES": names}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def run_analyse(
    inputs: list[Path],
    out: Path,
    bundle: Path,
    *arguments: str,
    witness: Path | None = None,
    changes: dict[str, str] | None = None,
    largest_file: int | None = None,
) -> Run:
    """Run `thoratrace analyse` in a process of its own and return how it ended."""
    before = {str(path): bundles.sha256(path) for path in [*inputs, *sorted(bundle.iterdir())] if path.is_file()}
    command = [
        sys.executable,
        "-m",
        "device_sw",
        "analyse",
        *map(str, inputs),
        "-o",
        str(out),
        "--bundle",
        str(bundle),
        *arguments,
    ]

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    done = subprocess.run(
        command,
        env=_environment(witness, changes or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=limit,
    )
    told = json.loads((witness / "told.json").read_text(encoding="utf-8")) if witness is not None else {}
    return Run(tuple(inputs), out, bundle, done.returncode, done.stdout, done.stderr, told, before)


def _witness(folder: Path) -> Path:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITNESS, encoding="utf-8")
    return folder


def _lateral(name: str) -> films.FileDataset:
    dataset = films.film(name=name)
    dataset.ViewPosition = "LL"
    return dataset


@pytest.fixture(scope="session")
def batch(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Five inputs under the intended-use policy, started with other numeric settings, with every socket refused."""
    folder = tmp_path_factory.mktemp("batch")
    source = folder / "PLANTEDFOLDER"
    source.mkdir()
    paths = [source / f"PLANTEDFILE{number}.dcm" for number in range(1, 6)]
    films.write(films.film(name="first"), paths[0])
    paths[1].write_bytes(b"PLANTEDNAME wrote this note, it is no film.\n" * 20)
    films.write(films.film(name="cut"), paths[2])
    paths[2].write_bytes(paths[2].read_bytes()[:200_000])
    films.write(_lateral("lateral"), paths[3])
    films.write(films.film(films.picture(600, 512, seed=4), name="fifth"), paths[4])
    settings = {"OMP_NUM_THREADS": "8", "MKL_NUM_THREADS": "8", "PYTHONHASHSEED": "123"}
    return run_analyse(paths, folder / "out", small_bundle, witness=_witness(folder / "witness"), changes=settings)


@pytest.fixture(scope="session")
def second_run(batch: Run, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The last and the first film of the batch again, into a copy of its output folder, with misleading variables set."""
    folder = tmp_path_factory.mktemp("second")
    out = shutil.copytree(batch.out, folder / "out")
    return run_analyse([batch.inputs[4], batch.inputs[0]], out, small_bundle, "--again", changes=MISLEADING)


def capture(name: str) -> films.FileDataset:
    """Return a chest film as a Secondary Capture."""
    dataset = films.film(name=name)
    films.assign(dataset, "SOPClassUID", "Secondary Capture")
    films.assign(dataset, "ImageType", "DERIVED\\SECONDARY")
    return dataset


@pytest.fixture(scope="session")
def research(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three films and a text file under the research policy, with --json."""
    folder = tmp_path_factory.mktemp("research")
    assumed = films.film(name="assumed")
    for keyword in ("PatientOrientation", "WindowCenter", "WindowWidth"):
        del assumed[keyword]
    assumed.LossyImageCompression = "01"
    datasets = [films.film(name="first"), capture("capture"), assumed]
    paths = [films.write(dataset, folder / f"{number}.dcm") for number, dataset in enumerate(datasets, start=1)]
    note = folder / "note.dcm"
    note.write_text("no film\n", encoding="utf-8")
    return run_analyse([*paths, note], folder / "out", small_bundle, "--policy", "research", "--json")


@given("the batch of a good film, a text file, a truncated film, a lateral film and another good film", target_fixture="run")
@given("the batch, which was started with OMP_NUM_THREADS=8 and another hash seed", target_fixture="run")
def _batch(batch: Run) -> Run:
    return batch


@given("the research batch of a good film, a Secondary Capture and a film with assumptions", target_fixture="run")
def _research(research: Run) -> Run:
    return research


@given("a second run into the same folder", target_fixture="again")
@given("two films that were handed over in the other order", target_fixture="again")
@when("the first film is analysed again with misleading environment variables", target_fixture="again")
def _second(second_run: Run) -> Run:
    return second_run


@given("a run whose files cannot grow beyond 20000 bytes", target_fixture="run")
def _full_disk(small_bundle: Path, tmp_path: Path) -> Run:
    film = films.write(films.film(), tmp_path / "film.dcm")
    return run_analyse([film], tmp_path / "out", small_bundle, largest_file=20_000)


@given("a run whose audit file cannot be written", target_fixture="run")
def _audit_full(small_bundle: Path, tmp_path: Path) -> Run:
    """An audit file that has reached the largest size a file may have: everything else can still be written."""
    out, limit = tmp_path / "out", 8_000_000
    out.mkdir()
    first = json.dumps({"previous": "0" * 64, "event": ""})
    (out / "audit.jsonl").write_text(
        json.dumps({"previous": "0" * 64, "event": "x" * (limit - len(first) - 1)}) + "\n", encoding="utf-8"
    )
    assert (out / "audit.jsonl").stat().st_size == limit, "expected an audit file of exactly the limit"
    film = films.write(films.film(), tmp_path / "film.dcm")
    return run_analyse([film], out, small_bundle, largest_file=limit)


@dataclass(frozen=True)
class Command:
    """One finished command inside this process."""

    code: int
    stdout: str
    stderr: str


def invoke(*arguments: str) -> Command:
    """Run the command line in this process; a traceback ends the scenario."""
    result: Result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Command(result.exit_code, result.stdout, result.stderr)


@when(parsers.parse("the command line is called with {arguments}"), target_fixture="command")
def _called(arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    films.write(films.film(), tmp_path / "film.dcm")
    return invoke(*arguments.split())


@then(parsers.parse("it ends with code {code:d} and one says what is wrong on stderr"))
def _usage(command: Command, code: int, tmp_path: Path) -> None:
    assert command.code == code, f"expected {code}, observed {command.code}: {command.stderr}"
    assert command.stderr.strip(), "expected words on stderr, observed none"
    assert "Traceback" not in command.stderr, f"expected no traceback, observed {command.stderr}"
    assert not (tmp_path / "out").exists(), "expected no output folder, observed one"


@when("the help of every command is read", target_fixture="helps")
def _helps() -> dict[str, str]:
    return {name: invoke(name, "--help").stdout for name in ("analyse", "info", "self-test")}


@then("no option speaks of thresholds, operating points or scores")
def _no_threshold_option(helps: dict[str, str]) -> None:
    offered = _options()
    assert "--bundle" in helps["analyse"], f"expected the help of analyse, observed {helps['analyse'][:80]}"
    forbidden = [
        name for name in offered if any(word in name for word in ("threshold", "operating", "score", "point", "skip", "force"))
    ]
    assert not forbidden, f"expected no such option, observed {forbidden}"


NOT_ANALYSING = frozenset({"deidentify", "pseudonyms"})
"""Commands that analyse no film."""


def _options() -> set[str]:
    """Return every option of every command that has to do with results."""
    commands = get_command(app).commands.values()
    return {
        option
        for command in commands
        if not hasattr(command, "commands") and command.name not in NOT_ANALYSING
        for parameter in command.params
        for option in parameter.opts
    }


@when("the signature of the device and the options of the command line are inspected", target_fixture="choices")
def _choices() -> set[str]:
    return {option for option in _options() if option not in {"--help", "paths", "out"}}


@then("nothing but bundle, policy, output, format and heat map can be chosen")
def _nothing_else(choices: set[str]) -> None:
    extra = choices - {
        "--bundle",
        "--policy",
        "--out",
        "-o",
        "--json",
        "--list",
        "--again",
        "--engine",
        "--workers",
        "--explain",
        "--dicom",
        "--secondary-capture",
        "--page",
        "--input",
        "record",
    }
    assert not extra, f"expected no other option, observed {sorted(extra)}"
    assert parameters(Device.analyse) == {"path", "explain"}, f"expected path and explain, observed {parameters(Device.analyse)}"


@when("a film is analysed with a bundle of which one bit is flipped", target_fixture="command")
def _flipped(small_bundle: Path, tmp_path: Path) -> Command:
    bundle = bundles.copy(small_bundle, tmp_path / "bundle")
    bundles.flip_bit(bundle / "weights.safetensors")
    film = films.write(films.film(), tmp_path / "film.dcm")
    return invoke("analyse", str(film), "-o", str(tmp_path / "out"), "--bundle", str(bundle))


@then(parsers.parse("it ends with code {code:d}, names {name} on one line of stderr, and writes no result"))
def _no_result(command: Command, code: int, name: str, tmp_path: Path) -> None:
    assert command.code == code, f"expected {code}, observed {command.code}"
    lines = [line for line in command.stderr.splitlines() if name in line]
    assert len(lines) == 1, f"expected one line with {name}, observed {command.stderr!r}"
    written = [path.name for path in tmp_path.rglob("*.json") if "bundle" not in path.parts]
    assert not written, f"expected no result, observed {written}"


@given(parsers.parse("a folder that holds bundles at {places}"), target_fixture="site")
def _site(small_bundle: Path, tmp_path: Path, places: str) -> Path:
    site = tmp_path / "site"
    for number, place in enumerate(places.split(", ")):
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        bundles.copy(small_bundle, site / place)
        manifest = json.loads((site / place / "manifest.json").read_text(encoding="utf-8"))
        manifest["model_version"] = f"0.0.{number + 10}"
        (site / place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return site


@given("a folder that holds no bundle", target_fixture="site")
def _empty_site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


@given(parsers.parse("the bundle at {place} is corrupt"))
def _corrupt(site: Path, place: str) -> None:
    bundles.flip_bit(site / place / "weights.safetensors")


@when(parsers.parse("the command info is run there with {option}"), target_fixture="command")
def _info_there(site: Path, option: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(site)
    return invoke("info", "--json", *(() if option == "no option" else option.split()))


@then(parsers.parse("it uses the bundle at {used} and prints which one it is"))
def _uses(command: Command, site: Path, used: str) -> None:
    assert command.code == 0, f"expected 0, observed {command.code}: {command.stderr}"
    expected, observed = bundles.sha256(site / used / "manifest.json"), json.loads(command.stdout)["bundle_sha256"]
    assert observed == expected, f"expected the bundle at {used} ({expected[:12]}), observed {observed[:12]}"
    assert used in command.stderr, f"expected {used} to be printed, observed {command.stderr!r}"


@then(parsers.re(r"it ends with code (?P<code>\d) and names (?P<name>[A-Z-]+)$"))
def _ends_and_names(command: Command, code: str, name: str) -> None:
    assert command.code == int(code), f"expected {code}, observed {command.code}: {command.stdout}{command.stderr}"
    assert name in command.stderr, f"expected {name} on stderr, observed {command.stderr!r}"
    assert not command.stdout.strip(), f"expected nothing on stdout, observed {command.stdout!r}"


@when("the command self-test is run with the bundle", target_fixture="command")
def _self_test(small_bundle: Path) -> Command:
    return invoke("self-test", "--bundle", str(small_bundle))


@when("the command self-test is run with the shipped bundle", target_fixture="command")
def _self_test_shipped(shipped_bundle: Path) -> Command:
    return invoke("self-test", "--bundle", str(shipped_bundle))


@when(parsers.parse("the command self-test is run with a bundle with {fault}"), target_fixture="command")
def _self_test_fault(small_bundle: Path, tmp_path: Path, fault: str) -> Command:
    return invoke("self-test", "--bundle", str(bundles.spoil(bundles.copy(small_bundle, tmp_path / "bundle"), fault)))


@then(parsers.parse("it ends with code {code:d} and prints the largest deviations of box and score"))
def _deviations(command: Command, code: int) -> None:
    assert command.code == code, f"expected {code}, observed {command.code}: {command.stderr}"
    facts = dict(line.split(": ", 1) for line in command.stdout.splitlines())
    assert 0.0 <= float(facts["max box px"]) <= 0.5, f"expected a deviation up to 0.5 pixel, observed {facts}"
    assert 0.0 <= float(facts["max score"]) <= 1e-4, f"expected a deviation up to 0.0001, observed {facts}"


@then(parsers.parse("it ends with code {code:d} and names {name} with the deviations"))
def _deviations_beyond(command: Command, code: int, name: str) -> None:
    assert command.code == code, f"expected {code}, observed {command.code}: {command.stdout}"
    line = next((line for line in command.stderr.splitlines() if name in line), "")
    assert "px" in line, f"expected a line with {name} and the deviations, observed {command.stderr!r}"


@when("the command info is run", target_fixture="command")
def _info(small_bundle: Path) -> Command:
    return invoke("info", "--bundle", str(small_bundle))


@when("the command info is run with --json", target_fixture="command")
def _info_json(small_bundle: Path) -> Command:
    return invoke("info", "--bundle", str(small_bundle), "--json")


@then("stdout shows device version, model version, bundle hash, profile, budget and that the device is not for clinical use")
def _info_shows(command: Command, small_bundle: Path) -> None:
    manifest = json.loads((small_bundle / "manifest.json").read_text(encoding="utf-8"))
    digest = bundles.sha256(small_bundle / "manifest.json")
    expected = (__version__, manifest["model_version"], digest, manifest["profile"], manifest["budget"], "not for clinical use")
    missing = [text for text in expected if text not in command.stdout]
    assert command.code == 0, f"expected 0, observed {command.code}: {command.stderr}"
    assert not missing, f"expected all six on stdout, observed {missing} missing"


@then("its fields hold the values of the bundle and the statement")
def _info_fields(command: Command, small_bundle: Path) -> None:
    facts = json.loads(command.stdout)
    manifest = json.loads((small_bundle / "manifest.json").read_text(encoding="utf-8"))
    expected = {
        "device_version": __version__,
        "model_version": manifest["model_version"],
        "bundle_sha256": bundles.sha256(small_bundle / "manifest.json"),
        "profile": manifest["profile"],
        "budget": manifest["budget"],
    }
    wrong = {name: facts.get(name) for name, value in expected.items() if facts.get(name) != value}
    assert not wrong, f"expected {expected}, observed {wrong}"
    assert "not for clinical use" in facts["statement"], f"expected the statement, observed {facts['statement']}"


@when("a lateral film and a text file are analysed with --json", target_fixture="command")
def _json_refusals(small_bundle: Path, tmp_path: Path) -> Command:
    lateral = films.write(_lateral("lateral"), tmp_path / "lateral.dcm")
    note = tmp_path / "note.txt"
    note.write_text("no film\n", encoding="utf-8")
    return invoke("analyse", str(lateral), str(note), "-o", str(tmp_path / "out"), "--bundle", str(small_bundle), "--json")


@then("its stdout parses as JSON with both refusals and stderr has one line for each")
def _both(command: Command) -> None:
    codes = [outcome["code"] for outcome in json.loads(command.stdout)["outcomes"]]
    assert codes == ["ADM-VIEW", "IN-NOT-DICOM"], f"expected both refusals, observed {codes}"
    for code in codes:
        lines = [line for line in command.stderr.splitlines() if code in line]
        assert len(lines) == 1, f"expected one line with {code}, observed {command.stderr!r}"


@given("a Secondary Capture handed to the command line without a policy", target_fixture="unasked")
def _unasked(small_bundle: Path, tmp_path: Path) -> tuple[Command, Path]:
    film = films.write(capture("capture"), tmp_path / "capture.dcm")
    return invoke("analyse", str(film), "-o", str(tmp_path / "out"), "--bundle", str(small_bundle)), tmp_path / "out"


@then("it is recorded as refused with ADM-SECONDARY under the intended-use policy")
def _refused_unasked(unasked: tuple[Command, Path]) -> None:
    command, out = unasked
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((out / "refusals").glob("*.json"))]
    observed = [(record["code"], record["policy"]) for record in records]
    assert command.code == 1, f"expected 1, observed {command.code}"
    assert observed == [("ADM-SECONDARY", "intended-use")], f"expected one refusal, observed {observed}"


@when(parsers.parse("the launcher is called in a process that has imported {library}"), target_fixture="late")
def _late(library: str) -> subprocess.CompletedProcess[str]:
    code = f"import {library}\nfrom device_sw.launcher import relaunch\nrelaunch()\nprint('went on')"
    return subprocess.run(
        [sys.executable, "-c", code], env=_environment(None, {}), capture_output=True, text=True, check=False, timeout=120
    )


@then(parsers.parse("it stops and says that {library} was imported first"))
def _stops(late: subprocess.CompletedProcess[str], library: str) -> None:
    assert late.returncode != 0, f"expected a failure, observed code 0 and {late.stdout!r}"
    last = late.stderr.strip().splitlines()[-1]
    assert library in last, f"expected {library} in the message, observed {last!r}"
    assert "imported before the numeric environment was set" in last, f"expected the reason, observed {last!r}"
    assert "went on" not in late.stdout, "expected a stop, observed that the process went on"


MEASURE = """
import json, resource, sys, time
from pathlib import Path
from device_sw.device import Device
device = Device(Path(sys.argv[1]))
seconds = []
for _ in range(3):
    start = time.process_time()
    result = device.analyse(Path(sys.argv[2]))
    seconds.append(time.process_time() - start)
print(json.dumps({"seconds": seconds, "rows": result.film.rows, "columns": result.film.columns,
                  "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


@when("the shipped device analyses one phantom film three times on one core", target_fixture="measured")
def _measured(
    shipped_bundle: Path, cohort: dict[str, Any], repository: Path, shipped_results: Callable[..., Any]
) -> dict[str, Any]:
    film = next(
        film
        for film in cohort["films"]
        if film["split"] == "test" and (film["rows"], film["columns"]) == (1024, 1024) and shipped_results(film).result
    )
    path = repository / "artifacts" / "cohort" / film["path"]
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURE), str(shipped_bundle), str(path)],
        env=numeric_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    return dict(json.loads(done.stdout))


@then(parsers.parse("the median is at most {limit:g} seconds and the peak resident memory at most {gigabytes:g} GB"))
def _within(measured: dict[str, Any], limit: float, gigabytes: float) -> None:
    median = sorted(measured["seconds"])[1]
    peak = measured["peak_kb"] * 1024 / 1e9
    assert median <= limit, f"expected at most {limit} s, observed {median:.2f} s"
    assert peak <= gigabytes, f"expected at most {gigabytes} GB, observed {peak:.2f} GB"
