"""What happened day by day, as charts: verdicts, overrides, the queue, and what the watch read."""

from datetime import UTC, datetime, time, timedelta

from babel.dates import format_date

from api.trends.service import Trends
from api.web.monitor.charts import Chart, Series, Threshold
from api.web.texts import Texts
from core.db.repositories.trends import Reading
from core.domain.review import REJECT, VALIDATE
from core.domain.trends import override_rate
from core.domain.watch import Watched

_DAY_S = 86_400.0
_UNITS = (("days", _DAY_S), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
_DRIFT = (Watched.TEXT, Watched.IMAGES, Watched.CALIBRATION)
_FINE = 7  # days: in so few, the readings of a day are told apart


def charts_of(found: Trends, texts: Texts) -> list[Chart]:
    """Every chart over time."""
    return [
        _verdicts(found, texts),
        _overrides(found, texts),
        _queue(found, texts),
        _ages(found, texts),
        _accuracy(found, texts),
        _drift(found, texts),
    ]


def _axis(found: Trends, texts: Texts) -> dict[str, object]:
    times = [_seconds(datetime.combine(day.day, time(), UTC)) for day in found.days]
    return {"axis": texts("monitor.day"), "times": times}


def _verdicts(found: Trends, texts: Texts) -> Chart:
    accepted = [day.decided(VALIDATE.name) - day.overridden for day in found.days]
    overridden = [day.overridden for day in found.days]
    rejected = [day.decided(REJECT.name) for day in found.days]
    total = sum(accepted) + sum(overridden) + sum(rejected)
    finding = texts("monitor.verdicts_finding", n=total, rejected=sum(rejected), days=len(found.days))
    return Chart(
        id="verdicts",
        title=texts("monitor.verdicts"),
        finding=finding if total else texts("monitor.verdicts_none"),
        series=[
            Series(texts("monitor.accepted"), accepted, "good", "bar"),
            Series(texts("monitor.overridden"), overridden, "warn", "bar"),
            Series(texts("monitor.rejected"), rejected, "bad", "bar"),
        ]
        if total
        else [],
        unit="count",
        stacked=True,
        **_axis(found, texts),
    )


def _overrides(found: Trends, texts: Texts) -> Chart:
    rates = [override_rate([day]) for day in found.days]
    overall = override_rate(found.days)
    finding = texts("monitor.overrides_none")
    if overall is not None:
        ends = {"low": texts.percent(overall.low, 1), "high": texts.percent(overall.high, 1)}
        finding = texts("monitor.overrides_finding", share=texts.percent(overall.value, 1), **ends)
    series = Series(
        texts("monitor.override_rate"),
        [rate.value if rate else None for rate in rates],
        "warn",
        low=[rate.low if rate else None for rate in rates],
        high=[rate.high if rate else None for rate in rates],
    )
    return Chart(
        id="overrides",
        title=texts("monitor.overrides"),
        finding=finding,
        series=[series],
        unit="share",
        hint=texts("monitor.overrides_hint"),
        **_axis(found, texts),
    )


def _queue(found: Trends, texts: Texts) -> Chart:
    waiting, sent = [one.rows for one in found.backlogs], [day.sent for day in found.days]
    first = format_date(found.days[0].day, "medium", locale=texts.language)
    finding = texts("monitor.queue_finding", n=waiting[-1], before=waiting[0], day=first)
    is_known = any(waiting) or any(sent)
    return Chart(
        id="queue",
        title=texts("monitor.queue"),
        finding=finding if is_known else texts("monitor.queue_none"),
        series=[
            Series(texts("monitor.sent"), sent, "muted", "bar"),
            Series(texts("monitor.waiting"), waiting, "accent"),
        ]
        if is_known
        else [],
        unit="count",
        hint=texts("monitor.queue_hint"),
        **_axis(found, texts),
    )


def _ages(found: Trends, texts: Texts) -> Chart:
    oldest = [one.oldest_days * _DAY_S if one.rows else None for one in found.backlogs]
    middle = [one.median_days * _DAY_S if one.rows else None for one in found.backlogs]
    decided = [day.median_age_s for day in found.days]
    unit, unit_s = _unit_for(*oldest, *middle, *decided)
    now = found.backlogs[-1]
    finding = texts("monitor.ages_finding", n=now.oldest_days) if now.rows else texts("monitor.ages_none")
    return Chart(
        id="ages",
        title=texts("monitor.ages", unit=texts(f"monitor.in_{unit}")),
        finding=finding,
        series=[
            Series(texts("monitor.age_oldest"), _in_units(oldest, unit_s), "bad"),
            Series(texts("monitor.age_median"), _in_units(middle, unit_s), "accent"),
            Series(texts("monitor.age_decided"), _in_units(decided, unit_s), "good"),
        ],
        unit="duration",
        **_axis(found, texts),
    )


def _unit_for(*ages_s: float | None) -> tuple[str, float]:
    """The unit, and its seconds, in which the longest of the ages is more than one."""
    longest_s = max((age_s for age_s in ages_s if age_s is not None), default=_DAY_S)
    return next((one for one in _UNITS if longest_s >= one[1]), _UNITS[-1])


def _in_units(ages_s: list[float | None], unit_s: float) -> list[float | None]:
    return [None if age_s is None else age_s / unit_s for age_s in ages_s]


# --- what the watch read ------------------------------------------------------------------------------------------


def _accuracy(found: Trends, texts: Texts) -> Chart:
    readings = _last_of_each(found, Watched.ACCURACY)
    newest = next((one for one in reversed(readings) if one is not None), None)
    finding, lines = texts("monitor.accuracy_none"), []
    if newest is not None:
        finding = texts(
            "monitor.accuracy_finding",
            share=texts.percent(newest.value, 1),
            low=texts.percent(newest.value if newest.low is None else newest.low, 1),
            high=texts.percent(newest.value if newest.high is None else newest.high, 1),
            threshold=texts.percent(newest.threshold),
        )
        lines = [Threshold(texts("monitor.threshold"), newest.threshold)]
    series = Series(
        texts("monitor.accuracy"),
        [one.value if one else None for one in readings],
        "accent",
        low=[one.low if one else None for one in readings],
        high=[one.high if one else None for one in readings],
    )
    return Chart(
        id="accuracy",
        title=texts("monitor.accuracy_title"),
        finding=finding,
        series=[series],
        unit="share",
        thresholds=lines,
        **_reading_axis(found, texts),
    )


def _drift(found: Trends, texts: Texts) -> Chart:
    """Each figure as so many times its threshold, so that what is measured in different ways stands on one axis."""
    series: list[Series] = []
    newest: list[str] = []
    for kind, tone in zip(_DRIFT, ("accent", "warn", "good"), strict=True):
        values = [one.value / one.threshold if one else None for one in _last_of_each(found, kind)]
        known = [value for value in values if value is not None]
        if known:
            label = texts(f"monitor.watched_{kind}")
            series.append(Series(label, values, tone))
            newest.append(texts("monitor.drift_one", what=label, times=texts.decimal(known[-1], 2)))
    return Chart(
        id="drift",
        title=texts("monitor.drift"),
        finding=texts("monitor.drift_finding", figures=", ".join(newest)) if newest else texts("monitor.drift_none"),
        series=series,
        unit="times",
        thresholds=[Threshold(texts("monitor.threshold"), 1.0)] if newest else [],
        hint=texts("monitor.drift_hint"),
        **_reading_axis(found, texts),
    )


def _steps(found: Trends) -> tuple[datetime, timedelta, int]:
    """Where the axis of readings begins (naive UTC), how long each of its places is, and how many there are."""
    count = len(found.days)
    parts = 4 if count <= _FINE else 1
    return datetime.combine(found.days[0].day, time()), timedelta(hours=24 // parts), count * parts


def _last_of_each(found: Trends, kind: Watched) -> list[Reading | None]:
    """The newest reading of one kind in each place of the axis."""
    since, step, count = _steps(found)
    last: list[Reading | None] = [None] * count
    for one in found.readings:
        place = (one.at - since) // step
        if one.kind == kind and 0 <= place < count:
            last[place] = one
    return last


def _reading_axis(found: Trends, texts: Texts) -> dict[str, object]:
    since, step, count = _steps(found)
    times = [_seconds((since + step * place).replace(tzinfo=UTC)) for place in range(count)]
    return {"axis": texts("monitor.day"), "times": times}


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
