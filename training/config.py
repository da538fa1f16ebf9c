"""Every number that decides a training, read from ``training/config.toml``."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from core.errors import Invalid
from inference.lexical import LexicalRule


class BadConfig(Invalid):
    """The training configuration has a name nobody reads, lacks one, or a number makes no sense."""

    code = "training.bad_config"


@dataclass(frozen=True, slots=True)
class SoftmaxConfig:
    """A dense softmax head in Keras; meanings and units stand in ``config.toml``."""

    learning_rate: float
    weight_decay: float
    label_smoothing: float
    dropout: float
    batch_rows: int
    most_epochs: int
    patience: int

    def __post_init__(self) -> None:
        _require_positive(self, "learning_rate", "batch_rows", "most_epochs", "patience")
        if not (0 <= self.label_smoothing < 1 and 0 <= self.dropout < 1 and self.weight_decay >= 0):
            raise ValueError(f"label_smoothing and dropout lie in [0, 1), weight_decay above. Received: {self}")


@dataclass(frozen=True, slots=True)
class LogisticConfig:
    """Multinomial logistic regression by scikit-learn."""

    inverse_regularisation: float
    most_iterations: int
    tolerance: float

    def __post_init__(self) -> None:
        _require_positive(self, "inverse_regularisation", "most_iterations", "tolerance")


@dataclass(frozen=True, slots=True)
class LexicalConfig:
    """Hashed n-grams and the linear head over them, by scikit-learn."""

    word_bits: int
    piece_bits: int
    longest_words: int
    shortest_piece: int
    longest_piece: int
    fewest_rows: int
    inverse_regularisation: float
    most_iterations: int
    tolerance: float

    def __post_init__(self) -> None:
        _require_positive(self, *(field.name for field in fields(self)))
        if not (self.word_bits <= 24 and self.piece_bits <= 24 and self.shortest_piece <= self.longest_piece):
            raise ValueError(f"at most 24 bits, and pieces from short to long. Received: {self}")

    @property
    def rule(self) -> LexicalRule:
        """What of it travels in the package."""
        return LexicalRule(**{field.name: getattr(self, field.name) for field in fields(LexicalRule)})


@dataclass(frozen=True, slots=True)
class BlendConfig:
    """How the experts' answers become one."""

    floor: float
    prior_rows: float

    def __post_init__(self) -> None:
        _require_positive(self, "prior_rows")
        if not self.floor < 0:
            raise ValueError(f"a log-probability lies below 0. Received: {self.floor}")


@dataclass(frozen=True, slots=True)
class FusionConfig:
    """Everything that decides a fusion model, beside its data."""

    seed: int
    folds: int
    bert: SoftmaxConfig
    resnet50: SoftmaxConfig
    appearance: LogisticConfig
    lexical: LexicalConfig
    fusion: BlendConfig

    def __post_init__(self) -> None:
        if self.folds < 2 or self.seed < 0:
            raise ValueError(f"at least 2 folds, and no negative seed. Received: {self.folds}, {self.seed}")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a configuration; every name must be there, and no other.

        Raises:
            BadConfig: no TOML, a name too many or missing, or a number out of its range.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
            sections = {"bert": SoftmaxConfig, "resnet50": SoftmaxConfig, "appearance": LogisticConfig}
            sections |= {"lexical": LexicalConfig, "fusion": BlendConfig}
            read = {name: kind(**values.pop(name)) for name, kind in sections.items()}
            return cls(**read, **values)
        except KeyError as error:
            raise BadConfig(f"{path}: section {error} is missing") from error
        except (OSError, ValueError, TypeError) as error:
            raise BadConfig(f"{path}: {error}") from error


def _require_positive(section: Any, *names: str) -> None:
    wrong = {name: getattr(section, name) for name in names if not getattr(section, name) > 0}
    if wrong:
        raise ValueError(f"expected numbers above zero. Received: {wrong}")
