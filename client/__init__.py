"""A typed client of the HTTP service; it imports nothing else of this project and can travel alone."""

from client.answers import Candidate, Champion, Prediction, PredictionPage, ServedBy
from client.client import EtalonClient
from client.errors import ProblemError

__all__ = ["Candidate", "Champion", "EtalonClient", "Prediction", "PredictionPage", "ProblemError", "ServedBy"]
