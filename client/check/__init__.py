"""The service checked from outside, as a customer and a reviewer whose accounts are for nothing else."""

from client.check.checkup import Checkup
from client.check.outcome import Outcome
from client.check.visit import Canary

__all__ = ["Canary", "Checkup", "Outcome"]
