"""A service in miniature: tokens, a script of answers, and a record of what was asked."""

import threading
from typing import Any

import httpx

PREDICTION = {
    "id": "0198",
    "designation": "Piscine gonflable",
    "description": None,
    "has_image": False,
    "modality": "text-only",
    "prdtypecode": 2583,
    "suggested_code": 2583,
    "label": "Pool",
    "theme": "Garden",
    "confidence": 0.91,
    "top_k": [{"prdtypecode": 2583, "label": "Pool", "theme": "Garden", "confidence": 0.91}],
    "experts": {"lexical": [{"prdtypecode": 2583, "confidence": 0.8}]},
    "model": {"name": "fusion", "version": "ab" * 32, "epoch": 3},
    "taxonomy_version": "0123456789ab",
    "status": "pending",
    "version": 1,
    "a_field_from_the_future": True,
}
OPEN = frozenset({"/users", "/users/reactivate"})
Answer = httpx.Response | Exception


class Service(httpx.BaseTransport):
    """Gives out numbered tokens, accepts the newest, and answers other requests from a script, then with 200."""

    def __init__(self, *script: Answer, body: Any = PREDICTION) -> None:
        self.script = list(script)
        self.body = body
        self.requests: list[httpx.Request] = []
        self.tokens = 0
        self.valid = ""
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        with self._lock:
            if request.url.path == "/token":
                if b"password=right" not in request.content:
                    return problem(401, "auth.bad_credentials")
                self.tokens += 1
                self.valid = f"token-{self.tokens}"
                return httpx.Response(200, json={"access_token": self.valid, "token_type": "bearer"})
            self.requests.append(request)
            if request.url.path not in OPEN and request.headers["authorization"] != f"Bearer {self.valid}":
                return problem(401, "auth.invalid_token")
            answer = self.script.pop(0) if self.script else httpx.Response(200, json=self.body)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    document = {"title": "Refused", "status": status, "code": code, "detail": "said why", "request_id": "r-1"}
    return httpx.Response(status, json=document, headers=headers)
