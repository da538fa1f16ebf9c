"""The Keras model behind BentoML, as its documentation shows: a service class with one API method."""

from pathlib import Path

import bentoml
from keras_product import KerasProduct


@bentoml.service
class KerasService:
    """One product, one ``model.predict``."""

    def __init__(self) -> None:
        self.product = KerasProduct()

    @bentoml.api
    def predict(self, designation: str, description: str, image: Path) -> dict[str, float]:
        """Run the model on the form's fields."""
        return self.product.predict(designation, description, image.read_bytes())
