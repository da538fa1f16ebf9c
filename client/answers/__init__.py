"""The service's answers as frozen dataclasses.

Fields that a newer service adds are ignored; ``document`` has the answer as it came.
"""

from client.answers.accounts import Account, AccountPage, Key, NewKey
from client.answers.evidence import Evidence, Guide, Labelled
from client.answers.models import Champion, Release, Retraining, Served
from client.answers.predictions import Candidate, Feedback, Prediction, PredictionPage, ServedBy
from client.answers.quality import Quality, Reading
from client.answers.reports import Report
from client.answers.reserve import SuggestedProduct
from client.answers.review import Decision, Lease, Retraction, Undoing, VerdictRecord
from client.answers.trends import Stage, Trends

__all__ = [
    "Account",
    "AccountPage",
    "Candidate",
    "Champion",
    "Decision",
    "Evidence",
    "Feedback",
    "Guide",
    "Key",
    "Labelled",
    "Lease",
    "NewKey",
    "Prediction",
    "PredictionPage",
    "Quality",
    "Reading",
    "Release",
    "Report",
    "Retraction",
    "Retraining",
    "Served",
    "ServedBy",
    "Stage",
    "SuggestedProduct",
    "Trends",
    "Undoing",
    "VerdictRecord",
]
