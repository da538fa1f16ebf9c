"""What a person may promote, and how the ledger calls it."""

import pytest

from core.domain.gate import Outcome
from core.domain.promotion import GATED, GateFinding, NotLetThrough, PromotionKind, kind_of_promotion


def kind(finding: GateFinding | None, *, model: str = GATED, override: bool = False) -> PromotionKind:
    return kind_of_promotion(model=model, finding=finding, champion="champion", override=override)


@pytest.mark.parametrize(
    ("decision", "called"),
    [
        (Outcome.FIRST, PromotionKind.FIRST),
        (Outcome.PROMOTE, PromotionKind.GATE),
        (Outcome.GREY, PromotionKind.APPROVED),
    ],
)
@pytest.mark.parametrize("override", [False, True])
def test_what_the_gate_carries_is_called_after_it(decision: Outcome, called: PromotionKind, override: bool) -> None:
    assert kind(GateFinding(decision, "champion"), override=override) is called


@pytest.mark.parametrize(
    "finding",
    [
        None,
        GateFinding(Outcome.REFUSE, "champion"),
        GateFinding(Outcome.PROMOTE, "the champion before"),
        GateFinding(Outcome.FIRST, None),
    ],
)
def test_anything_else_takes_a_person_who_overrides(finding: GateFinding | None) -> None:
    with pytest.raises(NotLetThrough):
        kind(finding)
    assert kind(finding, override=True) is PromotionKind.MANUAL


def test_a_companion_needs_no_gate() -> None:
    assert kind(None, model="lexical") is PromotionKind.COMPANION
