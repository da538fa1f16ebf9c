"""The settings this process needs, gathered once at its edge."""

from dataclasses import dataclass

from core.settings import AuthSettings, DatabaseSettings, LoopSettings, ServingSettings, StoreSettings


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Settings by concern; see ``core/settings.py``."""

    auth: AuthSettings
    database: DatabaseSettings
    store: StoreSettings
    serving: ServingSettings
    loop: LoopSettings

    @classmethod
    def from_environment(cls) -> "ServiceSettings":
        """Read them all.

        Raises:
            pydantic.ValidationError: a value is missing or out of bounds.
        """
        return cls(AuthSettings(), DatabaseSettings(), StoreSettings(), ServingSettings(), LoopSettings())
