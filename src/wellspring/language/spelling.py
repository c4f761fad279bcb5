"""Bring a word as people type it to the plain spelling that the patterns use."""

import re
from typing import Final

from wellspring.language.tables import TABLES

VOCABULARY: frozenset[str] = frozenset().union(*(table.vocabulary for table in TABLES.values()))
_GIVEN: dict[str, tuple[str, ...]] = {
    word: plain for table in TABLES.values() for word, plain in table.canonical.items()
}
_AFTER_JE = re.compile(r"[bcdfglmnpqrstvx][a-zœ]{2,}$")


def _je() -> dict[str, tuple[str, ...]]:
    """French "je" typed as one with its verb ("jtraverse"); no word begins so, in French or English."""
    table = TABLES["fr"]
    known = {**{word: (word,) for word in table.vocabulary if word not in _GIVEN}, **table.canonical}
    return {f"j{word}": ("je", *plain) for word, plain in known.items() if _AFTER_JE.match(word)}


CANONICAL: dict[str, tuple[str, ...]] = {**_je(), **_GIVEN}

# Words worth finding in any misspelling. The first row stands alone enough to allow any one wrong letter; in the second
# a substituted letter can make an innocent word (hopeless, homeless), so only lost, doubled and swapped letters count.
_DISTINCT = ("suicide", "suicidal", "myself", "suicider", "suicidaire", "scarification")
_CROWDED = ("overdose", "goodbye", "worthless", "hopeless", "anymore", "tonight", "killing", "disappear", "alive")
_CROWDED_FR = ("mourir", "scarifier", "suicidé", "disparaitre", "fardeau", "envie")
# Short words that other words crowd too much for a lost or doubled letter: only two letters swapped count.
_SHORT = ("dead", "wish", "want", "kill", "living", "love", "rope", "pills", "sorry", "dont", "cachets", "adieu")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

_ELIDED = {
    "j": "je",
    "m": "me",
    "t": "te",
    "s": "se",
    "d": "de",
    "l": "le",
    "n": "ne",
    "c": "ce",
    "qu": "que",
    "jusqu": "jusque",
    "lorsqu": "lorsque",
    "puisqu": "puisque",
}
_SUFFIX = {"ll": "will", "ve": "have", "d": "would", "re": "are", "m": "am", "t": "not"}
_LEET = str.maketrans("0134578@$!|", "oieasteasil")
_LEET_L = str.maketrans("0134578@$!|", "oleasteasll")
_STRETCH = re.compile(r"([a-z])\1{2,}")
_PARTS = re.compile("[a-zœ]+|[0-9]+")
# How a wish begins whose words run into each other: "iwanttodie", "jeveuxmourir", "veuxmourir"
RUN_TOGETHER: Final = r"\b(?:i|im|je|j)?(?:want|wanna|wish|dont|cant|veux|veut|envie|peux|vais)[a-z]{5,50}"
_RUN_TOGETHER = re.compile(RUN_TOGETHER)
_WORD_LONGEST = 13


def _slips(word: str) -> set[str]:
    """Lost, doubled and swapped letters; the first letter stays."""
    lost = {word[:i] + word[i + 1 :] for i in range(1, len(word))}
    doubled = {word[: i + 1] + word[i:] for i in range(len(word))}
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    return lost | doubled | swapped


def _swaps(word: str) -> set[str]:
    """Two neighbouring letters in the wrong order; the first letter stays."""
    return {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1)} - {word}


def _any_letter(word: str) -> set[str]:
    replaced = {word[:i] + c + word[i + 1 :] for i in range(1, len(word)) for c in _LETTERS}
    inserted = {word[:i] + c + word[i:] for i in range(1, len(word)) for c in _LETTERS}
    return replaced | inserted


def _typos() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word in (*_DISTINCT, *_CROWDED, *_CROWDED_FR):
        forms = _slips(word) | (_any_letter(word) if word in _DISTINCT else set())
        found.update((form, (word,)) for form in forms if form not in VOCABULARY and form not in CANONICAL)
    for word in _SHORT:
        plain = CANONICAL.get(word, (word,))
        found.update((form, plain) for form in _swaps(word) if form not in VOCABULARY and form not in CANONICAL)
    return found


TYPOS = _typos()


def is_known(word: str) -> bool:
    """Whether the tables know the word as it stands."""
    return word in VOCABULARY or word in CANONICAL


def _known(word: str) -> tuple[str, ...] | None:
    return CANONICAL.get(word) or ((word,) if word in VOCABULARY else TYPOS.get(word))


def _unmask(word: str) -> tuple[str, ...] | None:
    """`k*ll`: the one listed word of that shape."""
    shape = [(index, char) for index, char in enumerate(word) if char != "*"]
    for whole in (*_DISTINCT, "kill", "killing", "die", "dying", "cut", "cutting", "mourir", "tuer", "harm", "dead"):
        if len(whole) == len(word) and len(shape) > 1 and all(whole[i] == c for i, c in shape):
            return (whole,)
    return None


def _decode(word: str) -> tuple[str, ...] | None:
    """Leet, stretched letters, letters set apart; None when no known word appears."""
    if "*" in word:
        return _unmask(word)
    bare = "".join(char for char in word if char.isalnum() or char in "@$!|")
    for table in (_LEET, _LEET_L):
        plain = bare.translate(table)
        for form in (plain, _STRETCH.sub(r"\1", plain), _STRETCH.sub(r"\1\1", plain)):
            if found := _known(form):
                return found
    return None


def _split_apostrophe(word: str) -> tuple[str, ...]:
    head, _, tail = word.partition("'")
    if head in _ELIDED and tail:
        return (_ELIDED[head], *plain_words(tail))
    if tail == "s":
        return plain_words(head)
    return (*plain_words(head), *((_SUFFIX[tail],) if tail in _SUFFIX else plain_words(tail)))


def _run_together(word: str) -> tuple[str, ...]:
    return parted(word) if _RUN_TOGETHER.fullmatch(word) else ()


def parted(glued: str) -> tuple[str, ...]:
    """Return the fewest known words that letters without spaces can be read as; empty when they cannot."""
    best: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(glued) + 1):
        ways = [
            (*before, *plain_words(glued[start:end]))
            for start in range(max(0, end - _WORD_LONGEST), end)
            if (before := best[start]) is not None
            and is_known(glued[start:end])
            and (end - start > 1 or glued[start] in "ia")
        ]
        best.append(min(ways, key=len) if ways else None)
    return best[-1] or ()


def plain_words(word: str) -> tuple[str, ...]:
    """One typed word, folded, as plain words: `don't` → do, not; `k1ll` → kill; `j'veux` → je, veux."""
    if not word:
        return ()
    if found := _known(word):
        return found
    if word.isdecimal():  # a number is no leet: "15" is not "is"
        return (word,)
    if word.isalpha():
        return (_decode(word) if _STRETCH.search(word) else None) or _run_together(word) or (word,)
    if "'" in word:
        return _split_apostrophe(word)
    return _decode(word) or tuple(_PARTS.findall(word))


def _listed() -> dict[str, list[str]]:
    """Plain word → the listed spellings that hold it."""
    found: dict[str, list[str]] = {}
    for form, plain in {**TYPOS, **CANONICAL}.items():
        for word in plain:
            found.setdefault(word, []).append(form)
    return found


_LISTED: Final = _listed()


def typed_forms(words: frozenset[str]) -> frozenset[str]:
    """The words themselves, every listed spelling whose plain words hold one of them, and their endings ("he'd")."""
    endings = [ending for ending, plain in _SUFFIX.items() if plain in words]
    return words.union(endings, *[_LISTED.get(word, ()) for word in words])
