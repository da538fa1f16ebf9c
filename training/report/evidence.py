"""A judgement in Markdown, for a person who has to decide: the gate's words first, then what they rest on.

It is made from what ``judge`` kept; the page with the figures is the judgement's own, on the tracking server.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.taxonomy import Taxonomy
from training.report.sentences import decision, name_of, share

_MOST_CLASSES = 5  # falls, and as many gains
_SEEN = 0.0005  # a class that changes by less is not shown
_SCORES = {
    "weighted_f1": "weighted F1",
    "macro_f1": "macro F1",
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
}

Judged = Mapping[str, Any]


def subject(judged: Judged) -> str:
    """The question in one line."""
    compared = judged["gate"].get("evidence", {}).get("comparison")
    gain = f", {_points(compared['overall']['observed'])} of weighted F1" if compared else ""
    return f"Serve {judged['package'][:12]}? The gate said {judged['decision']}{gain}"


def body(judged: Judged, taxonomy: Taxonomy, *, run_url: str | None) -> str:
    """The whole evidence; ``run_url`` is the judgement's page on the tracking server."""
    compared = judged["gate"].get("evidence", {}).get("comparison")
    parts = [decision(judged["decision"]), *_doubts(judged), *_numbers(judged, compared)]
    if compared:
        parts += [*_classes(compared["classes"], taxonomy), *_robustness(compared.get("robustness") or ())]
    parts += [*_passed(judged), *_where(judged, run_url)]
    return "\n\n".join(parts)


def _doubts(judged: Judged) -> Iterator[str]:
    failed = [reason.removeprefix("FAILED ") for reason in judged["reasons"] if reason.startswith("FAILED ")]
    if failed:
        yield "**Why it did not let the package through:**"
        yield _list(failed)


def _passed(judged: Judged) -> Iterator[str]:
    passed = [reason.removeprefix("passed ") for reason in judged["reasons"] if reason.startswith("passed ")]
    if passed:
        yield "**What it found in order:**"
        yield _list(passed)


def _numbers(judged: Judged, compared: Mapping[str, Any] | None) -> Iterator[str]:
    columns = {"challenger": judged.get("scores") or {}, "champion": judged.get("champion_scores") or {}}
    rows = [
        [words, *(f"{scores[name]:.3f}" if name in scores else "" for scores in columns.values())]
        for name, words in _SCORES.items()
    ]
    yield f"**Scores** on the same {judged['rows']:,} products, none of which either had learnt:"
    yield _table(["", *columns], rows)
    low, high = judged.get("interval") or (None, None)
    if low is not None:
        yield f"The challenger's weighted F1 lies between {low:.3f} and {high:.3f} (95 % interval)."
    if compared:
        yield _list(_comparison(compared))


def _comparison(compared: Mapping[str, Any]) -> Iterator[str]:
    parts = {"all": "overall", "frozen hold-out": "frozen", "fresh rows": "fresh"}
    for words, name in parts.items():
        if one := compared.get(name):
            yield (
                f"{words}: {one['rows']:,} rows of {one['clusters']:,} distinct products, weighted F1 "
                f"{_points(one['observed'])} (90 % interval {_points(one['low'])} to {_points(one['high'])}); better "
                f"in {share(one['improves'])} of the draws, worse in {share(one['worsens'])}"
            )
    yield f"one answer takes {compared['relative_latency']:.2f} times as long as the champion's"
    if doubt := compared.get("new_labels"):
        yield (
            f"of {doubt['rows']:,} labels that the champion has not learnt it contradicts "
            f"{share(doubt['contradicted'])}; {share(doubt['expected'])} were to be expected"
        )
    if looks := compared.get("looks"):
        yield f"look {looks['at_holdout']} at this hold-out, {looks['at_champion']} of them beside this champion"


def _classes(changes: Sequence[Mapping[str, Any]], taxonomy: Taxonomy) -> Iterator[str]:
    by_change = sorted(changes, key=_change)
    falls = [one for one in by_change if _change(one) < -_SEEN][:_MOST_CLASSES]
    gains = [one for one in reversed(by_change) if _change(one) > _SEEN][:_MOST_CLASSES]
    if falls or gains:
        yield f"**Categories that change most**, of {len(changes)}:"
        rows = [
            [
                name_of(one["code"], taxonomy),
                f"{one['champion_f1']:.3f}",
                f"{one['challenger_f1']:.3f}",
                _points(_change(one)),
                str(one["support"]),
            ]
            for one in [*falls, *reversed(gains)]
        ]
        yield _table(["category", "champion", "challenger", "change", "products"], rows)


def _change(one: Mapping[str, Any]) -> float:
    return float(one["challenger_f1"] - one["champion_f1"])


def _robustness(tried: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if tried:
        yield "**Disturbed products**, weighted F1:"
        rows = [
            [one["disturbance"], f"{one['champion_f1']:.3f}", f"{one['challenger_f1']:.3f}", str(one["rows"])]
            for one in tried
        ]
        yield _table(["disturbance", "champion", "challenger", "products"], rows)


def _where(judged: Judged, run_url: str | None) -> Iterator[str]:
    known = f"Package `{judged['package']}`, snapshot {judged['manifest']}, judged beside epoch {judged['epoch']}."
    yield f"{known} Its page, with figures and examples: {run_url} (`report.html`)." if run_url else known


def _points(change: float) -> str:
    return f"{100 * change:+.1f} points"


def _list(lines: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
