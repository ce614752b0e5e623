"""Tries one attack: copy, prepare, ask the check, harm, ask again, compare."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from pipeline.release.attacks.attack import CheckName, Trial
from pipeline.release.attacks.bench import lay_out, state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.release.attacks.attack import Attack, Outcome
    from pipeline.release.attacks.bench import Bench, Original

    Checks = Mapping[CheckName, Callable[[Bench], Outcome]]

ASKED_AS_WELL = (CheckName.VERIFY, CheckName.PINNED, CheckName.BUNDLE)
"""Quick checks that every attack on the release folder is shown to, to see which notice something too."""

LONGEST = 200


def judge(attack: Attack, original: Original, workplace: Path, checks: Checks) -> Trial:
    """Try an attack on a new copy and return what became of it; the copy is removed.

    Args:
        attack: which.
        original: what is copied.
        workplace: folder for the copy.
        checks: how each check is run.
    """
    folder = workplace / attack.id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        bench = lay_out(original, folder)
        if attack.prepare is not None:
            attack.prepare(bench)
        return _judged(attack, bench, checks)
    except (LookupError, OSError, ValueError, subprocess.SubprocessError) as err:
        return Trial(attack.id, caught=False, codes=(), missing=(f"cannot be tried: {type(err).__name__}: {err}"[:LONGEST],))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judged(attack: Attack, bench: Bench, checks: Checks) -> Trial:
    check = checks[attack.check]
    before, complaining, untouched = check(bench), _noticing(attack, bench, checks), state(bench.folder)
    if before.code != 0 or before.findings:
        return Trial(attack.id, caught=False, codes=(), missing=(f"not clean before: {_said(before)}"[:LONGEST],))
    signs = attack.harm(bench)
    if state(bench.folder) == untouched:
        return Trial(attack.id, caught=False, codes=(), missing=("the deed changed nothing",))
    after, noticed = check(bench), _noticing(attack, bench, checks)
    missing = [f"{sign.code} at {sign.where} {sign.words}".rstrip() for sign in signs if not any(map(sign.fits, after.findings))]
    if attack.alone:
        missing += [f"nothing but that: {each}" for each in after.findings if not any(sign.fits(each) for sign in signs)]
    return Trial(
        attack=attack.id,
        caught=bool(signs) and after.code == 1 and not missing,
        codes=tuple(sorted({sign.code for sign in signs})),
        steps=tuple(sorted({each.step for each in after.findings if any(sign.fits(each) for sign in signs)})),
        missing=tuple(each[:LONGEST] for each in missing),
        said=tuple(str(each)[:LONGEST] for each in after.findings[:6]) or (_said(after)[:LONGEST],),
        others=tuple(sorted((str(name), noticed[name] and not complaining[name]) for name in noticed)),
    )


def _said(outcome: Outcome) -> str:
    return "; ".join(map(str, outcome.findings[:3])) or f"exit {outcome.code}: {outcome.said}"


def _noticing(attack: Attack, bench: Bench, checks: Checks) -> dict[CheckName, bool]:
    """Return which of the quick checks complain, but for the attack's own; none where the attack is not on the release folder."""
    if attack.check not in ASKED_AS_WELL:
        return {}
    return {name: checks[name](bench).code != 0 for name in ASKED_AS_WELL if name is not attack.check}
