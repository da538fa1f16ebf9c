"""Loads, verifies and runs packaged models: features, logits, fusion, calibration, golden answers."""
