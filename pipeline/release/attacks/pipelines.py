"""Attacks on how artefacts are made: the run of a small pipeline is harmed while it runs and after it, in its lock, its outputs and its libraries."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.release.attacks.attack import Aim, Attack, CheckName, Holds, Outcome, Sign
from pipeline.release.attacks.content import rewrite
from pipeline.release.attacks.outcomes import coded
from pipeline.release.provenance.honest_stages import environment_of, run_honestly, sealed_stages
from pipeline.release.provenance.installed import installed
from pipeline.release.provenance.lineage import lineage
from pipeline.run import Run
from verification.trace.lineage import md5_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.release.attacks.bench import Bench

LOCK = f"alpha==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
FILMS, BUNDLE = "artifacts/films/a.dcm", "artifacts/bundle"
_STAGES = {
    "films": {"cmd": "python films.py", "deps": ["films.py"], "params": ["seed"], "outs": ["artifacts/films"]},
    "train": {"cmd": "python train.py", "deps": ["artifacts/films", "train.py"], "outs": [BUNDLE]},
}
_SCRIPT = """from pathlib import Path
target = Path("{target}")
target.parent.mkdir(parents=True, exist_ok=True)
target.write_bytes(b'{text}')
"""
MEANWHILE = "meanwhile.py"
"""Script that runs while the last stage does, if it lies there."""


def site_of(bench: Bench) -> Path:
    """Return the folder of the bench's installed libraries."""
    return bench.beside("site")


def install(bench: Bench, text: str) -> None:
    """Install the one library of the bench's lock as an installer does: its file, and a RECORD that fits."""
    info = site_of(bench) / "alpha-1.0.dist-info"
    info.mkdir(exist_ok=True)
    files = {"alpha.py": text, f"{info.name}/METADATA": "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"}
    rows = []
    for name, content in files.items():
        (site_of(bench) / name).write_text(content, encoding="utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}")
    (info / "RECORD").write_text("\n".join([*rows, f"{info.name}/RECORD,,"]), encoding="utf-8")


def _with_pipeline(bench: Bench) -> None:
    """Lay out a pipeline of two stages and one library, and run it between readings."""
    root = bench.beside("run")
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": _STAGES}), encoding="utf-8")
    (root / "params.yaml").write_text("seed: 7\n", encoding="utf-8")
    (root / "films.py").write_text(_SCRIPT.format(target=FILMS, text="film"), encoding="utf-8")
    weights = hashlib.sha256(b"weights").hexdigest()
    manifest = json.dumps({"files": {"weights.safetensors": {"sha256": weights, "size": 7}}, "model_version": "0.1.0"})
    outputs = {f"{BUNDLE}/weights.safetensors": "weights", f"{BUNDLE}/manifest.json": manifest}
    script = "".join(_SCRIPT.format(target=target, text=text) for target, text in outputs.items())
    (root / "train.py").write_text(script, encoding="utf-8")
    install(bench, "value = 1\n")
    run_honestly(Run(root), lambda: _environment(bench), _run_stage)
    _lock(root)


def _environment(bench: Bench) -> dict[str, str]:
    libraries = {name: each.sha256 for name, each in installed(LOCK, site_of(bench)).items()}
    return environment_of(libraries, hashlib.sha256(LOCK.encode()).hexdigest())


def _run_stage(run: Run, stage: str, caches: Path) -> int:
    """Run a stage's script, and what somebody else does meanwhile."""
    for script in (f"{stage}.py", MEANWHILE):
        if (run.root / script).exists():
            subprocess.run([sys.executable, "-I", script], cwd=run.root, check=True, env={"PYTHONPYCACHEPREFIX": str(caches)})
    return 0


def _lock(root: Path) -> None:
    """Write the lock that DVC writes after such a run."""

    def entries(paths: list[str]) -> list[dict[str, Any]]:
        return [{"path": path, "hash": "md5", "md5": md5_of(root / path), "size": 1} for path in paths]

    stages = {
        name: {
            "cmd": stage["cmd"],
            "deps": entries(stage["deps"]),  # type: ignore[arg-type]  the table holds a text and lists
            "params": {"params.yaml": {"seed": 7}} if "params" in stage else {},
            "outs": entries(stage["outs"]),  # type: ignore[arg-type]
        }
        for name, stage in _STAGES.items()
    }
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}), encoding="utf-8")


def check_lineage(bench: Bench) -> Outcome:
    """Ask for the lineage of the bench's run."""
    return coded(lambda: lineage(bench.beside("run")))


def check_stages(bench: Bench) -> Outcome:
    """Ask whether the bench's run may be released: each stage still sealed, and what is left to run is run between readings."""
    run = Run(bench.beside("run"))
    if (run.root / MEANWHILE).exists():
        return coded(lambda: run_honestly(run, lambda: _environment(bench), _run_stage))
    return coded(lambda: sealed_stages(run, _environment(bench)))


def check_libraries(bench: Bench) -> Outcome:
    """Ask whether the bench's libraries are those of the lock."""
    return coded(lambda: installed(LOCK, site_of(bench)))


def _output_changed(bench: Bench) -> tuple[Sign, ...]:
    """Change an output and keep its size and time, so that DVC's own status stays quiet."""
    rewrite(bench.beside("run") / FILMS, b"fLlm")
    return (Sign("REL-LINEAGE-STALE", "stage films, output artifacts/films"),)


def _lock_edited(bench: Bench) -> tuple[Sign, ...]:
    path = bench.beside("run") / "dvc.lock"
    rewrite(path, path.read_bytes().replace(b"seed: 7", b"seed: 8"))
    return (Sign("REL-LINEAGE-STALE", "stage films, parameter seed of params.yaml"),)


def _lock_fabricated(bench: Bench) -> tuple[Sign, ...]:
    """Put other films there and let dvc.lock say that the stages made and read them: the lock fits what lies there."""
    root = bench.beside("run")
    rewrite(root / FILMS, b"fLlm")
    _lock(root)
    return (Sign("REL-STAGE-OUTPUT", "stage films, artifacts/films"),)


def _edited_meanwhile(bench: Bench) -> tuple[Sign, ...]:
    """Edit a stage's code after it was read and before it is locked."""
    root = bench.beside("run")
    (root / "artifacts" / "honest_stages" / "train.json").unlink()
    (root / MEANWHILE).write_text("from pathlib import Path\nPath('train.py').write_text('# other code')\n", encoding="utf-8")
    return (Sign("REL-STAGE-CHANGED", "stage train, train.py"),)


def _parameter_changed(bench: Bench) -> tuple[Sign, ...]:
    (bench.beside("run") / "params.yaml").write_text("seed: 8\n", encoding="utf-8")
    return (Sign("REL-STAGE-STALE", "stage films, params.yaml"),)


def _seal_removed(bench: Bench) -> tuple[Sign, ...]:
    (bench.beside("run") / "artifacts" / "honest_stages" / "train.json").unlink()
    return (Sign("REL-STAGE-UNSEALED", "stage train"),)


def _library_swapped(bench: Bench) -> tuple[Sign, ...]:
    """Install another library under the old version, with a RECORD that fits it: it looks well installed."""
    install(bench, "value = 2\n")
    return (Sign("REL-STAGE-ENVIRONMENT", "stage films, library alpha"),)


def _library_edited(bench: Bench) -> tuple[Sign, ...]:
    rewrite(site_of(bench) / "alpha.py", b"value = 2\n")
    return (Sign("REL-ENVIRONMENT-FILE", "alpha: alpha.py"),)


def _runs_at_every_start(name: str) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that puts a file among the libraries which the interpreter runs at its start."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        (site_of(bench) / name).write_text("import os; os.environ['OMP_NUM_THREADS'] = '2'\n", encoding="utf-8")
        return (Sign("REL-ENVIRONMENT-EXTRA", name),)

    return deed


def _other_version(bench: Bench) -> tuple[Sign, ...]:
    info = site_of(bench) / "alpha-1.0.dist-info" / "METADATA"
    info.write_text(info.read_text(encoding="utf-8").replace("Version: 1.0", "Version: 0.9"), encoding="utf-8")
    return (Sign("REL-ENVIRONMENT-LOCK", "alpha"),)


def _pipeline(name: str, deed: str, check: CheckName, harm: Callable[[Bench], tuple[Sign, ...]]) -> Attack:
    aim = Aim.ENVIRONMENT if check is CheckName.LIBRARIES else Aim.PIPELINE
    return Attack(name, aim, Holds.TOOLS, deed, check, harm, _with_pipeline)


ATTACKS = (
    _pipeline("output-changed", "an output of a stage is changed; its size and time stay", CheckName.LINEAGE, _output_changed),
    _pipeline("lock-edited", "dvc.lock says that a stage had another seed", CheckName.LINEAGE, _lock_edited),
    _pipeline("lock-fabricated", "other films, and a dvc.lock that fits them", CheckName.STAGES, _lock_fabricated),
    _pipeline("code-edited-meanwhile", "a stage's code is edited while it runs", CheckName.STAGES, _edited_meanwhile),
    _pipeline("parameter-changed", "a parameter is changed after the run", CheckName.STAGES, _parameter_changed),
    _pipeline("seal-removed", "what is known of how a stage ran is deleted", CheckName.STAGES, _seal_removed),
    _pipeline(
        "library-swapped",
        "a library is exchanged under its old version, with a RECORD that fits",
        CheckName.STAGES,
        _library_swapped,
    ),
    _pipeline("library-edited", "a library's file is edited; size and time stay", CheckName.LIBRARIES, _library_edited),
    _pipeline(
        "pth-added",
        "a .pth file that runs at every start is put among the libraries",
        CheckName.LIBRARIES,
        _runs_at_every_start("evil.pth"),
    ),
    _pipeline(
        "sitecustomize-added",
        "a sitecustomize.py is put among the libraries",
        CheckName.LIBRARIES,
        _runs_at_every_start("sitecustomize.py"),
    ),
    _pipeline("other-version-installed", "an older version of a library is installed", CheckName.LIBRARIES, _other_version),
)
