"""Telling the orchestrator that verdicts wait, through its REST API."""

import httpx

ASSET = "validated_rows"
_TIMEOUT_S = 3.0


class AirflowDown(Exception):
    """The orchestrator did not take the event; its own timetable will find the rows."""


class Airflow:
    """Posts asset events.

    Args:
        url: for example ``http://127.0.0.1:8080``.
        user: a user that may create asset events.
        password: the user's password.
        transport: replaces the network, for tests.
    """

    def __init__(self, url: str, user: str, password: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, transport=transport)
        self._login = {"username": user, "password": password}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def announce(self, rows: int) -> None:
        """Post one event of the asset that starts retraining. Signs in each time: events are rare, tokens expire.

        Args:
            rows: how many validated rows wait; noted in the event.

        Raises:
            AirflowDown: it cannot be reached, refuses, or does not know the asset.
        """
        try:
            token = self._ask("POST", "/auth/token", json=self._login)["access_token"]
            signed = {"Authorization": f"Bearer {token}"}
            found = self._ask("GET", "/api/v2/assets", params={"name_pattern": ASSET}, headers=signed)
            ids = [asset["id"] for asset in found["assets"] if asset["name"] == ASSET]
            if not ids:
                raise AirflowDown(f"it has no asset {ASSET!r} yet")
            event = {"asset_id": ids[0], "extra": {"rows": rows}}
            self._ask("POST", "/api/v2/assets/events", json=event, headers=signed)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise AirflowDown(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from error

    def _ask(self, method: str, path: str, **arguments: object) -> dict:
        return self._http.request(method, path, **arguments).raise_for_status().json()
