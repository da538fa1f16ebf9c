"""Packaged encoders and models on disk."""
