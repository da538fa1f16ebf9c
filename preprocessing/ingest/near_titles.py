"""Titles that say the same but for a size, a colour, a number, or a word or so in ten.

What tells two products apart is rarely in the words that vary within one product's offers, so those are set aside;
of the words that stay, both titles need at least six, four fifths of them shared. With fewer, on real products, one
pair in four already had another code; with six, one in forty. Descriptions play no part: sellers put the same ones
under everything.

The rule has a name, and every signature carries it. A change of the rule, or of what the library computes, takes a
new name: rows placed before keep their clusters and splits, and new ones are compared with those signed by the new
rule. Whoever wants the old ones found as well imports into a new store.
"""

from collections.abc import Sequence

import numpy as np
from datasketch import MinHash
from datasketch.hashfunc import sha1_hash32

from core.domain.clusters import Signature, lookup_key
from preprocessing.text import normalised

RULE = "title-1"
FEWEST_WORDS = 6
MOST_WORDS = 256
LEAST_SHARED = 0.8  # of the words of both titles together

_BANDS, _ROWS = 5, 4  # titles that share 0.8 of their words meet in one band 93 times in 100, 0.9: 99.5
_COLOURS = """
    noir noire noirs noires blanc blanche blancs blanches bleu bleue bleus bleues rouge rouges vert verte verts vertes
    jaune jaunes rose roses gris grise grises orange marron brun brune violet violette violets mauve beige ecru or dore
    doree argent argente argentee turquoise multicolore kaki bordeaux ivoire anthracite transparent marine
    black white blue red green yellow pink grey gray brown purple beige gold golden silver navy khaki olive cream
    multicolor multicolour maroon tan burgundy ivory charcoal teal bronze copper magenta lavender rust peach
    couleur couleurs coloris color colour clair claire fonce foncee light dark
"""
_SIZES = """
    xs xl xxl xxxl taille size small medium large petit petite grand grande mm cm kg gr ml cl inch pouce pouces
    lot pack set pcs piece pieces
"""
_SMALL_WORDS = """
    de du des le la les un une et en au aux pour avec sans sur par dans ou the of and for with in on to by from
"""
_VARYING = frozenset(f"{_COLOURS} {_SIZES} {_SMALL_WORDS}".split())


def telling_words(designation: str) -> frozenset[str]:
    """The title's words without sizes, colours, small words, single letters and whatever holds a digit."""
    words = normalised(designation, None).split()
    return frozenset(word for word in words if len(word) > 1 and word.isalpha() and word not in _VARYING)


def sign_title(words: frozenset[str]) -> Signature | None:
    """The signature of a title's telling words, None for too few (or too many to be a title)."""
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return None
    encoded = [word.encode() for word in sorted(words)]
    sketch = MinHash(num_perm=_BANDS * _ROWS, seed=1, scheme="affine32", hashfunc=sha1_hash32)
    sketch.update_batch(encoded)
    bands = np.asarray(sketch.hashvalues, "<u4").reshape(_BANDS, _ROWS)
    keys = tuple(lookup_key(RULE, str(number), band.tobytes().hex()) for number, band in enumerate(bands))
    hashed = np.array([sha1_hash32(word) for word in encoded], "<u4")
    return Signature(RULE, keys, np.unique(hashed).tobytes())


def are_near(one: bytes, others: Sequence[bytes]) -> list[bool]:
    """Whether each of the ``others`` shares enough words with ``one``; all are contents of signatures."""
    mine = np.frombuffer(one, "<u4")
    found = []
    for content in others:
        theirs = np.frombuffer(content, "<u4")
        shared = np.intersect1d(mine, theirs, assume_unique=True).size
        found.append(shared >= LEAST_SHARED * (mine.size + theirs.size - shared))
    return found
