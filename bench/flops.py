"""How much arithmetic a graph holds, and how much this machine can do."""

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as opset

_SIDE = 4096  # a square matrix of float32 this wide is 67 MB: far more work than memory traffic


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
    """A large float32 matrix product by the serving runtime: the most that was seen of this machine.

    NumPy's own product is no peak: where the processor has 512-bit units, its library reaches little more than half.
    """

    def __init__(self, threads: int) -> None:
        random = np.random.default_rng(0)
        left, right = (random.random((_SIDE, _SIDE), np.float32) for _ in range(2))
        given = opset.parameter([_SIDE, _SIDE], np.float32)
        model = ov.Model([opset.matmul(given, opset.constant(right), False, False)], [given])
        config = {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        compiled = ov.Core().compile_model(
            model, "CPU", config | ({"INFERENCE_NUM_THREADS": threads} if threads else {})
        )
        self._left, self._request = left, compiled.create_infer_request()

    def run(self) -> None:
        """Multiply once."""
        self._request.infer([self._left])

    @property
    def flops(self) -> int:
        """Floating point operations of one run."""
        return 2 * _SIDE**3
