"""Of when a phrase speaks, and whether it is denied: read from the words around it (of whom: `persons.py`).

Every look is bounded (at most `NEAR` words, or the beginning of the next two sentences), so that a text costs time
in proportion to its length.
"""

import re
from collections.abc import Iterable
from functools import cache

from wellspring.language.schemas import Reason, Tense
from wellspring.language.sentences import HARD, NEAR, Sentence
from wellspring.language.tables import TABLES, Context, Rule, cue

_REACH = 10  # words before a phrase within which a negation may stand
_HELPER = 3  # words before a phrase within which its helping verb may stand: "a essayé de …"
_TOLD_AFTER = 6  # "at school I tried to …, today I am well": characters that a later time counts as further off
_LASTING = 30  # characters before a time that may say that it lasts


@cache
def _phrases(language: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(TABLES[language].context.negating_phrases)})(?: \w+){{0,3}}$")


def _inner_negations(s: Sentence, first: int, last: int, rule: Rule, c: Context) -> int:
    if rule.group.outer_only:
        return 0
    return sum(word in c.negators for word in s.words[first:last])


def _negates(s: Sentence, at: int, first: int, c: Context) -> bool:
    """Whether the word at `at` denies what follows, rather than being spent on a verb of its own."""
    word = s.words[at]
    if word in c.none:
        return any(near in c.negated_nouns for near in s.words[at + 1 : at + 3])
    if word == "without":  # "without wanting to …"
        return at >= first - 2 or (at >= first - 4 and s.words[at + 1].endswith("ing"))
    if f"{word} {s.words[at + 1]}" in c.degree:
        return False
    nearby = s.words[max(0, at - 1) : min(at + 4, first + 1)]  # French negates after the verb: "n'arrête pas de"
    return word in c.negators and not any(near in c.blockers for near in nearby)


def negated(s: Sentence, first: int, last: int, rule: Rule, language: str) -> bool:
    """Count the negations that reach words [first, last); an even number denies nothing."""
    c = TABLES[language].context
    count = _inner_negations(s, first, last, rule, c)
    crossed: int | None = None  # where the phrase's own clause begins, once passed
    for at in range(first - 1, max(-1, first - 1 - _REACH), -1):
        if s.breaks[at + 1] and not (s.breaks[at + 1] < HARD and at == first - 1):
            break
        if s.words[at] in c.clause_stops and (crossed is None or s.words[at] not in c.raising):
            break
        if crossed is None:
            count += _negates(s, at, first, c)
            crossed = at if s.words[at] in c.first else None
        elif s.words[at] in c.answers and s.words[at + 1] in c.first:
            continue  # "I said no I am not …": an answer, and not what denies the rest
        elif s.words[at] in c.none and s.words[at + 1] in c.affirming:
            continue
        elif s.words[at] in c.none and s.words[at + 1] in c.no_way and s.words[at + 2] in ("that", s.words[crossed]):
            count += c.blockers.isdisjoint(s.words[crossed:first])
        elif s.words[at] in c.negators or s.words[at] in c.none:
            count += _inverts(s, at, crossed, last, c)
            count += _raised(s, at, crossed, last, c) or (count % 2 == 1 and _cancels(s, at, crossed, c))
    if count == 0:
        begin = crossed + 1 if crossed is not None else max(0, first - _REACH)
        before = " ".join(s.words[begin:first])
        phrase = _phrases(language).search(before)
        return phrase is not None and not _spent(before[: phrase.start()], c) and not _stopped(s, first, c)
    return count % 2 == 1


def _raised(s: Sentence, at: int, subject: int, last: int, c: Context) -> bool:
    """Whether a denial in the clause before reaches the thought: "I do not think I …", "not crying because I …"."""
    between = s.words[max(at - 1, 0) : subject]
    if not c.belief.isdisjoint(between) and c.first.isdisjoint(s.words[max(0, at - _HELPER) : at]):
        return False
    found = c.raising.intersection(between)
    if found and found <= c.reasons and not _why_denied(s, at, c):
        return not c.corrections.isdisjoint(s.words[last : last + _REACH])
    return bool(found)


def _why_denied(s: Sentence, at: int, c: Context) -> bool:
    """Whether the denial at `at` is of the why alone: "it is not because I …", "and not because I …"."""
    alone = at == 0 or bool(s.breaks[at]) or s.words[at - 1] in c.copulas | c.joiners | c.past_words
    return alone and s.words[at + 1] in c.reasons


def _cancels(s: Sentence, at: int, subject: int, c: Context) -> bool:
    """Whether two denials make a yes: "I can not promise I will not …", "there is not a day I do not …"."""
    return s.words[subject - 1] in c.occasions or not c.promises.isdisjoint(s.words[max(at - 1, 0) : subject])


def _spent(before: str, c: Context) -> bool:
    """Whether a denying phrase is itself denied by the words right before it: "I have not | stopped wanting to …"."""
    return not c.negators.isdisjoint(before.split()[-2:])


def _inverts(s: Sentence, at: int, subject: int, last: int, c: Context) -> bool:
    """Whether a denial before the helping verb turns the clause round: "never once have I wanted to die"."""
    if at < subject - _HELPER or s.words[subject - 1] not in c.inverted:
        return False
    if not c.not_turned.isdisjoint(s.words[at:subject]):
        return False
    return cue(c.more_than_ever).search(" ".join(s.words[last : last + 2])) is None


def _stopped(s: Sentence, first: int, c: Context) -> bool:
    return any(s.breaks[at + 1] or s.words[at] in c.clause_stops for at in range(max(0, first - 4), first))


def _past_form(s: Sentence, first: int, last: int, c: Context, *, subjunctive: bool) -> bool:
    """A past verb in the phrase, or before it in the same clause, that no helper or perfect takes back."""
    # "I lay there wanting to die" may be last night: such verbs tell of the past only beside a distant time
    past = c.past_words | c.told if cue(c.distant).search(s.around(first, last)) else c.past_words
    begin = first
    last = first + 1 if subjunctive else last
    while begin > 0 and begin > first - 6 and not s.breaks[begin] and s.words[begin - 1] not in c.first:
        begin -= 1
    for at in range(begin, last):
        if s.words[at] in past:
            before = s.words[max(0, at - 2) : at]
            if before and before[-1] in c.had and s.words[at] not in c.same_forms:
                return True
            if not any(word in c.perfect or word in c.helpers for word in before):
                return True
        if s.words[at] in c.participles and c.auxiliaries.intersection(s.words[max(0, at - 2) : at]):
            return True
    return False


def _gap(found: Iterable[re.Match[str]], start: int, end: int) -> int | None:
    """How far the nearest match lies from [start, end), in characters; a time told first weighs more."""
    gaps = (start - m.end() if m.start() < start else m.start() - end + _TOLD_AFTER for m in found)
    return min((max(gap, 0) for gap in gaps), default=None)


def _of_another(s: Sentence, first: int, found: re.Match[str], c: Context) -> bool:
    """Whether a time before the phrase dates what somebody else did: "my dad died in '09 and I wanted to die"."""
    offset = s.starts[max(0, first - NEAR)]
    begin, end = s.words_of(offset + found.start(), offset + found.end())
    if end > first or not c.first.isdisjoint(s.words[begin:end]) or c.first.isdisjoint(s.words[end : first + 1]):
        return False
    start = begin
    while start > max(0, begin - _REACH) and not s.breaks[start]:
        start -= 1
    return cue(c.other_clause).search(" ".join(s.words[start:begin]) + " ") is not None


def _lasts(around: str, found: re.Match[str], c: Context) -> bool:
    """Whether a time reaches into now, by the words right before it: "I am | in high school", "since | I was 12"."""
    before = around[max(0, found.start() - _LASTING) : found.start()]
    return cue(c.lasting).search(f"{before}| {found.group()}") is not None


def distance(s: Sentence, first: int, last: int, language: str, after: tuple[str, ...]) -> bool | None:
    """True when the nearest time named is distant, False when it is near, None when none is named.

    The sentences `after` may give the time: "That was years ago".
    """
    c = TABLES[language].context
    around = s.around(first, last)
    if cue(c.still).search(around):
        return False
    start = s.starts[first] - s.starts[max(0, first - NEAR)]
    end = start + s.starts[last - 1] - s.starts[first] + len(s.words[last - 1])
    times = cue(c.distant).finditer(around)
    far = _gap((m for m in times if not (_of_another(s, first, m, c) or _lasts(around, m, c))), start, end)
    blanked = cue(c.distant).sub(lambda match: "_" * len(match.group()), around)
    near = _gap(cue(c.near).finditer(blanked), start, end)
    if far is None and near is None:
        return True if any(cue(c.later).search(words) for words in after) else None
    return near is None or (far is not None and far < near)


def lifted(language: str, following: str) -> bool:
    """Whether the sentence after a wish told in the past says that it went: "It lifted", "it never came back"."""
    return cue(TABLES[language].context.lifted).search(following) is not None


def framed(s: Sentence, first: int, last: int, language: str, after: tuple[str, str]) -> bool:
    """Whether words without a tense of their own ("wanting to die") stand in a sentence told of long ago."""
    c = TABLES[language].context
    before = s.words[max(0, first - _HELPER) : first]
    if cue(c.present).match(s.words[first]) and not c.first.isdisjoint(before) and c.helpers.isdisjoint(before):
        return False  # "I want to die" has a tense of its own
    around = [*s.words[max(0, first - NEAR) : first], *s.words[last : last + NEAR]]
    if cue(c.present).search(" ".join(around)):
        return False
    told = any(word in c.past_words or word in c.told or word.endswith(c.past_ending) for word in around)
    if not told:
        return False
    far = distance(s, first, last, language, after)
    return far is True or (far is None and lifted(language, after[0]))


def alleged(s: Sentence, first: int, last: int, language: str, following: str, beyond: str) -> int | None:
    """Whether somebody asks or claims it, and what comes next denies it: "Do I wish to die? I said no".

    The answer is how much of `following` the denial takes, none when it stands elsewhere.
    """
    c = TABLES[language].context
    inside = first + (s.words[first] in c.first and s.words[first - 1] in c.inverted)  # "was | I going to …"
    before = " ".join(s.words[max(0, first - NEAR) : inside]) + " "
    claim = next(reversed(list(cue(c.alleged).finditer(before))), None)
    if claim is None:
        return None
    between = before[claim.end() :].split()
    if not c.first.isdisjoint(between[1:]) or not (c.clause_stops | c.outlived).isdisjoint(between):
        return None  # "my mum thinks I am fine but I want to die"
    rest = s.words[last : last + NEAR]
    if not c.doubted.isdisjoint([*before.split(), *rest[:_REACH]]):
        return None
    if cue(c.denied_here).search("".join(f"{word} " for word in rest)):
        return 0 if cue(c.turned).search(following) is None else None
    plain = cue(c.denied_plainly).search(following)
    if plain is None and c.clause_stops.isdisjoint(rest):  # "… because of him. He is wrong" denies the why alone
        plain = cue(c.denied).search(following)
    if plain is not None:
        return plain.end()
    return 0 if cue(c.denied_plainly).search(beyond) else None


def disbelieved(s: Sentence, first: int, last: int, language: str, preceding: str, following: str) -> int | None:
    """Whether another does not believe it and the writer says the same: "My doctor does not believe I … He is right".

    The answer is how much of `following` the denial takes, none when the writer does not deny it: then the disbelief
    is a complaint.
    """
    c = TABLES[language].context
    if cue(c.disbelieved).search(_up_to(s, first, c)) is None:
        return None
    rest = "".join(f"{word} " for word in s.words[last : last + NEAR])
    if cue(c.agreed).search(rest) or cue(c.asserted).search(preceding):
        return 0
    agreed = cue(c.agreed).search(following)
    return None if agreed is None else agreed.end()


def _up_to(s: Sentence, first: int, c: Context) -> str:
    """The words before a phrase, with the writer's pronoun that may begin it."""
    return "".join(f"{word} " for word in s.words[max(0, first - NEAR) : first + (s.words[first] in c.first)])


def said_of_old(s: Sentence, first: int, last: int, language: str, after: tuple[str, str]) -> bool:
    """Whether the writer used to say or think it and nothing says that this lasts: "I used to say I can not …"."""
    c = TABLES[language].context
    if cue(c.said_of_old).search(_up_to(s, first, c)) is None or distance(s, first, last, language, after) is False:
        return False
    return not any(cue(source).search(words) for source in (c.still, c.near) for words in after)


def answered_no(s: Sentence, first: int, last: int, language: str, following: str, after: str) -> bool:
    """Whether the sentence is hardly more than the phrase, and the next one a bare no: "Hurt myself? Never".

    `after` is what comes behind the no, which may take it back: "Not yet".
    """
    c = TABLES[language].context
    short = first <= 1 and last == len(s.words) and c.blockers.isdisjoint(s.words)
    return short and cue(c.bare_no).search(following) is not None and cue(c.not_yet).search(after) is None


def denied_after(s: Sentence, last: int, language: str) -> bool:
    """Whether the phrase is what a later verb denies: "the idea of hurting myself never crossed my mind"."""
    rest = " ".join(s.words[last : last + _REACH])
    return cue(TABLES[language].context.denied_after).search(rest) is not None


def taken_back(s: Sentence, last: int, language: str, following: str, beyond: str, reason: Reason) -> bool:
    """Whether the writer undoes what made a phrase not count: "I am not suicidal. I lied", "… it is back now".

    What another says counts once the writer joins it ("… and so do I"), a quotation once it is meant, a question
    once the writer, and not whom the writer asks, says yes.
    """
    c = TABLES[language].context
    if reason == "question" and cue(c.asked_by_me).search(" ".join(s.words[max(0, last - NEAR) : last])):
        return False
    sources = {"third_person": (c.joined,), "quoted": (c.taken_back, c.meant), "question": (c.answered_yes,)}
    undone = [cue(source) for source in sources.get(reason, (c.taken_back,))]
    near = s.words[last : last + NEAR]
    end = s.words[max(last + NEAR, len(s.words) - NEAR) :]  # of a long sentence only its end is read besides
    stretches = [" ".join([*near, "…"]), " ".join(["…", *end])] if end else [" ".join(near)]
    return any(
        each.search(words) is not None for words in (*stretches, following.rstrip(), beyond.rstrip()) for each in undone
    )


def contradicted(s: Sentence, first: int, language: str, following: str) -> bool:
    """Whether a denial is somebody's belief and the next sentence says it is false: "She is wrong"."""
    before = " ".join(s.words[max(0, first - NEAR) : first])
    return cue(TABLES[language].context.contradicted).search(f"{before} | {following}") is not None


def told_of_old(preceding: str, language: str) -> bool:
    """Whether the sentence before set the scene long ago, for the writer: "I was nineteen. I wanted to die"."""
    c = TABLES[language].context
    if not cue(c.distant).search(preceding) or cue(c.near).search(cue(c.distant).sub("_", preceding)):
        return False
    return not (c.first | c.first_owner | c.first_object).isdisjoint(preceding.split())


def tense(s: Sentence, first: int, last: int, rule: Rule, language: str) -> Tense:
    c = TABLES[language].context
    if rule.group.tense == "past":
        return "past"
    if s.words[last : last + 1] and s.words[last] in c.copulas:  # "wanting to die is all I have left"
        return "present"
    if _past_form(s, first, last, c, subjunctive=rule.group.tense == "subjunctive"):
        return "past"
    return "future" if cue(c.future).search(s.around(first, last)) else "present"
