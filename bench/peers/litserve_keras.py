"""The Keras model behind LitServe, as its documentation shows: ``LitAPI`` with decode, predict and encode."""

import sys

import litserve
from fastapi import Request
from keras_product import KerasProduct


class KerasAPI(litserve.LitAPI):
    """One product, one ``model.predict``."""

    def setup(self, device: str) -> None:
        """Load the model, once."""
        self.product = KerasProduct()

    def decode_request(self, request: Request) -> tuple[str, str, bytes]:
        """Take the form's fields, by name."""
        return request["designation"], request["description"], request["image"].file.read()

    def predict(self, fields: tuple[str, str, bytes]) -> dict[str, float | int]:
        """Run the model."""
        return self.product.predict(*fields)

    def encode_response(self, output: dict[str, float | int]) -> dict[str, float | int]:
        """Answer in JSON."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(KerasAPI(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, num_api_servers=1)
