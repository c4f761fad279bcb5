"""Identity: people, sign-ins, sessions, refresh tokens, preferences; emergency contacts."""

from wellspring.migrations.helpers import EVERY, definer, person_table, plain_table, run, schema

revision = "20261120000002"
down_revision = "20261120000001"


def upgrade() -> None:
    schema("identity", *EVERY)
    _people()
    _sign_in()
    _preferences()
    _contacts()
    _functions()


def _people() -> None:
    run("""
    CREATE TABLE identity.person (
        person_id uuid PRIMARY KEY,
        status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
        roles text[] NOT NULL DEFAULT '{member}',
        language text NOT NULL DEFAULT 'en', country text NOT NULL, timezone text NOT NULL DEFAULT 'UTC',
        email bytea, details bytea,
        age_range text, communication_style text NOT NULL DEFAULT 'warm',
        has_adhd boolean NOT NULL DEFAULT false, has_autism_spectrum boolean NOT NULL DEFAULT false,
        has_anxiety boolean NOT NULL DEFAULT false, has_depression boolean NOT NULL DEFAULT false,
        contraindications text[] NOT NULL DEFAULT '{}',
        onboarding_completed boolean NOT NULL DEFAULT false,
        subscription_tier text NOT NULL DEFAULT 'free'
            CHECK (subscription_tier IN ('free', 'premium', 'family', 'therapy', 'enterprise')),
        email_verified boolean NOT NULL DEFAULT false,
        login_count int NOT NULL DEFAULT 0, last_login_at timestamptz,
        version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
    );
    """)
    person_table(
        "identity.person",
        member="select update",
        staff="select",
        worker="select",
        signin="select insert update",
        maintenance="select update",
    )


def _sign_in() -> None:
    run("""
    CREATE TABLE identity.login (
        email_digest bytea PRIMARY KEY, person_id uuid NOT NULL UNIQUE REFERENCES identity.person ON DELETE CASCADE,
        password_hash text NOT NULL, previous_hashes text[] NOT NULL DEFAULT '{}',
        totp_secret bytea, totp_last_step bigint NOT NULL DEFAULT 0, recovery_digests bytea[] NOT NULL DEFAULT '{}',
        changed_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE identity.session (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('api', 'web')), is_staff boolean NOT NULL,
        version int NOT NULL DEFAULT 1, ip text, agent text,
        created_at timestamptz NOT NULL DEFAULT now(), last_seen_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL, ended_at timestamptz, ended_why text,
        PRIMARY KEY (person_id, id)
    ) WITH (fillfactor = 85);
    CREATE TABLE identity.refresh_token (
        person_id uuid NOT NULL, id uuid NOT NULL, session_id uuid NOT NULL, digest bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), used_at timestamptz,
        PRIMARY KEY (person_id, id),
        FOREIGN KEY (person_id, session_id) REFERENCES identity.session ON DELETE CASCADE
    );
    CREATE INDEX refresh_token_session ON identity.refresh_token (person_id, session_id);
    """)
    person_table("identity.login", signin="select insert update", member="select", maintenance="select delete")
    person_table(
        "identity.session",
        member="select update",
        staff="select",
        signin="select insert update",
        maintenance="select update delete",
    )
    # A staff transaction opens other people's rows; its own session is its actor's.
    run("""
    CREATE POLICY staff_own ON identity.session FOR SELECT TO wellspring_staff
        USING (person_id = nullif(current_setting('app.actor_id', true), '')::uuid);
    CREATE POLICY staff_seen ON identity.session FOR UPDATE TO wellspring_staff
        USING (person_id = nullif(current_setting('app.actor_id', true), '')::uuid);
    GRANT UPDATE (last_seen_at) ON identity.session TO wellspring_staff;
    """)
    person_table("identity.refresh_token", signin="select insert update", maintenance="select delete")


def _preferences() -> None:
    run("""
    CREATE TABLE identity.preferences (
        person_id uuid PRIMARY KEY REFERENCES identity.person ON DELETE CASCADE,
        chosen jsonb NOT NULL, version int NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT now()
    );
    """)
    person_table("identity.preferences", member="select insert update", signin="select insert", worker="select")


def _contacts() -> None:
    run("""
    CREATE TABLE identity.emergency_contact (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        details bytea NOT NULL, relationship text NOT NULL, is_primary boolean NOT NULL DEFAULT false,
        may_be_contacted boolean NOT NULL DEFAULT false, version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id)
    );
    CREATE UNIQUE INDEX emergency_contact_primary ON identity.emergency_contact (person_id) WHERE is_primary;
    """)
    person_table("identity.emergency_contact", member="select insert update delete", staff="select", worker="select")


def _functions() -> None:
    definer(
        "identity.find_login(digest bytea)",
        """SELECT l.person_id, l.password_hash, l.totp_secret, l.totp_last_step, l.recovery_digests, p.status, p.roles
           FROM identity.login l JOIN identity.person p USING (person_id) WHERE l.email_digest = digest""",
        "TABLE (person_id uuid, password_hash text, totp_secret bytea, totp_last_step bigint,"
        " recovery_digests bytea[], status text, roles text[])",
        "signin",
    )
    definer(
        "identity.find_refresh(person uuid, token uuid)",
        """SELECT t.digest, t.used_at, t.session_id, s.version, s.kind, s.ended_at IS NULL AND s.expires_at > now()
               AND (NOT s.is_staff OR s.last_seen_at > now() - interval '15 minutes'), p.roles, p.status
           FROM identity.refresh_token t
           JOIN identity.session s ON s.person_id = t.person_id AND s.id = t.session_id
           JOIN identity.person p ON p.person_id = t.person_id
           WHERE t.person_id = person AND t.id = token""",
        "TABLE (digest bytea, used_at timestamptz, session_id uuid, version int, kind text, alive boolean,"
        " roles text[], status text)",
        "signin",
    )
    definer(
        "identity.live_sessions(sessions uuid[])",
        """SELECT s.id, s.version FROM identity.session s WHERE s.id = ANY(sessions) AND s.ended_at IS NULL
           AND s.expires_at > now()""",  # an idle desk locks, and goes on listening
        "TABLE (id uuid, version int)",
        "signin",
    )
    # Every session of that person changes its version: access tokens and pages end with their next request.
    definer(
        "identity.set_roles(who uuid, wanted text[])",
        """WITH p AS (UPDATE identity.person SET roles = wanted, version = version + 1, updated_at = now()
                      WHERE person_id = who RETURNING person_id),
                s AS (UPDATE identity.session SET version = version + 1, is_staff = wanted && ARRAY['admin',
                      'blood_bank', 'clinician', 'coordinator', 'responder'] WHERE person_id = who)
           SELECT EXISTS (SELECT 1 FROM p)""",
        "boolean",
        "staff",
    )
    run("CREATE INDEX session_id ON identity.session (id);")
    plain_table("identity.login", maintenance="select")


def downgrade() -> None:
    run("DROP SCHEMA identity CASCADE;")
