"""What migrations are written with. Old migrations call these: extend them, never change what they emit."""

from alembic import op

ACTOR = "nullif(current_setting('app.actor_id', true), '')::uuid"
SUBJECT = "nullif(current_setting('app.subject_id', true), '')::uuid"
DUTY = "nullif(current_setting('app.duty', true), '')"

_SCOPE = {
    "member": f"person_id = {ACTOR}",
    "signin": f"person_id = {ACTOR}",
    "staff": f"person_id = {SUBJECT}",
    "worker": f"person_id = {SUBJECT}",
    "maintenance": "true",
}


def run(sql: str) -> None:
    """Execute SQL as it stands (no bind parameters, no percent escapes)."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(sql)


def _policy(table: str, name: str, role: str, verb: str, test: str) -> str:
    using = f"USING ({test})" if verb in ("select", "update", "delete") else ""
    check = f"WITH CHECK ({test})" if verb in ("insert", "update") else ""
    return f"CREATE POLICY {name} ON {table} FOR {verb} TO wellspring_{role} {using} {check};"


def _grants(table: str, roles: dict[str, str]) -> str:
    return "".join(
        f"GRANT {', '.join(verbs.split())} ON {table} TO wellspring_{role};" for role, verbs in roles.items() if verbs
    )


def person_table(table: str, **roles: str) -> None:
    """Put a person table under row-level security: `member="select insert"` grants and limits to the actor's rows.

    member and signin see rows of the authenticated actor, staff and worker rows of the one opened subject,
    maintenance all rows of the tables that name it.
    """
    sql = [f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;", _grants(table, roles)]
    for role, verbs in roles.items():
        sql += [_policy(table, f"{role}_{verb}", role, verb, _SCOPE[role]) for verb in verbs.split()]
    run("\n".join(sql))


def also(table: str, name: str, role: str, verbs: str, test: str, *, columns: str = "") -> None:
    """Add a policy of its own: `test` compares a column with a setting and nothing else."""
    suffix = f" ({columns})" if columns else ""
    sql = [
        f"GRANT {', '.join(v + (suffix if v != 'delete' else '') for v in verbs.split())}"
        f" ON {table} TO wellspring_{role};"
    ]
    sql += [_policy(table, f"{name}_{verb}", role, verb, test) for verb in verbs.split()]
    run("\n".join(sql))


def plain_table(table: str, **roles: str) -> None:
    """Grant a reference or system table, which has no person to protect by row."""
    run(_grants(table, roles))


def definer(signature: str, body: str, returns: str, *roles: str, language: str = "sql") -> None:
    """Create a SECURITY DEFINER function of the owner that only `roles` may call."""
    granted = ", ".join(f"wellspring_{role}" for role in roles)
    name = signature.partition("(")[0]
    run(
        f"CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE {language} SECURITY DEFINER"
        f" SET search_path = pg_catalog, pg_temp AS $body${body}$body$;"
        f" REVOKE ALL ON FUNCTION {name} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {name} TO {granted};"
    )


def schema(name: str, *roles: str) -> None:
    """Create a schema and let roles look into it."""
    granted = ", ".join(f"wellspring_{role}" for role in roles)
    run(f"CREATE SCHEMA {name}; GRANT USAGE ON SCHEMA {name} TO {granted};")


EVERY = ("member", "staff", "worker", "signin", "maintenance")
