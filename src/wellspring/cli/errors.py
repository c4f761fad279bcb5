"""Why a command stops, in words for the person at the terminal."""

from inspect import cleandoc
from typing import ClassVar


class Refusal(Exception):
    """The command could not go on.

    Each subclass has a stable `code` for scripts (`--json`); its docstring is the first sentence of its message.
    """

    code: ClassVar[str] = "stopped"

    def __init__(self, detail: str = "") -> None:
        headline = cleandoc(self.__doc__ or "").partition("\n")[0]
        super().__init__(f"{headline} {detail}".strip())


class PortTaken(Refusal):
    """Another program already listens on this address."""

    code = "port_taken"


class AddressRefused(Refusal):
    """This address cannot be listened on."""

    code = "address_refused"


class PlainText(Refusal):
    """Wellspring does not send people's words over a network in plain text."""

    code = "plain_text_refused"


class DemoOnNetwork(Refusal):
    """The demo has sign-ins that everybody can read, so it stays on this machine."""

    code = "demo_on_network"


class DemoData(Refusal):
    """This database holds synthetic people. It is not for real ones."""

    code = "demo_data"


class NotEmpty(Refusal):
    """This database already holds people. Synthetic ones do not belong among them."""

    code = "not_empty"


class NeedsDatabase(Refusal):
    """This command runs apart from `serve` and needs DATABASE_URL."""

    code = "database_url_missing"


class NotReady(Refusal):
    """The program did not become ready."""

    code = "not_ready"


class KeysFromEnvironment(Refusal):
    """The keys come from WELLSPRING_KEYS, which this command cannot change."""

    code = "keys_from_environment"


class NotRestarted(Refusal):
    """Something runs here that was started before the newest key was made, and could not open what is under it."""

    code = "not_restarted"


class SettingsWrong(Refusal):
    """A setting cannot be used."""

    code = "settings_wrong"


class DatabaseAway(Refusal):
    """The database does not answer."""

    code = "database_unavailable"


class NotPrepared(Refusal):
    """The database could not be made ready. The lines above say why."""

    code = "not_prepared"


class KeysGone(Refusal):
    """The database is here and its keys are not. Without them nothing sealed can be read."""

    code = "keys_gone"


class NothingHere(Refusal):
    """There is no database in this folder."""

    code = "nothing_here"


class DemoNotFilled(Refusal):
    """The synthetic people could not be made."""

    code = "demo_not_filled"


class NoTrainingExtra(Refusal):
    """Training needs packages that running does not: pip install "wellspring[training]"."""

    code = "training_extra_missing"


class ModelsMissing(Refusal):
    """These models cannot be used."""

    code = "models_missing"


class CorpusWrong(Refusal):
    """These texts cannot be used."""

    code = "texts_wrong"


class FileThere(Refusal):
    """This file is there already, and it is not written over."""

    code = "file_exists"


class FileRefused(Refusal):
    """This file cannot be written."""

    code = "file_refused"


class TooLittleFeedback(Refusal):
    """Too little was rated to judge by."""

    code = "too_little_feedback"


class PersonUnknown(Refusal):
    """Nobody here has this address."""

    code = "person_unknown"


class NotConfirmed(Refusal):
    """Nothing was done, since it was not confirmed."""

    code = "not_confirmed"


class LastAdministrator(Refusal):
    """This is the last administrator with a second factor. Nobody could give roles any more."""

    code = "last_administrator"


class NoFactor(Refusal):
    """No second factor is set up here: this person signs in with the password alone."""

    code = "second_factor_missing"


class AccountClosed(Refusal):
    """This account is suspended. Nobody can sign in to it."""

    code = "account_closed"


class InCrisis(Refusal):
    """People on duty are looking for this person, or helping them."""

    code = "in_crisis"


class StillHelping(Refusal):
    """This person has taken crisis events that are not resolved."""

    code = "still_helping"


class JobUnknown(Refusal):
    """Only jobs that were set aside can be retried or dropped."""

    code = "job_unknown"
