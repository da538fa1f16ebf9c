"""What the account routes take and give."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class PasswordForm(BaseModel):
    """The OAuth2 password form. Clients may send the standard's other fields; they change nothing."""

    model_config = ConfigDict(extra="ignore")

    username: Annotated[str, Field(min_length=1, max_length=256)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]
    grant_type: Literal["password"] = "password"


class TokenRead(BaseModel):
    """An access token, for the header ``Authorization: Bearer …``."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int
