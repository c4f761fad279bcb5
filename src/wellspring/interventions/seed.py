"""The library as rows, for full-text search: written by the owner after migrations."""

import msgspec
import psycopg

from wellspring.interventions.library import Intervention, load

_UPSERT = """
INSERT INTO interventions.intervention AS i (id, slug, version, is_active, is_premium, therapeutic_approach,
    energy_required, duration_seconds, target_emotions, document, text_en, text_fr)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, is_active = excluded.is_active,
    is_premium = excluded.is_premium, energy_required = excluded.energy_required,
    duration_seconds = excluded.duration_seconds, target_emotions = excluded.target_emotions,
    document = excluded.document, text_en = excluded.text_en, text_fr = excluded.text_fr, updated_at = now()
WHERE i.document IS DISTINCT FROM excluded.document
"""


def _words(item: Intervention, language: str) -> str:
    text = item.text(language)
    return " ".join((text.name, text.short_description, *text.detailed_instructions))


def _row(item: Intervention) -> tuple[object, ...]:
    return (
        item.id,
        item.slug,
        item.facts.version,
        item.facts.is_active,
        item.facts.is_premium,
        item.therapeutic_approach,
        item.facts.energy_required,
        item.facts.duration_seconds,
        list(item.facts.target_emotions),
        msgspec.json.encode(item).decode(),
        _words(item, "en"),
        _words(item, "fr"),
    )


def seed(conn: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Write the shipped library; entries it no longer has become inactive."""
    rows = [_row(item) for item in load()]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(_UPSERT, rows)
        cursor.execute(
            "UPDATE interventions.intervention SET is_active = false WHERE is_active AND NOT slug = ANY(%s)",
            ([row[1] for row in rows],),
        )
