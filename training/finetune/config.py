"""The numbers that decide a fine-tuning, read from ``training/config.toml``, section ``[finetune]``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FinetuneConfig:
    """How an encoder and a softmax head over it are trained together; meanings stand in ``config.toml``."""

    epochs: int
    learning_rate: float
    warmup: float
    weight_decay: float
    label_smoothing: float
    dropout: float
    balance: float
    batch_rows: int
    patience: int
    checkpoint_steps: int

    def __post_init__(self) -> None:
        positive = ("epochs", "learning_rate", "batch_rows", "patience", "checkpoint_steps")
        if wrong := {name: getattr(self, name) for name in positive if not getattr(self, name) > 0}:
            raise ValueError(f"expected numbers above zero. Received: {wrong}")
        if not all(0 <= share < 1 for share in (self.warmup, self.label_smoothing, self.dropout)):
            raise ValueError(f"warmup, label_smoothing and dropout lie in [0, 1). Received: {self}")
        if not (0 <= self.balance <= 1 and self.weight_decay >= 0):
            raise ValueError(f"balance lies in [0, 1], weight_decay is not negative. Received: {self}")


@dataclass(frozen=True, slots=True)
class ImageFinetuneConfig(FinetuneConfig):
    """The same with changed photos."""

    flip: float
    crop: float
    jitter: float

    def __post_init__(self) -> None:
        FinetuneConfig.__post_init__(self)
        if not (0 <= self.flip <= 1 and 0 <= self.crop < 1 and 0 <= self.jitter < 1):
            raise ValueError(f"flip lies in [0, 1], crop and jitter in [0, 1). Received: {self}")


@dataclass(frozen=True, slots=True)
class FinetuneSections:
    """Section ``[finetune]``: one table for each half of a product."""

    text: FinetuneConfig
    image: ImageFinetuneConfig

    def __init__(self, text: Mapping[str, Any], image: Mapping[str, Any]) -> None:
        object.__setattr__(self, "text", FinetuneConfig(**text))
        object.__setattr__(self, "image", ImageFinetuneConfig(**image))
