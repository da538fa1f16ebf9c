"""What a judgement found, in plain English: each function gives one sentence, or None where there is nothing to say."""

from collections.abc import Iterator, Mapping

from core.domain.taxonomy import Taxonomy
from training.evaluate import Evaluation

_DECISIONS = {
    "first": "There is no champion yet, and the package is intact: it may be released.",
    "promote": "The gate promotes it: it is better than the champion, surely enough.",
    "grey": "Grey zone: it looks better than the champion, but not surely enough. A person decides, or more labels do.",
    "refuse": "The gate refuses it: the champion stays.",
    "companion": "It is not gated: it may be released beside the gated model.",
}
FEWEST_ROWS = 10
"""A category with fewer products is not called weak."""


def decision(outcome: str) -> str:
    """The gate's decision."""
    return _DECISIONS.get(outcome, f"The gate says: {outcome}.")


def overall(scores: Evaluation) -> str:
    """How good it is."""
    low, high = scores.weighted_f1_interval
    return (
        f"On {scores.rows:,} products that it has not learnt from, {share(scores.accuracy)} of its answers are right; "
        f"weighted F1 is {scores.weighted_f1:.3f} (95 % interval {low:.3f} to {high:.3f}), "
        f"macro F1 {scores.macro_f1:.3f}."
    )


def beside(champion: Evaluation, difference: tuple[float, float, float]) -> str:
    """How it stands to the champion; ``difference`` is 5th percentile, observed, 95th, in shares of one."""
    low, observed, high = (100 * value for value in difference)
    way = "no different" if abs(observed) < 0.05 else "better" if observed > 0 else "worse"
    by = "" if way == "no different" else f" by {abs(observed):.1f} points"
    return (
        f"The champion has {champion.weighted_f1:.3f} on the same products: the challenger is {way}{by}, and in 90 of "
        f"100 resamples the difference lies between {low:+.1f} and {high:+.1f} points."
    )


def calibration(scores: Evaluation) -> str:
    """Whether it is as sure as it is right."""
    found = scores.reliability
    if found.is_honest:
        return (
            f"It is as sure as it is right: the calibration error is {found.error:.3f}, and on as few products a "
            f"perfectly honest model has {found.honest_error:.3f} by chance."
        )
    said = sum(float(a * b) for a, b in zip(found.rows, found.said, strict=True) if a) / scores.rows
    way = "surer than it is right" if said > scores.accuracy else "more often right than it says"
    return (
        f"It is {way}: the calibration error is {found.error:.3f}, beyond the {found.honest_error_high:.3f} that "
        f"chance gives an honest model on as many products."
    )


def standing(scores: Evaluation) -> str | None:
    """How many answers may stand without a person."""
    selected = scores.selected
    if selected is None:
        return None
    if not selected.coverage or selected.precision is None:
        return "No answer may stand without a person yet: the model could not promise 97 % precision on unseen rows."
    return (
        f"{share(selected.coverage)} of the products could be answered without a person: those above the confidence "
        f"that promised 97 % precision on rows it had not learnt from. Here {share(selected.precision)} of them are "
        f"right (at least {share(selected.bound)}, with 95 % confidence)."
    )


def weakest(scores: Evaluation, taxonomy: Taxonomy, *, count: int = 3) -> str | None:
    """The categories it is worst at, among those with enough products to tell."""
    seen = [(one.f1, one.support, code) for code, one in scores.classes.items() if one.support >= FEWEST_ROWS]
    named = [f"{name_of(code, taxonomy)} ({f1:.2f} on {rows})" for f1, rows, code in sorted(seen)[:count]]
    return f"Weakest categories by F1: {', '.join(named)}." if named else None


def against_references(scores: Evaluation, references: Mapping[str, float]) -> Iterator[str]:
    """The challenge's baselines, where the data are the challenge's."""
    for name, reference in references.items():
        way = "above" if scores.weighted_f1 >= reference else "below"
        yield f"Weighted F1 is {abs(scores.weighted_f1 - reference):.3f} {way} the {name} ({reference})."


def name_of(code: int, taxonomy: Taxonomy) -> str:
    """A category's code with its label, where the taxonomy has one."""
    return f"{code} {taxonomy.require(code).label}" if code in taxonomy else str(code)


def share(value: float) -> str:
    """A share of one as per cent with one decimal."""
    return f"{100 * value:.1f} %"
