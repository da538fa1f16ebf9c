"""Measures the promotion gate's own error rates on real products."""
