"""What safety stores."""

from wellspring.kernel.tables import Kind, Table, declare

_SEVEN = "seven years under the clinical rule"

declare(
    Table(name="safety.crisis_event", kind=Kind.PERSON, sealed=("evidence", "notes"), retention=_SEVEN),
    Table(name="safety.event_step", kind=Kind.PERSON, sealed=("note",), retention=_SEVEN),
    Table(name="safety.page", kind=Kind.PERSON, retention=_SEVEN),
    Table(name="safety.desk", kind=Kind.PERSON, exported=False, retention="with its event"),
    Table(name="safety.duty", kind=Kind.PERSON, row_key="person_id", retention="while the responder works here"),
    Table(name="safety.safety_plan", kind=Kind.PERSON, sealed=("steps",), retention="until the person says otherwise"),
)
