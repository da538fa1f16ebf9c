"""The Keras model behind ``mlflow models serve``, as its documentation shows: a Python model written as code."""

import base64

import mlflow
import pandas as pd
from keras_product import KerasProduct
from mlflow.models import set_model


class KerasModel(mlflow.pyfunc.PythonModel):
    """One product, one ``model.predict``."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        """Load the model, once."""
        self.product = KerasProduct()

    def predict(self, context: mlflow.pyfunc.PythonModelContext, model_input: pd.DataFrame) -> list[dict]:
        """Answer each row: title, description, and the photo in base64."""
        rows = model_input[["designation", "description", "image"]].itertuples(index=False)
        return [self.product.predict(title, text, base64.b64decode(photo)) for title, text, photo in rows]


set_model(KerasModel())
