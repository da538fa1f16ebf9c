"""What the orchestrator says of its scheduler. It is reported and decides nothing: the service works without."""

import httpx

_PATH = "/api/v2/monitor/health"
_TIMEOUT_S = 1.0
_KNOWN = frozenset({"healthy", "unhealthy"})


class Scheduler:
    """Airflow's scheduler, as Airflow's open health page shows it.

    Args:
        url: for example ``http://127.0.0.1:8080``; None where no orchestrator is configured.
        transport: replaces the network, for tests.
    """

    def __init__(self, url: str | None, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._transport = transport

    def look(self) -> str:
        """``healthy``, ``unhealthy``, ``unknown``, ``unreachable`` or ``not configured``."""
        if not self._url:
            return "not configured"
        try:
            with httpx.Client(base_url=self._url, timeout=_TIMEOUT_S, transport=self._transport) as http:
                said = http.get(_PATH).raise_for_status().json()["scheduler"]["status"]
        except httpx.HTTPError:
            return "unreachable"
        except (ValueError, KeyError, TypeError):
            return "unknown"
        return said if said in _KNOWN else "unknown"
