"""What an alarm says, in plain words: figures only, nothing that anybody sent."""

from collections.abc import Mapping
from typing import Any, Protocol

from core.domain.watch import Watched

ASKED = "A retraining has been asked for and is started."
_NEW = {
    Watched.TEXT: "The texts of the newest {rows} products do not look like those before",
    Watched.IMAGES: "The photos of the newest {rows} products do not look like those before",
}
_SHORT = {
    Watched.ACCURACY: "accuracy fell",
    Watched.CALIBRATION: "confidence does not match accuracy",
    Watched.TEXT: "texts changed",
    Watched.IMAGES: "photos changed",
}


class Figures(Protocol):
    """The figures of a reading, as the database keeps them."""

    rows: int
    value: float
    low: float | None
    high: float | None
    threshold: float
    chance: float | None
    detail: dict[str, Any]


def subject(told: Mapping[Watched, Figures]) -> str:
    """One line for everything that is told of."""
    return ", ".join(_SHORT[kind] for kind in told)


def text(told: Mapping[Watched, Figures]) -> str:
    """A sentence for each thing, and where to read on."""
    sentences = [sentence(kind, figures) for kind, figures in told.items()]
    if Watched.ACCURACY in told:
        sentences.append(ASKED)
    return "\n".join([*sentences, "docs/quality.md says what each means and what to do."])


def sentence(kind: Watched, found: Figures) -> str:
    """What one reading that alarms says."""
    if kind is Watched.ACCURACY:
        return accuracy(found)
    if kind is Watched.CALIBRATION:
        promise = "too much" if found.detail["gap"] > 0 else "too little"
        return (
            f"On the last {found.rows} verdicts the model promises {promise}: mean confidence and share of right "
            f"answers are {abs(found.detail['gap']):.1%} apart, the calibration error is {found.value:.3f} where an "
            f"honest model's is about {found.detail['honest']:.3f} (p = {found.chance:.4f})."
        )
    return (
        f"{_NEW[kind].format(rows=found.rows)}: {found.value:.2%} of the spread among them and the reference lies "
        f"between the two (p = {found.chance:.4f})."
    )


def accuracy(found: Figures) -> str:
    """The look that is surely below the threshold: at all verdicts, or else at the newest few."""
    newest = found.detail["newest"]
    looked = (found.rows, found.value, found.low, found.high)
    if found.high is None or found.high >= found.threshold:
        looked = (newest["rows"], newest["value"], newest["low"], newest["high"])
    rows, value, low, high = looked
    return (
        f"Accuracy on the last {rows} verdicts is {value:.1%} (95 % interval {low:.1%} to {high:.1%}): "
        f"surely below {found.threshold:.0%}."
    )
