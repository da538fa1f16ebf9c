"""The training configuration."""

from pathlib import Path

import pytest

from training.config import BadConfig, FusionConfig

SHIPPED = Path(__file__).parents[3] / "training" / "config.toml"


def test_the_shipped_configuration_is_read() -> None:
    config = FusionConfig.load(SHIPPED)
    assert config.experts["lexical"].rule.word_bits == config.experts["lexical"].word_bits
    assert config.folds >= 2


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("patience = 5", "patience = 5\nspeed = 3", "speed"),
        ("prior_rows = 30.0", "", "prior_rows"),
        ("dropout = 0.3 ", "dropout = 1.3 ", "dropout"),
        ("floor = -8.0", "floor = 8.0", "below 0"),
        ("folds = 5", "folds = 1", "folds"),
        ("word_bits = 17 ", "word_bits = 40 ", "bits"),
        ("[fusion]", "[fusions]", "fusion"),
        ("[bert]", "[bert", "config.toml"),
    ],
)
def test_a_name_nobody_reads_or_a_senseless_number_is_refused(
    tmp_path: Path, before: str, after: str, named: str
) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "config.toml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(BadConfig, match=named):
        FusionConfig.load(path)


def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        FusionConfig.load(tmp_path / "absent.toml")
