"""Checks the DX files that every adapter writes with dciodvfy, on folders in each set's form drawn by the tests; external evidence.

python -m tests.benchmarks.adapter_conformance [--dciodvfy PROGRAM]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.dx import FilmRecord
from pipeline.adapters.importing import bring
from pipeline.adapters.wrap import wrapped
from pipeline.repository import commit
from pipeline.run import REPOSITORY, write_json
from pipeline.tracking import code_sha256
from tests.pipeline.adapters.drawn import jpeg, png, thorax
from tests.pipeline.adapters.eda_folder import small
from tests.pipeline.adapters.test_nih import BOXED, BOXES, ENTERED, ENTRIES, SIDE, picture
from tests.pipeline.adapters.test_vindr import NAMES, TRAIN, stripped

EVIDENCE = REPOSITORY / "evidence" / "adapters" / "conformance.json"


def main():
    """Write the films of each adapter, have them checked, and write what was said."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dciodvfy", default="dciodvfy", help="the checker (Debian package dicom3tools)")
    parser.add_argument("--output", type=Path, default=EVIDENCE)
    chosen = parser.parse_args()
    said = {}
    with TemporaryDirectory() as name:
        for profile, make in (("eda", eda), ("vindr", vindr), ("nih", nih), ("coco", coco)):
            folder = Path(name) / profile
            said[profile] = checked(chosen.dciodvfy, make(folder))
    record = {
        "schema": "thoratrace/adapter-conformance/1",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(REPOSITORY),
        "code_sha256": code_sha256(REPOSITORY),
        "checker": "dciodvfy -new (dicom3tools)",
        "films_are": "drawn by the tests in the form of each set; no picture of a person",
        "profiles": said,
    }
    write_json(chosen.output, record)
    sys.stdout.write("".join(f"{name}: {row['films']} films, errors {row['errors'] or 'none'}\n" for name, row in said.items()))


def checked(program, folder):
    """Return how many films lie in a folder and what the checker says of them, by message and number of films."""
    errors, warnings, films = Counter(), Counter(), sorted(folder.glob("*.dcm"))
    for film in films:
        lines = subprocess.run([program, "-new", film], capture_output=True, text=True, check=False).stderr.splitlines()
        errors.update(line for line in lines if line.startswith("Error"))
        warnings.update(line for line in lines if line.startswith("Warning"))
    return {"films": len(films), "errors": dict(sorted(errors.items())), "warnings": dict(sorted(warnings.items()))}


def brought(profile, data, folder):
    bring(profile, data, folder / "cohort", seed=1, progress=lambda done, total: None)
    return folder / "cohort" / "films"


def eda(folder):
    made = small(folder / "data")
    made.film("A5", "no view, no window", "normal", ViewPosition=None, WindowCenter=None, WindowWidth=None)
    return brought("eda", made.write(), folder)


def vindr(folder):
    data = folder / "data"
    (data / "annotations").mkdir(parents=True)
    (data / "train").mkdir()
    rows = [f"{name},{reader},No finding,,,," for name in NAMES[:3] for reader in ("R1", "R2")]
    (data / "annotations" / "annotations_train.csv").write_text("\n".join([TRAIN, *rows]), encoding="utf-8")
    for number, name in enumerate(NAMES[:3]):
        (data / "train" / f"{name}.dicom").write_bytes(stripped(name, number))
    return brought("vindr", data, folder)


def nih(folder):
    data = folder / "data"
    (data / "images").mkdir(parents=True)
    (data / "BBox_List_2017.csv").write_text("\n".join([BOXES, *BOXED]), encoding="utf-8")
    (data / "Data_Entry_2017.csv").write_text("\n".join([ENTRIES, *ENTERED]), encoding="utf-8")
    for number in (1, 2):
        (data / "images" / f"{number:08d}_000.png").write_bytes(png(picture(number)))
    return brought("nih", data, folder)


def coco(folder):
    """Wrap a JPEG as the COCO adapter does; its pictures have no known spacing."""
    folder.mkdir()
    content = jpeg((thorax(1, SIDE, SIDE) * 255).astype("uint8"))
    film = FilmRecord(film_id="x", patient_id="y", view="PA", sex="F", age=40, rows=SIDE, columns=SIDE, origin="drawn")
    (folder / "x.dcm").write_bytes(wrapped(content, film, 1))
    return folder


if __name__ == "__main__":
    main()
