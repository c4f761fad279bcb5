"""Of what is only asked, wrongly believed or refused in so many words: read from the sentence and the two behind it."""

from wellspring.language.sentences import HARD, NEAR, Sentence
from wellspring.language.tables import TABLES, cue

_BEHIND = 7  # words behind a phrase that may put it off
_READ = 300  # characters of each sentence behind it that may answer it


def refused(
    s: Sentence, first: int, last: int, category: str, language: str, end: str, following: str, beyond: str
) -> int | None:
    """How much of `following` a denial of the phrase takes, 0 when it ends sooner, nothing when there is none.

    What is sought (`denials` in the tables) reads "your form asks if I | want to die" as "your form asks if i
    #explicit ? no": "#" and its kind stand for the phrase, "," and ":" for pauses, "|" or "?" for the sentence's end.
    What undoes the denial (`undenied`) may stand anywhere behind it: "no , not yet".
    """
    before = _marked(s, max(0, first - NEAR), first)
    own = f"{before}#{category} {_marked(s, last, min(len(s.words), last + NEAR))}{end} "
    words = f"{own}{following.lstrip()[:_READ]}| {beyond.lstrip()[:_READ]}"
    for source in TABLES[language].denials.values():
        for found in cue(source).finditer(words):
            if cue(TABLES[language].context.undenied).search(words[found.end() :]) is None:
                return min(max(0, found.end() - len(own)), len(following))
    return None


def deferred(s: Sentence, first: int, last: int, language: str) -> bool:
    """Whether a denial is of the day alone: "I am not going to kill myself yet", "… tonight, but soon"."""
    return cue(TABLES[language].context.deferred).search(" ".join(s.words[first : last + _BEHIND])) is not None


def _marked(s: Sentence, begin: int, stop: int) -> str:
    """The words from `begin` to `stop`, each followed by a space, and the pauses before them."""
    pauses = ("", ": ", ", ")
    return "".join(f"{pauses[min(s.breaks[at], HARD)]}{s.words[at]} " for at in range(begin, stop))
