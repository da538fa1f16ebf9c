"""Where the keyboard can go on a page, and whether one sees that it is there."""

from playwright.sync_api import Page

# Every control that one should come to: shown, usable, and not left to arrow keys (tabindex -1; the unchecked radios of
# a group). What lies in a closed dialog or a closed <details> is not shown.
_COLLECT = """() => {
  const usable = one => one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0 && !one.disabled
    && !one.closest('[inert]') && !(one.type === 'radio' && !one.checked);
  const kinds = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]';
  window.controls = [...document.querySelectorAll(kinds)].filter(usable);
  return window.controls.length;
}"""
_WHERE = """() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const shown = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  return { place: window.controls.indexOf(at), seen: shown };
}"""
_TOLD = "(place) => window.controls[place].outerHTML.slice(0, 160)"


def unreached_by_tab(page: Page) -> list[str]:
    """The controls that no number of Tabs comes to."""
    count, met = _walk(page)
    return [page.evaluate(_TOLD, place) for place in range(count) if place not in met]


def unseen_when_focused(page: Page) -> list[str]:
    """The controls that look the same with the keyboard on them."""
    _, met = _walk(page)
    return [page.evaluate(_TOLD, place) for place, seen in met.items() if not seen]


def _walk(page: Page) -> tuple[int, dict[int, bool]]:
    """Press Tab until it has gone round; how many controls there are, and of each that was met whether one saw it."""
    count: int = page.evaluate(_COLLECT)
    page.evaluate("document.activeElement.blur()")
    met: dict[int, bool] = {}
    # A date has three fields within, and a scrolled region is a stop as well.
    for _ in range(3 * count + 20):
        page.keyboard.press("Tab")
        at = page.evaluate(_WHERE)
        if at["place"] >= 0:
            met.setdefault(at["place"], at["seen"])
        if len(met) == count:
            break
    return count, met
