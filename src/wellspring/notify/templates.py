"""The words of messages, by template and language. A lock screen may show them to anybody: no health content."""

from typing import Final, Literal

from msgspec import Struct

from wellspring.identity import forgotten
from wellspring.identity.schemas import Language

Template = Literal[
    "crisis_page",
    "crisis_page_now",
    "crisis_overdue",
    "after_care_overdue",
    "desk_empty",
    "roles_changed",
    "password_changed",
    "second_factor_set",
    "recovery_codes_made",
    "second_factor_removed",
    "password_link",
    "sharing_closed",
]
"""Every message that Wellspring sends: a page of a responder, one that cannot wait, a reminder of one that waits too
long, one of a contact after a closed event, that nobody can open the crisis desk, what somebody may do here, changes of
one's sign-in, and that something shared has ended."""


PAGES: Final[list[Template]] = ["crisis_page", "crisis_page_now", "crisis_overdue", "after_care_overdue", "desk_empty"]
"""Messages about somebody in danger: they never wait for a worker, and a newer one takes the place of an older."""


class Words(Struct, frozen=True):
    """A subject, a text, and the page (a path) where what it is about can be seen after signing in.

    The path of a link for a new password is made as the mail is sent.
    """

    subject: str
    text: str
    path: str


_DESK: Final = "/desk"
_PEOPLE: Final = "/admin/people"
_SIGN_IN: Final = "/sign-in"
_SESSIONS: Final = "/sessions"
_SHARING: Final = "/sharing"
_SECURITY: Final = "/account/security"
_NOT_ME: Final = "If it was you, there is nothing to do. If it was not, tell the people who run this service now."
_PAS_MOI: Final = (
    "Si c’était vous, il n’y a rien à faire. Sinon, prévenez tout de suite les personnes qui gèrent ce service."
)

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
    ("crisis_overdue", "en"): Words(
        "Wellspring: someone has waited too long",
        "At the crisis desk someone has waited longer than they should. Open Wellspring.",
        _DESK,
    ),
    ("crisis_overdue", "fr"): Words(
        "Wellspring : quelqu’un attend depuis trop longtemps",
        "Au poste d’urgence, quelqu’un attend depuis plus longtemps qu’il ne faudrait. Ouvrez Wellspring.",
        _DESK,
    ),
    ("after_care_overdue", "en"): Words(
        "Wellspring: a planned contact is late",
        "At the crisis desk somebody should have been contacted again by now. Open Wellspring.",
        _DESK,
    ),
    ("after_care_overdue", "fr"): Words(
        "Wellspring : un contact prévu est en retard",
        "Au poste d’urgence, quelqu’un aurait déjà dû être recontacté. Ouvrez Wellspring.",
        _DESK,
    ),
    ("desk_empty", "en"): Words(
        "Wellspring: nobody can open the crisis desk",
        "Someone needs the crisis desk, and no responder with a second factor can open it."
        " Give somebody this task now, or ask a responder to set up their second factor.",
        _PEOPLE,
    ),
    ("desk_empty", "fr"): Words(
        "Wellspring : personne ne peut ouvrir le poste d’urgence",
        "Quelqu’un a besoin du poste d’urgence, et aucune personne de garde dotée d’un second facteur ne peut l’ouvrir."
        " Confiez cette tâche à quelqu’un maintenant, ou demandez à la personne concernée de configurer son second"
        " facteur.",
        _PEOPLE,
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
    ("password_changed", "en"): Words(
        "Wellspring: your password was changed",
        f"The password of your account was changed, and every other device has to sign in again. {_NOT_ME}",
        _SESSIONS,
    ),
    ("password_changed", "fr"): Words(
        "Wellspring : votre mot de passe a été changé",
        "Le mot de passe de votre compte a été changé, et tous les autres appareils doivent se reconnecter."
        f" {_PAS_MOI}",
        _SESSIONS,
    ),
    ("second_factor_set", "en"): Words(
        "Wellspring: a second factor was set up",
        "Signing in to your account now also asks for a code from an authenticator app, and every other device has to"
        f" sign in again. {_NOT_ME}",
        _SESSIONS,
    ),
    ("second_factor_set", "fr"): Words(
        "Wellspring : un second facteur a été configuré",
        "La connexion à votre compte demande désormais aussi un code d’une application d’authentification, et tous les"
        f" autres appareils doivent se reconnecter. {_PAS_MOI}",
        _SESSIONS,
    ),
    ("recovery_codes_made", "en"): Words(
        "Wellspring: new recovery codes were made",
        f"New recovery codes were made for your account; the earlier ones do not work any more. {_NOT_ME}",
        _SESSIONS,
    ),
    ("recovery_codes_made", "fr"): Words(
        "Wellspring : de nouveaux codes de secours ont été créés",
        "De nouveaux codes de secours ont été créés pour votre compte ; les précédents ne fonctionnent plus."
        f" {_PAS_MOI}",
        _SESSIONS,
    ),
    ("second_factor_removed", "en"): Words(
        "Wellspring: your second factor was taken off",
        "The people who run this service took the second factor off your account, and every device has to sign in"
        " again, with the password alone. Please set up a new second factor then. If you did not ask for this, change"
        " your password and tell them now.",
        _SECURITY,
    ),
    ("second_factor_removed", "fr"): Words(
        "Wellspring : votre second facteur a été retiré",
        "Les personnes qui gèrent ce service ont retiré le second facteur de votre compte, et tous les appareils"
        " doivent se reconnecter, avec le mot de passe seul. Configurez alors un nouveau second facteur."
        " Si vous ne l’avez pas demandé, changez votre mot de passe et prévenez-les tout de suite.",
        _SECURITY,
    ),
    ("password_link", "en"): Words(
        "Wellspring: choose a new password",
        "Somebody, probably you, said that they forgot the password of your account. Within half an hour you can choose"
        " a new one here. If it was not you, there is nothing to do: your password stays as it is.",
        forgotten.PAGE,
    ),
    ("password_link", "fr"): Words(
        "Wellspring : choisissez un nouveau mot de passe",
        "Quelqu’un, sans doute vous, a signalé avoir oublié le mot de passe de votre compte. Vous pouvez en choisir un"
        " nouveau ici pendant une demi-heure. Si ce n’était pas vous, il n’y a rien à faire : votre mot de passe reste"
        " le même.",
        forgotten.PAGE,
    ),
    ("sharing_closed", "en"): Words(
        "Wellspring: something you shared has ended",
        "What you shared with somebody has ended, because they could no longer use Wellspring in that role. It does not"
        " come back by itself, not even when they return. You have to do nothing."
        " Here you see whom you share with now.",
        _SHARING,
    ),
    ("sharing_closed", "fr"): Words(
        "Wellspring : un de vos partages a pris fin",
        "Ce que vous partagiez avec quelqu’un a pris fin, parce que cette personne ne pouvait plus utiliser Wellspring"
        " à ce titre. Cela ne reprendra pas tout seul, même si elle revient. Vous n’avez rien à faire."
        " Vous voyez ici avec qui vous partagez maintenant.",
        _SHARING,
    ),
}
KNOWN: Final = sorted({template for template, _ in WORDS})
"""Templates that this version has words for."""


def words(template: str, language: Language) -> Words:
    """Return the words of a message; an unknown template is our error (KeyError)."""
    return WORDS[template, language]
