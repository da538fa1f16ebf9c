"""The figures of a month's report, as SVG that takes its colours from the page: it is read in light and in dark.

The same figures give the same bytes: no dates, no random ids, letters as outlines whatever fonts the reader has.
"""

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter, DayLocator, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from training.calibration import Reliability
from training.plots import fitting
from training.report.month.conclusions import Worse
from training.report.month.facts import Facts, Flow, Month, Reading, by_answer, by_week
from training.shares import Share

# Stand-ins that no figure mixes: each becomes a variable of the page.
_INK, _SOFT, _LINE, _MARK, _PAST, _BAD, _GOOD = (f"#{n:02x}{n:02x}{n:02x}" for n in range(1, 8))
_VARIABLES = {
    _INK: "--ink",
    _SOFT: "--soft",
    _LINE: "--line",
    _MARK: "--mark",
    _PAST: "--past",
    _BAD: "--bad",
    _GOOD: "--good",
}
_WIDTH = 8.2  # inches; the page scales it
_MOST_CATEGORIES = 20
_STYLE = {
    "svg.fonttype": "path",
    "text.parse_math": False,
    "font.size": 9,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "text.color": _INK,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _SOFT,
    "ytick.labelcolor": _SOFT,
    "legend.frameon": False,
    "legend.labelcolor": _SOFT,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def svg(name: str, figure: Figure) -> str:
    """A figure as an ``<svg>`` element whose ids begin with ``name``."""
    out = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    # Letters are outlines, and a comment before them repeats what they say: nobody's words go into the page twice.
    text = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    # The viewBox keeps the shape; the page gives the width.
    return re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text, count=1)


def traffic(flow: Flow) -> Figure:
    """Products and verdicts of each day."""
    days = [flow.month.since + timedelta(days=n) for n in range((flow.month.until - flow.month.since).days)]
    came, decided = ({str(day.date()): 0 for day in days} for _ in range(2))
    for one in flow.sent:
        came[one.day] += one.rows
    for one in flow.decided:
        decided[one.day] += one.rows
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(2.6)
        places = date2num(days)
        axes.bar(places, list(came.values()), 0.75, color=_PAST, label="products")
        axes.plot(places, list(decided.values()), "o-", color=_MARK, markersize=3.5, linewidth=1.5, label="verdicts")
        _dated(axes, days[0], days[-1])
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_ylim(bottom=0)
        _legend(axes)
    return figure


def weekly_overrides(facts: Facts) -> Figure:
    """The override rate of each week with its interval: the month before and this one."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(2.8)
        weeks: list[tuple[datetime, Share]] = []
        for flow, colour in ((facts.before, _PAST), (facts.now, _MARK)):
            found = [(max(monday, flow.month.since), share) for monday, share in by_week(flow.accepted).items()]
            weeks += found
            _interval_points(axes, date2num([day for day, _ in found]), [one for _, one in found], colour, flow)
        for day, share in weeks:
            axes.annotate(
                f"{share.rows:,}",
                (date2num(day), 0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color=_SOFT,
            )
        _dated(axes, facts.before.month.since, facts.now.month.until - timedelta(days=1), (1, 8, 15, 22))
        _percent(axes)
        axes.set_ylim(bottom=0)
        _legend(axes)
    return figure


def override_by_category(facts: Facts, fallen: Sequence[Worse]) -> Figure:
    """The override rate of the answers given most, this month and the one before; those that became worse in red."""
    later, earlier = by_answer(facts.now.accepted), by_answer(facts.before.accepted)
    shown = sorted(later, key=lambda code: (-later[code].rows, code))[:_MOST_CATEGORIES]
    shown = sorted(shown, key=lambda code: (later[code].value, code))
    worse = {one.code for one in fallen}
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(0.9 + 0.26 * max(3, len(shown)))
        for place, code in enumerate(shown):
            share, colour = later[code], _BAD if code in worse else _MARK
            low, high = share.interval
            axes.plot([low, high], [place, place], color=colour, linewidth=2, solid_capstyle="round", alpha=0.55)
            axes.plot(share.value, place, "o", color=colour, markersize=6)
            if code in earlier:
                axes.plot(earlier[code].value, place, "D", color=_PAST, markersize=4.5)
        names = fitting([facts.label(code) for code in shown])
        labels = [f"{name}  ({later[code].rows:,})" for name, code in zip(names, shown, strict=True)]
        axes.set_yticks(range(len(shown)), labels)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.set_xlim(0, min(1.0, 1.08 * max(later[code].interval[1] for code in shown)))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(visible=False, axis="y")
        axes.plot([], [], "o", color=_MARK, label=facts.now.month.title)
        axes.plot([], [], "D", color=_PAST, markersize=4.5, label=facts.before.month.title)
        _legend(axes)
    return figure


_OF_DECISION = {"promote": _GOOD, "first": _GOOD, "grey": _MARK, "refuse": _BAD}


def judgements(facts: Facts) -> Figure:
    """Weighted F1 of every challenger and of the champion beside it, on the hold-out of its day."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(2.9)
        rows = [one for one in facts.judgements if one.said["weighted_f1"] is not None]
        beside = [one for one in rows if one.said["champion_weighted_f1"] is not None]
        styles = (":", (0, (5, 3)), "-.")
        for style, (name, reference) in zip(styles, facts.references.items(), strict=False):
            axes.axhline(reference, color=_SOFT, linestyle=style, linewidth=1.2, label=f"{name} {reference}")
        champions = [one.said["champion_weighted_f1"] for one in beside]
        axes.plot([one.at for one in beside], champions, "D", color=_PAST, markersize=5, label="champion")
        for decision in sorted({one.said["decision"] for one in rows}):
            of = [one for one in rows if one.said["decision"] == decision]
            scores = [one.said["weighted_f1"] for one in of]
            colour = _OF_DECISION.get(decision, _SOFT)
            axes.plot([one.at for one in of], scores, "o", color=colour, markersize=6, label=f"challenger: {decision}")
        _dated(axes, facts.now.month.since, facts.now.month.until - timedelta(days=1))
        _legend(axes)
    return figure


def calibration(found: Reliability) -> Figure:
    """How often answers of each confidence were right, over the band of an honest model."""
    used = found.rows > 0
    order = np.argsort(found.said[used])
    said = found.said[used][order]
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(3.6, width=4.6)
        axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1.2)
        band = (found.low[used][order], found.high[used][order])
        axes.fill_between(said, *band, color=_PAST, alpha=0.35, linewidth=0, label="95 of 100 honest models")
        sizes = 18 + 260 * found.rows[used][order] / found.rows.sum()
        axes.scatter(said, found.found[used][order], s=sizes, color=_MARK, linewidth=0, label="answers", zorder=3)
        axes.set(xlabel="confidence", ylabel="share that people kept", xlim=(0, 1), ylim=(0, 1.02))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        _legend(axes)
    return figure


def waiting(flow: Flow) -> Figure:
    """How long products have waited for a person at the end of the month."""
    edges = [1, 2, 3, 7, 14, 30]
    names = ["under a day", "1 day", "2 days", "3–6 days", "1–2 weeks", "2–4 weeks", "longer"]
    rows = [0] * len(names)
    for one in flow.waiting:
        rows[int(np.searchsorted(edges, (flow.at - one.oldest).days, side="right"))] += one.rows
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(3.6, width=4.6)
        places = range(len(names))
        axes.barh(places, rows, 0.65, color=_MARK)
        for place, count in zip(places, rows, strict=True):
            axes.annotate(f" {count:,}", (count, place), va="center", fontsize=8, color=_SOFT)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xlim(0, max([*rows, 1]) * 1.15)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        axes.grid(visible=False, axis="y")
    return figure


def readings(month: Month, found: Sequence[Reading]) -> Figure:
    """What the watch read, the mean of each day by name, against what it is held to; days with an alarm in red."""
    names = sorted({one.name for one in found})
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, 0.3 + 1.25 * len(names)), layout="tight")
        panels = np.ravel(figure.subplots(len(names), 1, sharex=True))
        for axes, name in zip(panels, names, strict=True):
            _panel(axes, [one for one in found if one.name == name])
            axes.set_title(name, loc="left", fontsize=8.5, color=_INK)
            _dated(axes, month.since, month.until - timedelta(days=1))
    return figure


def _panel(axes: Axes, found: Sequence[Reading]) -> None:
    days: dict[datetime, list[Reading]] = {}
    for one in found:
        days.setdefault(one.at.replace(hour=12, minute=0, second=0, microsecond=0), []).append(one)
    places, means = date2num(list(days)), [float(np.mean([one.value for one in of])) for of in days.values()]
    axes.plot(places, [of[-1].threshold for of in days.values()], color=_SOFT, linestyle=":", linewidth=1.2)
    axes.plot(places, means, "-", color=_MARK, linewidth=1)
    colours = [_BAD if any(one.alarmed for one in of) else _MARK for of in days.values()]
    axes.scatter(places, means, s=16, c=colours, zorder=3)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))


def _axes(height: float, width: float = _WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="tight")
    return figure, figure.add_subplot()


def _interval_points(axes: Axes, places: Sequence[float], shares: Sequence[Share], colour: str, flow: Flow) -> None:
    for place, share in zip(places, shares, strict=True):
        axes.plot([place, place], share.interval, color=colour, linewidth=2, solid_capstyle="round", alpha=0.55)
    values = [share.value for share in shares]
    axes.plot(places, values, "o-", color=colour, markersize=6, linewidth=1, label=flow.month.title)


def _dated(axes: Axes, first: datetime, last: datetime, days: Sequence[int] = (1, 5, 10, 15, 20, 25)) -> None:
    locator = DayLocator(bymonthday=days)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlim(date2num(first) - 0.7, date2num(last) + 1)
    axes.grid(visible=False, axis="x")


def _percent(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=8, handletextpad=0.5, columnspacing=1.5)
