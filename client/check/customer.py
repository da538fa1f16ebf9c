"""What a customer does, and may not do."""

import secrets
from datetime import UTC, datetime, timedelta

from client.answers import Prediction
from client.check.photo import draw_photo
from client.check.visit import Canary, Visit, expect, expect_refusal
from client.client import EtalonClient

_SETTLED = timedelta(minutes=15)  # what is older belongs to no check that still runs
_PHOTO_BEGINS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")
_SAME = ("designation", "suggested_code", "prdtypecode", "confidence", "top_k", "model", "status", "version")


def ready(visit: Visit) -> str:
    """The service says that all of it is well."""
    return f"epoch {visit.anybody.readiness().get('epoch')}"


def signs_in(visit: Visit) -> str:
    """The customer's password is right, and the account is a customer's."""
    return expect_account(visit.customer, visit.canaries[0])


def expect_account(client: EtalonClient, canary: Canary) -> str:
    """Fail unless the account can sign in and has its role."""
    role = client.me().role
    expect(role == canary.role, f"{canary.username} is a {role}, not a {canary.role}")
    return canary.username


def sweeps(visit: Visit) -> str:
    """Nothing is left of a check that was cut off; what is gets erased."""
    before = datetime.now(UTC) - _SETTLED
    old = [
        (owner, one.id)
        for owner in (visit.customer, visit.reviewer)
        for one in owner.every_prediction(owner=owner.me().id, created_until=before)
    ]
    for owner, prediction_id in old:
        owner.delete(prediction_id)
    return f"{len(old)} products erased" if old else "nothing"


def predicts(visit: Visit) -> str:
    """A text and a photo are given a category; sent twice they are one product."""
    name, photo = secrets.token_hex(6), draw_photo(secrets.randbits(24))
    title = f"Contrôle du service {name}: lampe de bureau"
    found = visit.product = visit.customer.predict(title, "Produit d'essai.", photo, idempotency_key=name)
    visit.left.append((visit.customer, found.id))
    again = visit.customer.predict(title, "Produit d'essai.", photo, idempotency_key=name)
    if again.id != found.id:
        visit.left.append((visit.customer, again.id))
    expect(again.id == found.id, "the same request, sent twice, made two products")
    expect_answer(found, title)
    return f"{found.prdtypecode} {found.label}, {found.confidence:.0%}, epoch {found.model.epoch}"


def expect_answer(found: Prediction, title: str) -> None:
    """Fail unless the answer is whole."""
    expect(found.designation == title, "the answer is about another title")
    expect(found.has_image and found.modality == "text+image", f"the photo did not count: {found.modality}")
    expect(found.status == "pending", f"the product is {found.status}, not pending")
    expect(0.0 < found.confidence <= 1.0, f"the confidence is {found.confidence}")
    shares = [one.confidence for one in found.top_k]
    expect(bool(shares) and shares == sorted(shares, reverse=True), f"the best categories are not in order: {shares}")
    best = found.top_k[0].prdtypecode
    expect(best == found.suggested_code, f"the suggestion is {found.suggested_code}, the best category {best}")


def reads_it_back(visit: Visit) -> str:
    """The product is found by its id, as it was answered."""
    now = visit.customer.prediction(visit.sent.id)
    for name in _SAME:
        was, found = getattr(visit.sent, name), getattr(now, name)
        expect(found == was, f"{name} was {was} and is {found}")
    return f"version {now.version}"


def lists_it(visit: Visit) -> str:
    """The product is in the customer's own list."""
    ids = [one.id for one in visit.customer.predictions(limit=20).items]
    expect(visit.sent.id in ids, f"the product is not among the customer's newest {len(ids)}")
    return f"{len(ids)} listed"


def sees_the_photo(visit: Visit) -> str:
    """The photo comes back as a photo."""
    data = visit.customer.image(visit.sent.id)
    expect(data.startswith(_PHOTO_BEGINS), f"what came back is no photo: it begins with {data[:8]!r}")
    return f"{len(data)} bytes"


def may_not_review(visit: Visit) -> str:
    """A reviewer's route is closed to customers."""
    return expect_refusal(403, visit.customer.next_to_review, "a customer who asks for the review queue")


def may_not_see_others(visit: Visit) -> str:
    """Somebody else's product is hidden; it is one that the reviewer sends, by its text alone."""
    other = visit.reviewer.predict(f"Contrôle du service {secrets.token_hex(6)}: une lampe")
    visit.left.append((visit.reviewer, other.id))
    return expect_refusal(404, lambda: visit.customer.prediction(other.id), "a customer who asks for another's product")


def strangers_may_nothing(visit: Visit) -> str:
    """A token that is none opens nothing."""
    return expect_refusal(401, visit.stranger.predictions, "a token that is none")
