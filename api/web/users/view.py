"""What the list of accounts shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self
from urllib.parse import urlencode

from api.accounts import cursors
from core.db.models import UserAccount
from core.db.repositories.users import Counts
from core.domain.roles import Role

State = Literal["active", "inactive"]


@dataclass(frozen=True, slots=True)
class Search:
    """What an admin looks for; empty or None finds everybody. ``cursor`` is where a later page begins."""

    text: str
    role: Role | None
    state: State | None
    cursor: str | None

    @property
    def active(self) -> bool | None:
        """Whether only active accounts are wanted, or only others."""
        return None if self.state is None else self.state == "active"

    @property
    def narrows(self) -> bool:
        """Whether somebody may be left out."""
        return bool(self.text or self.role or self.state)

    def address(self, cursor: str | None = None) -> str:
        """The page's address with this search, from ``cursor`` on."""
        asked = {
            "text": self.text,
            "role": self.role.value if self.role else "",
            "state": self.state or "",
            "cursor": cursor or "",
        }
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/users?{query}" if query else "/users"


@dataclass(frozen=True, slots=True)
class Row:
    """One account. ``state`` is ``active``, or who closed it: ``self`` or ``admin``."""

    id: str
    username: str
    role: str
    state: str
    created_at: datetime
    is_own: bool

    @classmethod
    def of(cls, account: UserAccount, own_id: str) -> Self:
        """A row of the table."""
        state = "active" if account.active else account.deactivated_by or "admin"
        created_at = account.created_at.replace(tzinfo=UTC)
        return cls(account.id, account.username, account.role, state, created_at, account.id == own_id)

    @property
    def is_active(self) -> bool:
        """Whether somebody may sign in to it."""
        return self.state == "active"


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of accounts by name; addresses are None where there is no such page. The counts are of all accounts."""

    rows: Sequence[Row]
    total: int
    active: int
    first: str | None
    next: str | None

    @property
    def inactive(self) -> int:
        """Accounts that nobody may sign in to."""
        return self.total - self.active


def listing(found: Sequence[UserAccount], counts: Counts, search: Search, *, own_id: str, size: int) -> Listing:
    """What is shown of up to ``size`` + 1 accounts that were found."""
    shown = found[:size]
    is_cut = len(found) > size
    return Listing(
        rows=[Row.of(account, own_id) for account in shown],
        total=counts.total,
        active=counts.active,
        first=search.address() if search.cursor else None,
        next=search.address(cursors.encode(shown[-1].username)) if is_cut else None,
    )
