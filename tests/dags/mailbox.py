"""An SMTP server and a chat's webhook on this machine, and what came to them."""

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

PASSWORD = "pass word/of @mail"
KEY = "T000-key-of-the-channel"


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """Its first caller is itself, and has to know which port it was given."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Mailbox:
    """What came, and the settings that send it here."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.messages: list[dict[str, Any]] = []
        self.sign_ins = 0
        self.smtp_port = 0
        self.hook_port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep an e-mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def sign_in(self, server: Any, session: Any, envelope: Any, mechanism: str, auth: LoginPassword) -> AuthResult:
        """Whether the account and its password are right; counted."""
        right = (auth.login, auth.password) == (b"etalon", PASSWORD.encode())
        self.sign_ins += right
        return AuthResult(success=right)

    @property
    def smtp_url(self) -> str:
        """The mail server with the account, to be reached with TLS."""
        return f"smtp://etalon:pass%20word%2Fof%20%40mail@127.0.0.1:{self.smtp_port}"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of whoever is to send alerts here."""
        return {
            "LOOP_ALERT_EMAIL": "ops@example.org, night@example.org",
            "LOOP_SMTP_URL": f"{self.smtp_url}?tls=off",
            "LOOP_ALERT_WEBHOOK": f"http://127.0.0.1:{self.hook_port}/hooks/{KEY}",
        }


@contextmanager
def open_mailbox(certificate: Path | None = None) -> Iterator[Mailbox]:
    """A mailbox whose servers listen meanwhile; with a certificate (and its key) it takes mail after STARTTLS only."""
    box = Mailbox()
    with ExitStack() as stack:
        hook = ThreadingHTTPServer(("127.0.0.1", 0), _hook(box))
        stack.callback(hook.server_close)
        stack.callback(hook.shutdown)
        Thread(target=hook.serve_forever, daemon=True).start()
        tls = {"tls_context": _context(certificate), "require_starttls": True} if certificate else {}
        smtp = _Controller(
            box,
            hostname="127.0.0.1",
            port=0,
            authenticator=box.sign_in,
            auth_require_tls=certificate is not None,
            auth_required=False,
            **tls,
        )
        smtp.start()
        stack.callback(smtp.stop)
        box.hook_port, box.smtp_port = hook.server_port, smtp.port
        yield box


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def _hook(box: Mailbox) -> type[BaseHTTPRequestHandler]:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            right = self.path == f"/hooks/{KEY}" and self.headers["Content-Type"] == "application/json"
            if right:
                box.messages.append(body)
            self.send_response(204 if right else 403)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    return Hook
