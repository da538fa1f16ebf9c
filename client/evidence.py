"""Labelled products and guidelines, as methods."""

from client.answers import Evidence, Guide
from client.asking import Asking


class Hints(Asking):
    """What ``EtalonClient`` offers to whoever decides about products (reviewers)."""

    def evidence(self, prediction_id: str) -> Evidence:
        """The labelled products most like a product; while predictions wait, the service asks for patience."""
        return Evidence.from_json(self._ask("GET", f"/predictions/{prediction_id}/evidence"))

    def guide(self, prdtypecode: int) -> Guide:
        """What belongs into a category."""
        return Guide.from_json(self._ask("GET", f"/classes/{prdtypecode}/guide"))

    def labelled_image(self, row: str) -> bytes:
        """The photo of a labelled product as models see it, a JPEG; ``row`` as evidence and guides name it."""
        return self._session.send("GET", f"/training-rows/{row}/image", repeatable=True).content
