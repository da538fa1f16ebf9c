"""Texts that would run if any page wrote them into its markup as they are."""

from dataclasses import dataclass

from sqlalchemy import update

from core.db.models import UserAccount
from core.db.repositories import promotions, second_opinions
from core.db.repositories.second_opinions import Doubt
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.integration.api.packaged import TAXONOMY_VERSION

TITLE = "a book of tales <script>window.ran='title'</script><img src=x onerror=\"window.ran='title'\">"
DESCRIPTION = '\'"></textarea></title><svg onload="window.ran=\'description\'"><a href="javascript:window.ran=1">x</a>'
REASON = "</script><script>window.ran='reason'</script>{{7*7}}${7*7}<iframe srcdoc=\"<script>parent.ran=1</script>\">"
USERNAME = "<img/src=x/onerror=window.ran=1>"
KEY_NAME = "key <script>window.ran='key'</script>"


@dataclass(frozen=True, slots=True)
class Fill:
    """Writes into every text that a person can send, and into those that only a broken client could have.

    Attributes:
        shop: the running service.
        seller: who sends the products.
        judge: who decides about some of them.
    """

    shop: Etalon
    seller: Caller
    judge: Caller

    def everything(self) -> str:
        """Products in every state; returns the first one's id, which is still pending."""
        ids = [self.shop.predict(self.seller, TITLE, description=DESCRIPTION) for _ in range(5)]
        self._tell(ids[0], "disputed", reason=REASON)
        self._decide(ids[1], accept=True, reason=REASON)
        self._decide(ids[2], accept=False, reason=REASON)
        self._decide(ids[3], accept=True, prdtypecode=40, reason=REASON)
        self.shop.append("hostile")
        self._doubt(ids[3])
        self._decide(self.shop.predict(self.seller, TITLE, description=DESCRIPTION), accept=True, reason=REASON)
        self._key()
        self._account()
        self._promotion()
        return ids[0]

    def _tell(self, prediction_id: str, kind: str, **fields: str) -> None:
        body = {"kind": kind, **fields}
        path = f"/predictions/{prediction_id}/feedback"
        answer = self.shop.http.post(path, json=body, headers=self.seller.headers)
        assert answer.is_success, answer.text

    def _decide(self, prediction_id: str, **body: object) -> None:
        answer = self.shop.decide(self.judge, prediction_id, **body)
        assert answer.is_success, answer.text

    def _doubt(self, prediction_id: str) -> None:
        """Mark an accepted label as one that looks wrong to the model."""
        with self.shop.sessions.begin() as session:
            assert second_opinions.ask(session, [Doubt(prediction_id, 40, 60, 0.02)]) == 1

    def _key(self) -> None:
        answer = self.shop.http.post("/users/me/keys", json={"name": KEY_NAME}, headers=self.judge.headers)
        assert answer.is_success, answer.text

    def _account(self) -> None:
        """A name that no route lets in."""
        extra = self.shop.hire("customer")
        with self.shop.sessions.begin() as session:
            session.execute(update(UserAccount).where(UserAccount.id == extra.id).values(username=USERNAME))

    def _promotion(self) -> None:
        with self.shop.sessions.begin() as session:
            now = promotions.current(session)
            assert now is not None
            promotions.promote(
                session,
                expected_epoch=now.epoch,
                models={"fusion": self.shop.model},
                actor=USERNAME,
                reason=REASON,
                kind="gate",
                gate_report=None,
                run_id=None,
                manifest=1,
                taxonomy_version=TAXONOMY_VERSION,
            )
