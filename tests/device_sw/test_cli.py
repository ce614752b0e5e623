"""The command line: every input ends in a record, streams and exit codes say what happened, nothing private comes out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from device_sw import cli
from verification.steps import bundles, films

ROOT = Path(__file__).resolve().parents[2]
run = CliRunner().invoke


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return bundles.untrained(tmp_path_factory.mktemp("made") / "bundle")


@pytest.fixture
def folder(tmp_path):
    """Three inputs: a film, a text, a film of a knee; names chosen so that sorting shows."""
    source = tmp_path / "PLANTEDFOLDER"
    (source / "deeper").mkdir(parents=True)
    films.write(films.film(), source / "b.dcm")
    (source / "a.txt").write_text("no film")
    knee = films.film(name="knee")
    knee.BodyPartExamined = "KNEE"
    films.write(knee, source / "deeper" / "c.dcm")
    return source


def analyse(folder, out, bundle, *options):
    return run(cli.app, ["analyse", str(folder), "-o", str(out), "--bundle", str(bundle), *options])


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def audit(out):
    return [json.loads(line) for line in (out / "audit.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_bad_input_does_not_stop_the_batch(folder, tmp_path, bundle):
    told = analyse(folder, tmp_path / "out", bundle)
    summary = read(tmp_path / "out" / "summary.json")
    assert told.exit_code == 1
    assert [outcome["code"] for outcome in summary["outcomes"]] == ["IN-NOT-DICOM", None, "ADM-BODY-PART"]
    assert (summary["inputs"], summary["analysed"], summary["refused"], summary["failed"]) == (3, 1, 2, 0)


def test_every_input_has_its_files_and_one_audit_line(folder, tmp_path, bundle):
    out = tmp_path / "out"
    analyse(folder, out, bundle)
    names = {
        part: sorted(path.name[:4] for path in (out / part).iterdir()) for part in ("results", "overlays", "refusals", "pages")
    }
    assert names == {"results": ["0002"], "overlays": ["0002"], "refusals": ["0001", "0003"], "pages": ["0001", "0002", "0003"]}
    lines = audit(out)
    assert [(line["index"], line["status"]) for line in lines] == [(1, "refused"), (2, "analysed"), (3, "refused")]
    assert lines[1]["content_sha256"] == bundles.sha256(folder / "b.dcm")
    assert sum(lines[1]["detections"].values()) == sum(
        len(row["detections"]) for row in read(next((out / "results").iterdir()))["findings"]
    )
    assert all("mark" not in line for line in lines)


def test_only_the_index_and_the_objects_for_the_archive_know_names(folder, tmp_path, bundle):
    out = tmp_path / "out"
    told = analyse(folder, out, bundle)
    planted = films.planted_bytes(folder / "b.dcm").values()
    outputs = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.suffix != ".dcm"}
    leaks = [
        path.name for path, content in outputs.items() if path.name != "index.json" and any(value in content for value in planted)
    ]
    assert leaks == []
    assert not any(value in (told.stdout + told.stderr).encode() for value in planted)
    assert [entry["path"] for entry in read(out / "index.json")["inputs"]] == [
        str(folder / name) for name in ("a.txt", "b.dcm", "deeper/c.dcm")
    ]


@pytest.mark.parametrize(
    ("options", "written"),
    [((), {"sr.dcm", "gsps.dcm"}), (("--secondary-capture",), {"sr.dcm", "gsps.dcm", "sc.dcm"}), (("--no-dicom",), set())],
)
def test_dicom_objects_are_an_option(folder, tmp_path, bundle, options, written):
    out = tmp_path / "out"
    analyse(folder / "b.dcm", out, bundle, *options)
    assert {path.name for path in out.rglob("*.dcm")} == written
    told = read(next((out / "results").iterdir()))["dicom_objects"]
    assert {f"{made['kind']}.dcm" for made in told["written"]} == written
    assert told["withheld"] == (None if written else "not asked for")


def test_pages_are_an_option(folder, tmp_path, bundle):
    analyse(folder, tmp_path / "out", bundle, "--no-page")
    assert list((tmp_path / "out" / "pages").iterdir()) == []
    assert [read(path)["page"] for path in sorted((tmp_path / "out").glob("re*/*.json"))] == [False, False, False]


def test_a_good_batch_ends_with_zero(folder, tmp_path, bundle):
    told = analyse(folder / "b.dcm", tmp_path / "out", bundle)
    assert told.exit_code == 0
    assert "1 inputs: 1 analysed, 0 refused, 0 failed." in told.stdout


def test_refusals_are_one_line_each_on_stderr(folder, tmp_path, bundle):
    told = analyse(folder, tmp_path / "out", bundle)
    lines = told.stderr.splitlines()
    assert [line[:13] for line in lines[1:]] == ["0001 refused:", "0003 refused:"]
    assert "found KNEE, expected CHEST or THORAX" in lines[2]
    assert "refused:" not in told.stdout


def test_json_is_all_that_stdout_holds(folder, tmp_path, bundle):
    told = analyse(folder, tmp_path / "out", bundle, "--json")
    assert json.loads(told.stdout) == read(tmp_path / "out" / "summary.json")


def test_research_is_marked_everywhere(folder, tmp_path, bundle):
    out = tmp_path / "out"
    told = analyse(folder, out, bundle, "--policy", "research")
    assert told.stdout.count("RESEARCH") == 1
    marks = [read(path)["mark"] for part in ("results", "refusals") for path in (out / part).iterdir()]
    assert {*marks, read(out / "summary.json")["mark"], *(line["mark"] for line in audit(out))} == {"RESEARCH"}


def test_a_second_run_continues_the_numbers_and_keeps_the_first(folder, tmp_path, bundle):
    out = tmp_path / "out"
    analyse(folder, out, bundle)
    before = {path: path.read_bytes() for part in ("results", "refusals", "overlays") for path in (out / part).iterdir()}
    first = (out / "audit.jsonl").read_bytes()
    analyse(folder / "b.dcm", out, bundle, "--again")
    assert all(path.read_bytes() == content for path, content in before.items())
    assert (out / "audit.jsonl").read_bytes().startswith(first)
    assert [line["index"] for line in audit(out)] == [1, 2, 3, 4]
    assert [entry["index"] for entry in read(out / "index.json")["inputs"]] == [1, 2, 3, 4]


def test_a_missing_path_is_a_refused_input(tmp_path, bundle):
    told = analyse(tmp_path / "absent", tmp_path / "out", bundle)
    assert told.exit_code == 1
    assert "0001 refused: IN-UNREADABLE at file: found no regular file" in told.stderr


def test_an_empty_folder_is_wrong_usage(tmp_path, bundle):
    (tmp_path / "empty").mkdir()
    told = analyse(tmp_path / "empty", tmp_path / "out", bundle)
    assert (told.exit_code, told.stderr) == (2, "no file to analyse in the given paths\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [["analyse"], ["analyse", "x"], ["analyse", "x", "-o", "y", "--policy", "lenient"], ["nonsense"]]
)
def test_wrong_usage_ends_with_two(arguments):
    assert run(cli.app, arguments).exit_code == 2


def test_a_bundle_with_a_flipped_bit_ends_with_three(folder, tmp_path, bundle):
    spoilt = bundles.copy(bundle, tmp_path / "spoilt")
    bundles.flip_bit(spoilt / "weights.safetensors")
    told = analyse(folder, tmp_path / "out", spoilt)
    assert told.exit_code == 3
    assert "BND-HASH at weights.safetensors" in told.stderr
    assert not (tmp_path / "out").exists()


def test_no_bundle_anywhere_ends_with_three(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run(cli.app, ["analyse", str(folder), "-o", "out"])
    assert told.exit_code == 3
    assert told.stderr.startswith("BND-NONE at bundle")


def test_a_named_bundle_is_never_replaced_by_another(folder, tmp_path, bundle, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundles.copy(bundle, Path("artifacts/bundle"))
    told = analyse(folder, tmp_path / "out", tmp_path / "absent")
    assert told.exit_code == 3
    assert "BND-MISSING" in told.stderr


def test_the_newest_release_is_used_before_the_pipelines_bundle(tmp_path, bundle, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundles.copy(bundle, Path("artifacts/bundle"))
    assert cli._bundle_folder(None) == Path("artifacts/bundle")
    for version in ("0.9.0", "0.10.0"):
        bundles.copy(bundle, Path("releases") / version / "bundle")
    assert cli._bundle_folder(None) == Path("releases/0.10.0/bundle")


def test_an_output_folder_that_cannot_be_made_ends_with_three(folder, tmp_path, bundle):
    (tmp_path / "out").write_text("in the way")
    told = analyse(folder, tmp_path / "out", bundle)
    assert told.exit_code == 3
    assert "OUT-FOLDER at output folder: found" in told.stderr


def test_info_tells_what_this_is(bundle):
    told = json.loads(run(cli.app, ["info", "--bundle", str(bundle), "--json"]).stdout)
    assert told["bundle_sha256"] == bundles.sha256(bundle / "manifest.json")
    assert "not for clinical use" in told["statement"]
    assert "not for clinical use" in run(cli.app, ["info", "--bundle", str(bundle)]).stdout


def test_self_test_passes_on_a_good_bundle_and_fails_on_another(tmp_path, bundle):
    good = run(cli.app, ["self-test", "--bundle", str(bundle), "--json"])
    assert (good.exit_code, json.loads(good.stdout)["passed"]) == (0, True)
    shifted = bundles.copy(bundle, tmp_path / "shifted")
    golden = read(shifted / "golden_outputs.json")
    golden["film_0"]["candidates"][0]["score"] -= 0.01
    (shifted / "golden_outputs.json").write_text(json.dumps(golden))
    bundles.seal(shifted)
    bad = run(cli.app, ["self-test", "--bundle", str(shifted)])
    assert bad.exit_code == 3
    assert "BND-SELF-TEST at golden inputs" in bad.stderr


def test_the_process_sets_its_numeric_environment_itself(folder, tmp_path, bundle):
    """Started with many threads asked for, the device runs again under its own environment; stdout stays JSON."""
    environment = {**os.environ, "OMP_NUM_THREADS": "7", "PYTHONPATH": str(ROOT)}
    environment.pop("THORATRACE_LAUNCHED", None)
    command = [
        sys.executable,
        "-m",
        "device_sw",
        "analyse",
        str(folder),
        "-o",
        str(tmp_path / "out"),
        "--bundle",
        str(bundle),
        "--json",
    ]
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert told.returncode == 1
    assert json.loads(told.stdout)["analysed"] == 1
    assert "Traceback" not in told.stderr


def test_nothing_is_said_in_a_word(capsys):
    cli._print_facts({"verdict": "same bytes", "code": None, "same": ["a", "b"], "absent": []}, json_only=False)
    assert capsys.readouterr().out == "verdict: same bytes\ncode: none\nsame: a, b\nabsent: none\n"
