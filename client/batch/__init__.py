"""Many products at once: read from a CSV or a folder, answered a few at a time, written down one by one."""

from client.batch.results import Results
from client.batch.run import Stopped, Tally, predict_all
from client.batch.sources import BadSource, Product, products_in

__all__ = ["BadSource", "Product", "Results", "Stopped", "Tally", "predict_all", "products_in"]
