"""Where the loop stands, in words: its stages, what needs a person, what alarms, what each job did last."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.trends.service import Trends
from api.web.texts import Texts
from core.db.models import QualityEpisode
from core.db.repositories.loop_status import Run
from core.domain.loop_state import Stage, State
from core.domain.watch import Finding

_TONES = {State.WELL: "good", State.SLOW: "warn", State.STUCK: "bad", State.ASKS: "warn"}
_MARKS = {State.WELL: "✓", State.SLOW: "…", State.STUCK: "✕", State.ASKS: "?"}
_JOBS = ("append", "judge", "promote", "archive", "watch", "check", "seal", "report", "retrain_request")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class StageShown:
    """One stage: how much is there, for how long, and its state as a word, a mark and a colour."""

    stage: Stage
    name: str
    count: str
    age: str
    state: State
    word: str
    mark: str
    tone: str


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a person should do, and where; ``address`` is None where no page does it."""

    words: str
    address: str | None
    tone: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is watched and is, or was, wrong; ``ended_at`` is None while it lasts."""

    name: str
    advice: str
    begun_at: datetime
    told: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunShown:
    """The last time that a job did something; ``at`` is None where it never did."""

    name: str
    at: datetime | None
    came: str
    tone: str
    address: str | None = None


def duration(seconds: float, texts: Texts) -> str:
    """About how long, in the largest unit that there is more than one of."""
    for unit, length in (("days", _DAY), ("hours", _HOUR), ("minutes", _MINUTE)):
        if seconds >= 2 * length or (unit == "minutes" and seconds >= length):
            return texts(f"monitor.for_{unit}", n=int(seconds // length))
    return texts("monitor.for_moment")


def stages_of(found: Trends, texts: Texts) -> list[StageShown]:
    """Every stage in a product's order."""
    return [
        StageShown(
            stage=one.stage,
            name=texts(f"monitor.stage_{one.stage}"),
            count=_count(one.stage, one.waiting, texts),
            age=_age(one.stage, one.oldest_age_s, texts),
            state=one.state,
            word=texts(f"monitor.state_{one.state}"),
            mark=_MARKS[one.state],
            tone=_TONES[one.state],
        )
        for one in found.stages
    ]


def _count(stage: Stage, waiting: int, texts: Texts) -> str:
    if waiting or stage is Stage.SENT:
        return texts(f"monitor.count_{stage}", n=waiting)
    return texts("monitor.up_to_date" if stage is Stage.SERVE else "monitor.nothing")


def _age(stage: Stage, age_s: float, texts: Texts) -> str:
    if not age_s:
        return ""
    key = "monitor.since_release" if stage is Stage.SERVE else "monitor.oldest"
    return texts(key, age=duration(age_s, texts))


def summary(found: Trends, alarms: int, texts: Texts) -> tuple[str, str]:
    """Is the loop healthy? A sentence and its colour."""
    stuck = [texts(f"monitor.stage_{one.stage}") for one in found.stages if one.state is State.STUCK]
    if stuck:
        return texts("monitor.is_stuck", stages=", ".join(stuck)), "bad"
    if is_broken(found.runs):
        return texts("monitor.is_broken"), "bad"
    if alarms:
        return texts("monitor.is_alarmed", n=alarms), "bad"
    slow = [texts(f"monitor.stage_{one.stage}") for one in found.stages if one.state is State.SLOW]
    if slow:
        return texts("monitor.is_slow", stages=", ".join(slow)), "warn"
    return texts("monitor.is_well"), "good"


def is_broken(runs: Mapping[str, Run]) -> bool:
    """Whether the newest check of the store found anything."""
    return "check" in runs and bool(runs["check"].came["violations"])


def needs_of(found: Trends, texts: Texts) -> list[Need]:
    """What only people can do, the most urgent first."""
    needs = found.needs
    stuck = [one.stage for one in found.stages if one.state is State.STUCK and one.stage is not Stage.REVIEW]
    listed = [Need(texts(f"monitor.need_{stage}"), None, "bad") for stage in stuck]
    if is_broken(found.runs):
        listed.append(Need(texts("monitor.need_check"), None, "bad"))
    if needs.challenger is not None:
        listed.append(Need(texts("monitor.need_challenger", package=needs.challenger[:8]), "/models", "warn"))
    counted = (
        ("disputed", needs.disputed, "/review?feedback=disputed"),
        ("opinions", needs.second_opinions, "/review/opinions"),
        ("pending", needs.pending, "/review"),
    )
    listed += [Need(texts(f"monitor.need_{name}", n=rows), to, "") for name, rows, to in counted if rows]
    return listed


def alarms_of(episodes: list[QualityEpisode], texts: Texts) -> list[Alarm]:
    """The newest episode of each thing that is watched: those that last first."""
    found = [
        Alarm(
            name=texts(f"monitor.watched_{row.kind}"),
            advice=texts(f"monitor.advice_{row.kind}"),
            begun_at=row.begun_at.replace(tzinfo=UTC),
            told=row.told,
            ended_at=row.ended_at.replace(tzinfo=UTC) if row.ended_at else None,
        )
        for row in episodes
    ]
    return sorted(found, key=lambda alarm: alarm.ended_at is not None)


def runs_of(found: Trends, texts: Texts) -> list[RunShown]:
    """Every job, whether it has ever done anything or not."""
    return [_run(name, found.runs.get(name), texts) for name in _JOBS]


def _run(name: str, run: Run | None, texts: Texts) -> RunShown:
    title = texts(f"monitor.job_{name}")
    if run is None:
        return RunShown(title, None, texts("monitor.never"), "")
    words, tone = _came(name, run.came, texts)
    address = f"/reports/{run.came['name']}" if name == "report" else None
    return RunShown(title, run.at.replace(tzinfo=UTC), words, tone, address)


def _came(name: str, came: Mapping[str, Any], texts: Texts) -> tuple[str, str]:
    """What came of a job: words and a colour."""
    told: dict[str, Callable[[], tuple[str, str]]] = {
        "append": lambda: (texts("monitor.came_append", n=came["rows"], manifest=came["manifest"]), ""),
        "judge": lambda: (texts(f"monitor.decision_{came['decision']}"), "warn" if came["decision"] == "grey" else ""),
        "promote": lambda: (_promoted(came, texts), ""),
        "check": lambda: _checked(came["violations"], texts),
        "watch": lambda: _watched(came["findings"], texts),
        "seal": lambda: (texts("monitor.came_seal", n=came["rows"]), ""),
        "report": lambda: (came["month"], ""),
        "retrain_request": lambda: (texts("monitor.came_taken" if came["taken"] else "monitor.came_waits"), ""),
    }
    return told[name]() if name in told else (texts("monitor.came_done"), "")


def _promoted(came: Mapping[str, Any], texts: Texts) -> str:
    return texts("monitor.came_promote", epoch=came["epoch"], kind=texts(f"monitor.kind_{came['kind']}"))


def _checked(violations: Mapping[str, int], texts: Texts) -> tuple[str, str]:
    if not violations:
        return texts("monitor.came_whole"), "good"
    return texts("monitor.came_broken", invariants=", ".join(sorted(violations))), "bad"


def _watched(findings: Mapping[str, str], texts: Texts) -> tuple[str, str]:
    alarming = [texts(f"monitor.watched_{kind}") for kind, said in findings.items() if said == Finding.ALARM]
    if not alarming:
        return texts("monitor.came_well"), "good"
    return texts("monitor.came_alarm", kinds=", ".join(alarming)), "bad"
