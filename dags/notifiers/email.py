"""An e-mail by SMTP."""

import html
import json
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import Connection
from notifiers.prompt import LONGEST_S, PromptNotifier, setting


class EmailNotifier(PromptNotifier, SmtpNotifier):
    """Sends sentences by the server in ``LOOP_SMTP_URL``; without it by Airflow's connection ``smtp_default``."""

    def __init__(self, to: list[str], subject: str, text: str) -> None:
        super().__init__(to=to, subject=subject, html_content=text)

    @cached_property
    def hook(self) -> SmtpHook:
        """The way to the server."""
        return _UrlHook() if setting("LOOP_SMTP_URL") else SmtpHook()

    def send(self, context: Any) -> None:
        """Send the text as it is written, line by line."""
        self.html_content = f"<pre>{html.escape(self.html_content or '')}</pre>"
        SmtpNotifier.notify(self, context)


class _UrlHook(SmtpHook):
    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """``smtp://`` speaks TLS after STARTTLS, ``smtps://`` from the first byte, ``smtp://…?tls=off`` never."""
        url = urlsplit(setting("LOOP_SMTP_URL"))
        asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        login, password, at_once = unquote(url.username or ""), unquote(url.password or ""), url.scheme == "smtps"
        extra = {
            "disable_ssl": not at_once,
            "disable_tls": at_once or asked.get("tls") == "off",
            "from_email": asked.get("from") or (login if "@" in login else f"etalon@{url.hostname}"),
            "timeout": LONGEST_S,
            "retry_limit": 0,
        }
        where = {"host": url.hostname, "port": url.port or (465 if at_once else 587)}
        who = {"login": login, "password": password}
        return Connection(conn_id=conn_id, conn_type="smtp", **where, **who, extra=json.dumps(extra))
