"""The mutants of a source file, made by mutmut, and where each differs from what was written.

mutmut writes every function beside its mutants and chooses one at each call, so that one set of imported modules serves all. Only functions and
methods are changed, never module constants, and never a function under a decorator other than classmethod, staticmethod or property's kin.
"""

from __future__ import annotations

import ast
import difflib
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mutmut.mutation.file_mutation import mutate_file_contents

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Mutant:
    """One small error.

    Attributes:
        name: dotted, as mutmut chooses it at run time.
        path: of the file, from the root of the copy.
        lines: of the mutated file: the statement, in the function as it was written, that the mutant changes.
        before: what was written on the lines that differ.
        after: what the mutant has there.
    """

    name: str
    path: str
    lines: tuple[int, ...]
    before: str
    after: str

    @property
    def module(self) -> str:
        """Return the dotted module."""
        return self.path.removesuffix(".py").replace("/", ".")


def mutate(root: Path, path: str) -> tuple[str, list[Mutant]]:
    """Return the file with all its mutants in it, and the list of them in order of the source."""
    with _settings():
        made = mutate_file_contents(path, (root / path).read_text(encoding="utf-8"))
    text = made.code.splitlines()
    spans = made.line_span_by_function_name
    statements = _statements(made.code)
    module = path.removesuffix(".py").replace("/", ".")

    def own(key: str) -> list[str]:
        return [line.replace(key, "") for line in text[spans[key].start - 1 : spans[key].end]]

    def mutant(key: str) -> Mutant:
        base = key.rpartition("__mutmut_")[0] + "__mutmut_orig"
        return _mutant(f"{module}.{key}", path, (spans[base].start, own(base)), own(key), statements)

    return made.code, [mutant(key) for key in made.mutant_names]


@contextmanager
def _settings() -> Iterator[None]:
    """mutmut reads its settings from the working folder and needs one."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "setup.cfg").write_text("[mutmut]\nsource_paths=.\n", encoding="utf-8")
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def _mutant(name: str, path: str, written: tuple[int, list[str]], mutated: list[str], statements: list[range]) -> Mutant:
    first, original = written
    matcher = difflib.SequenceMatcher(None, original, mutated, autojunk=False)
    changes = [each for each in matcher.get_opcodes() if each[0] != "equal"]
    touched = {first + line for _, a, b, _, _ in changes for line in range(a, max(b, a + 1))}
    around = {line for each in statements for line in each if touched & set(each)}
    return Mutant(
        name,
        path,
        tuple(sorted(around or touched)),
        "\n".join(line.strip() for _, a, b, _, _ in changes for line in original[a:b]),
        "\n".join(line.strip() for _, _, _, a, b in changes for line in mutated[a:b]),
    )


def _statements(code: str) -> list[range]:
    """Return the lines of each statement; of a compound one, those before its body."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
            body = getattr(node, "body", None)
            last = max(first, body[0].lineno - 1) if body else node.end_lineno
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.append(range(first, last + 1))
    return found
