"""A dense softmax head in Keras on blocks of cached features, from given weights."""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from inference.heads import DenseHead
from training.config import SoftmaxConfig
from training.softmax import balance, build_softmax_heads, curves_of, fix_chance

_HELD_BATCH = 4096  # rows: no gradients are kept, so many fit


class _Blocks(keras.utils.PyDataset):
    """Batches of standardised features with a distribution over classes each, made when they are asked for.

    Only a batch at a time is wider than the cache's float16.
    """

    def __init__(
        self,
        features: NDArray[np.float16],
        targets: NDArray[np.float32],
        rows: NDArray[np.intp],
        start: DenseHead,
        batch_rows: int,
        random: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self._features, self._targets, self._rows, self._start = features, targets, rows, start
        self._batch_rows, self._random = batch_rows, random
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_rows)

    def __getitem__(self, batch: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = self._rows[batch * self._batch_rows : (batch + 1) * self._batch_rows]
        return self._start.standardise(self._features[chosen]), self._targets[chosen, None]

    def on_epoch_end(self) -> None:
        if self._random is not None:
            self._rows = self._random.permutation(self._rows)


def fit_softmax_head(
    features: NDArray[np.float16],
    labels: NDArray[np.intp],
    learns: NDArray[np.intp],
    judges: NDArray[np.intp],
    start: DenseHead,
    *,
    config: SoftmaxConfig,
    seed: int,
) -> tuple[DenseHead, dict[str, list[float]]]:
    """Train until rows that are not learnt from stop getting likelier, and keep the best epoch, the start included.

    The same arguments give the same bits on the same kind of processor.

    Args:
        features: ``(n, d)`` float16, as cached; memory-mapped is fine.
        labels: ``(n,)`` in [0, classes).
        learns: rows to learn from.
        judges: rows to stop by; without any, the last epoch counts.
        start: weights to start from, with the mean and deviation to standardise by.
        config: learning rate, batch size, decay, smoothing, dropout, balance, patience, most epochs.
        seed: of dropout and the order of rows.

    Returns:
        The head, and ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy`` and ``learning_rate`` of each epoch.
    """
    fix_chance(seed)
    width, classes = start.weight.shape
    model = build_softmax_heads(width, 1, classes, config)
    model.get_layer("heads").set_weights([start.weight, start.bias])
    hard = np.eye(classes, dtype=np.float32)[labels]
    weight = np.ones(len(labels), np.float32)
    weight[learns] = balance(labels[learns], classes, config.balance)
    soft = (hard * (1 - config.label_smoothing) + config.label_smoothing / classes) * weight[:, None]
    lessons = _Blocks(features, soft, learns, start, config.batch_rows, np.random.default_rng(seed))
    exam = _Blocks(features, hard, judges, start, _HELD_BATCH) if len(judges) else None
    known = model.evaluate(exam, verbose=0, return_dict=True)["loss"] if exam else np.inf
    stop = keras.callbacks.EarlyStopping(patience=config.patience, restore_best_weights=True)
    fitted = model.fit(
        lessons,
        validation_data=exam,
        epochs=config.most_epochs,
        callbacks=[stop] if exam else [],
        shuffle=False,
        verbose=0,
    )
    curves = curves_of(fitted, config.learning_rate)
    if exam and min(curves["val_loss"]) >= known:
        return start, curves
    weight, bias = (ops.convert_to_numpy(it) for it in model.get_layer("heads").weights)
    return DenseHead(start.mean, start.scale, weight, bias), curves
