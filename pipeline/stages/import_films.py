"""Stage `cohort` of every profile but the phantom: films somebody brought, written as DX and labelled so."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.importing import bring
from pipeline.progress import bar
from pipeline.run import Run


def main() -> None:
    """Write artifacts/cohort from the folder named in the `data` section of params.yaml."""
    run = Run.here()
    params = run.params()
    options = {name: value for name, value in params["data"].items() if name != "path"}
    with bar("real films") as report:
        bring(
            params["profile"],
            Path(params["data"]["path"]),
            run.artifact("cohort"),
            seed=params["cohort"]["seed"],
            budget=params["budget"],
            options=options,
            preprocessing=params["prepare"]["preprocessing"],
            progress=lambda done, total: report(done, total, ""),
        )


if __name__ == "__main__":
    main()
