"""What check-ins store."""

from wellspring.kernel.tables import Kind, Table, declare

declare(
    Table(
        name="checkins.checkin",
        kind=Kind.PERSON,
        sealed=("sealed",),
        retention="until the person says otherwise; two years of detail, then days only, is their choice",
    ),
    Table(name="checkins.correction", kind=Kind.PERSON, retention="with its check-in, until the text changes"),
    Table(name="checkins.day", kind=Kind.PERSON, row_key="day", retention="with the person"),
)
