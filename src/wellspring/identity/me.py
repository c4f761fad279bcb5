"""A person's own profile, preferences and emergency contacts."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from wellspring.identity import queries as q
from wellspring.identity.schemas import (
    Contact,
    ContactDetails,
    ContactWrite,
    Preferences,
    Profile,
    ProfileChange,
)
from wellspring.identity.service import Details, check_timezone
from wellspring.kernel import ids, vault
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed
from wellspring.kernel.policy import Role

MOST_CONTACTS = 10


class TooManyContacts(Conflict):
    """Ten emergency contacts are the most that can be kept."""

    code = "too_many_contacts"


def _details(row: q.PersonRow, sealer: Sealer) -> Details:
    if row.details is None:
        return Details()
    return msgspec.json.decode(sealer.open(row.details, "identity.person.details", row.person_id), type=Details)


def profile(row: q.PersonRow, keys: Keyring) -> Profile:
    """Return the wire form of a person."""
    sealer = keys.sealer(row.wrapped, row.person_id)
    details = _details(row, sealer)
    return Profile(
        id=row.person_id,
        email=sealer.open(row.email, "identity.person.email", row.person_id).decode(),
        display_name=details.display_name,
        bio=details.bio,
        phone=details.phone,
        language="fr" if row.language == "fr" else "en",
        country=row.country,
        timezone=row.timezone,
        age_range=row.age_range,  # type: ignore[arg-type]
        communication_style=row.communication_style,  # type: ignore[arg-type]
        has_adhd=row.has_adhd,
        has_autism_spectrum=row.has_autism_spectrum,
        has_anxiety=row.has_anxiety,
        has_depression=row.has_depression,
        other_conditions=details.other_conditions,
        contraindications=row.contraindications,
        primary_goals=details.primary_goals,
        current_challenges=details.current_challenges,
        onboarding_completed=row.onboarding_completed,
        subscription_tier=row.subscription_tier,
        is_premium=row.subscription_tier != "free",
        email_verified=row.email_verified,
        roles=[Role(role) for role in row.roles],
        mfa_enabled=row.mfa_enabled,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def load(tx: Tx, person_id: UUID) -> q.PersonRow:
    """Return the caller's own row."""
    row = await tx.maybe(q.ME, person_id)
    if row is None:
        raise NotFound
    return row


async def change(tx: Tx, keys: Keyring, person_id: UUID, wanted: ProfileChange, seen: int | None) -> q.PersonRow:
    """Change what is named; raises PreconditionFailed when somebody else changed it first."""
    row = await load(tx, person_id)
    if seen is not None and seen != row.version:
        raise PreconditionFailed
    if wanted.timezone is not UNSET:
        check_timezone(wanted.timezone)
    sealer = keys.sealer(row.wrapped, person_id)
    details = _details(row, sealer)
    for name in Details.__struct_fields__:
        value = getattr(wanted, name)
        if value is not UNSET:
            setattr(details, name, value)

    def pick(name: str) -> object:
        value = getattr(wanted, name)
        return getattr(row, name) if value is UNSET else value

    plain = (
        "language",
        "country",
        "timezone",
        "age_range",
        "communication_style",
        "has_adhd",
        "has_autism_spectrum",
        "has_anxiety",
        "has_depression",
        "contraindications",
        "onboarding_completed",
    )
    sealed = sealer.seal(msgspec.json.encode(details), "identity.person.details", person_id)
    if await tx.do(q.CHANGE_ME, person_id, sealed, *(pick(name) for name in plain), row.version) != 1:
        raise PreconditionFailed
    return await load(tx, person_id)


async def preferences(tx: Tx, person_id: UUID) -> tuple[Preferences, int]:
    """Return a person's preferences and their version (0 when nothing was chosen yet)."""
    found = await tx.maybe(q.PREFERENCES, person_id)
    if found is None:
        return Preferences(), 0
    return msgspec.convert({**(found.chosen or {}), "preferred_language": found.language}, Preferences), found.version


async def set_preferences(tx: Tx, person_id: UUID, wanted: Preferences, seen: int | None = None) -> int:
    """Store all preferences and return their version; raises PreconditionFailed when another was seen."""
    chosen = msgspec.to_builtins(wanted)
    language = chosen.pop("preferred_language", None)
    version = await tx.maybe(q.SET_PREFERENCES, person_id, chosen, seen)
    if version is None:
        raise PreconditionFailed
    if language is not None:
        await tx.do(q.SET_LANGUAGE, person_id, language)
    return version


def contact(row: q.ContactRow, sealer: Sealer) -> Contact:
    """Return the wire form of an emergency contact."""
    raw = sealer.open(row.details, "identity.emergency_contact.details", row.id)
    details = msgspec.json.decode(raw, type=ContactDetails)
    return Contact(
        id=row.id,
        name=details.name,
        relationship=row.relationship,
        phone=details.phone,
        email=details.email,
        is_primary=row.is_primary,
        may_be_contacted=row.may_be_contacted,
    )


async def contacts(tx: Tx, keys: Keyring, person_id: UUID) -> list[Contact]:
    """Return emergency contacts of a person whose rows this transaction may see."""
    rows = await tx.all(q.CONTACTS, person_id)
    if not rows:
        return []
    sealer = await vault.sealer(tx, keys, person_id)
    return [contact(row, sealer) for row in rows]


def _sealed(sealer: Sealer, contact_id: UUID, wanted: ContactWrite) -> bytes:
    if wanted.phone is None and wanted.email is None:
        raise Invalid.of("phone", "contact_unreachable", "Add a phone number or an e-mail address.")
    details = ContactDetails(name=wanted.name, phone=wanted.phone, email=wanted.email)
    return sealer.seal(msgspec.json.encode(details), "identity.emergency_contact.details", contact_id)


async def add_contact(tx: Tx, keys: Keyring, person_id: UUID, wanted: ContactWrite) -> UUID:
    """Add an emergency contact; there are at most ten, one of them primary, however many are sent at once."""
    await tx.one(q.LOCK_CONTACTS, person_id)
    if await tx.one(q.CONTACTS_COUNT, person_id) >= MOST_CONTACTS:
        raise TooManyContacts
    contact_id = ids.new()
    sealed = _sealed(await vault.sealer(tx, keys, person_id), contact_id, wanted)
    if wanted.is_primary:
        await tx.do(q.NO_PRIMARY, person_id)
    await tx.do(
        q.ADD_CONTACT,
        person_id,
        contact_id,
        sealed,
        wanted.relationship,
        wanted.is_primary,
        wanted.may_be_contacted,
    )
    return contact_id


async def change_contact(tx: Tx, keys: Keyring, person_id: UUID, contact_id: UUID, wanted: ContactWrite) -> None:
    """Replace an emergency contact; raises NotFound."""
    sealed = _sealed(await vault.sealer(tx, keys, person_id), contact_id, wanted)
    if wanted.is_primary:
        await tx.one(q.LOCK_CONTACTS, person_id)
        await tx.do(q.NO_PRIMARY, person_id)
    if not await tx.do(
        q.CHANGE_CONTACT,
        person_id,
        contact_id,
        sealed,
        wanted.relationship,
        wanted.is_primary,
        wanted.may_be_contacted,
    ):
        raise NotFound


async def one_contact(tx: Tx, keys: Keyring, person_id: UUID, contact_id: UUID) -> Contact:
    """Return one emergency contact; raises NotFound."""
    row = await tx.maybe(q.CONTACT, person_id, contact_id)
    if row is None:
        raise NotFound
    return contact(row, await vault.sealer(tx, keys, person_id))


async def drop_contact(tx: Tx, person_id: UUID, contact_id: UUID) -> None:
    """Remove an emergency contact; raises NotFound."""
    if not await tx.do(q.DROP_CONTACT, person_id, contact_id):
        raise NotFound
