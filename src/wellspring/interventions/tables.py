"""What interventions store."""

from wellspring.kernel.tables import Kind, Table, declare

declare(
    Table(name="interventions.intervention", kind=Kind.REFERENCE, retention="while the library has it"),
    Table(name="interventions.recommendation", kind=Kind.PERSON, retention="two years"),
    Table(
        name="interventions.session",
        kind=Kind.PERSON,
        sealed=("feedback_text",),
        retention="until the person says otherwise",
    ),
)
