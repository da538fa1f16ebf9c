"""Faults of accessibility, as axe-core finds them."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_GRAVE = ("serious", "critical")


def check_axe(page: Page, within: str | None = None) -> None:
    """Fail where axe finds a serious or critical fault in the page, or within one element of it.

    It runs by the debugger's door, which the page's Content-Security-Policy does not close.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("where => axe.run(where || document, { resultTypes: ['violations'] })", within)
    grave = [_told(fault) for fault in found["violations"] if fault["impact"] in _GRAVE]
    assert not grave, f"{page.url}:\n" + "\n".join(grave)


def _told(fault: dict[str, Any]) -> str:
    places = "\n".join(f"      {node['html'][:160]}\n        {node['failureSummary']}" for node in fault["nodes"][:5])
    return f"  {fault['impact']} {fault['id']}: {fault['help']}\n{places}"
