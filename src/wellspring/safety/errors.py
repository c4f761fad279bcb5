"""What can go wrong at the crisis desk."""

from wellspring.kernel.errors import Conflict, Forbidden, Invalid


class AlreadyClaimed(Conflict):
    """Somebody else has taken this one."""

    code = "already_claimed"


class NotOnDuty(Forbidden):
    """Go on duty first."""

    code = "not_on_duty"


class NotYours(Forbidden):
    """This one was taken by somebody else."""

    code = "not_yours"


class StepRefused(Conflict):
    """This step cannot follow the present state."""

    code = "step_refused"


class OutcomeNeeded(Invalid):
    """Closing needs an outcome that fits."""

    code = "outcome_needed"


class CountryUnknown(Invalid):
    """Please name a country by its two letters."""

    code = "country_unknown"
