"""What can go wrong when people sign up and in."""

from wellspring.kernel.errors import Conflict, Forbidden, Invalid, Problem, Unauthenticated


class EmailTaken(Conflict):
    """There is already an account with this e-mail address."""

    code = "email_taken"


class WrongCredentials(Unauthenticated):
    """The e-mail address or the password is not right."""

    code = "wrong_credentials"


class SecondFactorNeeded(Unauthenticated):
    """Please add the code from your authenticator app."""

    code = "mfa_required"


class SecondFactorWrong(Unauthenticated):
    """This code is not right, or it was used already."""

    code = "mfa_wrong"


class FactorExists(Conflict):
    """A second factor is already set up."""

    code = "second_factor_exists"


class FactorMissing(Conflict):
    """There is no second factor yet. Set one up first."""

    code = "second_factor_missing"


class PasswordWrong(Forbidden):
    """The current password is not right."""

    code = "password_wrong"


class RefreshRefused(Unauthenticated):
    """This refresh token is not valid any more. Please sign in again."""

    code = "refresh_refused"


class LinkRefused(Forbidden):
    """This link for a new password does not work any more. Ask for another one."""

    code = "link_refused"


class LockedOut(Problem):
    """Too many tries from where you are. Please wait before you try again."""

    code = "locked_out"
    status = 429


class AccountClosed(Forbidden):
    """This account cannot be used at the moment."""

    code = "account_closed"


class PasswordRefused(Invalid):
    """This password is too easy to guess."""

    code = "password_refused"
