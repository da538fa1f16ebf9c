"""What the demonstration found, for a person and for a program."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.progress import table


@dataclass(slots=True)
class Outcome:
    """Filled in as the demonstration goes on; what a failed one did not reach stays at its default.

    Attributes:
        promoted: the default gate moved the champion.
        next_answer_is_new: the first answer after that named the new version.
        rows_before: live rows of the training store before the verdicts; ``rows_after`` after them.
        verdicts: how often the reviewer did what.
        suggestions_right: share of the arriving products whose first suggestion was right, 0..1.
        judged: what the comparison of champion and challenger found.
        seconds: by step.
        failed_step: where it ended, or None.
    """

    promoted: bool = False
    next_answer_is_new: bool = False
    rows_before: int = 0
    rows_after: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    suggestions_right: float = 0.0
    judged: dict[str, Any] = field(default_factory=dict)
    champion_before: str = ""
    champion_after: str = ""
    answered_before: str = ""
    answered_after: str = ""
    peak_memory_bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    total_s: float = 0.0
    failed_step: str | None = None
    error: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the loop closed: promoted by the gate, and the next answer came from the new version."""
        return self.promoted and self.next_answer_is_new

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
        document = asdict(self) | {"success": self.is_success}
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def describe(self) -> str:
        """The tables at the end of the demonstration."""
        return "\n\n".join([table(_scores(self)), table(_seconds(self))])


def live_rows(root: Path) -> int:
    """Live rows of the newest manifest of the training store in ``root``; 0 before the first."""
    manifests = sorted((root / "training" / "manifests").glob("*.json"))
    if not manifests:
        return 0
    manifest = json.loads(manifests[-1].read_text(encoding="utf-8"))
    return sum(segment["rows"] for segment in manifest["segments"]) - len(manifest["tombstones"])


def _scores(outcome: Outcome) -> list[tuple[str, ...]]:
    judged: Mapping[str, Any] = outcome.judged
    low, middle, high = (_points(value) for value in judged.get("difference") or (None, None, None))
    return [
        ("", "before", "after", "difference"),
        (
            "training rows",
            str(outcome.rows_before),
            str(outcome.rows_after),
            f"+{outcome.rows_after - outcome.rows_before}",
        ),
        (
            "weighted F1, same rows",
            _share(judged.get("champion_weighted_f1")),
            _share(judged.get("weighted_f1")),
            f"{middle} points [{low}, {high}]",
        ),
        ("champion", outcome.champion_before[:12], outcome.champion_after[:12], ""),
        ("the same product answered by", outcome.answered_before[:12], outcome.answered_after[:12], ""),
    ]


def _seconds(outcome: Outcome) -> list[tuple[str, ...]]:
    rows = [(name, f"{seconds:.1f}") for name, seconds in outcome.seconds.items()]
    memory = f"{outcome.peak_memory_bytes / 2**30:.1f} GiB" if outcome.peak_memory_bytes else "not measured here"
    return [("step", "seconds"), *rows, ("all", f"{outcome.total_s:.1f}"), ("peak memory, all processes", memory)]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.1f}"
