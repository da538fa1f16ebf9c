"""The numbers that decide a network over words, read from ``training/config.toml``."""

from dataclasses import dataclass

from inference.word_net import WordRule


@dataclass(frozen=True, slots=True)
class WordNetConfig:
    """A network over words in Keras; meanings and units stand in ``config.toml``."""

    words: int
    bits: int
    width: int
    units: int
    learning_rate: float
    label_smoothing: float
    word_dropout: float
    dropout: float
    batch_rows: int
    most_epochs: int
    patience: int
    balance: float
    folds: int

    def __post_init__(self) -> None:
        positive = ("words", "width", "units", "learning_rate", "batch_rows", "most_epochs", "patience")
        if wrong := {name: getattr(self, name) for name in positive if not getattr(self, name) > 0}:
            raise ValueError(f"expected numbers above zero. Received: {wrong}")
        shares = (self.label_smoothing, self.word_dropout, self.dropout)
        if not all(0 <= share < 1 for share in shares) or not 0 <= self.balance <= 1:
            raise ValueError(f"label_smoothing and dropouts lie in [0, 1), balance in [0, 1]. Received: {self}")
        if not (8 <= self.bits <= 24 and self.folds >= 2):
            raise ValueError(f"8 to 24 bits and at least 2 folds. Received: {self.bits}, {self.folds}")

    @property
    def rule(self) -> WordRule:
        """What of it travels in the package."""
        return WordRule(self.words, self.bits)
