"""Stage `cohort` of the coco profile: real films with radiologists' boxes, wrapped as DX and labelled so."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.coco import import_coco
from pipeline.progress import bar
from pipeline.run import Run


def main() -> None:
    """Write artifacts/cohort from the folder named in the `data` section of params.yaml."""
    run = Run.here()
    params = run.params()
    with bar("real films") as report:
        import_coco(
            Path(params["data"]["path"]),
            run.artifact("cohort"),
            seed=params["cohort"]["seed"],
            budget=params["budget"],
            progress=lambda done, total: report(done, total, ""),
        )


if __name__ == "__main__":
    main()
