"""Of whom a phrase speaks: the writer, who is spoken to, or somebody else."""

from itertools import pairwise

from wellspring.language.schemas import Person
from wellspring.language.sentences import HARD, NEAR, Sentence
from wellspring.language.tables import TABLES, Context, Rule, cue

_HELPER = 3  # words before a phrase within which its helping verb may stand: "a essayé de …"
_LOOK_BACK = 12  # words before a phrase within which its subject may stand
_SELF_NAMED = 10  # words before "who" that may make it the writer


def person(s: Sentence, first: int, last: int, rule: Rule, language: str) -> Person:
    """The subject of words [first, last): the phrase's own words, then the nearest before it, else the writer."""
    c = TABLES[language].context
    if rule.group.person == "writer":
        return "first"
    if _done_to_another(s, first, last, c):
        return "third"
    if (paired := _by_pair(s, first, last, c)) is not None:
        return paired
    inside = _owner(s.words[first:last], c)
    if inside and (language == "en" or inside != "first"):
        return inside
    for at in range(first - 1, max(-1, first - 1 - _LOOK_BACK), -1):
        if (subject := _subject_at(s, at, first, last, language)) is not None:
            return subject
    return _unnamed(s, first, c) if language == "fr" or inside is None else inside


def _done_to_another(s: Sentence, first: int, last: int, c: Context) -> bool:
    """Whether the words around name another: "tried to kill | himself", "… end | his life", "he is going to | …"."""
    if not c.third_reflexives.isdisjoint(s.words[last : last + 1]):
        return True
    if s.words[last - 1] not in c.first_owner and _life_of_another(s, last, c):
        return True
    return cue(c.third_told).search(" ".join(s.words[max(0, first - _HELPER * 2) : first]) + " ") is not None


def _life_of_another(s: Sentence, last: int, c: Context) -> bool:
    owner = s.words[last : last + 2]
    return len(owner) == 2 and owner[0] in c.third_owner and owner[1] in c.life


def _by_pair(s: Sentence, first: int, last: int, c: Context) -> Person | None:
    """Whom a verb that only another can have speaks of ("has tried", "a essayé"), none when there is no such verb."""
    near = s.words[_own_start(s, first, c) : last]
    if not any(f"{a} {b}" in c.third_pairs for a, b in pairwise(near)):
        return None
    together = not c.collective.isdisjoint(near) and cue(c.together).search(s.around(first, last))
    return "first" if together else "third"


def _own_start(s: Sentence, first: int, c: Context) -> int:
    """Where the words just before a phrase begin; the writer's pronoun ends what another does: "she has tried, I …"."""
    begin = max(0, first - _HELPER)
    return next((at for at in range(first, begin - 1, -1) if s.words[at] in c.first), begin)


def _owner(words: list[str], c: Context) -> Person | None:
    for word in words:
        if word in c.first_owner or word in c.first:
            return "first"
        if word in c.third_owner:
            return "third"
        if word in c.second_owner:
            return "second"
    return None


def _subject_at(s: Sentence, at: int, first: int, last: int, language: str) -> Person | None:
    """Whom the word at `at` makes the subject of words [first, last), if anybody."""
    c = TABLES[language].context
    if _stands_for_nobody(s, at, c):
        return None
    if _stands_for_writer(s, at, first, language):
        return "first"
    if s.words[at] in c.second:
        return "second"
    if s.words[at] in c.collective and at >= first - _HELPER:
        return _collective(s, at, last, c)
    called = at in (0, first - 1) and s.breaks[at + 1] == HARD  # called, or told: "lads, want to die"
    return "third" if not called and _stands_for_another(s, at, first, last, language) else None


def _stands_for_nobody(s: Sentence, at: int, c: Context) -> bool:
    """Whether nobody is meant: "il faut …", "no friends and no wish to live"."""
    word = s.words[at]
    if word in c.third and not c.impersonal.isdisjoint(s.words[at + 1 : at + 3]):
        return True
    return at > 0 and word in (c.third_nouns | c.third_plural) and s.words[at - 1] in c.none


def _stands_for_writer(s: Sentence, at: int, first: int, language: str) -> bool:
    c = TABLES[language].context
    word = s.words[at]
    if word in c.first or (word in c.first_object and at >= first - _object_reach(language)):
        return True
    return word in c.relatives and _names_self(s, at, c)


def _object_reach(language: str) -> int:
    """French puts the object before its verb ("ça me donne envie"), English right before the phrase."""
    return 3 if language == "fr" else 1


def _names_self(s: Sentence, at: int, c: Context) -> bool:
    """Whether the relative pronoun at `at` stands for the writer: "I am someone who wants to die"."""
    return cue(c.self_named).search(" ".join(s.words[max(0, at - _SELF_NAMED) : at]) + " ") is not None


def _stands_for_another(s: Sentence, at: int, first: int, last: int, language: str) -> bool:
    c = TABLES[language].context
    word = s.words[at]
    if word in c.third_plural or (word in c.third_object and at == first - 1):
        return True
    if (word in c.third or word in c.third_nouns) and _speaks_of_other(s, at, first, last, c):
        return True
    return language == "en" and word in c.relatives and at >= first - 2  # "lads who want to die"


def _speaks_of_other(s: Sentence, at: int, first: int, last: int, c: Context) -> bool:
    """A singular noun or pronoun is the subject only if the verb agrees or a helper stands between."""
    if not any(word in c.bare_verbs for word in s.words[first:last]):
        return True
    return any(word in c.helpers for word in s.words[max(0, at - 1) : first])


def _collective(s: Sentence, at: int, last: int, c: Context) -> Person:
    """French "on" is the writer ("on veut mourir") unless the sentence is general or names another."""
    if not c.generic.isdisjoint(s.words[max(0, at - 1) : at]):
        return "third"
    joined = cue(c.together).search(s.around(at, last)) is not None
    if joined or not c.first.isdisjoint(s.words[max(0, at - _HELPER * 2) : at]):  # "moi et mes potes on veut mourir"
        return "first"
    around = s.words[max(0, at - NEAR) : last + NEAR]
    return "first" if (c.third_nouns | c.third_plural).isdisjoint(around) else "third"


def _unnamed(s: Sentence, first: int, c: Context) -> Person:
    """No subject was found: the writer's own, unless the verb speaks of another ("Brennan va me tuer")."""
    return "first" if c.third_verbs.isdisjoint(s.words[max(0, first - 1) : first + 1]) else "third"
