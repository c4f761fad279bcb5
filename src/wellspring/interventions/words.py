"""A reason as a plain sentence, in English and French; any other language reads English."""

from collections.abc import Mapping
from typing import Final

import msgspec

from wellspring.interventions.library import Intervention
from wellspring.interventions.reasons import Reason, ReasonKey, Signal
from wellspring.interventions.vocabulary import Emotion, Energy


class _Words(msgspec.Struct, frozen=True):
    """All sentences of one language. `{n}` is minutes; `tail` ends every reason but danger's."""

    sentences: Mapping[ReasonKey, str]
    emotions: Mapping[Emotion, str]
    signals: Mapping[Signal, str]
    energies: Mapping[Energy, str]
    needs: Mapping[Energy, str]
    tail: str
    one_minute: str
    minutes: str


_EN: Final = _Words(
    sentences={
        "reach_out": "You do not have to be alone with this. This brings you closer to people who can help.",
        "steady": "This can steady you for the next few minutes. Reaching a person comes first.",
        "rated": "You have tried this before, and it did you good.",
        "kind": "Things of this kind have done you good before.",
        "felt": "Others who felt like this said that it helped them.",
        "hour": "Others found that this helps at this time of day.",
        "others": "Other people who tried this found that it helped.",
        "time": "You said you have {n}. This fits.",
        "evidence": "Studies have tested this, and it helped many of the people in them.",
        "small": "A small thing to try. You can stop whenever you like.",
    },
    emotions={
        "joy": "You said you feel joy. This can help it last.",
        "sadness": "You said you feel sad. This is meant for moments like that.",
        "anger": "You said you feel angry. This is meant for moments like that.",
        "fear": "You said you feel afraid. This is meant for moments like that.",
        "disgust": "You said you feel disgust. This is meant for moments like that.",
        "surprise": "You said something surprised you. This is meant for moments like that.",
        "anxiety": "You said you feel anxious. This is meant for moments like that.",
        "overwhelm": "You said it is all too much. This is meant for moments like that.",
        "calm": "You said you feel calm. This goes well with it.",
        "hopeful": "You said you feel hopeful. This builds on it.",
        "frustrated": "You said you feel frustrated. This is meant for moments like that.",
        "neutral": "You said you feel neither good nor bad. This suits an ordinary moment.",
    },
    signals={
        "anxiety_high": "Your anxiety is high right now. This is meant for moments like that.",
        "stress_high": "Your stress is high right now. This is meant for moments like that.",
        "mood_low": "Your mood is low right now. This is meant for moments like that.",
        "mood_middle": "Your mood is in the middle. This suits an ordinary moment.",
        "mood_good": "Your mood is good right now. This goes well with it.",
    },
    energies={
        "minimal": "You have very little energy. This asks for very little.",
        "low": "Your energy is low. This does not ask for more than you have.",
        "medium": "This fits the energy that you have right now.",
        "high": "This fits the energy that you have right now.",
    },
    needs={
        "minimal": "very little energy",
        "low": "a little energy",
        "medium": "some energy",
        "high": "a good deal of energy",
    },
    tail="It takes about {n} and {need}.",
    one_minute="1 minute",
    minutes="{n} minutes",
)

_FR: Final = _Words(
    sentences={
        "reach_out": "Vous n'avez pas à porter cela sans aide. Ceci vous rapproche de gens qui peuvent aider.",
        "steady": "Ceci peut vous soutenir pendant les prochaines minutes. Joindre une personne passe d'abord.",
        "rated": "Vous l'avez déjà essayé, et cela vous a fait du bien.",
        "kind": "Ce genre d'exercice vous a déjà fait du bien.",
        "felt": "D'autres personnes qui ressentaient cela ont dit que cela les a aidées.",
        "hour": "D'autres personnes ont trouvé que cela aide à ce moment de la journée.",
        "others": "D'autres personnes qui l'ont essayé ont trouvé que cela aidait.",
        "time": "Vous avez dit avoir {n}. Cela suffit.",
        "evidence": "Cela a été testé dans des études et a aidé beaucoup des personnes qui y ont pris part.",
        "small": "Une petite chose à essayer. Vous pouvez arrêter quand vous voulez.",
    },
    emotions={
        "joy": "Vous dites ressentir de la joie. Ceci peut l'aider à durer.",
        "sadness": "Vous dites ressentir de la tristesse. C'est fait pour ces moments-là.",
        "anger": "Vous dites ressentir de la colère. C'est fait pour ces moments-là.",
        "fear": "Vous dites ressentir de la peur. C'est fait pour ces moments-là.",
        "disgust": "Vous dites ressentir du dégoût. C'est fait pour ces moments-là.",
        "surprise": "Vous dites avoir eu une surprise. C'est fait pour ces moments-là.",
        "anxiety": "Vous dites ressentir de l'anxiété. C'est fait pour ces moments-là.",
        "overwhelm": "Vous dites que tout cela est trop. C'est fait pour ces moments-là.",
        "calm": "Vous dites ressentir du calme. Ceci va bien avec.",
        "hopeful": "Vous dites ressentir de l'espoir. Ceci peut l'accompagner.",
        "frustrated": "Vous dites ressentir de la frustration. C'est fait pour ces moments-là.",
        "neutral": "Vous dites ne vous sentir ni bien ni mal. Ceci convient à un moment ordinaire.",
    },
    signals={
        "anxiety_high": "Votre anxiété est forte en ce moment. C'est fait pour ces moments-là.",
        "stress_high": "Votre stress est fort en ce moment. C'est fait pour ces moments-là.",
        "mood_low": "Votre humeur est basse en ce moment. C'est fait pour ces moments-là.",
        "mood_middle": "Votre humeur est entre les deux. Ceci convient à un moment ordinaire.",
        "mood_good": "Votre humeur est bonne en ce moment. Ceci va bien avec.",
    },
    energies={
        "minimal": "Vous avez très peu d'énergie. Ceci en demande très peu.",
        "low": "Vous avez peu d'énergie. Ceci n'en demande pas plus que vous n'en avez.",
        "medium": "Ceci convient à l'énergie que vous avez en ce moment.",
        "high": "Ceci convient à l'énergie que vous avez en ce moment.",
    },
    needs={
        "minimal": "très peu d'énergie",
        "low": "un peu d'énergie",
        "medium": "de l'énergie",
        "high": "beaucoup d'énergie",
    },
    tail="Cela demande environ {n} et {need}.",
    one_minute="1 minute",
    minutes="{n} minutes",
)

_LANGUAGES: Final[Mapping[str, _Words]] = {"en": _EN, "fr": _FR}


def _minutes(words: _Words, count: int) -> str:
    return words.one_minute if count == 1 else words.minutes.format(n=count)


def _sentence(words: _Words, reason: Reason) -> str:
    if reason.emotion is not None:
        return words.emotions[reason.emotion]
    if reason.signal is not None:
        return words.signals[reason.signal]
    if reason.energy is not None:
        return words.energies[reason.energy]
    if reason.minutes is not None:
        return words.sentences[reason.key].format(n=_minutes(words, reason.minutes))
    return words.sentences[reason.key]


def why(intervention: Intervention, reason: Reason, language: str) -> str:
    """Why this is offered, in one or two plain sentences; in danger without the sentence about time and energy."""
    words = _LANGUAGES.get(language.partition("-")[0].lower(), _EN)
    sentence = _sentence(words, reason)
    if reason.key in ("reach_out", "steady"):
        return sentence
    facts = intervention.facts
    minutes = _minutes(words, max(1, round(facts.duration_seconds / 60)))
    return f"{sentence} {words.tail.format(n=minutes, need=words.needs[facts.energy_required])}"
