"""Attacks on the bytes of artefacts: one file is changed, exchanged or cut, as somebody does who can write to a share; nothing else is touched."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks.attack import Aim, Attack, CheckName, Holds, Sign
from pipeline.release.attacks.flips import Flip, put
from pipeline.release.attacks.forgery import reseal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.release.attacks.bench import Bench

WEIGHTS = "bundle/weights.safetensors"
CHANGED = "VER-HASH"
SIZE = "VER-SIZE"
FIRST_OF_A_PAIR = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b"
    "d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
)
SECOND_OF_A_PAIR = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a085125e8f7cdc99fd91dbd7280373c5b"
    "d8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70"
)
"""Two blocks with one MD5, 79054025255fb1a26e4bc422aef54eb4 (Wang and Yu, EUROCRYPT 2005)."""


def rewrite(path: Path, content: bytes) -> None:
    """Write other content into a file and set its times back, as somebody does who does not want to be seen."""
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    """Change the value in a JSON file and set its times back."""
    value = json.loads(path.read_bytes())
    change(value)
    rewrite(path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def _flipped(bench: Bench) -> tuple[Sign, ...]:
    path = bench.place(WEIGHTS)
    put(path, Flip(WEIGHTS, path.stat().st_size // 2, 0x01))
    return (Sign(CHANGED, WEIGHTS),)


def _replaced(bench: Bench) -> tuple[Sign, ...]:
    size = bench.place(WEIGHTS).stat().st_size
    rewrite(bench.place(WEIGHTS), hashlib.shake_256(b"other weights").digest(size))
    return (Sign(CHANGED, WEIGHTS),)


def _truncated(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("*dvc.lock")
    rewrite(bench.place(name), bench.place(name).read_bytes()[:-1])
    return (Sign(SIZE, name),)


def _appended(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("bundle/thresholds.json")
    rewrite(bench.place(name), bench.place(name).read_bytes() + b"\n")
    return (Sign(SIZE, name),)


def _swapped(bench: Bench) -> tuple[Sign, ...]:
    one, other = bench.subject("*device.lock"), bench.subject("*requirements.lock")
    first, second = bench.place(one).read_bytes(), bench.place(other).read_bytes()
    rewrite(bench.place(one), second)
    rewrite(bench.place(other), first)
    return Sign(SIZE, one), Sign(SIZE, other)


def _line_ends(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("*params.yaml")
    rewrite(bench.place(name), bench.place(name).read_bytes().replace(b"\n", b"\r\n"))
    return (Sign(SIZE, name),)


def _with_first_of_a_pair(bench: Bench) -> None:
    """Seal the copy with the first of the two blocks in the place of a picture, as an insider would who plans the exchange."""
    name = bench.subject("archive/*", without=".html") if bench.archive else bench.subject("files/*")
    bench.place(name).write_bytes(FIRST_OF_A_PAIR)

    def recorded(statement: dict[str, Any]) -> None:
        subject = next(each for each in statement["subject"] if each["name"] == name)
        subject["digest"] = {"sha256": hashlib.sha256(FIRST_OF_A_PAIR).hexdigest()}
        statement["predicate"]["sizes"][name] = len(FIRST_OF_A_PAIR)

    reseal(bench, recorded)


def _collided(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("archive/*", without=".html") if bench.archive else bench.subject("files/*")
    rewrite(bench.place(name), SECOND_OF_A_PAIR)
    return (Sign(CHANGED, name),)


def _metric(bench: Bench) -> tuple[Sign, ...]:
    """Let an endpoint say that it passed, or raise the first figure there is."""
    name = bench.subject("*validation.json")
    edit_json(bench.place(name), raise_figures)
    return (Sign(changed_code(bench, name), name),)


def raise_figures(value: Any) -> None:
    """Set every ``value`` of a figure, wherever it stands, to 0.99."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "value" and isinstance(inner, float):
                value[key] = 0.99
            else:
                raise_figures(inner)
    elif isinstance(value, list):
        for inner in value:
            raise_figures(inner)


def changed_code(bench: Bench, name: str) -> str:
    """Return the code that a changed file has to get: a size that is not the recorded one is said before any content is hashed."""
    return CHANGED if bench.place(name).stat().st_size == bench.original_place(name).stat().st_size else SIZE


def _label(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("*verification.json")
    content = bench.place(name).read_bytes()
    rewrite(bench.place(name), content.replace(b"SRS-", b"SRS_", 1))
    return (Sign(CHANGED, name),)


def _component(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("*device.cdx.json")
    edit_json(bench.place(name), lambda bill: bill["components"].pop())
    return (Sign(changed_code(bench, name), name),)


def _pickle(bench: Bench) -> tuple[Sign, ...]:
    rewrite(bench.place(WEIGHTS), poisoned(bench.beside("canary") / "canary"))
    return (Sign(SIZE, WEIGHTS),)


class Canary:
    """Makes a file where it is unpickled: nothing that loads a model may ever do that."""

    def __init__(self, path: str) -> None:
        """Keep the path of the file."""
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Let whoever unpickles this make the file."""
        return os.mkdir, (self.path,)


def poisoned(canary: Path) -> bytes:
    """Return a pickle that makes ``canary`` when it is loaded.

    >>> import pathlib, tempfile
    >>> place = pathlib.Path(tempfile.mkdtemp()) / "canary"
    >>> pickle.loads(poisoned(place)); place.exists()
    True
    """
    return pickle.dumps(Canary(str(canary)))


ATTACKS = (
    Attack(
        "weights-bit-flipped",
        Aim.CONTENT,
        Holds.FILE,
        "one bit of the weights is flipped; size and time stay",
        CheckName.VERIFY,
        _flipped,
    ),
    Attack(
        "weights-replaced",
        Aim.CONTENT,
        Holds.FILE,
        "other weights of the same size and time lie in their place",
        CheckName.VERIFY,
        _replaced,
    ),
    Attack("lock-truncated", Aim.CONTENT, Holds.FILE, "the last byte of dvc.lock is cut off", CheckName.VERIFY, _truncated),
    Attack(
        "thresholds-appended",
        Aim.CONTENT,
        Holds.FILE,
        "a line end is put behind the thresholds; they mean the same",
        CheckName.VERIFY,
        _appended,
    ),
    Attack("artefacts-swapped", Aim.CONTENT, Holds.FILE, "the two locks are exchanged", CheckName.VERIFY, _swapped),
    Attack(
        "line-ends-changed",
        Aim.CONTENT,
        Holds.FILE,
        "the parameters get line ends of another system",
        CheckName.VERIFY,
        _line_ends,
    ),
    Attack(
        "md5-collision",
        Aim.CONTENT,
        Holds.FILE,
        "a file is exchanged for another one with the same MD5, size and time",
        CheckName.VERIFY,
        _collided,
        _with_first_of_a_pair,
    ),
    Attack(
        "metric-edited",
        Aim.CONTENT,
        Holds.FILE,
        "every figure of the validation is raised to 0.99, nothing else",
        CheckName.VERIFY,
        _metric,
    ),
    Attack(
        "test-label-changed",
        Aim.CONTENT,
        Holds.FILE,
        "a test case is said to verify another requirement",
        CheckName.VERIFY,
        _label,
    ),
    Attack(
        "component-removed",
        Aim.CONTENT,
        Holds.FILE,
        "a library is struck from the bill of materials",
        CheckName.VERIFY,
        _component,
    ),
    Attack(
        "pickle-as-weights",
        Aim.CONTENT,
        Holds.FILE,
        "a pickle that runs code lies where the weights were",
        CheckName.VERIFY,
        _pickle,
    ),
)
