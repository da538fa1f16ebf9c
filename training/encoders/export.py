"""A Keras encoder as a package's derived files: the serving graph and its golden answers."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from inference.encoders import GOLDEN, GRAPH
from inference.golden import check_golden
from inference.openvino_graph import OpenVinoGraph, convert_saved_model

_FLOAT16_MAX = float(np.finfo(np.float16).max)


class BadFeatures(RuntimeError):
    """The encoder's features carry nothing or do not fit float16; the weights are not what they should be."""


def export_graph(model: keras.Model, folder: Path) -> None:
    """Write the model into ``folder`` as the graph that ``inference`` runs."""
    with tempfile.TemporaryDirectory() as scratch:
        model.export(scratch, format="tf_saved_model", verbose=False)
        convert_saved_model(Path(scratch), folder / GRAPH)


def write_golden(
    model: keras.Model,
    folder: Path,
    *,
    given: Mapping[str, NDArray[Any]],
    inputs: Mapping[str, NDArray[Any]],
) -> float:
    """Keep Keras's own features of a few inputs beside the graph, and check that the graph agrees.

    Args:
        model: the encoder, as built.
        folder: the package being written; its graph is there already.
        given: what a caller would pass (texts or images), by name; kept in ``golden.npz``.
        inputs: the same as arrays that the graph takes, by input name.

    Returns:
        The largest difference between Keras and the exported graph.

    Raises:
        GoldenMismatch: more than 1e-3 of the features' scale.
        BadFeatures: features are constant, not finite, or beyond float16.
    """
    features = np.asarray(model(dict(inputs), training=False))
    if not np.abs(features).max() < _FLOAT16_MAX or np.ptp(features, axis=0).max() < 1e-3:
        raise BadFeatures(f"features between {features.min()} and {features.max()} tell inputs apart in nothing")
    np.savez(folder / GOLDEN, features=features, **given)
    return check_golden("export", OpenVinoGraph.open(folder / GRAPH).run(**inputs), features)
