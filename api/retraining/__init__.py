"""Asking for a retraining."""
