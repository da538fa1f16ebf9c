"""How much a page is, as transferred: itself and everything it loads, headers included."""

from playwright.sync_api import Page

# Photos of products: a seller's, the reserve's, a training row's.
_FILES = """() => Object.fromEntries(
  [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .filter(one => !/\\/images?($|[/?])/.test(new URL(one.name).pathname) && one.name.startsWith(location.origin))
    .map(one => [new URL(one.name).pathname, one.transferSize]))"""


def files_of(page: Page) -> dict[str, int]:
    """Bytes by path, photos apart. The browser's cache was empty: each visit begins in a fresh one."""
    return page.evaluate(_FILES)


def weight_of(page: Page) -> int:
    """Bytes, photos apart."""
    return sum(files_of(page).values())
