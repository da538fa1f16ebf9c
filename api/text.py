"""Text that every database keeps as it is."""


def storable(text: str) -> str:
    """``text`` itself.

    Raises:
        ValueError: it holds a NUL, which ends a text for some of those who read it later.
    """
    if "\x00" in text:
        raise ValueError("text holds a NUL character")
    return text
