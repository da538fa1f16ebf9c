"""Choosing a product of the reserve."""

import secrets
from collections.abc import Sequence

from sqlalchemy.orm import Session

from api.accounts.service import Account
from api.predictions.schemas import MAX_DESCRIPTION, MAX_DESIGNATION
from core.db.repositories import sent_titles
from core.reserve import Spare


def choose(session: Session, reserve: Sequence[Spare], caller: Account) -> Spare | None:
    """Any product that ``caller`` may send and has not sent; None where there is none left."""
    fitting = [spare for spare in reserve if _may_be_sent(spare)]
    known = sent_titles.sent(session, caller.id, {spare.designation for spare in fitting})
    left = [spare for spare in fitting if spare.designation not in known]
    return secrets.choice(left) if left else None


def _may_be_sent(spare: Spare) -> bool:
    """Whether ``POST /predict`` takes such texts: a catalogue's may be longer."""
    return len(spare.designation) <= MAX_DESIGNATION and len(spare.description) <= MAX_DESCRIPTION
