"""An episode is told once, daily while it lasts, and ends only by a finding that all is well."""

from datetime import datetime, timedelta

import pytest

from core.domain.watch import Episode, Finding, Step, step

NOON = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - as the database keeps it
LASTS = Episode(NOON, ended=False)
OVER = Episode(NOON, ended=True)


@pytest.mark.parametrize(
    ("finding", "episode", "hours", "expected"),
    [
        (Finding.ALARM, None, 0, Step.BEGIN),
        (Finding.ALARM, LASTS, 1, Step.NOTHING),
        (Finding.ALARM, LASTS, 24, Step.TELL_AGAIN),
        (Finding.ALARM, OVER, 1, Step.BEGIN),
        (Finding.UNSURE, None, 0, Step.NOTHING),
        (Finding.UNSURE, LASTS, 48, Step.NOTHING),
        (Finding.WELL, LASTS, 1, Step.END),
        (Finding.WELL, OVER, 1, Step.NOTHING),
        (Finding.WELL, None, 0, Step.NOTHING),
    ],
)
def test_a_finding_moves_the_episode(finding: Finding, episode: Episode | None, hours: int, expected: Step) -> None:
    assert step(finding, episode, NOON + timedelta(hours=hours)) is expected
