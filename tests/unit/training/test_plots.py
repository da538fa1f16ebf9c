"""The tracking server's figures draw what they were given."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from training import plots


def drawn(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def test_a_confusion_matrix_shows_the_share_of_each_true_class() -> None:
    figure = plots.confusion(np.array([10, 10, 20]), np.array([10, 20, 20]), (10, 20, 30))
    [image] = figure.axes[0].images
    assert image.get_array().tolist() == [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]]
    assert drawn(figure).startswith(b"\x89PNG")


def test_a_reliability_diagram_puts_an_honest_model_on_the_diagonal() -> None:
    figure = plots.reliability(np.array([0.5] * 10 + [1.0] * 5), np.array([True, False] * 5 + [True] * 5))
    [points] = figure.axes[0].collections
    assert points.get_offsets().tolist() == [[0.5, 0.5], [1.0, 1.0]]


def test_class_scores_stand_beside_the_champions_where_there_is_one() -> None:
    assert len(plots.class_scores((10, 20), [0.5, 0.6], None).axes[0].patches) == 2
    assert len(plots.class_scores((10, 20), [0.5, 0.6], [0.4, 0.7]).axes[0].patches) == 4


@pytest.mark.parametrize("curves", [{"loss": [1.0, 0.5]}, {"loss": [1.0, 0.5], "f1": [0.1, 0.2]}])
def test_training_curves_draw_one_line_each(curves: dict[str, list[float]]) -> None:
    assert len(plots.training_curves(curves).axes[0].lines) == len(curves)
