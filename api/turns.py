"""A request's way to its route: its caller is recognised, its body arrives, it gets its place, and the clock starts."""

from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request, Response

from api.deadline import answer_in_time
from api.deps import Parts, parts_of, recognise_early
from api.edge import PROBES
from api.predictions.admission import Ticket
from core.errors import EtalonError

Handle = Callable[[Request], Awaitable[Response]]


async def answer_in_turn(request: Request, handle: Handle, *, has_body: bool, for_anyone: bool) -> Response:
    """What ``handle`` answers.

    Args:
        request: a request whose body or form, once read, stays read.
        handle: parses the body and runs the route.
        has_body: whether the route has a body.
        for_anyone: whether it is for those who are not signed in, too.

    Raises:
        DeadlinePassed: it took too long; nothing was changed.
        Overloaded: there is no room, for its body or for itself.
        EtalonError: its caller was not recognised, or what the route raises.
    """
    parts = parts_of(request)
    if request.url.path in PROBES:
        return await handle(request)
    parts.crowd.require_room()
    if has_body and not for_anyone:
        await recognise_early(request)
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    try:
        if has_body:
            await _receive(request, parts, is_long=ticket is not None)
        with parts.crowd.joined():
            return await answer_in_time(_in_place(request, handle, ticket), parts.settings.serving.request_deadline_s)
    finally:
        await request.close()


async def _in_place(request: Request, handle: Handle, ticket: Ticket | None) -> Response:
    if ticket is None:
        return await handle(request)
    async with ticket.place():
        return await handle(request)


async def _receive(request: Request, parts: Parts, *, is_long: bool) -> None:
    """Receive the body. Until it is whole it counts for nothing; how many long ones arrive at once is bounded."""
    try:
        if is_long:
            with parts.reception.receiving(request.state.caller.id):
                await request.form()
        else:
            await request.body()
    except (HTTPException, EtalonError):
        raise
    except Exception as error:  # what FastAPI makes of it too: the client left, or sent no form
        raise HTTPException(400, "There was an error parsing the body") from error
