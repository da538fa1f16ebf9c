"""Every view of the pages: where it is, and who may see it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.api.people import ROLES, Caller
from tests.api.service import Etalon

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Place:
    """What addresses are made of.

    Attributes:
        shop: the running service.
        people: somebody of each role.
        product: a prediction of the customer's, the first of those there are; None in an empty shop.
    """

    shop: Etalon
    people: dict[str, Caller]
    product: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """One view.

    Attributes:
        name: in a test's name.
        roles: who may see it; ``NOBODY`` where one need not sign in.
        address: its path and query in a shop.
        needs_product: it is about one product.
    """

    name: str
    roles: tuple[str, ...]
    address: Callable[[Place], str]
    needs_product: bool = False


EVERYBODY, STAFF, ADMINS = ROLES, ROLES[1:], ROLES[2:]

VIEWS = (
    View("sign-in", (NOBODY,), lambda _: "/sign-in"),
    View("nowhere", (NOBODY, *EVERYBODY), lambda _: "/no-such-page"),
    View("seller", EVERYBODY, lambda _: "/"),
    View("products", EVERYBODY, lambda _: "/products"),
    View("product", EVERYBODY, lambda place: f"/products/{place.product}", needs_product=True),
    View("account", EVERYBODY, lambda _: "/account"),
    View("desk", STAFF, lambda _: "/review"),
    View("opinions", STAFF, lambda _: "/review/opinions"),
    View("grid", STAFF, lambda _: "/review/grid?code=10"),
    View("models", STAFF, lambda _: "/models"),
    View("model", STAFF, lambda place: f"/models/{place.shop.model}/page"),
    View("monitor", STAFF, lambda _: "/monitor"),
    View("users", ADMINS, lambda _: "/users"),
)


def seen_by_most(view: View) -> str:
    """The role that sees most of a view: the one with the most rights."""
    return view.roles[-1]
