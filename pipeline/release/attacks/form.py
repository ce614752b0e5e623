"""Attacks on the form of the folder: something is added, taken away, linked, renamed, or named so that two systems read two things."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks.attack import Aim, Attack, CheckName, Holds, Sign
from pipeline.release.attacks.bench import RECORD
from pipeline.release.attacks.content import WEIGHTS, poisoned
from pipeline.release.attacks.forgery import reseal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.release.attacks.bench import Bench


def _deleted(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("*requirements.lock")
    bench.place(name).unlink()
    return (Sign("VER-MISSING", name),)


def _archive_part_deleted(bench: Bench) -> tuple[Sign, ...]:
    name = bench.subject("archive/*")
    bench.place(name).unlink()
    return (Sign("VER-MISSING", name),)


def _added(name: str) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that puts a file with a pickle in it into the release."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        path = bench.release / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(poisoned(bench.beside("canary") / "canary"))
        return (Sign("VER-EXTRA", name),)

    return deed


def _empty_folder(bench: Bench) -> tuple[Sign, ...]:
    (bench.release / "bundle" / "spare").mkdir()
    return (Sign("VER-EMPTY", "bundle/spare/"),)


def _executable(bench: Bench) -> tuple[Sign, ...]:
    bench.place(WEIGHTS).chmod(0o755)
    return (Sign("VER-MODE", WEIGHTS),)


def _linked(bench: Bench) -> tuple[Sign, ...]:
    """Put the right content behind a link: today it is right, tomorrow its owner changes it."""
    target = bench.beside("elsewhere") / "weights.safetensors"
    shutil.move(bench.place(WEIGHTS), target)
    bench.place(WEIGHTS).symlink_to(target)
    return (Sign("VER-LINK", WEIGHTS),)


def _linked_folder(bench: Bench) -> tuple[Sign, ...]:
    target = bench.beside("elsewhere") / "bundle"
    shutil.move(bench.release / "bundle", target)
    (bench.release / "bundle").symlink_to(target)
    return (Sign("VER-LINK", "bundle"),)


def _linked_record(bench: Bench) -> tuple[Sign, ...]:
    target = bench.beside("elsewhere") / RECORD
    shutil.move(bench.release / RECORD, target)
    (bench.release / RECORD).symlink_to(target)
    return (Sign("VER-LINK", RECORD),)


def _pipe(bench: Bench) -> tuple[Sign, ...]:
    """Put a pipe where a file is expected: whoever opens it waits for ever."""
    bench.place(WEIGHTS).unlink()
    os.mkfifo(bench.place(WEIGHTS))
    return (Sign("VER-LINK", WEIGHTS),)


def _twin(name: str, *signs: Sign) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that lays a copy of the weights beside them under a name that some system takes for theirs."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        shutil.copy(bench.place(WEIGHTS), bench.release / name)
        return signs

    return deed


def _named(name: str) -> Callable[[Bench], tuple[Sign, ...]]:
    """Return a deed that lets a signed record name a part so."""

    def deed(bench: Bench) -> tuple[Sign, ...]:
        def renamed(statement: dict[str, Any]) -> None:
            subject = next(each for each in statement["subject"] if each["name"] == WEIGHTS)
            subject["name"] = name
            statement["predicate"]["sizes"][name] = statement["predicate"]["sizes"].pop(WEIGHTS)
            statement["subject"].sort(key=lambda each: each["name"])

        reseal(bench, renamed)
        return (Sign("VER-RECORD", RECORD, "name that is not plain"),)

    return deed


def _twice(bench: Bench) -> tuple[Sign, ...]:
    """Name the weights twice, with two hashes, so that two readers may take one each."""

    def doubled(statement: dict[str, Any]) -> None:
        place = next(number for number, each in enumerate(statement["subject"]) if each["name"] == WEIGHTS)
        statement["subject"].insert(place, {"name": WEIGHTS, "digest": {"sha256": "0" * 64}})

    reseal(bench, doubled)
    return (Sign("VER-RECORD", RECORD, "twice"),)


def _case_twins(bench: Bench) -> tuple[Sign, ...]:
    """Let a signed record name two parts that are one on a system that ignores case."""
    name = WEIGHTS.replace("weights", "Weights")

    def doubled(statement: dict[str, Any]) -> None:
        subject = next(each for each in statement["subject"] if each["name"] == WEIGHTS)
        statement["subject"].append({**subject, "name": name})
        statement["predicate"]["sizes"][name] = statement["predicate"]["sizes"][WEIGHTS]
        statement["subject"].sort(key=lambda each: each["name"])

    shutil.copy(bench.place(WEIGHTS), bench.release / name)
    reseal(bench, doubled)
    return (Sign("VER-NAME", ascii(WEIGHTS)),)


_CYRILLIC = "bundle/w\u0435ights.safetensors"
_FOLDER, _INSIDE = Holds.FOLDER, Holds.TRUSTED_KEY

ATTACKS = (
    Attack("part-deleted", Aim.FORM, _FOLDER, "the lock of the tools is deleted", CheckName.VERIFY, _deleted),
    Attack(
        "archive-part-deleted", Aim.FORM, _FOLDER, "a part of the archive is deleted", CheckName.VERIFY, _archive_part_deleted
    ),
    Attack(
        "file-added",
        Aim.FORM,
        _FOLDER,
        "a pickle is put beside the weights, in the hope that something loads it",
        CheckName.VERIFY,
        _added("bundle/model.pt"),
    ),
    Attack(
        "git-attributes-added",
        Aim.FORM,
        _FOLDER,
        "a .gitattributes is added that rewrites files at checkout",
        CheckName.VERIFY,
        _added("bundle/.gitattributes"),
    ),
    Attack(
        "git-folder-added",
        Aim.FORM,
        _FOLDER,
        "a .git folder with a hook is added",
        CheckName.VERIFY,
        _added(".git/hooks/post-checkout"),
    ),
    Attack("empty-folder-added", Aim.FORM, _FOLDER, "an empty folder is added", CheckName.VERIFY, _empty_folder),
    Attack("made-executable", Aim.FORM, _FOLDER, "the weights are made executable", CheckName.VERIFY, _executable),
    Attack(
        "part-linked", Aim.FORM, _FOLDER, "the weights are a link to their like outside the release", CheckName.VERIFY, _linked
    ),
    Attack(
        "folder-linked",
        Aim.FORM,
        _FOLDER,
        "the bundle is a link to a folder outside the release",
        CheckName.VERIFY,
        _linked_folder,
    ),
    Attack(
        "record-linked", Aim.FORM, _FOLDER, "the record is a link to a file outside the release", CheckName.VERIFY, _linked_record
    ),
    Attack("part-is-a-pipe", Aim.FORM, _FOLDER, "a pipe that never ends lies where the weights were", CheckName.VERIFY, _pipe),
    Attack(
        "case-twin",
        Aim.FORM,
        _FOLDER,
        "weights with a capital W lie beside the weights",
        CheckName.VERIFY,
        _twin("bundle/Weights.safetensors", Sign("VER-NAME", ascii(WEIGHTS))),
    ),
    Attack(
        "unicode-twin",
        Aim.FORM,
        _FOLDER,
        "weights with a Cyrillic letter lie beside the weights",
        CheckName.VERIFY,
        _twin(_CYRILLIC, Sign("VER-NAME", ascii(_CYRILLIC)), Sign("VER-EXTRA", _CYRILLIC)),
    ),
    Attack(
        "case-twins-recorded",
        Aim.FORM,
        _INSIDE,
        "a signed record names weights and Weights",
        CheckName.PINNED,
        _case_twins,
        reseal,
    ),
    Attack(
        "name-leads-out",
        Aim.FORM,
        _INSIDE,
        "a signed record names a part ../../secret",
        CheckName.PINNED,
        _named("bundle/../../secret"),
        reseal,
    ),
    Attack(
        "name-is-absolute",
        Aim.FORM,
        _INSIDE,
        "a signed record names a part /etc/passwd",
        CheckName.PINNED,
        _named("/etc/passwd"),
        reseal,
    ),
    Attack(
        "name-turns-round",
        Aim.FORM,
        _INSIDE,
        "a signed record names a part with a character that turns the text round",
        CheckName.PINNED,
        _named("bundle/\u202esrotesnefas"),
        reseal,
    ),
    Attack(
        "part-named-twice",
        Aim.FORM,
        _INSIDE,
        "a signed record names the weights twice, with two hashes",
        CheckName.PINNED,
        _twice,
        reseal,
    ),
)
