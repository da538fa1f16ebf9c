"""Which language a product's text is likely in: a rule of a page, for slices of an evaluation and the review queue.

Function words and letters that only some languages use each count for their languages; the most counts win. A short
title ("USB-C 2 m") shows none: that is ``unknown``, and a slice of its own. On whole sentences this is right nearly
always; on titles it is a sorting into piles, good enough to see that one pile scores worse than another, and to give
reviewers the pile that they read. No model is told it.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.domain.language import Language

_WORDS = {
    "fr": "le la les des du une et pour avec sur dans au aux est par qui ce cette sans votre vous en ou pas plus son",
    "en": "the of and for with in on to is from this that your you are by it be an or as at will can not women men",
    "de": "der die das und für mit von den dem ein eine ist auf im zu nicht auch aus bei oder zum zur wird sich",
    "es": "el los las del una para con por que y es su al lo como más sin este esta en o se",
    "it": "il lo gli della dei per con una di che è nel alla sono da del non più questo e",
    "nl": "de het een van en voor met op is niet zijn te dat deze aan bij of uit",
    "pt": "o os as da do dos das uma para com em que não por mais ao sua seu e",
}
_LETTERS = {"fr": "çœêèàùûîôë", "de": "äöüß", "es": "ñ¿¡", "it": "òì", "pt": "ãõ"}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _text in _WORDS.items():
    for _word in _text.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)

_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 2000  # characters looked at


def language_of(text: str) -> Language:
    """The language of a text; unknown where nothing or two things speak."""
    counts: Counter[str] = Counter()
    lowered = text[:_LONGEST].lower()
    for word in _WORD.findall(lowered):
        counts.update(_LANGUAGES_OF.get(word, ()))
    for language, letters in _LETTERS.items():
        counts[language] += sum(lowered.count(letter) for letter in letters)
    best = counts.most_common(2)
    if not best or best[0][1] == 0 or (len(best) > 1 and best[0][1] == best[1][1]):
        return Language.UNKNOWN
    return Language(best[0][0])


def languages_of(texts: Sequence[str]) -> NDArray[np.str_]:
    """``(n,)`` the language of each text."""
    return np.array([language_of(text) for text in texts], dtype=str)
