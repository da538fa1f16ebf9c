"""Where products become training data: the import of a catalogue, and the append of validated predictions.

``python -m preprocessing.ingest import | append | fsck``; the order of the append's steps is told in ``append``.
"""
