"""Signing in."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request

from api.accounts.schemas import PasswordForm, TokenRead
from api.deps import AccountsDep, open_to
from api.errors import problems
from api.strict import StrictRoute

router = APIRouter(tags=["accounts"], route_class=StrictRoute)


@router.post("/token", responses=problems(400, 401, 413, 422, 429, 503), openapi_extra=open_to("anyone"))
def sign_in(form: Annotated[PasswordForm, Form()], accounts: AccountsDep, request: Request) -> TokenRead:
    """Exchange a username and password for an access token (OAuth2 password form)."""
    address = request.client.host if request.client else ""
    token = accounts.sign_in(form.username, form.password.get_secret_value(), address=address, now=datetime.now(UTC))
    return TokenRead(access_token=token, expires_in=accounts.token_lifetime_s)
