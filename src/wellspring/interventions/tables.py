"""What interventions store."""

from wellspring.kernel.tables import Kind, Table, declare

declare(
    Table(name="interventions.intervention", kind=Kind.REFERENCE, retention="while the library has it"),
    Table(
        name="interventions.recommendation",
        kind=Kind.PERSON,
        retention="until its check-in is removed or the person leaves; of one asked for without a check-in, 30 days, or"
        " until the person resets what was learned at it",
    ),
    Table(
        name="interventions.session",
        kind=Kind.PERSON,
        sealed=("feedback_text",),
        texts=("feedback_text",),
        retention="until the person says otherwise",
    ),
    Table(
        name="interventions.outcome",
        kind=Kind.PERSON,
        retention="until the person resets it or leaves; what was said of its moment until its check-in is"
        " removed or says something else",
    ),
    Table(
        name="interventions.person_effects",
        kind=Kind.PERSON,
        hidden=("state",),  # packed sums of what the exported outcomes say in full
        row_key="person_id",
        retention="until the person resets it or leaves",
    ),
    Table(name="interventions.block", kind=Kind.REFERENCE, exported=False, retention="until it is learned again"),
    Table(name="interventions.model", kind=Kind.REFERENCE, exported=False, retention="one row"),
)
