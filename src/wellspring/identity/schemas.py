"""The wire of identity."""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from msgspec import UNSET, Meta, Struct, UnsetType

from wellspring.kernel.policy import Role

Email = Annotated[
    str,
    Meta(min_length=3, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\Z", examples=["alice@example.org"]),
]
Password = Annotated[str, Meta(min_length=12, max_length=256, examples=["a quiet lamp by the river"])]
Line = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z", examples=["Alice"])]
Paragraph = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$", examples=["I like rivers."])]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z", examples=["FR"])]
Language = Literal["en", "fr"]
Timezone = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+\Z", examples=["Europe/Paris"])]
ConsentKind = Literal[
    "terms",
    "privacy",
    "health_data",
    "data_sharing",
    "research",
    "marketing",
    "analytics",
    "retention",
    "companion",
    "voice",
    "wearables",
    "location",
    "emergency_contact_notification",
    "corrections",
    "correction_texts",
    "shared_ratings",
]
Phone = Annotated[str, Meta(max_length=32, pattern=r"^\+?[0-9 ().\-]{3,31}\Z", examples=["+33 6 12 34 56 78"])]
AgeRange = Literal["13-15", "16-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"]
Style = Literal["warm", "direct", "playful", "professional"]
Contraindication = Literal[
    "breathing_problem",  # asthma, COPD, panic that breath work feeds
    "dissociation",  # eyes closed or turning inward can make it worse
    "dizziness",  # faints easily, poor balance
    "driving",  # about to drive: nothing that makes sleepy or shuts the world out
    "eating_disorder",  # attention to weight, food, drink, or driven exercise
    "epilepsy",
    "hearing_loss",  # the exercise needs hearing
    "heart_condition",
    "injury",  # pain that movement or effort worsens
    "limited_mobility",  # the exercise needs standing or walking
    "low_vision",  # the exercise needs sight
    "pregnancy",
    "psychosis",  # long inward attention, playing with words or voices
    "trauma_body_focus",  # attention to the body brings trauma back
    "unsafe_situation",  # lives with violence: nothing that asks to accept, approach or forgive
]
"""What must not be offered to a person. A word that is not among these would protect nobody: it is refused."""
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?\Z", examples=["08:00"])]

TIMEZONES = frozenset(available_timezones()) - {"localtime"}
"""The names of the IANA list; `localtime` is a file of some systems, and no zone to a database."""
NO_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Register(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new account."""

    email: Email
    password: Password
    display_name: Line | None = None
    language: Language | None = None
    country: Country | None = None
    timezone: Timezone | None = None
    consents: Annotated[list[ConsentKind], Meta(max_length=20)] = []


class Login(Struct, forbid_unknown_fields=True, kw_only=True):
    """A sign-in; `mfa_code` is the six digits of an authenticator app, or a recovery code."""

    email: Annotated[str, Meta(max_length=254, examples=["alice@example.org"])]
    password: Annotated[str, Meta(max_length=256, examples=["a quiet lamp by the river"])]
    mfa_code: Annotated[str, Meta(max_length=20, examples=["123456"])] | None = None


CurrentPassword = Annotated[str, Meta(max_length=256, examples=["a quiet lamp by the river"])]
Code = Annotated[str, Meta(max_length=20, examples=["123456"])]


class Refresh(Struct, forbid_unknown_fields=True, kw_only=True):
    """A refresh token, good for one use."""

    refresh_token: Annotated[str, Meta(max_length=200, examples=["AZ…"])]


class SignedIn(Struct, kw_only=True):
    """Tokens; `expires_in` is in seconds and is about the access token."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  (a scheme's name)
    second_factor_needed: bool = False


class Profile(Struct, kw_only=True):
    """A person, to themselves."""

    id: UUID
    email: str
    display_name: str | None
    bio: str | None
    phone: str | None
    language: Language
    country: str
    timezone: str
    age_range: AgeRange | None
    communication_style: Style
    has_adhd: bool
    has_autism_spectrum: bool
    has_anxiety: bool
    has_depression: bool
    other_conditions: list[str]
    contraindications: list[str]
    primary_goals: list[str]
    current_challenges: list[str]
    onboarding_completed: bool
    subscription_tier: str
    is_premium: bool
    email_verified: bool
    roles: list[Role]
    mfa_enabled: bool
    created_at: datetime
    updated_at: datetime


class ProfileChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a person may change about themselves; what is left out stays."""

    display_name: Line | UnsetType | None = UNSET
    bio: Paragraph | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    language: Language | UnsetType = UNSET
    country: Country | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    age_range: AgeRange | UnsetType | None = UNSET
    communication_style: Style | UnsetType = UNSET
    has_adhd: bool | UnsetType = UNSET
    has_autism_spectrum: bool | UnsetType = UNSET
    has_anxiety: bool | UnsetType = UNSET
    has_depression: bool | UnsetType = UNSET
    other_conditions: Annotated[list[Line], Meta(max_length=20)] | UnsetType = UNSET
    contraindications: Annotated[list[Contraindication], Meta(max_length=20)] | UnsetType = UNSET
    primary_goals: Annotated[list[Line], Meta(max_length=10)] | UnsetType = UNSET
    current_challenges: Annotated[list[Line], Meta(max_length=10)] | UnsetType = UNSET
    onboarding_completed: bool | UnsetType = UNSET


class Preferences(Struct, forbid_unknown_fields=True, kw_only=True):
    """How Wellspring looks, sounds and speaks to one person. Times are of the person's own clock.

    The preferred language is the one of the profile; where it is left out, it stays.
    """

    theme: Literal["light", "dark", "auto"] = "auto"
    high_contrast: bool = False
    font_family: Literal["system", "readable", "serif"] = "system"
    font_size: Annotated[int, Meta(ge=12, le=32)] = 16
    animation_speed: Literal["none", "slow", "normal", "fast"] = "normal"
    sound_enabled: bool = True
    haptic_feedback: bool = True
    notification_sound: Literal["none", "gentle_chime", "soft_bell", "wood"] = "gentle_chime"
    reduce_motion: bool = False
    preferred_language: Language | UnsetType = UNSET
    communication_style: Style = "warm"
    morning_checkin_enabled: bool = True
    morning_checkin_time: Clock = "08:00"
    evening_reflection_enabled: bool = True
    evening_reflection_time: Clock = "20:00"
    meditation_reminders_enabled: bool = True
    appointment_reminders_enabled: bool = True
    achievement_notifications_enabled: bool = True
    max_notifications_per_day: Annotated[int, Meta(ge=0, le=20)] = 3
    quiet_hours_start: Clock = "22:00"
    quiet_hours_end: Clock = "07:00"
    time_blindness_support: bool = False
    task_breakdown_auto: bool = False
    hyperfocus_reminders: bool = False
    dopamine_reward_style: Literal["none", "gentle", "standard", "celebratory"] = "standard"
    sensory_load_tracking: bool = False
    routine_deviation_alerts: bool = False
    emotion_scaffolding_level: Annotated[int, Meta(ge=1, le=3)] = 1
    emotion_reading: bool = True


class SessionView(Struct, kw_only=True):
    """One place where a person is signed in."""

    id: UUID
    kind: Literal["api", "web"]
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    agent: str | None
    ip: str | None
    current: bool


class Sessions(Struct, kw_only=True):
    """Where a person is signed in, newest first."""

    items: list[SessionView]


class ContactDetails(Struct, kw_only=True):
    """The sealed part of an emergency contact."""

    name: str
    phone: str | None = None
    email: str | None = None


class ContactWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """An emergency contact; at least a phone or an e-mail address is needed."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+\Z", examples=["Sam"])]
    relationship: Literal["partner", "parent", "child", "sibling", "friend", "carer", "professional", "other"]
    phone: Phone | None = None
    email: Email | None = None
    is_primary: bool = False
    may_be_contacted: bool = False


class Contact(Struct, kw_only=True):
    """An emergency contact as stored."""

    id: UUID
    name: str
    relationship: str
    phone: str | None
    email: str | None
    is_primary: bool
    may_be_contacted: bool


class Contacts(Struct, kw_only=True):
    """A person's emergency contacts, the primary one first."""

    items: list[Contact]


class SecondFactor(Struct, kw_only=True):
    """A new authenticator secret; it counts once a code from it was confirmed."""

    secret: str
    uri: str


class FactorState(Struct, kw_only=True):
    """Whether a second factor is set up, and how many recovery codes are left."""

    set_up: bool
    recovery_codes_left: int


class ConfirmFactor(Struct, forbid_unknown_fields=True, kw_only=True):
    """The current password, the secret that was shown, and the six digits that the authenticator makes of it now."""

    current_password: CurrentPassword
    secret: Annotated[str, Meta(pattern=r"^[A-Z2-7]{32}\Z", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])]
    code: Code


class RecoveryCodesAsked(Struct, forbid_unknown_fields=True, kw_only=True):
    """The current password, and the six digits of the authenticator app or a recovery code that is left."""

    current_password: CurrentPassword
    mfa_code: Code


class RecoveryCodes(Struct, kw_only=True):
    """Shown once; each is good for one sign-in."""

    recovery_codes: list[str]


NewPassword = Annotated[str, Meta(min_length=12, max_length=256, examples=["seven slow boats at noon"])]


class ForgottenPassword(Struct, forbid_unknown_fields=True, kw_only=True):
    """The address to which a link for a new password shall go, if somebody signs in with it."""

    email: Annotated[str, Meta(max_length=254, examples=["alice@example.org"])]


class PasswordReset(Struct, forbid_unknown_fields=True, kw_only=True):
    """The last part of the link that came by mail, the new password and, where set up, a code of the second factor."""

    link: Annotated[str, Meta(max_length=100, examples=["AZ…"])]
    new_password: NewPassword
    mfa_code: Code | None = None


class PasswordChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """The current password and the one that takes its place."""

    current_password: CurrentPassword
    new_password: NewPassword
