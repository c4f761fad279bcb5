"""Topics and urgency of feedback by plain words, English and French."""

import time

import pytest

from wellspring.language import corpus
from wellspring.language.fold import fold
from wellspring.language.schemas import Feedback, Urgency
from wellspring.language.topics import OTHER, TOPICS, joined, topics_of, urgency_of

PLAIN = {
    "waiting_time": ["We waited three hours past our time.", "Deux heures d'attente aux urgences."],
    "staff_attitude": ["The man at reception was rude.", "Le médecin a été désagréable avec ma mère."],
    "communication": ["Nobody told us what would happen.", "On ne m'a rien expliqué."],
    "treatment_quality": ["The surgeon did not look at the wound.", "La plaie a été mal soignée."],
    "medication": ["I was given the wrong tablets.", "On s'est trompé dans mes médicaments."],
    "cost_billing": ["I was charged twice, I want a refund.", "La facture est trop élevée."],
    "facilities_cleanliness": ["The toilets were filthy.", "Les douches étaient sales."],
    "food": ["Lunch was cold again.", "Les repas étaient froids."],
    "appointment_booking": ["My appointment was cancelled.", "Impossible de prendre rendez-vous."],
    "privacy": ["It was a breach of confidentiality.", "Le secret médical n'a pas été gardé."],
    "accessibility": ["There is no ramp for my wheelchair.", "L'ascenseur est trop étroit pour mon fauteuil roulant."],
    "app_technical": ["The app crashes when I open it.", "L'appli plante, le mot de passe est refusé."],
    "crisis_support": ["The crisis line never picked up.", "La ligne d'écoute m'a aidé pendant la crise."],
    "discharge_followup": ["No follow-up after my discharge.", "Aucun suivi après ma sortie."],
    "praise": ["Thank you, you were brilliant.", "Un grand merci, c'était parfait."],
    "other": ["The gift shop was shut.", "Les heures de visite, on ne les trouve nulle part."],
}
URGENT: list[tuple[str, Urgency | None]] = [
    ("They gave him the wrong pills.", "high"),
    ("She is having an allergic reaction.", "high"),
    ("He has been bleeding since noon.", "high"),
    ("A porter hit my brother.", "high"),
    ("I rang the crisis line and there was no answer.", "high"),
    ("I can see other people's records.", "high"),
    ("Personne ne décroche sur la ligne d'écoute.", "high"),
    ("On lui a donné le mauvais médicament.", "high"),
    ("Il y a une fuite de données.", "high"),
    ("Please call me about it.", "medium"),
    ("When will the lift be mended?", "medium"),
    ("I still haven't had a letter.", "medium"),
    ("This is a formal complaint.", "medium"),
    ("Je demande un remboursement.", "medium"),
    ("Toujours pas de nouvelles, rappelez-moi.", "medium"),
    ("The soup was nice.", None),
    ("La soupe était bonne.", None),
    ("He was not bleeding.", None),
]


def folded(text: str) -> str:
    return fold(text).text


def test_every_topic_has_its_plain_sentences() -> None:
    assert set(PLAIN) == set(TOPICS)
    assert len(TOPICS) == 16


@pytest.mark.parametrize(("topic", "text"), [(topic, text) for topic, texts in PLAIN.items() for text in texts])
def test_a_plain_sentence_names_its_topic(topic: str, text: str) -> None:
    assert topic in topics_of(folded(text))


@pytest.mark.parametrize(("text", "urgency"), URGENT)
def test_urgency_of_plain_sentences(text: str, urgency: Urgency | None) -> None:
    assert urgency_of(folded(text)) == urgency


@pytest.mark.parametrize("text", ["", "   ", "\n", "?", "*", "..."])
def test_nothing_in_a_text_without_words(text: str) -> None:
    assert topics_of(folded(text)) == ()
    assert urgency_of(folded(text)) is None


def test_what_is_named_more_often_comes_first() -> None:
    assert topics_of("the bill was late. lunch, soup and toast were cold.") == ("food", "cost_billing")


def test_other_stands_alone() -> None:
    assert topics_of("the gift shop sells no food") == ("food",)
    assert topics_of("the gift shop was shut") == (OTHER,)


def test_praise_that_is_denied_is_none() -> None:
    assert "praise" in topics_of("they were helpful")
    assert "praise" not in topics_of("they were not helpful")


def test_part_of_a_word_is_not_the_word() -> None:
    assert topics_of("happening") == ()
    assert topics_of("a threat") == ()


def test_words_come_before_the_model_and_the_higher_urgency_counts() -> None:
    found = joined("they gave me the wrong pills", Feedback(("privacy", "medication", OTHER), "low", 0.1))
    assert found == Feedback(("medication", "privacy"), "high", 0.8333)
    assert joined("they gave me pills", Feedback((), "high", 0.7)).urgency == "high"
    assert joined("qwerty", Feedback((), "low", 0.1)) == Feedback((OTHER,), "low", 0.1)


@pytest.mark.parametrize("score", [0.0, 0.2, 0.3333, 0.5, 0.6667, 0.9, 1.0])
@pytest.mark.parametrize("label", ["low", "medium", "high"])
@pytest.mark.parametrize("text", ["hm", "please call me", "the wrong dose"])
def test_the_score_agrees_with_the_label(text: str, label: Urgency, score: float) -> None:
    found = joined(text, Feedback((), label, score))
    expected = "low" if found.urgency_score < 1 / 3 else "medium" if found.urgency_score < 2 / 3 else "high"
    assert found.urgency == expected


@pytest.mark.parametrize("unit", ["we waited and ", "a", "wrong ", "crisis ", "i n't ", "two "])
def test_a_long_text_takes_little_time(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    start = time.process_time()
    topics_of(text)
    urgency_of(text)
    assert time.process_time() - start < 2.0


def scored(texts: list[corpus.Text]) -> float:
    """Return micro-F1 of the words alone; where they name nothing, the answer is `other`."""
    right = given = wanted = 0
    for text in texts:
        found = set(topics_of(folded(text.text)) or (OTHER,))
        right += len(found & set(text.topics))
        given += len(found)
        wanted += len(text.topics)
    return 2 * right / (given + wanted)


def test_words_alone_reach_their_share_of_oblique_feedback() -> None:
    """The corpus mostly hints. Hands k and cl were read to choose the words: a floor, no forecast."""
    texts = [text for text in corpus.shipped() if text.kind == "feedback"]
    odd = [text for text in texts if int(text.id[-1], 16) % 2]
    assert len(odd) > 100
    assert scored(texts) >= 0.44
    assert scored(odd) >= 0.38


@pytest.mark.parametrize(
    "text",
    [
        "The best part is that nobody answered for three weeks.",
        "Great, another two hours of waiting.",
        "Good luck getting a reply from them.",
        "It would be good if the app kept my login.",
        "I'd love to know who read my notes.",
        "The food was anything but good.",
        "Not once was anyone kind to me.",
        "Hardly excellent care.",
        "He did his best, but the wound is infected.",
        "One star is too many.",
        "Super, encore annulé.",
        "Je ne suis pas du tout contente.",
    ],
)
def test_words_of_praise_that_praise_nothing(text: str) -> None:
    assert "praise" not in topics_of(folded(text))
    assert "praise" not in joined(folded(text), Feedback(("praise",), "low", 0.1)).topics


@pytest.mark.parametrize("text", ["Not bad, good work.", "Nobody was late. The nurses were kind.", "Best care ever."])
def test_praise_after_another_thought_stays(text: str) -> None:
    assert "praise" in topics_of(folded(text))


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("waiting_time", "Fifteen minutes late, every visit."),
        ("waiting_time", "On a poireauté toute la matinée."),
        ("staff_attitude", "The clerk never looked up and hung up on me later."),
        ("staff_attitude", "The doctor took her time with us."),
        ("staff_attitude", "Il m'a raccroché au nez."),
        ("communication", "Nobody can tell me where my file is, I only get their answerphone."),
        ("communication", "Silence radio depuis lundi."),
        ("treatment_quality", "My fever is back and the plaster cast is too tight."),
        ("treatment_quality", "On m'a dit que c'était dans ma tête."),
        ("medication", "The dosette is out of stock again."),
        ("medication", "Il faut renouveler mes gouttes."),
        ("cost_billing", "They took $40 for nothing."),
        ("cost_billing", "Il faut verser 5000 FCFA avant."),
        ("facilities_cleanliness", "The door doesn't lock and the tap drips into a puddle."),
        ("facilities_cleanliness", "L'eau chaude est coupée, les WC débordent."),
        ("food", "Lukewarm stew again."),
        ("food", "La collation était du riz froid."),
        ("appointment_booking", "No openings before June, they are not taking new patients."),
        ("appointment_booking", "On m'a convoqué deux fois, puis c'est repoussé."),
        ("privacy", "Who told my sister?"),
        ("privacy", "Qui a consulté mon dossier ?"),
        ("accessibility", "No step-free way in."),
        ("accessibility", "Il n'y a pas de place pour mon déambulateur."),
        ("app_technical", "A white screen when I sign in."),
        ("app_technical", "Le clavardage rame."),
        ("crisis_support", "The listener stayed on with me till morning."),
        ("crisis_support", "Tenu la nuit grâce à vous, au bout du fil."),
        ("discharge_followup", "The cast came off and no one's patient am I now."),
        ("discharge_followup", "J'ai eu mon congé sans lettre pour le CLSC."),
        ("praise", "Hats off, kudos to the whole floor."),
        ("praise", "Vous méritez une médaille."),
        ("other", "Somebody handed in an umbrella."),
        ("other", "Je me suis trompé de formulaire."),
    ],
)
def test_more_ways_to_name_a_topic(topic: str, text: str) -> None:
    assert topic in topics_of(folded(text))


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("waiting_time", "The waiting room has a fish tank."),
        ("waiting_time", "La salle d'attente est jolie."),
        ("cost_billing", "The nurse in charge should pay attention."),
        ("food", "I am fed up with it."),
        ("cost_billing", "La prise en charge fut rapide."),
        ("treatment_quality", "He fell in love on the ward."),
        ("food", "The drop-down menu hides half the towns."),
        ("staff_attitude", "He laid down a kind of rug."),
        ("app_technical", "Ask the site manager."),
        ("accessibility", "What are the next steps?"),
        ("praise", "Good morning, where do I park?"),
        ("praise", "There was an extra charge."),
        ("praise", "Merci de me rappeler."),
        ("privacy", "I told my story."),
        ("crisis_support", "Une crise d'asthme."),
        ("discharge_followup", "La sortie de secours est au fond."),
    ],
)
def test_what_only_looks_like_a_topic(topic: str, text: str) -> None:
    assert topic not in topics_of(folded(text))


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("His lips are blue and nobody comes.", "high"),
        ("She is floppy and won't feed.", "high"),
        ("My gran fell out of bed and lay there.", "high"),
        ("He said goodbye to all of us.", "high"),
        ("I wont be here after tonight.", "high"),
        ("They tied her to the chair.", "high"),
        ("There are bruises on both her arms.", "high"),
        ("Used needles lie beside the cot.", "high"),
        ("You posted my new address to my ex.", "high"),
        ("I am in a stranger's journal.", "high"),
        ("She has had a fever and is vomiting since yesterday.", "high"),
        ("Elle est toute molle, on n'arrive pas à la réveiller.", "high"),
        ("Il ne respire plus bien.", "high"),
        ("Il y a une odeur de gaz au sous-sol.", "high"),
        ("Elle a laissé une lettre d'adieu.", "high"),
        ("Mon fils a de la fièvre et il tremble, personne n'est venu depuis hier.", "high"),
        ("On l'attache la nuit.", "high"),
        ("Which of the two is it?", "medium"),
        ("The lift's out again.", "medium"),
        ("Nobody's called me.", "medium"),
        ("Lequel des deux est juste ?", "medium"),
        ("J'aimerais voir une autre personne.", "medium"),
        ("L'ascenseur est en panne.", "medium"),
        ("Veuillez corriger mon nom.", "medium"),
        ("He had a fever years ago, and I'm fine since yesterday.", None),
        ("Her kindness touched me.", None),
        ("Sa gentillesse m'a touchée.", None),
        ("He got out on the wrong side of the bed.", None),
        ("No reply needed.", None),
        ("Please thank the porter.", None),
        ("Il n'est pas en danger.", None),
        ("Le don de sang de ce matin s'est bien passé.", None),
        ("I gave blood all night long, it felt like it.", None),
        ("My condition is stable now.", None),
        ("J'ai été prise en charge tout de suite.", None),
        ("My file has gone missing.", None),
        ("I drank the tea. A smell of bleach in the hall.", None),
        ("Elle veut se plaindre au directeur.", None),
        ("He drank some of the bleach.", "high"),
    ],
)
def test_danger_questions_and_their_innocent_doubles(text: str, urgency: Urgency | None) -> None:
    assert urgency_of(folded(text)) == urgency


def test_letters_without_an_apostrophe_are_the_same_words() -> None:
    assert urgency_of(folded("i cant breathe")) == urgency_of(folded("i can't breathe")) == "high"


def test_a_longer_phrase_that_means_something_else_hides_only_itself() -> None:
    assert "waiting_time" in topics_of(folded("The waiting room was full and we waited."))


def test_words_the_model_takes_for_praise_do_not_name_it_alone() -> None:
    assert "praise" not in topics_of(folded("a great long corridor"))
    assert "praise" in joined(folded("a great place"), Feedback(("praise",), "low", 0.1)).topics
