"""What the challenge's own baselines score, for data of the challenge only."""

from core.domain.taxonomy import Taxonomy

CHALLENGE_CODES = frozenset(
    {10, 40, 50, 60, 1140, 1160, 1180, 1280, 1281, 1300, 1301, 1302, 1320, 1560, 1920, 1940, 2060}
    | {2220, 2280, 2403, 2462, 2522, 2582, 2583, 2585, 2705, 2905}
)
"""The 27 codes of the Rakuten France multimodal challenge."""

_BASELINES = {"challenge's text baseline": 0.8113, "challenge's image baseline": 0.5534}


def references_for(taxonomy: Taxonomy) -> dict[str, float]:
    """Weighted F1 of the challenge's baselines by name; none where the taxonomy is another."""
    return dict(_BASELINES) if frozenset(taxonomy.codes) == CHALLENGE_CODES else {}
