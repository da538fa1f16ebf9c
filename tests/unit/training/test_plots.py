"""The tracking server's figures draw what they were given."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from core.domain.taxonomy import Taxonomy
from tests.toys.shop import TAXONOMY
from training import calibration, plots
from training.evaluate import ClassScore
from training.plots import Learnt, Scored
from training.reference import references_for


def drawn(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def test_a_confusion_matrix_shows_the_share_of_each_true_class_under_its_name() -> None:
    figure = plots.confusion(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]]), ("Books", "Games", "Lamps"))
    [image] = figure.axes[0].images
    assert image.get_array().tolist() == [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Books", "Games", "Lamps"]
    assert drawn(figure).startswith(b"\x89PNG")


def test_a_reliability_diagram_puts_an_honest_model_on_the_diagonal_and_into_the_band() -> None:
    found = calibration.reliability(np.array([0.5] * 10 + [1.0] * 5), np.array([True, False] * 5 + [True] * 5))
    figure = plots.reliability(found)
    band, points = figure.axes[0].collections
    assert points.get_offsets().tolist() == [[0.5, 0.5], [1.0, 1.0]]
    assert band.get_label() == "95 of 100 honest models"


def test_class_scores_stand_beside_the_champions_where_there_is_one() -> None:
    scores = [ClassScore(0.5, 10, 0.3, 0.7), ClassScore(0.6, 20, 0.5, 0.7)]
    alone = plots.class_scores(("Books", "Games"), scores, None).axes[0]
    beside = plots.class_scores(("Books", "Games"), scores, scores[::-1]).axes[0]
    assert [bar.get_width() for bar in alone.patches] == [0.5, 0.6]
    assert len(beside.lines) == len(alone.lines) + 1


def test_a_learning_curve_is_drawn_in_the_order_of_rows() -> None:
    points = [Learnt(200, 3, 0.8, 0.7, 0.9), Learnt(100, 1, 0.6, 0.5, 0.7)]
    [line, *_] = plots.learning_curve(points, {}).axes[0].lines
    assert line.get_xdata().tolist() == [100, 200]


def test_models_are_compared_best_on_top() -> None:
    axes = plots.models([Scored("bert", 0.6, 0.5, 0.7), Scored("fusion", 0.9, 0.8, 0.95)], {"baseline": 0.8}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bert", "fusion"]


def test_the_challenges_baselines_are_shown_for_its_own_categories_only() -> None:
    challenge = Taxonomy.from_csv(Path(__file__).parents[3] / "data" / "taxonomy.csv")
    assert sorted(references_for(challenge).values()) == [0.5534, 0.8113]
    assert references_for(TAXONOMY) == {}


@pytest.mark.parametrize("curves", [{"loss": [1.0, 0.5]}, {"loss": [1.0, 0.5], "f1": [0.1, 0.2]}])
def test_training_curves_draw_one_line_each(curves: dict[str, list[float]]) -> None:
    figure = plots.training_curves({**curves, "learning_rate": [0.1, 0.1]})
    assert [len(axes.lines) for axes in figure.axes] == [1, len(curves) - 1]


def test_a_label_that_the_font_cannot_write_is_shown_by_its_code() -> None:
    figure = plots.confusion(np.eye(2, dtype=np.int64), ("10 本と雑誌", "20 Vêtements"))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["10", "20 Vêtements"]
    assert drawn(figure)  # no warning about glyphs, which would be an error here
