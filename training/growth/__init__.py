"""Training on a store that has grown large: every head once, from the champion's weights, judged on validation rows.

With folds a retraining costs six times the store; here it costs one pass or a few, because a thousand new rows move
the optimum of eighty thousand only a little.
"""
