"""DVC does not follow imports, so this does: whatever a stage imports, directly or not, stands in its `deps`.

Source: treeverse/dvc issue 9195; ADR 0009.
"""

import ast
import tomllib
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("device_sw", "requirements_spec", "risk", "phantom", "verification", "validation", "pipeline")


def stages_of_dvc():
    return yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def declared():
    """Return [(where, stage module, deps)] of dvc.yaml and of the profiles."""
    rows = [(f"dvc.yaml {name}", name, stage["deps"]) for name, stage in stages_of_dvc().items()]
    profiles = tomllib.loads((ROOT / "pipeline" / "profiles.toml").read_text(encoding="utf-8"))["profile"]
    return rows + [(f"profiles.toml {name}", row["stage"], row["deps"]) for name, row in profiles.items()]


@cache
def graph():
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def needed_files(stage):
    """Return every source and data file a stage reads through its imports, relative to the repository."""
    module = f"pipeline.stages.{stage}"
    files = {source_of(name) for name in {module, *graph().find_upstream_modules(module)}}
    return sorted(str(path.relative_to(ROOT)) for source in files for path in (source, *data_beside(source)))


def source_of(module):
    path = ROOT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def data_beside(source):
    """Return the data files a module names that lie beside it, for example device_sw/findings.toml."""
    names = {node.value for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)}
    return [source.parent / name for name in names if _is_data_name(name) and (source.parent / name).is_file()]


def _is_data_name(name):
    return isinstance(name, str) and "/" not in name and name.endswith((".toml", ".json", ".npz"))


def uncovered(files, deps):
    """Return the files that no dep names and no dep's folder holds."""
    return [
        file
        for file in files
        if not any(file == dep or file.startswith(f"{dep}/") for dep in deps) and not file.endswith("__init__.py")
    ]


@pytest.mark.parametrize(("where", "stage", "deps"), declared(), ids=lambda value: value if isinstance(value, str) else "")
def test_deps_cover_imports(where, stage, deps):
    missing = uncovered(needed_files(stage), deps)
    assert missing == [], f"{where}: add to deps, or a change of them runs nothing again: {missing}"


@pytest.mark.parametrize(("where", "stage", "deps"), declared(), ids=lambda value: value if isinstance(value, str) else "")
def test_deps_name_what_exists(where, stage, deps):
    absent = [dep for dep in deps if not dep.startswith("artifacts/") and not (ROOT / dep).exists()]
    assert absent == [], f"{where}: {stage} depends on {absent}"


def test_a_missing_dep_would_be_found():
    deps = stages_of_dvc()["prepare"]["deps"]
    without_reader = [dep for dep in deps if dep != "device_sw/dicom"]
    assert "device_sw/dicom/reader.py" in uncovered(needed_files("prepare"), without_reader)


def test_data_beside_a_module_is_needed_too():
    assert "device_sw/findings.toml" in needed_files("package")


def test_each_stage_has_a_module_and_each_module_a_stage():
    modules = {path.stem for path in (ROOT / "pipeline" / "stages").glob("*.py")} - {"__init__"}
    assert {stage for _, stage, _ in declared()} == modules


def test_each_stage_runs_the_module_of_its_name():
    commands = {name: stage["cmd"] for name, stage in stages_of_dvc().items()}
    assert commands == {name: f"python -m pipeline.stages.{name}" for name in commands}


def test_each_artifact_a_stage_reads_is_made_by_an_earlier_one():
    made = set()
    for name, stage in stages_of_dvc().items():
        read = {dep for dep in stage["deps"] if dep.startswith("artifacts/")}
        assert read <= made, f"{name} reads {read - made}, which no earlier stage makes"
        made |= set(stage["outs"])
