"""What administrators cannot do."""

from wellspring.kernel.errors import Conflict


class LastAdministrator(Conflict):
    """This is the last administrator with a second factor. Make somebody else one first."""

    code = "last_administrator"


class NotYourself(Conflict):
    """Nobody does this to their own account. Another administrator can."""

    code = "not_yourself"


class NotResponder(Conflict):
    """Only responders can supervise the crisis desk."""

    code = "not_responder"
