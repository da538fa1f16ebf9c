"""From a month's facts to one HTML file that asks for nothing from anywhere. Everything is escaped; nothing runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jinja2 import ChoiceLoader, PackageLoader
from markupsafe import Markup
from matplotlib.figure import Figure

from training.report.month import conclusions, drawings
from training.report.month.conclusions import Recommendation, recommend
from training.report.month.facts import Facts, Flow, by_answer, overrides
from training.report.page import PAGES, Table
from training.report.sentences import share
from training.shares import Share

_PAGES = PAGES.overlay(loader=ChoiceLoader([PackageLoader("training.report.month", "."), PAGES.loader]))
_PAGES.filters = {**PAGES.filters, "unbroken": lambda text: text.replace(" %", "\u00a0%")}
_REPLACEMENTS = 10


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the month, with what it is to be read beside."""

    name: str
    value: str
    beside: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with its heading and one sentence on how to read it; a narrow one does not take the page's width."""

    heading: str
    about: str
    svg: Markup
    narrow: bool


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs together: sentences first, then figures and tables, then tables of which few need every line."""

    heading: str
    sentences: Sequence[str]
    drawings: Sequence[Drawn] = ()
    tables: Sequence[Table] = ()
    details: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class MonthPage:
    """A report, top to bottom."""

    title: str
    subtitle: str
    verdict: Recommendation
    tiles: Sequence[Tile]
    sections: Sequence[Section]
    notes: Sequence[str] = field(default=())


def render(facts: Facts) -> str:
    """The whole file. The same facts give the same text."""
    now = facts.now
    moment = f"{now.at:%Y-%m-%d %H:%M} UTC"
    page = MonthPage(
        title=f"Report of {now.month.title}",
        subtitle=f"Whole month, beside {facts.before.month.title}." if facts.is_over else f"So far, until {moment}.",
        verdict=recommend(facts),
        tiles=list(_tiles(facts)),
        sections=[section(facts) for section in (_traffic, _overrides, _queue, _store, _releases, _model, _rest)],
        notes=_NOTES,
    )
    return _PAGES.get_template("month.html.j2").render(page=page)


_NOTES = (
    "Intervals of shares are Wilson's, at 95 %. “By more than chance explains” is Fisher's exact test at the level "
    "that the settings name, with Holm's correction where several categories are compared.",
    "Products that the check of the service sends itself are left out. Texts and photos of products are not in this "
    "file, so erasing a product leaves nothing of it here.",
    "Made from the database again, a month that is over gives the same figures; what the disk holds is of the moment "
    "this was made.",
)


def _tiles(facts: Facts) -> Iterator[Tile]:
    now, before = facts.now, facts.before
    rate, earlier = overrides(now.accepted), overrides(before.accepted)
    decided, decided_before = (sum(one.rows for one in flow.decided) for flow in (now, before))
    yield Tile("Products in", f"{now.products:,}", f"{before.products:,} the month before")
    yield Tile("Verdicts", f"{decided:,}", f"{decided_before:,} the month before")
    yield Tile("Answers replaced", _share(rate), f"{_interval(rate)}; {_share(earlier)} the month before")
    yield Tile("Waiting at the end", f"{now.backlog:,}", f"{before.backlog:,} the month before")
    added, gone = (sum(getattr(one, what) for one in facts.batches) for what in ("rows", "retractions"))
    yield Tile("Labels added", f"{added:,}", f"{gone:,} retracted")
    holdout = facts.champion.holdout if facts.champion else None
    epoch = f"served model, epoch {facts.champion.epoch}" if facts.champion else "nothing is served"
    yield Tile("Weighted F1", f"{holdout.weighted_f1:.3f}" if holdout else "–", epoch)


def _traffic(facts: Facts) -> Section:
    now, before = facts.now.verdicts(), facts.before.verdicts()
    actions = [[name, f"{now.get(name, 0):,}", f"{before.get(name, 0):,}"] for name in sorted({*now, *before})]
    halves = sorted({one.modality for flow in (facts.now, facts.before) for one in flow.sent})
    came = [[half, *(f"{_sent(flow, half):,}" for flow in (facts.now, facts.before))] for half in halves]
    months = [facts.now.month.title, facts.before.month.title]
    tables = [Table("Verdicts", "", ["action", *months], actions)] if actions else []
    if facts.feedback:
        said = [[kind, f"{rows:,}"] for kind, rows in facts.feedback.items()]
        tables.append(Table("What senders said of their answers", "", ["said", "products"], said))
    details = [Table("Products by what the model read", "", ["halves", *months], came)] if came else []
    people = [[name, f"{rows:,}", _share(share)] for name, rows, share in _people(facts.now)]
    if people:
        about = "Replaced: of the products that this person validated, those given another code than the model's."
        details.append(Table("Verdicts by person", about, ["person", "verdicts", "replaced"], people))
    about = "Bars: products that came in; line: verdicts that people gave."
    figure = _drawn("traffic", "Products and verdicts a day", about, drawings.traffic(facts.now))
    return Section(
        "What came in", [conclusions.products(facts), conclusions.verdicts(facts)], [figure], tables, details
    )


def _sent(flow: Flow, half: str) -> int:
    return sum(one.rows for one in flow.sent if one.modality == half)


def _people(flow: Flow) -> Iterator[tuple[str, int, Share]]:
    for name in sorted({one.reviewer for one in flow.decided}):
        of = [one for one in flow.decided if one.reviewer == name]
        validated = [one for one in of if one.action == "validate"]
        replaced = Share(sum(one.rows for one in validated if not one.agrees), sum(one.rows for one in validated))
        yield name, sum(one.rows for one in of), replaced


def _overrides(facts: Facts) -> Section:
    told = [sentence for rule in (conclusions.override_rate, conclusions.categories) if (sentence := rule(facts))]
    if not facts.now.accepted:
        return Section("Where people disagreed", ["People accepted no label."])
    fallen = conclusions.worse_categories(facts.before.accepted, facts.now.accepted, facts.policy.significance)
    weekly = _drawn(
        "weeks",
        "Answers replaced by week",
        "Share of accepted labels that are not the model's, with 95 % intervals; below, how many were accepted.",
        drawings.weekly_overrides(facts),
    )
    by_category = _drawn(
        "categories",
        "Answers replaced by category",
        "By the model's answer, the most frequent ones; how many were accepted in brackets. Red: became worse.",
        drawings.override_by_category(facts, fallen),
    )
    pairs = conclusions.replacements(facts.now.accepted, count=_REPLACEMENTS)
    rows = [[facts.label(said), facts.label(given), f"{times:,}"] for said, given, times in pairs]
    tables = [Table("Replaced most", "", ["the model said", "people said", "times"], rows)] if rows else []
    return Section("Where people disagreed", told, [weekly, by_category], tables, [_every_category(facts)])


def _every_category(facts: Facts) -> Table:
    earlier = by_answer(facts.before.accepted)
    rows = [
        [facts.label(code), f"{found.rows:,}", _share(found), _interval(found), _share(earlier.get(code, Share(0, 0)))]
        for code, found in by_answer(facts.now.accepted).items()
    ]
    columns = ["the model's answer", "accepted", "replaced", "95 % interval", facts.before.month.title]
    return Table("Every category", "", columns, rows)


def _queue(facts: Facts) -> Section:
    figure = _drawn(
        "waiting",
        "Products by how long they have waited",
        f"At {facts.now.at:%Y-%m-%d %H:%M} UTC.",
        drawings.waiting(facts.now),
        narrow=True,
    )
    return Section("Waiting for review", [conclusions.backlog(facts)], [figure] if facts.now.backlog else [])


def _store(facts: Facts) -> Section:
    rows = [[_moment(one.at), str(one.manifest), f"{one.rows:,}", f"{one.retractions:,}"] for one in facts.batches]
    columns = ["taken (UTC)", "snapshot", "labels added", "labels retracted"]
    details = [Table("Every batch", "", columns, rows)] if rows else []
    return Section("Training data", [conclusions.labels(facts)], details=details)


def _releases(facts: Facts) -> Section:
    tables = []
    if facts.moves:
        rows = [
            [_moment(one.row.created_at), str(one.row.epoch), one.row.kind, one.promoted_by, one.row.reason]
            for one in facts.moves
        ]
        tables.append(Table("Releases", "", ["when (UTC)", "epoch", "how", "who", "why"], rows))
    if facts.wishes:
        rows = [[_moment(one.at), one.asked_by or "a job", one.reason] for one in facts.wishes]
        tables.append(Table("Retrainings that were asked for", "", ["when (UTC)", "who", "why"], rows))
    details = [_judged(facts)] if facts.judgements else []
    figures = []
    if any(one.said["weighted_f1"] is not None for one in facts.judgements):
        about = "Each challenger by what the gate said, and the champion on the same products."
        figures.append(_drawn("judged", "Weighted F1 on the hold-out", about, drawings.judgements(facts)))
    told = [conclusions.trainings(facts), conclusions.promotions(facts)]
    return Section("Trainings and releases", told, figures, tables, details)


def _judged(facts: Facts) -> Table:
    rows = [
        [
            _moment(one.at),
            str(one.said["manifest"]),
            one.said["decision"],
            _score(one.said["weighted_f1"]),
            _score(one.said["champion_weighted_f1"]),
            (one.said["run_id"] or "–")[:12],
        ]
        for one in facts.judgements
    ]
    columns = ["when (UTC)", "snapshot", "gate", "weighted F1", "champion's", "run"]
    return Table("Every judgement", "The run is how that of the tracking server begins.", columns, rows)


def _model(facts: Facts) -> Section:
    rules = (conclusions.champion, conclusions.on_verdicts, conclusions.confidence)
    told = [sentence for rule in rules if (sentence := rule(facts))]
    found = conclusions.calibration_of(facts.of_champion)
    figures = []
    if found is not None:
        about = (
            "Within the band a model is as sure as it is right; the area of a point is how many answers it stands for."
        )
        figure = drawings.calibration(found)
        figures.append(_drawn("calibration", "Confidence beside people's word", about, figure, narrow=True))
    tables = []
    if facts.champion:
        tables.append(_scores(facts))
    return Section("The served model", told, figures, tables)


def _scores(facts: Facts) -> Table:
    champion = facts.champion
    assert champion is not None  # noqa: S101 - whoever calls has looked
    rows = [["package", champion.version[:12]], ["served since (UTC)", _moment(champion.since)]]
    if (found := champion.holdout) is not None:
        rows.append(["measured (UTC)", f"{_moment(found.at)}, snapshot {found.manifest}"])
        rows.append(["weighted F1", _score(found.weighted_f1)])
        if found.accuracy is not None:
            rows.append(["accuracy", _score(found.accuracy)])
        if found.calibration_error is not None:
            error, honest = found.calibration_error
            rows.append(["calibration error", f"{error:.3f}; an honest model stays below {honest:.3f}"])
    return Table("On the hold-out", "", ["", ""], rows)


def _rest(facts: Facts) -> Section:
    rules = (conclusions.watch, conclusions.archive, conclusions.disk)
    told = [sentence for rule in rules if (sentence := rule(facts))]
    tables = []
    figures = []
    if facts.readings:
        about = "The mean of each day; dotted: what it is held against; red: a day on which a reading was alarming."
        figures.append(
            _drawn("watch", "What the watch read", about, drawings.readings(facts.now.month, facts.readings))
        )
        tables.append(_readings(facts))
    if facts.rooms:
        rows = [[room.name, conclusions.in_bytes(room.size), f"{room.files:,}"] for room in facts.rooms]
        tables.append(Table("Disk", "", ["folder", "size", "files"], rows))
    return Section("Watch, archive and disk", told, figures, tables)


def _readings(facts: Facts) -> Table:
    rows = []
    for name in sorted({one.name for one in facts.readings}):
        of = [one for one in facts.readings if one.name == name]
        values = [one.value for one in of]
        alarms = sum(one.alarmed for one in of)
        rows.append(
            [name, f"{len(of):,}", f"{min(values):.3f}", f"{max(values):.3f}", f"{values[-1]:.3f}", f"{alarms:,}"]
        )
    columns = ["reading", "times", "least", "greatest", "last", "alarms"]
    return Table("Readings of the watch", "", columns, rows)


def _drawn(name: str, heading: str, about: str, figure: Figure, *, narrow: bool = False) -> Drawn:
    # Letters in it are outlines and everything else is numbers: there is nothing to escape.
    return Drawn(heading, about, Markup(drawings.svg(name, figure)), narrow)  # noqa: S704


def _share(found: Share) -> str:
    return share(found.value) if found.rows else "–"


def _interval(found: Share) -> str:
    return f"{share(found.interval[0])} to {share(found.interval[1])}" if found.rows else "–"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
