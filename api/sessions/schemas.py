"""What the session routes take and give."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from api.accounts.schemas import Password
from api.sessions.service import Signed
from core.domain.roles import Role


class SignIn(BaseModel):
    """A name and a password."""

    model_config = ConfigDict(extra="forbid", strict=True)

    username: Annotated[str, Field(min_length=1, max_length=256)]
    password: Password


class SessionRead(BaseModel):
    """Who is signed in, and when the session ends if nothing is asked meanwhile."""

    id: str
    username: str
    role: Role
    ends_at: datetime

    @classmethod
    def from_signed(cls, signed: Signed, now: datetime) -> Self:
        """Render a session."""
        account = signed.account
        return cls(id=account.id, username=account.username, role=account.role, ends_at=signed.ends_at(now))
