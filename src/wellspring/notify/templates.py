"""The words of messages, by template and language. A lock screen may show them to anybody: no health content."""

from typing import Final, Literal

from msgspec import Struct

from wellspring.identity.schemas import Language

Template = Literal["crisis_page", "crisis_page_now", "roles_changed"]
"""Every message that Wellspring sends: a page of a responder, one that cannot wait, and what somebody may do here."""


class Words(Struct, frozen=True):
    """A subject, a text, and the page (a path) where what it is about can be seen after signing in."""

    subject: str
    text: str
    path: str


_DESK: Final = "/desk"
_SIGN_IN: Final = "/sign-in"

WORDS: Final[dict[tuple[str, Language], Words]] = {
    ("crisis_page", "en"): Words(
        "Wellspring: someone needs you",
        "Someone needs you at the crisis desk. Open Wellspring.",
        _DESK,
    ),
    ("crisis_page", "fr"): Words(
        "Wellspring : quelqu’un a besoin de vous",
        "Quelqu’un a besoin de vous au poste d’urgence. Ouvrez Wellspring.",
        _DESK,
    ),
    ("crisis_page_now", "en"): Words(
        "Wellspring: someone needs you now",
        "Someone needs you at the crisis desk now. Open Wellspring.",
        _DESK,
    ),
    ("crisis_page_now", "fr"): Words(
        "Wellspring : quelqu’un a besoin de vous maintenant",
        "Quelqu’un a besoin de vous maintenant au poste d’urgence. Ouvrez Wellspring.",
        _DESK,
    ),
    ("roles_changed", "en"): Words(
        "Wellspring: what you may do has changed",
        "An administrator has changed what you may do in Wellspring. It holds from your next sign-in."
        " If you did not expect this, please ask the people who run this service.",
        _SIGN_IN,
    ),
    ("roles_changed", "fr"): Words(
        "Wellspring : vos droits ont changé",
        "Un administrateur ou une administratrice a changé ce que vous pouvez faire dans Wellspring."
        " Cela vaut dès votre prochaine connexion."
        " Si vous ne vous y attendiez pas, demandez aux personnes qui gèrent ce service.",
        _SIGN_IN,
    ),
}


def words(template: str, language: Language) -> Words:
    """Return the words of a message; an unknown template is our error (KeyError)."""
    return WORDS[template, language]
