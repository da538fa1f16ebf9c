"""What the watch over a model looks at, and when it tells somebody: once an episode, and daily while that lasts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TOLD_AGAIN_AFTER = timedelta(days=1)
"""An episode that lasts so long is told again."""


class Watched(StrEnum):
    """What is watched, each by itself."""

    ACCURACY = "accuracy"
    CALIBRATION = "calibration"
    TEXT = "text"
    IMAGES = "images"


class Finding(StrEnum):
    """What a reading says: nothing is wrong, something is, or neither is sure and what was said before stands."""

    WELL = "well"
    ALARM = "alarm"
    UNSURE = "unsure"


class Step(StrEnum):
    """What a reading makes of the episode."""

    BEGIN = "begin"
    TELL_AGAIN = "tell_again"
    END = "end"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Episode:
    """The newest episode of one thing that is watched: told last at ``told_at``, over where ``ended`` is true."""

    told_at: datetime
    ended: bool


def step(finding: Finding, episode: Episode | None, now: datetime) -> Step:
    """What follows from the newest finding about something.

    Args:
        finding: what was read last.
        episode: the newest one, None before the first.
        now: by the clock that ``told_at`` was taken from.
    """
    lasts = episode is not None and not episode.ended
    if lasts and finding is Finding.WELL:
        return Step.END
    if finding is not Finding.ALARM:
        return Step.NOTHING
    if not lasts:
        return Step.BEGIN
    return Step.TELL_AGAIN if now - episode.told_at >= TOLD_AGAIN_AFTER else Step.NOTHING
