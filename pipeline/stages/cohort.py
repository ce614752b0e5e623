"""Stage `cohort`: projects the phantom's films with their exact truth."""

from __future__ import annotations

from phantom.cohort import generate
from pipeline.progress import bar
from pipeline.run import Run, available_workers


def main() -> None:
    """Write artifacts/cohort from the `cohort` section of params.yaml."""
    run = Run.here()
    params = run.params()
    section = params["cohort"]
    with bar("phantom films") as report:
        generate(
            run.artifact("cohort"),
            seed=section["seed"],
            patients=section["patients"],
            matrix=section["matrix"],
            profile=params["profile"],
            budget=params["budget"],
            workers=available_workers(),
            progress=lambda done, total: report(done, total, ""),
        )


if __name__ == "__main__":
    main()
