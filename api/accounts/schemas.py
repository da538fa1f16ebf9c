"""What the account routes take and give."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from api.accounts.passwords import LONGEST
from api.accounts.strength import SHORTEST
from api.text import storable
from core.db.models import ApiKey, UserAccount
from core.db.repositories.users import Counts
from core.domain.roles import Role


def _storable_secret(secret: SecretStr) -> SecretStr:
    storable(secret.get_secret_value())
    return secret


# Capitals are taken and become small: names that differ in nothing else would be mistaken for one another.
Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$"), AfterValidator(str.lower)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST), AfterValidator(_storable_secret)]
NewPassword = Annotated[SecretStr, Field(min_length=SHORTEST, max_length=LONGEST), AfterValidator(_storable_secret)]
KeyName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(storable)]
RoleName = Annotated[Role, Field(strict=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PasswordForm(BaseModel):
    """The OAuth2 password form. Clients may send the standard's other fields; they change nothing."""

    model_config = ConfigDict(extra="ignore")

    username: Annotated[str, Field(min_length=1, max_length=256)]
    password: Password
    grant_type: Literal["password"] = "password"


class TokenRead(BaseModel):
    """An access token, for the header ``Authorization: Bearer …``."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int


class Registration(_Body):
    """A name and a password for a new customer."""

    username: Username
    password: NewPassword


class NewAccount(Registration):
    """A new account of any role."""

    role: RoleName


class Reactivation(_Body):
    """Whose account is opened again."""

    username: Annotated[str, Field(min_length=1, max_length=256)]
    password: Password


class Renaming(_Body):
    """Another name for oneself."""

    username: Username


class PasswordChange(_Body):
    """The old password proves that it is its owner who asks."""

    old_password: Password
    new_password: NewPassword


class AccountChange(_Body):
    """What an admin changes of an account; what is absent stays. ``password`` is for somebody who forgot theirs."""

    username: Username | None = None
    role: RoleName | None = None
    active: bool | None = None
    password: NewPassword | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("nothing is to be changed")
        return self


class AccountRead(BaseModel):
    """An account. ``deactivated_by`` says who closed it: an owner opens again what they closed, an admin anything."""

    id: str
    username: str
    role: Role
    active: bool
    deactivated_by: Literal["self", "admin"] | None
    created_at: datetime

    @classmethod
    def from_row(cls, row: UserAccount) -> Self:
        """Render an account."""
        return cls.model_validate(
            {
                "id": row.id,
                "username": row.username,
                "role": row.role,
                "active": row.active,
                "deactivated_by": row.deactivated_by,
                "created_at": row.created_at.replace(tzinfo=UTC),
            }
        )


class AccountPage(BaseModel):
    """Some accounts by name; ``next_cursor`` is null on the last page. The counts are of all accounts there are."""

    items: list[AccountRead]
    next_cursor: str | None
    total: int
    active: int
    inactive: int

    @classmethod
    def from_rows(cls, rows: Sequence[UserAccount], counts: Counts, next_cursor: str | None) -> Self:
        """Render a page."""
        return cls(
            items=[AccountRead.from_row(row) for row in rows],
            next_cursor=next_cursor,
            total=counts.total,
            active=counts.active,
            inactive=counts.total - counts.active,
        )


class NewKey(_Body):
    """What a key is for, to tell it by."""

    name: KeyName


class KeyRead(BaseModel):
    """An API key without its secret; ``hint`` is its beginning, and ``last_used_at`` may be a minute behind."""

    id: str
    name: str
    hint: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def from_row(cls, row: ApiKey) -> Self:
        """Render a key."""
        return cls.model_validate(_told(row))


class KeyMade(KeyRead):
    """A new API key. ``key`` is shown now and never again; send it as ``Authorization: Bearer …``."""

    key: str

    @classmethod
    def from_new(cls, row: ApiKey, secret: str) -> Self:
        """Render a key with its secret."""
        return cls.model_validate({**_told(row), "key": secret})


class KeyList(BaseModel):
    """An account's keys that are not revoked, oldest first."""

    items: list[KeyRead]


def _told(row: ApiKey) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "created_at": row.created_at.replace(tzinfo=UTC),
        "last_used_at": row.last_used_at.replace(tzinfo=UTC) if row.last_used_at else None,
    }
