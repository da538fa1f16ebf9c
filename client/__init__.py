"""A typed client of the HTTP service; it imports nothing else of this project and can travel alone."""

from client.answers import (
    Account,
    AccountPage,
    Candidate,
    Champion,
    Decision,
    Feedback,
    Key,
    Lease,
    NewKey,
    Prediction,
    PredictionPage,
    Release,
    Retraction,
    Retraining,
    Served,
    ServedBy,
    VerdictRecord,
)
from client.client import EtalonClient
from client.errors import ProblemError

__all__ = [
    "Account",
    "AccountPage",
    "Candidate",
    "Champion",
    "Decision",
    "EtalonClient",
    "Feedback",
    "Key",
    "Lease",
    "NewKey",
    "Prediction",
    "PredictionPage",
    "ProblemError",
    "Release",
    "Retraction",
    "Retraining",
    "Served",
    "ServedBy",
    "VerdictRecord",
]
