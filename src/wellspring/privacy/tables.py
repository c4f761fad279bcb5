"""What privacy stores."""

from wellspring.kernel.tables import Kind, Named, Table, declare

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
)
