"""Every number that decides a training, read from ``training/config.toml``."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from core.domain.splits import Split
from core.errors import Invalid
from inference.lexical import LexicalRule
from training.word_net_config import WordNetConfig

Section = TypeVar("Section")


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
    balance: float

    def __post_init__(self) -> None:
        _require_positive(self, "learning_rate", "batch_rows", "most_epochs", "patience")
        if not (0 <= self.label_smoothing < 1 and 0 <= self.dropout < 1 and self.weight_decay >= 0):
            raise ValueError(f"label_smoothing and dropout lie in [0, 1), weight_decay above. Received: {self}")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance lies in [0, 1]. Received: {self.balance}")


@dataclass(frozen=True, slots=True)
class MlpConfig(SoftmaxConfig):
    """The same with a hidden layer, over two halves side by side."""

    hidden_units: int
    hidden_dropout: float
    hide_half: float

    def __post_init__(self) -> None:
        SoftmaxConfig.__post_init__(self)
        _require_positive(self, "hidden_units")
        if not (0 <= self.hidden_dropout < 1 and 0 <= self.hide_half < 1):
            raise ValueError(f"hidden_dropout and hide_half lie in [0, 1). Received: {self}")


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
class MixtureConfig:
    """Which experts' probabilities ``fusion-weighted`` mixes."""

    experts: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "experts", tuple(self.experts))
        unknown = [name for name in self.experts if name not in EXPERT_SECTIONS]
        if unknown or len(set(self.experts)) != len(self.experts) or len(self.experts) < 2:
            raise ValueError(f"at least two of {', '.join(EXPERT_SECTIONS)}, each once. Received: {self.experts}")


EXPERT_SECTIONS: dict[str, type] = {
    "bert": SoftmaxConfig,
    "lexical": LexicalConfig,
    "appearance": LogisticConfig,
    "resnet50": SoftmaxConfig,
    "xception": SoftmaxConfig,
    "inceptionv3": SoftmaxConfig,
    "vgg16": SoftmaxConfig,
    "concat": MlpConfig,
    "simple-dnn": WordNetConfig,
    "conv1d": WordNetConfig,
    "bigru": WordNetConfig,
}
"""What each expert's section of the configuration holds."""

READ_ELSEWHERE = frozenset({"finetune"})
"""Sections that other modules read from the same file, by ``read_section``."""


@dataclass(frozen=True, slots=True)
class GrowthConfig:
    """When a store counts as large, and how its heads are found; meanings and units stand in ``config.toml``."""

    train_rows: int
    validation_rows: int
    warm_rate: float
    patience: int
    logistic_tolerance: float

    def __post_init__(self) -> None:
        _require_positive(self, *(field.name for field in fields(self)))

    def is_large(self, splits: Sequence[str]) -> bool:
        """Whether rows with these splits are too many to learn from several times over."""
        counts = Counter(splits)
        return counts[Split.TRAIN] > self.train_rows and counts[Split.VALIDATION] >= self.validation_rows


@dataclass(frozen=True, slots=True)
class FusionConfig:
    """Everything that decides a model of the family, beside its data.

    Attributes:
        seed: everything random starts here.
        folds: parts that the training rows are dealt into.
        experts: each expert's section, by its name.
        fusion: how stacked answers become one.
        mixture: section ``[fusion-weighted]``.
        growth: when the store counts as large, and what then.
    """

    seed: int
    folds: int
    experts: Mapping[str, Any]
    fusion: BlendConfig
    mixture: MixtureConfig
    growth: GrowthConfig

    def __post_init__(self) -> None:
        if self.folds < 2 or self.seed < 0:
            raise ValueError(f"at least 2 folds, and no negative seed. Received: {self.folds}, {self.seed}")

    def of(self, experts: Sequence[str]) -> dict[str, Any]:
        """What of it decides a model of these experts; JSON-able."""
        sections = {name: asdict(self.experts[name]) for name in experts}
        shared = {"fusion": asdict(self.fusion), "growth": asdict(self.growth)}
        return {"seed": self.seed, "folds": self.folds, **sections, **shared}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a configuration file; every name must be there, and no other.

        Raises:
            BadConfig: no TOML, a name too many or missing, or a number out of its range.
        """
        return cls.read(_bytes_of(path), origin=str(path))

    @classmethod
    def read(cls, data: bytes, *, origin: str = "the configuration") -> Self:
        """The same of a file's content; ``origin`` names it in errors."""
        with _told_as_bad_config(origin):
            values = tomllib.loads(data.decode())
            for name in READ_ELSEWHERE:
                values.pop(name, None)
            experts = {name: kind(**values.pop(name)) for name, kind in EXPERT_SECTIONS.items()}
            fusion, mixture = BlendConfig(**values.pop("fusion")), MixtureConfig(**values.pop("fusion-weighted"))
            growth = GrowthConfig(**values.pop("growth"))
            return cls(experts=experts, fusion=fusion, mixture=mixture, growth=growth, **values)


def read_section(data: bytes, name: str, kind: type[Section], *, origin: str = "the configuration") -> Section:
    """Read one section of a configuration file's content as ``kind``, a dataclass whose fields are its names.

    Raises:
        BadConfig: it is missing, a name in it is too many or missing, or a number out of its range.
    """
    with _told_as_bad_config(origin):
        return kind(**tomllib.loads(data.decode())[name])


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadConfig(f"{path}: {error}") from error


@contextmanager
def _told_as_bad_config(origin: str) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise BadConfig(f"{origin}: section {error} is missing") from error
    except (ValueError, TypeError) as error:
        raise BadConfig(f"{origin}: {error}") from error


def _require_positive(section: Any, *names: str) -> None:
    wrong = {name: getattr(section, name) for name in names if not getattr(section, name) > 0}
    if wrong:
        raise ValueError(f"expected numbers above zero. Received: {wrong}")
