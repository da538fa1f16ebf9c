"""Access tokens: signed, short-lived, and revocable through the account's token version."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
import uuid_utils

from api.errors import Unauthenticated
from core.settings import AuthSettings

SHORTEST_KEY = 32  # bytes, the length of an HS256 signature
_ALGORITHM = "HS256"
_REQUIRED = ["exp", "iat", "sub", "jti", "aud", "iss", "ver"]


class WeakKey(ValueError):
    """The signing key is missing or too short."""

    def __init__(self) -> None:
        super().__init__(
            f"AUTH_KEY signs access tokens and needs at least {SHORTEST_KEY} bytes. Make one and say where it is:\n"
            "  python -c 'import secrets; print(secrets.token_hex(32))' > auth.key && chmod 600 auth.key\n"
            "  export AUTH_KEY_FILE=$PWD/auth.key"
        )


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says: whose it is, and the account's token version when it was given out."""

    account_id: str
    token_version: int


class Tokens:
    """Gives out and reads access tokens.

    Raises:
        WeakKey: the key has fewer than 32 bytes.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._key = settings.key.get_secret_value().encode()
        if len(self._key) < SHORTEST_KEY:
            raise WeakKey
        self._issuer = settings.issuer
        self._audience = settings.audience
        self.lifetime = timedelta(minutes=settings.token_minutes)

    def issue(self, account_id: str, token_version: int, now: datetime) -> str:
        """A token for one account, valid from ``now`` (aware) for ``lifetime``."""
        claims = {
            "sub": account_id,
            "ver": token_version,
            "jti": str(uuid_utils.uuid7()),
            "iat": now,
            "exp": now + self.lifetime,
            "iss": self._issuer,
            "aud": self._audience,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """The claims of a token that we signed and that has not expired.

        Raises:
            Unauthenticated: it is anything else.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise Unauthenticated("The access token is not valid; sign in again.") from None
        if type(claims["ver"]) is not int:
            raise Unauthenticated("The access token is not valid; sign in again.")
        return Claims(claims["sub"], claims["ver"])
