"""The one place that talks to OpenVINO: convert a SavedModel once, run it many times."""

import functools
import queue
from pathlib import Path
from typing import Any, Self

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from core.registry.packages import COMPILED, Package
from inference.compiled import compile_kept

# Left alone, OpenVINO would compute in bfloat16 where the CPU has it (features 2e-2 off), and would pin its
# threads to cores that a second process here pins to as well.
_COMPILE = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}


def convert_saved_model(saved_model: Path, xml: Path) -> None:
    """Write a TensorFlow SavedModel as ``model.xml`` with its ``.bin`` beside it, weights in full float32.

    The runtime reads the SavedModel itself: ``openvino.convert_model`` would report its use to its makers.
    """
    xml.parent.mkdir(parents=True, exist_ok=True)
    ov.save_model(_core().read_model(saved_model), xml, compress_to_fp16=False)


@functools.cache
def _core() -> ov.Core:
    return ov.Core()


def _config(threads: int) -> dict[str, Any]:
    return {**_COMPILE, **({"INFERENCE_NUM_THREADS": threads} if threads else {})}


class OpenVinoGraph:
    """A compiled graph. Threads share it: each call borrows one of its few workspaces, or waits for one."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._workspaces: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        for _ in range(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")):
            self._workspaces.put(compiled.create_infer_request())

    @classmethod
    def open(cls, xml: Path, threads: int = 0) -> Self:
        """Compile ``model.xml`` for this CPU in float32.

        Args:
            xml: the graph; its ``.bin`` lies beside it.
            threads: cores to use; 0 for all that the machine has.
        """
        return cls(_core().compile_model(xml, "CPU", _config(threads)))

    @classmethod
    def open_packaged(cls, package: Package, xml: str, threads: int = 0) -> Self:
        """The same for a package's graph ``xml``, faster from the second time on (see ``inference.compiled``).

        Raises:
            CorruptPackage: the package was written without it.
        """
        path = package.file(xml)
        beside = path.parent.relative_to(package.path).as_posix()
        hashes = {name: sha for name, sha in package.files.items() if name.startswith(f"{beside}/")}
        folder = package.path.parent / COMPILED
        return cls(compile_kept(_core(), path, hashes, folder, _config(threads)))

    def run(self, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Run one batch and return the first output (a converted graph may leak further ones)."""
        workspace = self._workspaces.get()
        try:
            return workspace.infer(inputs)[0]
        finally:
            self._workspaces.put(workspace)
