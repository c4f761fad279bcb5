"""Safety: who can open the desk, who runs the place when nobody can, and since when an event is taken."""

from wellspring.migrations.helpers import ACTOR, definer, run

revision = "20261123140000"
down_revision = "20261123130000"

_FACTOR = "EXISTS (SELECT 1 FROM identity.login l WHERE l.person_id = p.person_id AND l.totp_secret IS NOT NULL)"
"""Without a second factor a role does nothing: whoever has none cannot open the desk."""
_ON_DUTY = "d.on_duty AND d.until > now()"
_RESPONDS = "p.status = 'active' AND 'responder' = ANY(p.roles)"


def upgrade() -> None:
    run("DROP FUNCTION safety.responders")
    _responders(f", {_FACTOR} AS can_open", "can_open DESC, ", ", can_open boolean")
    _on_duty(f" AND {_FACTOR}")
    definer(
        "safety.administrators()",
        f"""SELECT p.person_id FROM identity.person p WHERE p.status = 'active' AND 'admin' = ANY(p.roles)
            ORDER BY {_FACTOR} DESC, p.person_id LIMIT 50""",
        "SETOF uuid",
        "worker",
    )
    # The desk says what is taken; whether it is taken for too long must be seen there too.
    run("""
    ALTER TABLE safety.desk ADD COLUMN claimed_at timestamptz;
    UPDATE safety.desk d SET claimed_at = e.claimed_at FROM safety.crisis_event e
        WHERE e.person_id = d.person_id AND e.id = d.id AND d.claimed_by IS NOT NULL;
    CREATE INDEX crisis_event_unfinished ON safety.crisis_event (created_at)
        WHERE state IN ('open', 'acknowledged', 'contacted');
    """)


def _responders(more: str, first: str, columns: str) -> None:
    definer(
        "safety.responders()",
        f"""SELECT p.person_id, p.language, coalesce({_ON_DUTY}, false) AS on_duty,
               coalesce(d.is_supervisor, false) AS is_supervisor{more}
           FROM identity.person p LEFT JOIN safety.duty d USING (person_id) WHERE {_RESPONDS}
           ORDER BY {first}{_ON_DUTY} DESC NULLS LAST, d.is_supervisor DESC NULLS LAST, p.person_id LIMIT 200""",
        f"TABLE (person_id uuid, language text, on_duty boolean, is_supervisor boolean{columns})",
        "worker",
    )


def _on_duty(more: str) -> None:
    run(f"""
    CREATE OR REPLACE FUNCTION safety.is_on_duty(who uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$ SELECT EXISTS (SELECT 1 FROM safety.duty d JOIN identity.person p USING (person_id)
            WHERE d.person_id = who AND {_ON_DUTY} AND {_RESPONDS}{more}) $$;
    CREATE OR REPLACE FUNCTION safety.somebody_on_duty() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$ SELECT EXISTS (SELECT 1 FROM safety.duty d JOIN identity.person p USING (person_id)
            WHERE {_ON_DUTY} AND {_RESPONDS}{more} AND d.person_id IS DISTINCT FROM {ACTOR}) $$;
    """)


def downgrade() -> None:
    run("""
    DROP INDEX safety.crisis_event_unfinished;
    ALTER TABLE safety.desk DROP COLUMN claimed_at;
    DROP FUNCTION safety.administrators, safety.responders;
    """)
    _on_duty("")
    _responders("", "", "")
