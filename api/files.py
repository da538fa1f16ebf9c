"""Files that ship with the service: scripts, styles and pictures of its pages."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send


class WholeFiles(StaticFiles):
    """Gives whole files only. A bad ``Range`` would be refused in plain text, and no page asks for a part.

    A browser keeps a file and asks each time whether it is still the same one: 304 and no body where it is, and never
    the script of an older release beside the page of a newer one.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, whatever part of the file it asks for."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)

    def file_response(self, *args: object, **named: object) -> Response:
        """The file, or 304; to be asked about again at its next use."""
        response = super().file_response(*args, **named)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response
