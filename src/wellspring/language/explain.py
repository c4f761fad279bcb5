"""Say in plain sentences, for staff, what rules and models saw, and why it counted or did not."""

from typing import Literal

from wellspring.language.schemas import Category, Hit, Level, Reading, Reason

StaffLanguage = Literal["en", "fr"]

_LEVEL: dict[StaffLanguage, dict[Level, str]] = {
    "en": {
        "low": "No sign of danger was found. This does not mean that the person is safe.",
        "mentioned": "The text touches on danger, but nothing in it counts as the writer's own risk now.",
        "moderate": "The text shows distress that deserves a look.",
        "high": "The text shows serious signs of danger.",
        "critical": "The text shows signs of immediate danger.",
    },
    "fr": {
        "low": "Aucun signe de danger n'a été trouvé. Cela ne veut pas dire que tout va bien.",
        "mentioned": "Le texte évoque un danger, mais rien n'y compte comme un risque actuel de la personne.",
        "moderate": "Le texte montre une détresse qui mérite attention.",
        "high": "Le texte montre des signes sérieux de danger.",
        "critical": "Le texte montre des signes de danger immédiat.",
    },
}
_CATEGORY: dict[StaffLanguage, dict[Category, str]] = {
    "en": {
        "explicit": "words about wanting to die or suicide",
        "plan": "a plan",
        "means": "means at hand",
        "goodbye": "a goodbye",
        "euphemism": "a veiled way to speak of dying",
        "passive": "a wish not to live or not to be there",
        "attempt": "an attempt",
        "self_harm": "self-harm",
        "burden": "feeling a burden or worthless",
        "hopelessness": "hopelessness",
        "harm_to_others": "harm to others",
        "abuse": "violence or abuse suffered",
        "topic": "the subject of suicide or self-harm",
    },
    "fr": {
        "explicit": "des mots sur l'envie de mourir ou le suicide",
        "plan": "un plan",
        "means": "des moyens à portée de main",
        "goodbye": "un adieu",
        "euphemism": "une façon voilée de parler de mourir",
        "passive": "le souhait de ne plus vivre ou de ne plus être là",
        "attempt": "une tentative",
        "self_harm": "de l'automutilation",
        "burden": "le sentiment d'être un poids ou sans valeur",
        "hopelessness": "du désespoir",
        "harm_to_others": "un risque pour d'autres personnes",
        "abuse": "des violences subies",
        "topic": "le sujet du suicide ou de l'automutilation",
    },
}
_REASON: dict[StaffLanguage, dict[Reason, str]] = {
    "en": {
        "negated": "the text denies it",
        "third_person": "it is about someone else",
        "question": "it is a question or is addressed to someone",
        "past": "it lies well in the past",
        "idiom": "it is a figure of speech or an everyday matter",
        "quoted": "it quotes someone",
        "fiction": "it is about a song, a film, a book or a game",
        "hypothetical": "it is an exaggerated supposition",
        "topic": "the subject is only named",
    },
    "fr": {
        "negated": "le texte le nie",
        "third_person": "il s'agit de quelqu'un d'autre",
        "question": "c'est une question ou cela s'adresse à quelqu'un",
        "past": "c'est loin dans le passé",
        "idiom": "c'est une expression courante ou un fait banal",
        "quoted": "c'est une citation",
        "fiction": "il s'agit d'une chanson, d'un film, d'un livre ou d'un jeu",
        "hypothetical": "c'est une supposition exagérée",
        "topic": "le sujet est seulement nommé",
    },
}
_COUNTED: dict[StaffLanguage, str] = {
    "en": "Characters {start} to {end}: {what}, counted with weight {tier} of 3.",
    "fr": "Caractères {start} à {end} : {what}, compté avec un poids de {tier} sur 3.",
}
_NOT_COUNTED: dict[StaffLanguage, str] = {
    "en": "Characters {start} to {end}: {what}, not counted because {why}.",
    "fr": "Caractères {start} à {end} : {what}, non compté car {why}.",
}
_MODELS = ("encoder", "light")
_RAISED: dict[StaffLanguage, str] = {
    "en": "A model ({version}) gives a probability of danger of {probability:.2f} and raises the rules' level.",
    "fr": "Un modèle ({version}) donne une probabilité de danger de {probability:.2f} et va au-delà des règles.",
}
_SAME: dict[StaffLanguage, str] = {
    "en": "A model ({version}) gives a probability of danger of {probability:.2f}; that raises nothing.",
    "fr": "Un modèle ({version}) donne une probabilité de danger de {probability:.2f} ; cela ne relève rien.",
}
_SPAN: dict[StaffLanguage, str] = {
    "en": "Characters {start} to {end}: the model finds danger in this sentence, probability {probability:.2f}.",
    "fr": "Caractères {start} à {end} : le modèle trouve un danger dans cette phrase, probabilité {probability:.2f}.",
}
_ANOTHER: dict[StaffLanguage, str] = {
    "en": "It seems to speak of somebody else who is in danger now.",
    "fr": "Il semble s'agir d'une autre personne, en danger maintenant.",
}
_SPAN_OF_ANOTHER: dict[StaffLanguage, str] = {
    "en": "Characters {start} to {end}: the model finds somebody else's danger here.",
    "fr": "Caractères {start} à {end} : le modèle trouve ici le danger d'une autre personne.",
}
_PARTLY: dict[StaffLanguage, str] = {
    "en": "The text was not fully read: its language has no rules here, or it is very long. Please read it yourself.",
    "fr": "Le texte n'a pas été lu en entier : sa langue n'a pas de règles ici, ou il est très long. Merci de le lire.",
}


def _sentence(hit: Hit, language: StaffLanguage) -> str:
    what = _CATEGORY[language][hit.category]
    if hit.reason is None:
        return _COUNTED[language].format(start=hit.start, end=hit.end, what=what, tier=hit.tier)
    why = _REASON[language][hit.reason]
    return _NOT_COUNTED[language].format(start=hit.start, end=hit.end, what=what, why=why)


def _model(reading: Reading, language: StaffLanguage) -> list[str]:
    if reading.crisis is None:
        return []
    version = ", ".join(f"{name} {reading.versions[name]}" for name in _MODELS if name in reading.versions)
    said = _SAME if reading.level in ("mentioned", reading.rules_level) else _RAISED
    lines = [said[language].format(version=version, probability=reading.crisis)]
    of_another = reading.level == "mentioned" != reading.rules_level
    told = (_SPAN_OF_ANOTHER if of_another else _SPAN)[language]
    return lines + [told.format(start=s.start, end=s.end, probability=s.probability) for s in reading.evidence]


def explain(reading: Reading, language: StaffLanguage) -> list[str]:
    """The level, one sentence for each hit, what a model saw, whether all was read; no words of the text itself."""
    lines = [_LEVEL[language][reading.level]]
    lines.extend(_sentence(hit, language) for hit in reading.hits)
    lines.extend(_model(reading, language))
    lines.extend([_ANOTHER[language]] if reading.another else [])
    return lines if reading.fully_read else [*lines, _PARTLY[language]]
