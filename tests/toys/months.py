"""A month of a shop's loop, made up: every figure of a report has something to show."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.db.models import Promotion
from core.db.repositories.monthly import Archived, Batch, Decided, Judgement, Sent, Waiting, Wish
from core.db.repositories.promotions import Move
from training.report.month.facts import (
    Accepted,
    Champion,
    Facts,
    Flow,
    HoldOut,
    Month,
    Policy,
    Reading,
    Room,
)

OCTOBER = Month(2026, 10)
SERVED = "c" * 64
LABELS = {
    10: "10 Second-hand books",
    40: "40 Imported video games",
    1280: "1280 Children's toys",
    1560: "1560 Furniture and kitchen",
    2060: "2060 Decoration",
    2403: "2403 Magazines and comics",
    2583: "2583 Swimming pools",
    2705: "2705 New books",
}
POLICY = Policy(min_verdicts=50, significance=0.01, min_accuracy=0.7)
REFERENCES = {"challenge's text baseline": 0.8113, "challenge's image baseline": 0.5534}


def accepted(
    month: Month,
    rows: int,
    wrong: float,
    *,
    version: str = SERVED,
    worse: dict[int, float] | None = None,
    seed: int | None = None,
) -> list[Accepted]:
    """So many labels over the month, of which a share ``wrong`` are not the model's; by answer where ``worse`` says."""
    random = np.random.default_rng(month.number if seed is None else seed)
    codes, span = list(LABELS), month.until - month.since
    return [
        Accepted(
            at=month.since + span * (row / rows),
            code=codes[(place + 1) % len(codes)] if random.random() < share else codes[place],
            suggested=codes[place],
            confidence=float(np.clip(random.normal(1 - share, 0.08), 0.2, 0.99)),
            version=version,
        )
        for row in range(rows)
        for place in [int(random.integers(len(codes)))]
        for share in [(worse or {}).get(codes[place], wrong)]
    ]


def flow(
    month: Month, labels: list[Accepted], *, products: int = 40, reviewers: tuple[str, ...] = ("ann", "remy")
) -> Flow:
    """Products and verdicts of every day around the labels."""
    days = [month.since + timedelta(days=n) for n in range((month.until - month.since).days)]
    random = np.random.default_rng(month.number + 100)
    sent = [
        Sent(str(day.date()), half, int(random.poisson(products * share)))
        for day in days
        for half, share in (("text+image", 0.8), ("text-only", 0.2))
    ]
    return Flow(
        month=month,
        sent=sent,
        senders=5,
        decided=list(_decided(labels, days, reviewers)),
        accepted=labels,
        waiting=[
            Waiting(str((month.until - timedelta(days=age)).date()), rows, month.until - timedelta(days=age, hours=-3))
            for age, rows in ((1, 38), (2, 12), (3, 9), (6, 8), (12, 5), (21, 2))
        ],
        at=month.until,
    )


def _decided(labels: list[Accepted], days: list[datetime], reviewers: tuple[str, ...]) -> Iterator[Decided]:
    for day in days:
        of = [one for one in labels if one.at.date() == day.date()]
        for place, name in enumerate(reviewers):
            mine = of[place :: len(reviewers)]
            for agrees in (True, False):
                rows = sum(one.is_override != agrees for one in mine)
                if rows:
                    yield Decided(str(day.date()), name, "validate", agrees, rows)
        if day.day % 3 == 0:
            yield Decided(str(day.date()), reviewers[0], "reject", True, 2)
        if day.day % 9 == 0:
            yield Decided(str(day.date()), reviewers[0], "undo", True, 1)


def judgement(day: int, decision: str, score: float, champion: float | None) -> Judgement:
    """What the audit keeps of one."""
    said = {"manifest": day, "decision": decision, "epoch": 1, "champion": "b" * 64, "run_id": f"{day:032x}"}
    said |= {"weighted_f1": score, "champion_weighted_f1": champion, "gate": {}}
    return Judgement(OCTOBER.since + timedelta(days=day, hours=4), said)


def move(day: int, epoch: int, kind: str, reason: str, *, who: str = "training") -> Move:
    """A row of the ledger."""
    at = OCTOBER.since + timedelta(days=day, hours=5)
    row = Promotion(epoch=epoch, kind=kind, reason=reason, actor=who, models={"fusion": SERVED}, created_at=at)
    return Move(row, who)


def facts(*, wrong: float = 0.1, earlier: float = 0.1, worse: dict[int, float] | None = None, **other: Any) -> Facts:
    """A month with everything in it; ``other`` replaces parts."""
    whole = Facts(
        now=flow(OCTOBER, accepted(OCTOBER, 900, wrong, worse=worse)),
        before=flow(OCTOBER.before, accepted(OCTOBER.before, 800, earlier), products=36),
        is_over=True,
        batches=[
            Batch(OCTOBER.since + timedelta(days=day, hours=3), day, 300, retractions)
            for day, retractions in ((6, 2), (15, 0), (24, 5))
        ],
        rows=61_204,
        judgements=[
            judgement(6, "refuse", 0.806, 0.821),
            judgement(15, "grey", 0.829, 0.822),
            judgement(24, "promote", 0.836, 0.822),
        ],
        moves=[move(24, 4, "gate", "weighted F1 is better by 1.4 points")],
        wishes=[Wish(OCTOBER.since + timedelta(days=14), "ada", "a new season")],
        feedback={"confirmed": 41, "disputed": 7, "proposed": 12},
        archived=Archived(24, 1, 3),
        champion=Champion(
            version=SERVED,
            epoch=4,
            since=OCTOBER.since + timedelta(days=24, hours=5),
            holdout=HoldOut(OCTOBER.since + timedelta(days=24), 24, 0.836, (0.829, 0.843), 0.838, (0.021, 0.03)),
        ),
        readings=[
            Reading(OCTOBER.since + timedelta(days=n / 2), name, value, held, value > 0.045 and held < 0.1)
            for n in range(62)
            for name, value, held in (("accuracy", 0.9 - n / 600, 0.7), ("newness of the texts", n / 1200, 0.04))
        ],
        rooms=[Room("images", 14_200_000_000, 61_204), Room("training", 9_300_000_000, 75), Room("runs", 81_000, 9)],
        labels=LABELS,
        references=REFERENCES,
        policy=POLICY,
    )
    return replace(whole, **other)
