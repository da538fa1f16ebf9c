"""A typed client of the HTTP service; it imports nothing else of this project and can travel alone."""

from client.answers import (
    Candidate,
    Champion,
    Decision,
    Lease,
    Prediction,
    PredictionPage,
    Retraction,
    ServedBy,
    VerdictRecord,
)
from client.client import EtalonClient
from client.errors import ProblemError

__all__ = [
    "Candidate",
    "Champion",
    "Decision",
    "EtalonClient",
    "Lease",
    "Prediction",
    "PredictionPage",
    "ProblemError",
    "Retraction",
    "ServedBy",
    "VerdictRecord",
]
