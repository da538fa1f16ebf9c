"""The training store: immutable segments of products, and numbered manifests that say which of them count.

A segment is one batch: ``products.csv`` and ``images.npy`` whose row *i* is the same product. A manifest lists
segments with the sha256 of every file and names its parent by sha256. Both are only ever added.
"""
