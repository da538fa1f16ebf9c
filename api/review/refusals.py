"""Why a decision is refused. Each has a code of its own, which stays."""

from api.errors import Forbidden
from core.domain.review import Status
from core.errors import Conflict, Invalid


class OwnProduct(Forbidden):
    """Whoever sent a product decides nothing about it, whatever their role."""

    code = "review.own_product"

    def __init__(self) -> None:
        super().__init__("You sent this product: somebody else has to decide about it.")


class OwnLabel(Forbidden):
    """A second opinion on a label is another person's than who gave it."""

    code = "review.own_label"

    def __init__(self) -> None:
        super().__init__("You gave this label yourself: a second opinion is somebody else's.")


class CodeWithRejection(Invalid):
    """A rejection does not say what the product is instead."""

    code = "review.code_with_rejection"

    def __init__(self) -> None:
        super().__init__("A rejection has no prdtypecode; to correct the code, accept with it.")


class WrongState(Conflict):
    """The prediction does not stand where this decision starts from.

    Attributes:
        status: where it stands.
    """

    needed = "pending"

    def __init__(self, status: Status) -> None:
        super().__init__(f"The prediction is {status}, not {self.needed}.")
        self.status = status


class NotPending(WrongState):
    """The prediction has been decided already."""

    code = "review.not_pending"


class NotDecided(WrongState):
    """There is no verdict that could be undone."""

    code = "review.not_decided"
    needed = "validated, rejected or retracted"


class NotIngested(WrongState):
    """Only a row of the training store is corrected; one on its way there soon is."""

    code = "review.not_ingested"
    needed = "ingested"


class NotAccepted(WrongState):
    """There is no label that could be retracted."""

    code = "review.not_accepted"
    needed = "validated or ingested"


class NotDoubted(Conflict):
    """Nobody asks for a second opinion on this label."""

    code = "review.not_doubted"

    def __init__(self) -> None:
        super().__init__("The label is not marked for a second opinion.")


class HeldByAnother(Conflict):
    """Somebody else is looking at the product. A lease stops nobody from deciding; it only is theirs."""

    code = "review.leased"

    def __init__(self) -> None:
        super().__init__("Somebody else is looking at this product.")


class AlreadyClaimed(Conflict):
    """A batch has claimed the verdict's work, so it can no longer be undone; an admin can correct or retract it."""

    code = "review.already_claimed"

    def __init__(self) -> None:
        super().__init__("The verdict is on its way: it can be corrected or retracted by an admin, not undone.")


class Erased(Conflict):
    """The product's owner had it erased."""

    code = "review.erased"

    def __init__(self) -> None:
        super().__init__("The product was erased at its owner's wish.")
