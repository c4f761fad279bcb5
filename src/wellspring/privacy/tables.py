"""What privacy stores."""

from wellspring.kernel.tables import Erase, Kind, Named, Table, declare

declare(
    Table(
        name="privacy.consent_text",
        kind=Kind.REFERENCE,
        exported=False,
        retention="for ever: it is what people agreed to",
    ),
    Table(name="privacy.consent", kind=Kind.PERSON, retention="until the person leaves"),
    Table(
        name="privacy.care_team",
        kind=Kind.PERSON,
        names=(("clinician_id", Named.REMOVE),),
        retention="until the person or the clinician leaves",
    ),
    Table(
        name="privacy.access_grant",
        kind=Kind.PERSON,
        names=(("clinician_id", Named.REMOVE),),
        retention="until the person or the clinician leaves",
    ),
    Table(name="privacy.copy", kind=Kind.PERSON, retention="one day"),
    Table(
        name="privacy.copy_part",
        kind=Kind.PERSON,
        sealed=("sealed",),
        exported=False,  # it is a copy of all the rest
        retention="with its copy",
    ),
    Table(
        name="privacy.leaving",
        kind=Kind.SYSTEM,
        exported=False,
        erase=Erase.KEEP,
        keep_reason="how far an erasure came; it goes when that is noted in the ledger",
        row_key="person_id",
        retention="until the person is erased, or does not want to be any more",
    ),
)
