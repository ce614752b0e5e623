"""The known anomalies as the technical file states them: what is wrong, what it can do, what is done about it; and what of it users are told.

Users are told of an anomaly that can lead to a hazardous situation and that is in the version they use, or was in a released version before it:

    told = has situations and (not resolved, or resolved by a later version, or resolved by a version after the one it was found in)

Source: IEC 62304 9.3, 9.5; MDR Annex I 23.4 (residual risks and known problems, with what to do); FDA cybersecurity guidance 2026 V.A.5 (assessment of anomalies).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from device_sw._version import __version__
from pipeline.dossier.tables import identified, link, links, plain, table
from verification.trace.anomalies import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verification.trace.anomalies import Anomaly, AnomalyList

UNRESOLVED = frozenset({State.OPEN, State.ASSESSED})
"""States of an anomaly that is still in the version that lies here."""

NONE_FOR_USERS = "No anomaly that can lead to a hazardous situation is known in this version or was in one before."
NO_WORKAROUND = "nothing is known that helps"
TOLD = ("title", "description", "workaround")
"""What users are told of an anomaly."""


def in_version(anomaly: Anomaly, version: str) -> bool:
    """Say whether a device version has an anomaly: it is not resolved, or only a later version is without it."""
    return anomaly.state in UNRESOLVED or _later(anomaly.fixed_in, version)


def owed_to_users(known: AnomalyList, version: str = __version__) -> tuple[Anomaly, ...]:
    """Return the anomalies that users of a device version are told of, in the order of the list."""
    return tuple(
        each
        for each in known.anomalies
        if each.situations and (in_version(each, version) or _later(each.fixed_in, each.discovered[2]))
    )


def told_sentences(known: AnomalyList, version: str = __version__) -> dict[str, str]:
    """Return what users are told, sentence by sentence, named by item and field; what is translated is compared with it."""
    return {f"{each.id}.{name}": text for each in owed_to_users(known, version) for name in TOLD if (text := getattr(each, name))}


def _later(version: str, than: str) -> bool:
    """Say whether a version is later than another; no version is not.

    >>> _later("0.10.0", "0.9.1"), _later("", "0.1.0"), _later("0.1.1", "0.1.1")
    (True, False, False)
    """
    return bool(version) and Version(version) > Version(than)


class AnomalyPages:
    """Tables of the list of anomalies."""

    def __init__(self, known: AnomalyList) -> None:
        """Keep the list; an empty one is stated as such."""
        self._known = known

    @property
    def known(self) -> tuple[Anomaly, ...]:
        """The anomalies themselves, for pages that show another side of them."""
        return self._known.anomalies

    def listed(self) -> str:
        """Return every anomaly with its effect on safety and security, its state and what users can do."""
        if not self._known.anomalies:
            return "No anomaly is known."
        return table(["Id", "Anomaly", "Effect", "State and handling"], map(_row, self._known.anomalies), widths=[9, 37, 29, 25])

    def told(self) -> tuple[Anomaly, ...]:
        """Return the anomalies that users of this version are told of."""
        return owed_to_users(self._known)

    def sentences(self) -> dict[str, str]:
        """Return what users of this version are told, by item and field."""
        return told_sentences(self._known)

    def for_users(self) -> str:
        """Return what users have to know: the anomaly, the versions that have it, and what to do until it is mended."""
        rows = list(self._told())
        header = ["Id", "Anomaly", "Device versions with it", "What to do"]
        return table(header, rows, widths=[11, 43, 16, 30]) if rows else NONE_FOR_USERS

    def _told(self) -> Iterator[list[str]]:
        for each in self.told():
            versions = f"this one, {__version__}" if in_version(each, __version__) else f"before {each.fixed_in}"
            what = f"**{plain(each.title)}**\n\n{plain(each.description)}"
            yield [link(each.id), what, versions, plain(each.workaround) or NO_WORKAROUND]

    def trends(self) -> str:
        """Return how many anomalies have their cause where, and what was made of it."""
        counts = ", ".join(f"{plain(category)} {count}" for category, count in self._known.counts().items())
        analyses = [f"*{plain(trend.category)}:* {plain(trend.analysis)}" for trend in self._known.trends]
        return "\n\n".join([f"By cause: {counts or 'none'}.", *analyses])


def _row(anomaly: Anomaly) -> list[str]:
    date, how, software, model = anomaly.discovered
    what = [
        f"**{plain(anomaly.title)}**",
        plain(anomaly.description),
        f"*Found {date}, device {software}, model {model}:* {plain(how)}",
    ]
    what += [f"*Cause:* {plain(anomaly.root_cause)}"] if anomaly.root_cause else []
    effect = links(anomaly.situations) if anomaly.situations else f"No hazardous situation: {plain(anomaly.no_safety_impact)}"
    parts = [effect, plain(anomaly.evaluation), f"*Security:* {plain(anomaly.security) or 'not assessed'}"]
    parts += [f"*Weakness:* {', '.join(anomaly.cwe)}"] if anomaly.cwe else []
    done = [f"**{anomaly.state}** since {anomaly.history[-1].date}", plain(anomaly.disposition)]
    done += [f"*Until then:* {plain(anomaly.workaround)}"] if anomaly.workaround else []
    done += [f"*Not in device versions from {anomaly.fixed_in} on*"] if anomaly.fixed_in else []
    return [identified(anomaly.id), *("\n\n".join(part for part in cell if part) for cell in (what, parts, done))]
