"""A request's way to its route: its caller is recognised, its body arrives, it gets its place, and the clock starts."""

from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request, Response

from api.deadline import answer_in_time
from api.deps import Parts, get_parts, recognise_early
from api.predictions.admission import Ticket

Handle = Callable[[Request], Awaitable[Response]]


async def answer_in_turn(request: Request, handle: Handle, *, recognise: bool) -> Response:
    """What ``handle`` answers.

    Args:
        request: a request whose form, once parsed, stays parsed.
        handle: parses the body and runs the route.
        recognise: whether the route has a body and is for signed-in callers only.

    Raises:
        DeadlinePassed: it took too long; nothing was changed.
        Overloaded: there is no room, for its body or for itself.
        EtalonError: its caller was not recognised, or what the route raises.
    """
    parts = get_parts(request)
    if recognise:
        await recognise_early(request)
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    try:
        if ticket is not None:
            await _receive_form(request, parts)
        return await answer_in_time(_in_place(request, handle, ticket), parts.settings.serving.request_deadline_s)
    finally:
        await request.close()


async def _in_place(request: Request, handle: Handle, ticket: Ticket | None) -> Response:
    if ticket is None:
        return await handle(request)
    async with ticket.place():
        return await handle(request)


async def _receive_form(request: Request, parts: Parts) -> None:
    """Receive a form that may be long; how many do so at once is bounded, and they hold no place."""
    with parts.reception.receiving(request.state.caller.id):
        try:
            await request.form()
        except HTTPException:
            raise
        except Exception as error:  # what FastAPI makes of it too: the client left, or sent no form
            raise HTTPException(400, "There was an error parsing the body") from error
