"""The languages that a product's text is told apart by."""

from enum import StrEnum


class Language(StrEnum):
    """An ISO 639-1 code; ``unknown`` where the text does not tell, or was staged before anybody asked it."""

    FRENCH = "fr"
    ENGLISH = "en"
    GERMAN = "de"
    SPANISH = "es"
    ITALIAN = "it"
    DUTCH = "nl"
    PORTUGUESE = "pt"
    UNKNOWN = "unknown"
