"""What can go wrong with consents and sharing."""

from wellspring.kernel.errors import Conflict, Invalid, NotFound, Problem, Unavailable


class TextChanged(Conflict):
    """The words of this consent have changed. Please read them again, then answer."""

    code = "consent_text_changed"


class TextsMissing(Unavailable):
    """The consent texts are not loaded, so an answer cannot be stored. Nothing was stored."""

    code = "consent_texts_missing"


class TextEdited(Problem):
    """A consent text that people may have agreed to was edited. Add it again with the next version."""

    code = "consent_text_edited"


class GrantExists(Conflict):
    """You already share with this person. Change that sharing instead."""

    code = "grant_exists"


class GrantEnded(Conflict):
    """This sharing has ended. You can make a new one."""

    code = "grant_ended"


class GrantRefused(Invalid):
    """This cannot be shared in this way."""

    code = "grant_refused"


class SharingRefused(Conflict):
    """You said that nothing of yours is shared. Agree to sharing again first."""

    code = "sharing_refused"


class HealthDataRefused(Conflict):
    """You took back your agreement to keep data about your health, so nothing was stored. You can agree again."""

    code = "health_data_refused"


class NotShared(NotFound):
    """There is nothing here that you can see."""


class CopyNotReady(Conflict):
    """Your copy is still being made. Please come back in a moment."""

    code = "copy_not_ready"


class NotLeaving(Conflict):
    """There is no erasure that could still be called off."""

    code = "not_leaving"
