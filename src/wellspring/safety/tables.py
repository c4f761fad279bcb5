"""What safety stores."""

from typing import Final

from wellspring.kernel.tables import Erase, Kind, Named, Table, declare

_SEVEN: Final = "seven years under the clinical rule"
_CLINICAL: Final = "a clinical record, kept for seven years under a key of its own"

declare(
    Table(
        name="safety.crisis_event",
        kind=Kind.PERSON,
        sealed=("evidence", "notes"),
        texts=("notes",),
        erase=Erase.KEEP,
        keep_reason=_CLINICAL,
        keep_years=7,
        names=(("claimed_by", Named.CLEAR),),
        busy="state IN ('paged', 'acknowledged', 'contacted')",
        ends="state = 'resolved', resolved_at = now(), updated_at = now(), version = version + 1",
        retention=_SEVEN,
    ),
    Table(
        name="safety.event_step",
        kind=Kind.PERSON,
        sealed=("note",),
        texts=("note",),
        erase=Erase.KEEP,
        keep_reason=_CLINICAL,
        keep_years=7,
        names=(("actor_id", Named.KEEP),),  # the record says by id who acted
        part_of=("safety.crisis_event", "event_id"),
        retention=_SEVEN,
    ),
    Table(
        name="safety.page",
        kind=Kind.PERSON,
        erase=Erase.KEEP,
        keep_reason=_CLINICAL,
        keep_years=7,
        names=(("responder_id", Named.CLEAR),),
        part_of=("safety.crisis_event", "event_id"),
        retention=_SEVEN,
    ),
    Table(
        name="safety.desk",
        kind=Kind.PERSON,
        names=(("claimed_by", Named.CLEAR),),
        retention="with its event, until the person leaves",
    ),
    Table(name="safety.duty", kind=Kind.PERSON, row_key="person_id", retention="while the responder works here"),
    Table(name="safety.safety_plan", kind=Kind.PERSON, sealed=("steps",), retention="until the person says otherwise"),
)
