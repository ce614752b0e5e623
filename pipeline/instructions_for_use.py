"""Builds the instructions for use alone, from the same template, data and document builder as the technical file, for the scenarios that read them.

The whole file can only be built after verification, because it prints what that showed. The instructions are part of what is verified (information for
safety is a risk control), so they are built here before. Places in other sections are not there to lead to, and known anomalies are not printed: their
list lies outside of every slice, because writing down what a run found must not make the run stale. Nothing else differs.

Source: ISO 14971 7.1 c), 7.2; MDR Annex I 23.4.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.orientation_pages import OrientationPages
from pipeline.dossier.risk_pages import RiskPages
from pipeline.dossier.tables import plain
from pipeline.dossier.validation_pages import ValidationPages
from pipeline.findings_table import finding_rows
from requirements_spec import loader as specification_loader
from risk import loader as risk_loader
from risk.evaluation import evaluate

PAGE = "labelling"
FIGURES = "figures"
"""A second page: the figures finding by finding, as the validation section prints them and the instructions cite them."""

INDEX = f"# Instructions for use\n\n```{{toctree}}\n{PAGE}\n{FIGURES}\n```\n"


def build(root: Path, folder: Path) -> Path:
    """Build the page below ``folder`` and return it; the figures of the last run have to lie under ``root``.

    Raises:
        FileError: FILE-EVIDENCE, a figure that the page prints is not there.
        subprocess.CalledProcessError: the document builder failed.
    """
    source = folder / "source"
    shutil.copytree(root / "docs" / "_static", source / "_static")
    (source / "_extra").mkdir()
    shutil.copy(root / "docs" / "conf.py", source)
    (source / "index.md").write_text(INDEX, encoding="utf-8")
    for name, text in _pages(root).items():
        (source / f"{name}.md").write_text(text, encoding="utf-8")
    html = folder / "html"
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-Q", "-d", str(folder / "doctrees"), str(source), str(html)]
    subprocess.run(command, check=True)
    return html / f"{PAGE}.html"


def _pages(root: Path) -> dict[str, str]:
    specification, _ = specification_loader.load(root)
    risk, _ = risk_loader.load(root, specification)
    if risk.policy is None:
        raise ValueError("no policy to judge residual risks by; `./qms check` says what is wrong with risk/data/policy.toml")
    nothing_shown = SimpleNamespace(verdict=lambda _item: "")
    book = EvidenceBook(root)
    names = {row["id"]: row["name"] for row in finding_rows(root)}
    validation = ValidationPages(book, names)
    environment = Environment(loader=FileSystemLoader(root / "docs"), undefined=StrictUndefined)  # noqa: S701  the output is MyST
    environment.globals.update(
        risk=RiskPages(risk, risk.policy, evaluate(risk, specification, None), nothing_shown),  # type: ignore[arg-type]
        validation=validation,
        orientation=OrientationPages(book),
        anomalies=SimpleNamespace(for_users=lambda: ""),
        plain=plain,
        section_end=lambda _section: "",
    )
    return {
        PAGE: environment.get_template(f"{PAGE}.md").render(),
        FIGURES: f"# Figures\n\n{validation.detection()}\n",
    }


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), Path(sys.argv[2])))  # noqa: T201
