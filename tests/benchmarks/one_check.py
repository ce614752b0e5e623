"""One measured run of the gate as a process of its own: ``python one_check.py ROOT [--recall] [--matrix]``; prints counts and codes as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from verification.trace import gate


def main() -> None:
    """Check the project and print what was looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--recall", action="store_true")
    parser.add_argument("--matrix", action="store_true")
    options = parser.parse_args()
    result = gate.check(options.root, recall=options.recall)
    formats = _matrix(options.root, result) if options.matrix else []
    codes = dict(sorted(Counter(each.code for each in result.problems).items()))
    print(json.dumps({"counts": result.counts, "codes": codes, "accepted": result.accepted, "formats": formats}))  # noqa: T201 - a command's result


def _matrix(root: Path, result: gate.GateResult) -> list[str]:
    """Write the matrix in every form there is and return the forms."""
    from verification.trace import matrix

    return sorted(matrix.write_formats(root, result))


if __name__ == "__main__":
    main()
