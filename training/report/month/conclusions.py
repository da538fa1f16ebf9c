"""What follows from a month's figures, in sentences: each rule is a function of the facts and of nothing else."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import NormalDist

import numpy as np

from core.domain.gate import significant
from core.domain.shares import wilson
from training.calibration import Reliability, reliability
from training.report.month.facts import Accepted, Facts, by_answer, overrides
from training.report.sentences import share
from training.shares import Share, chance_of_rise

FEWEST_ANSWERS = 20
"""A category of which fewer answers were looked at, this month or the one before, is not compared."""
_NAMED = 3  # categories that a sentence names


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Whether the month asks for a retraining.

    Attributes:
        retrain: whether it does.
        sentence: the verdict, whole.
        reasons: why, most general first; empty where it does not.
    """

    retrain: bool
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Worse:
    """A category whose answers are replaced more often than the month before, and not by chance."""

    code: int
    before: Share
    after: Share


def recommend(facts: Facts) -> Recommendation:
    """The verdict at the end. It looks at answers of the model that is served now: another's are history."""
    policy, rows = facts.policy, facts.of_champion
    if facts.champion is None:
        return Recommendation(False, "No retraining needed: nothing is served yet, and the first labels train.", ())
    if len(rows) < policy.min_verdicts:
        return Recommendation(
            False,
            f"No retraining needed on the evidence there is: people accepted {_count(len(rows), 'answer')} of the "
            f"model that is served now, and less than {policy.min_verdicts} tell too little.",
            (),
        )
    reasons = tuple(_reasons(facts, rows))
    if not reasons:
        return Recommendation(
            False, "No retraining needed: the model that is served now does not do worse than before.", ()
        )
    return Recommendation(True, f"Retrain because {', and '.join(reasons)}.", reasons)


def _reasons(facts: Facts, rows: Sequence[Accepted]) -> Iterator[str]:
    policy, after, before = facts.policy, overrides(rows), overrides(facts.before.accepted)
    # Three questions share the promised chance of asking for nothing.
    level = policy.significance / 3
    if chance_of_rise(before, after) < level:
        yield (
            f"people replaced {share(after.value)} of the served model's answers, against {share(before.value)} of "
            "what was served the month before"
        )
    accuracy = Share(after.rows - after.hits, after.rows)
    if wilson(accuracy.hits, accuracy.rows, NormalDist().inv_cdf(1 - level))[1] < policy.min_accuracy:
        yield (
            f"only {share(accuracy.value)} of the served model's answers are right by people's verdicts, surely below "
            f"the {share(policy.min_accuracy)} that the settings ask for"
        )
    if fallen := worse_categories(facts.before.accepted, rows, level):
        yield f"answers became worse in {_listed([facts.label(one.code) for one in fallen])}"


def worse_categories(before: Sequence[Accepted], after: Sequence[Accepted], level: float) -> list[Worse]:
    """Answers that are replaced more often than before, the greatest rise first.

    However many categories are compared, the chance that any of them is named without having become worse is at
    most ``level``.
    """
    earlier, later = by_answer(before), by_answer(after)
    compared = [
        Worse(code, earlier[code], later[code])
        for code in later
        if code in earlier and min(earlier[code].rows, later[code].rows) >= FEWEST_ANSWERS
    ]
    chances = [chance_of_rise(one.before, one.after) for one in compared]
    found = [compared[place] for place in significant(chances, alpha=level)]
    return sorted(found, key=lambda one: (one.before.value - one.after.value, one.code))


def conclusions(facts: Facts) -> list[str]:
    """Every sentence that has something to say, in the order of the page."""
    rules = (products, verdicts, override_rate, categories, backlog, labels, trainings, promotions, champion)
    rules += (on_verdicts, confidence, watch, archive, disk)
    return [sentence for rule in rules if (sentence := rule(facts))]


def products(facts: Facts) -> str:
    """How much came in."""
    now, before = facts.now, facts.before
    if not now.products:
        return "No product came in."
    of = f"{_count(now.products, 'product')} came in from {_count(now.senders, 'sender')}"
    return f"{of}, {_beside(now.products, before.products)}."


def verdicts(facts: Facts) -> str:
    """What people decided."""
    by_action = Counter[str]()
    for one in facts.now.decided:
        by_action[one.action] += one.rows
    if not by_action:
        return "Nobody decided anything."
    told = _listed([f"{rows:,} × {action}" for action, rows in by_action.most_common()])
    people = len({one.reviewer for one in facts.now.decided})
    return f"{_count(people, 'person', 'people')} gave {_count(sum(by_action.values()), 'verdict')}: {told}."


def override_rate(facts: Facts) -> str | None:
    """How often people replaced the model's answer, and whether that is more than before."""
    after, before = overrides(facts.now.accepted), overrides(facts.before.accepted)
    if not after.rows:
        return None
    low, high = after.interval
    told = (
        f"People replaced {share(after.value)} of the answers that they accepted a label for ({after.hits:,} of "
        f"{after.rows:,}; 95 % interval {share(low)} to {share(high)})."
    )
    if not before.rows:
        return told
    return f"{told} The month before it was {share(before.value)}: {_change(before, after, facts.policy.significance)}."


def categories(facts: Facts) -> str:
    """Which of the model's answers became worse."""
    fallen = worse_categories(facts.before.accepted, facts.now.accepted, facts.policy.significance)
    if not fallen:
        return "No category's answers became worse by more than chance explains."
    named = [
        f"{facts.label(one.code)} ({share(one.before.value)} replaced → {share(one.after.value)})"
        for one in fallen[:_NAMED]
    ]
    more = f" and {len(fallen) - _NAMED} more" if len(fallen) > _NAMED else ""
    return f"Answers became worse in {_listed(named)}{more}."


def backlog(facts: Facts) -> str:
    """What waits for a person."""
    now, before = facts.now, facts.before
    if not now.backlog:
        return "Nothing waited for a reviewer at the end."
    return (
        f"{_count(now.backlog, 'product')} waited for a reviewer at the end, {_beside(now.backlog, before.backlog)}; "
        f"the oldest for {_age(now.oldest_age)}."
    )


def labels(facts: Facts) -> str:
    """What the training store took."""
    if not facts.batches:
        return "The training store took no batch."
    added, gone = (sum(getattr(one, what) for one in facts.batches) for what in ("rows", "retractions"))
    holds = f"; it held {facts.rows:,} rows at the end" if facts.rows is not None else ""
    return f"The training store took {_count(added, 'label')} in and {gone:,} back{holds}."


def trainings(facts: Facts) -> str:
    """How often the model was trained, and what the gate said."""
    if not facts.judgements:
        return "No new model was judged."
    said = Counter(one.said["decision"] for one in facts.judgements)
    words = _listed([f"{rows:,} × {decision}" for decision, rows in sorted(said.items())])
    were = "was" if len(facts.judgements) == 1 else "were"
    return f"{_count(len(facts.judgements), 'newly trained model')} {were} judged: {words}."


def promotions(facts: Facts) -> str:
    """What became of the release."""
    if not facts.moves:
        return "The release did not move."
    back = sum(one.row.kind == "rollback" for one in facts.moves)
    told = f"The release moved {_times(len(facts.moves))}"
    return f"{told}, {_times(back)} of that back." if back else f"{told}, never back."


def champion(facts: Facts) -> str | None:
    """How good the served model is on products that it never learnt from."""
    if facts.champion is None:
        return "Nothing is served yet."
    found = facts.champion.holdout
    if found is None:
        return f"Nobody measured the served model ({facts.champion.version[:12]}) on the hold-out."
    interval = f" (95 % interval {found.interval[0]:.3f} to {found.interval[1]:.3f})" if found.interval else ""
    beside = [
        f"{abs(gap):.3f} {'above' if gap >= 0 else 'below'} the {name} ({facts.references[name]})"
        for name, gap in ((name, found.weighted_f1 - score) for name, score in facts.references.items())
    ]
    told = f"The served model's weighted F1 on the hold-out is {found.weighted_f1:.3f}{interval}"
    told += f": {_listed(beside)}." if beside else "."
    again = facts.champion.again
    if again is None:
        return told
    return f"{told} Beside the last challenger, on snapshot {again.manifest}, it had {again.weighted_f1:.3f}."


def on_verdicts(facts: Facts) -> str | None:
    """How often the served model was right, by people's word."""
    found = overrides(facts.of_champion)
    if not found.rows:
        return None
    right = Share(found.rows - found.hits, found.rows)
    low, high = right.interval
    return (
        f"On this month's verdicts {share(right.value)} of the served model's answers are right ({share(low)} to "
        f"{share(high)}); people see doubtful products first, so it is probably right more often on all of them."
    )


def calibration_of(rows: Sequence[Accepted]) -> Reliability | None:
    """Confidence beside people's word; None without rows."""
    if not rows:
        return None
    return reliability(np.array([row.confidence for row in rows]), np.array([not row.is_override for row in rows]))


def confidence(facts: Facts) -> str | None:
    """Whether the served model was as sure as it was right."""
    found = calibration_of(facts.of_champion)
    if found is None:
        return None
    if found.is_honest:
        return (
            f"It was as sure as it was right: its calibration error on verdicts is {found.error:.3f}, and chance gives "
            f"an honest model up to {found.honest_error_high:.3f}."
        )
    said = float(np.nansum(found.said * found.rows) / found.rows.sum())
    right = float(np.nansum(found.found * found.rows) / found.rows.sum())
    way = "surer than it was right" if said > right else "more often right than it said"
    return (
        f"It was {way}: its calibration error on verdicts is {found.error:.3f}, beyond the "
        f"{found.honest_error_high:.3f} that chance gives an honest model."
    )


def watch(facts: Facts) -> str | None:
    """What the watch over the model found."""
    if not facts.readings:
        return "The watch took no reading."
    alarmed: dict[str, set[str]] = {}
    for one in facts.readings:
        if one.alarmed:
            alarmed.setdefault(one.name, set()).add(str(one.at.date()))
    if not alarmed:
        return f"The watch took {_count(len(facts.readings), 'reading')}, and none was alarming."
    told = _listed([f"{name} (on {_count(len(days), 'day')})" for name, days in sorted(alarmed.items())])
    return f"The watch was alarmed by {told}."


def archive(facts: Facts) -> str | None:
    """What became of rejected products."""
    found = facts.archived
    if not (found.arrived or found.removed or found.waiting):
        return None
    return (
        f"{_count(found.arrived, 'rejected product')} went into the archive and {found.removed:,} out of it; "
        f"{found.waiting:,} were on their way at the end."
    )


def disk(facts: Facts) -> str | None:
    """What the store takes."""
    if not facts.rooms:
        return None
    largest = max(facts.rooms, key=lambda room: room.size)
    total = sum(room.size for room in facts.rooms)
    return f"The store takes {in_bytes(total)} of disk, most of it {largest.name} ({in_bytes(largest.size)})."


def replacements(rows: Sequence[Accepted], *, count: int) -> list[tuple[int, int, int]]:
    """The answers that people replaced most: the model's code, theirs, and how often."""
    pairs = Counter((row.suggested, row.code) for row in rows if row.is_override)
    return [(*pair, times) for pair, times in sorted(pairs.items(), key=lambda one: (-one[1], one[0]))[:count]]


def figures(facts: Facts) -> Mapping[str, float]:
    """What the tracking server is told: one number by name, those that are known."""
    after = overrides(facts.now.accepted)
    found = {
        "products": facts.now.products,
        "verdicts": sum(one.rows for one in facts.now.decided),
        "backlog": facts.now.backlog,
        "labels_added": sum(one.rows for one in facts.batches),
        "labels_retracted": sum(one.retractions for one in facts.batches),
        "promotions": len(facts.moves),
    }
    if after.rows:
        found["override_rate"] = after.value
    if facts.champion and facts.champion.holdout:
        found["champion_weighted_f1"] = facts.champion.holdout.weighted_f1
    return found


def in_bytes(size: float) -> str:
    """A size for people: three digits and a unit of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _change(before: Share, after: Share, level: float) -> str:
    if chance_of_rise(before, after) < level:
        return "it rose by more than chance explains"
    if chance_of_rise(after, before) < level:
        return "it fell by more than chance explains"
    return "chance explains the difference"


def _beside(now: int, before: int) -> str:
    if not before:
        return "none the month before"
    if now == before:
        return "as many as the month before"
    change = (now - before) / before
    return f"{100 * abs(change):.0f} % {'more' if change > 0 else 'fewer'} than the month before ({before:,})"


def _age(age: timedelta) -> str:
    return _count(age.days, "day") if age.days else _count(int(age.total_seconds() // 3600), "hour")


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
