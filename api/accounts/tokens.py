"""Access tokens: signed, short-lived, and revocable through the account's token version."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
import uuid_utils

from api.accounts.signing_keys import KeyRing
from api.errors import Unauthenticated
from core.settings import AuthSettings

_ALGORITHM = "HS256"
_REQUIRED = ["exp", "iat", "sub", "jti", "aud", "iss", "ver"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says: whose it is, and the account's token version when it was given out."""

    account_id: str
    token_version: int


class Tokens:
    """Gives out and reads access tokens.

    Raises:
        WeakKey: a signing key can be guessed; see ``require_strong_key``.
    """

    def __init__(self, settings: AuthSettings, keys: KeyRing | None = None) -> None:
        self._keys = keys or KeyRing(settings)
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
        key = self._keys.signing()
        return jwt.encode(claims, key.secret, algorithm=_ALGORITHM, headers={"kid": key.id})

    def read(self, token: str) -> Claims:
        """The claims of a token that we signed, with a key that is in force, and that has not expired.

        Raises:
            Unauthenticated: it is anything else.
        """
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": _REQUIRED, "strict_aud": True},
            )
            self._require_ours(claims)
        except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError):
            raise Unauthenticated("The access token is not valid; sign in again.") from None
        return Claims(claims["sub"], claims["ver"])

    def _key_of(self, token: str) -> bytes:
        key = self._keys.find(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidTokenError
        return key

    def _require_ours(self, claims: dict[str, Any]) -> None:
        """Refuse what we never sign: times that are no whole seconds, or a life longer than we give."""
        if any(type(claims[name]) is not int for name in ("exp", "iat", "ver")):
            raise jwt.InvalidTokenError
        if claims["exp"] - claims["iat"] > self.lifetime.total_seconds():
            raise jwt.InvalidTokenError
