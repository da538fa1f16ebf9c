"""What a reviewer does with the customer's product."""

from datetime import datetime

from client.check.customer import expect_account
from client.check.visit import Visit, expect, expect_refusal
from client.errors import ProblemError

_REASON = "service check"


def signs_in(visit: Visit) -> str:
    """The reviewer's password is right, and the account is a reviewer's."""
    return expect_account(visit.reviewer, visit.canaries[1])


def sees_it(visit: Visit) -> str:
    """The product is there for the reviewer, and, unless somebody was faster, kept from the others for a while."""
    status = visit.reviewer.prediction(visit.sent.id).status
    expect(status == "pending", f"the product is {status} for the reviewer, not pending")
    since = datetime.fromisoformat(visit.sent.document["created_at"])
    lease = visit.reviewer.next_to_review(order="newest", created_since=since)
    if lease is not None and lease.prediction.id == visit.sent.id:
        return "kept from the others"
    if lease is not None:
        visit.reviewer.skip(lease.prediction.id)  # a real product, for a real reviewer
    return "offered to somebody else"


def may_not_invent_a_code(visit: Visit) -> str:
    """A code outside the taxonomy is refused."""
    unknown = 1 + max(_codes(visit))
    return expect_refusal(422, lambda: visit.reviewer.modify(visit.sent.id, unknown), f"the unknown code {unknown}")


def modifies_it(visit: Visit) -> str:
    """Another code is taken, and the model's suggestion stays beside it."""
    wanted = next(code for code in _codes(visit) if code != visit.sent.prdtypecode)
    now = visit.reviewer.modify(visit.sent.id, wanted)
    expect(now.prdtypecode == wanted, f"the code is {now.prdtypecode}, not {wanted}")
    expect(now.suggested_code == visit.sent.suggested_code, "the suggestion changed with the verdict")
    return f"{now.suggested_code} to {wanted}"


def _codes(visit: Visit) -> list[int]:
    return [one["prdtypecode"] for one in visit.reviewer.classes()["classes"]]


def rejects_it(visit: Visit) -> str:
    """A rejection is taken."""
    now = visit.reviewer.reject(visit.sent.id, reason=_REASON)
    expect(now.status == "rejected", f"the product is {now.status}, not rejected")
    return f"version {now.version}"


def undoes_it(visit: Visit) -> str:
    """The rejection is taken back, unless the archive was faster."""
    try:
        now = visit.reviewer.undo(visit.sent.id, reason=_REASON)
    except ProblemError as problem:
        claimed = problem.code == "review.already_claimed"
        if claimed or visit.reviewer.prediction(visit.sent.id).status == "archived":
            return "too late: the archive has it, and erases it with its next run"
        raise
    expect(now.status == "pending", f"the product is {now.status}, not pending")
    return f"version {now.version}"
