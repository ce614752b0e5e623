"""The known anomalies as the technical file states them: what is wrong, what it can do, what is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import identified, links, plain, table

if TYPE_CHECKING:
    from verification.trace.anomalies import Anomaly, AnomalyList


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
    done = [f"**{anomaly.state}** since {anomaly.history[-1].date}", plain(anomaly.disposition)]
    done += [f"*Until then:* {plain(anomaly.workaround)}"] if anomaly.workaround else []
    return [identified(anomaly.id), *("\n\n".join(part for part in cell if part) for cell in (what, parts, done))]
