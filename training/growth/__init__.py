"""Training on a store that has grown large: every head once, from the champion's weights, judged on validation rows.

With folds a retraining costs five times the store; here it costs one pass or a few, because a thousand new rows move
the optimum of eighty thousand only a little. Each solver keeps the features as the cache has them (float16) and looks
at blocks of rows, and none depends on where it starts beyond its tolerance, but for the softmax heads' early stopping.
"""
