"""Privacy: consents, care teams, access grants. Notify: messages and their deliveries."""

from wellspring.migrations.helpers import ACTOR, EVERY, also, definer, person_table, plain_table, run, schema

revision = "20261120000003"
down_revision = "20261120000002"


def upgrade() -> None:
    schema("privacy", *EVERY)
    schema("notify", *EVERY)
    _consents()
    _care_teams()
    _grants()
    _deliveries()


def _consents() -> None:
    run("""
    CREATE TABLE privacy.consent_text (
        id uuid PRIMARY KEY, kind text NOT NULL, version int NOT NULL CHECK (version > 0), language text NOT NULL,
        title text NOT NULL, body text NOT NULL, published_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (kind, version, language)
    );
    CREATE TABLE privacy.consent (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        kind text NOT NULL, text_version int NOT NULL CHECK (text_version > 0), given boolean NOT NULL,
        at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (person_id, id)
    );
    CREATE INDEX consent_latest ON privacy.consent (person_id, kind, at DESC, id DESC);
    """)
    plain_table("privacy.consent_text", **dict.fromkeys(EVERY, "select"))
    person_table("privacy.consent", member="select insert", signin="insert", staff="select", worker="select")


def _care_teams() -> None:
    run("""
    CREATE TABLE privacy.care_team (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        clinician_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE,
        role text NOT NULL DEFAULT 'clinician', since timestamptz NOT NULL DEFAULT now(), ended_at timestamptz,
        PRIMARY KEY (person_id, id)
    );
    CREATE INDEX care_team_clinician ON privacy.care_team (clinician_id, since DESC, id DESC);
    """)
    person_table("privacy.care_team", member="select update", staff="select")
    also("privacy.care_team", "own_teams", "staff", "select", f"clinician_id = {ACTOR}")


def _grants() -> None:
    run("""
    CREATE TABLE privacy.access_grant (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        clinician_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE CHECK (clinician_id <> person_id),
        sections text[] NOT NULL CHECK (cardinality(sections) > 0 AND sections <@ ARRAY[
            'checkins', 'journals', 'interventions', 'summaries', 'conversations', 'goals']),
        granted_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL,
        revoked_at timestamptz, last_accessed_at timestamptz, version int NOT NULL DEFAULT 1,
        PRIMARY KEY (person_id, id)
    );
    CREATE INDEX access_grant_clinician ON privacy.access_grant (clinician_id);
    -- One at a time for each clinician: to revoke what is shown is to end all access.
    CREATE UNIQUE INDEX access_grant_open ON privacy.access_grant (person_id, clinician_id) WHERE revoked_at IS NULL;
    """)
    person_table("privacy.access_grant", member="select insert update")
    also("privacy.access_grant", "own_grants", "staff", "select", f"clinician_id = {ACTOR}")
    also(
        "privacy.access_grant",
        "own_seen",
        "staff",
        "update",
        f"clinician_id = {ACTOR}",
        columns="last_accessed_at",
    )
    # All that a member may learn of another account: whether it is an active clinician's.
    definer(
        "privacy.is_clinician(who uuid)",
        """SELECT EXISTS (SELECT 1 FROM identity.person p WHERE p.person_id = who AND p.status = 'active'
                          AND 'clinician' = ANY(p.roles))""",
        "boolean",
        "member",
    )


def _deliveries() -> None:
    run("""
    CREATE TABLE notify.delivery (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN ('mail', 'in_app')), template text NOT NULL, language text NOT NULL,
        unique_key text NOT NULL, ref uuid NOT NULL,
        state text NOT NULL DEFAULT 'queued'
            CHECK (state IN ('queued', 'sending', 'sent', 'not_sent', 'failed', 'unknown')),
        tries int NOT NULL DEFAULT 0, provider_id text, error_code text,
        created_at timestamptz NOT NULL DEFAULT now(), due_at timestamptz NOT NULL DEFAULT now(),
        claimed_at timestamptz, sent_at timestamptz,
        PRIMARY KEY (person_id, id)
    );
    CREATE UNIQUE INDEX delivery_once ON notify.delivery (person_id, unique_key, channel);
    CREATE INDEX delivery_newest ON notify.delivery (created_at DESC, id DESC);
    CREATE INDEX delivery_open ON notify.delivery (state) WHERE state IN ('queued', 'sending');
    """)
    person_table("notify.delivery", member="select", worker="select insert update", maintenance="select update")
    # The operator's outbox: what became of messages, neither to whom nor about what.
    also(
        "notify.delivery",
        "outbox",
        "staff",
        "select",
        "'outbox' = nullif(current_setting('app.duty', true), '')",
        columns="id, template, channel, state, tries, error_code, created_at, sent_at",
    )


def downgrade() -> None:
    run("DROP SCHEMA notify CASCADE; DROP SCHEMA privacy CASCADE;")
