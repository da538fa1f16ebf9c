"""How much arithmetic a graph holds, and how much this machine can do."""

from pathlib import Path

import numpy as np
import openvino as ov
from threadpoolctl import threadpool_limits

_SIDE = 3072  # a square matrix of float32 this wide is 38 MB: far more work than memory traffic


def graph_flops(xml: Path, **shapes: tuple[int, ...]) -> int:
    """Floating point operations of one run: multiplications and additions of convolutions and matrix products.

    Everything else (activations, normalisations, soft-max) is left out, so that shares of a peak come out low.

    Args:
        xml: the graph.
        shapes: of its inputs, by name.
    """
    model = ov.Core().read_model(xml)
    model.reshape({name: list(shape) for name, shape in shapes.items()})
    return sum(_flops(operation) for operation in model.get_ordered_ops())


def _flops(operation: ov.Node) -> int:
    kind = operation.get_type_name()
    if kind not in ("Convolution", "MatMul"):
        return 0
    out = int(np.prod(operation.output(0).shape))
    second = list(operation.input(1).get_shape())
    if kind == "Convolution":  # (out channels, in channels, height, width)
        return 2 * out * int(np.prod(second[1:]))
    return 2 * out * second[-1 if operation.get_attributes()["transpose_b"] else -2]


class Peak:
    """A large float32 matrix product on some cores: what the machine can do at best."""

    def __init__(self, cores: int) -> None:
        random = np.random.default_rng(0)
        self._left, self._right = (random.random((_SIDE, _SIDE), np.float32) for _ in range(2))
        self._out = np.empty((_SIDE, _SIDE), np.float32)
        self._cores = cores

    def run(self) -> None:
        """Multiply once."""
        with threadpool_limits(self._cores, user_api="blas"):
            np.matmul(self._left, self._right, out=self._out)

    @property
    def flops(self) -> int:
        """Floating point operations of one run."""
        return 2 * _SIDE**3
