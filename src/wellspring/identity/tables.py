"""What identity stores."""

from wellspring.kernel.tables import Erase, Kind, Named, Table, declare

declare(
    Table(
        name="identity.person",
        kind=Kind.PERSON,
        sealed=("email", "details"),
        texts=("email",),
        row_key="person_id",
        retention="until the person leaves",
    ),
    Table(
        name="identity.login",
        kind=Kind.SYSTEM,
        hidden=("password_hash", "previous_hashes", "totp_secret", "recovery_digests", "email_digest"),
        exported=False,
        retention="until the person leaves",
    ),
    Table(name="identity.session", kind=Kind.PERSON, retention="90 days after the end"),
    Table(
        name="identity.refresh_token",
        kind=Kind.PERSON,
        hidden=("digest",),
        exported=False,
        retention="with its session",
    ),
    Table(
        name="identity.preferences",
        kind=Kind.PERSON,
        row_key="person_id",
        retention="until the person leaves",
    ),
    Table(
        name="identity.emergency_contact",
        kind=Kind.PERSON,
        sealed=("details",),
        retention="until the person removes it",
    ),
    Table(
        name="kernel.person_key",
        kind=Kind.PERSON,
        hidden=("wrapped",),
        exported=False,
        row_key="person_id",
        retention="until the person leaves",
    ),
    Table(
        name="kernel.audit",
        kind=Kind.PERSON,
        hidden=("ip", "xid"),  # the address is of whoever looked; a person's own are with their sessions
        erase=Erase.KEEP,
        keep_reason="the law asks for six years of access records: ids, times and network addresses, no words",
        names=(("actor_id", Named.KEEP),),
        retention="six years",
    ),
    Table(
        name="kernel.audit_link",
        kind=Kind.SYSTEM,
        exported=False,
        erase=Erase.KEEP,
        keep_reason="seals of the audit trail",
        retention="six years",
    ),
    Table(
        name="kernel.audit_anchor",
        kind=Kind.SYSTEM,
        exported=False,
        erase=Erase.KEEP,
        keep_reason="where the seals of the audit trail begin",
        retention="one row",
    ),
    Table(name="kernel.stream", kind=Kind.PERSON, retention="two quarters"),
    Table(name="kernel.stream_head", kind=Kind.SYSTEM, exported=False, retention="until the person leaves"),
    Table(name="kernel.idempotency", kind=Kind.SYSTEM, exported=False, retention="seven days"),
    Table(
        name="kernel.attempt",
        kind=Kind.SYSTEM,
        exported=False,
        erase=Erase.KEEP,
        keep_reason="keyed digests only, gone after a day",
        retention="one day",
    ),
    Table(name="kernel.boot", kind=Kind.SYSTEM, exported=False, retention="for ever"),
)
