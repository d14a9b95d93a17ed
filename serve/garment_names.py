"""What the name of a garment's file tells: its category, and a slug that stays whatever lies beside it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from model.tryon.request import Category

# In the order of an earlier server's rule, which takes the first that stands anywhere in a name.
_KEYWORDS: Mapping[Category, tuple[str, ...]] = {
    "overall": ("dress", "vestido", "gown", "jumpsuit", "overall", "mono"),
    "lower": ("pants", "jean", "skirt", "short", "trouser", "pantalon", "falda"),
    "upper": ("shirt", "blouse", "top", "jacket", "sweater", "hoodie", "camisa", "blusa", "chaqueta"),
}
_CATEGORY_OF: Mapping[str, Category] = {word: category for category, words in _KEYWORDS.items() for word in words}
# One beside the others says what cut, not what garment: a short skirt, a short-sleeved shirt.
_ADJECTIVES = frozenset({"short"})
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_DIGITS = 8  # of a hash: enough to tell a catalogue's garments apart


def category_of(stem: str) -> Category:
    """By whole words, of several the last: `denim_jeans_jacket` is a jacket. Else by that earlier rule, upper last.

    The rule sees words in words: without a whole word of its own, `monochrome` is a dress and `desktop` a top. A
    sidecar file puts that right.
    """
    words = [_singular(word.lower()) for word in _WORDS.findall(_plain(stem))]
    garments = [word for word in words if word in _CATEGORY_OF]
    nouns = [word for word in garments if word not in _ADJECTIVES] or garments
    if nouns:
        return _CATEGORY_OF[nouns[-1]]
    inside = (category for word, category in _CATEGORY_OF.items() if word in stem.lower())
    return next(inside, "upper")


def _singular(word: str) -> str:
    """As in the table: `shirts`, `dresses`, `trousers`; `pants` is there as it is."""
    forms = (word, word.removesuffix("s"), word.removesuffix("es"))
    return next((form for form in forms if form in _CATEGORY_OF), word)


def slugs_of(names: Sequence[str]) -> dict[str, str]:
    """File name -> slug: what stands before its ending, in small ASCII letters.

    Where several would have the same, each gets a hash of its whole name behind it: a file that is added can make a
    slug unknown, but never another garment's.
    """
    plain = {name: _slug(PurePosixPath(name).stem) for name in names}
    times = Counter(plain.values())
    return {name: slug if times[slug] == 1 and slug else _hashed(slug, name) for name, slug in plain.items()}


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _plain(stem).lower()).strip("-")[:64].strip("-")


def _hashed(slug: str, name: str) -> str:
    return f"{slug or 'garment'}-{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def _plain(text: str) -> str:
    """Letters without their accents: `pantalón` is `pantalon`."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
