"""A message to a chat's incoming webhook."""

import json
import urllib.request
from typing import Any

from notifiers.prompt import LONGEST_S, PromptNotifier, setting

JSON = {"Content-Type": "application/json"}


class ChatNotifier(PromptNotifier):
    """Posts ``{"text": ...}`` to ``LOOP_ALERT_WEBHOOK``: Slack, Mattermost, Teams and others take that.

    It is not the HTTP provider's notifier: that one logs the address with every error, and the address is the key.
    """

    template_fields = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def send(self, context: Any) -> None:
        """Post it; any status but a 2xx is an error."""
        request = urllib.request.Request(  # noqa: S310 - the operator's own address
            setting("LOOP_ALERT_WEBHOOK"), json.dumps({"text": self.text}).encode(), JSON
        )
        urllib.request.urlopen(request, timeout=LONGEST_S).close()  # noqa: S310
