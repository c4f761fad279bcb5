"""Lifelike values for the pages, as the slices will hand them over. People as everywhere in the tests."""

from typing import Any, get_args

from wellspring.identity.account import otpauth
from wellspring.identity.qr import drawing
from wellspring.identity.schemas import Contraindication

Context = dict[str, Any]

LANGUAGES = [
    {"code": "en", "name": "English", "url": "?lang=en"},
    {"code": "fr", "name": "Français", "url": "?lang=fr"},
]
EMOTIONS = [
    "joy",
    "calm",
    "hopeful",
    "surprise",
    "neutral",
    "sadness",
    "anxiety",
    "fear",
    "overwhelm",
    "anger",
    "frustrated",
    "disgust",
]
FACTORS = ["sleep", "exercise", "work", "relationships", "weather", "medication", "nutrition"]


def when(text: str, iso: str = "2026-11-20T18:40:00Z") -> dict[str, str]:
    """A moment as templates take it: what machines read and what people read."""
    return {"iso": iso, "text": text}


def phone(number: str) -> dict[str, str]:
    return {"kind": "call", "text": number, "href": f"tel:{number.replace(' ', '')}", "keyword": ""}


RESOURCES = [
    {
        "name": "3114",
        "about": "Suicide prevention line, nurses and psychologists who listen.",
        "ways": [phone("3114"), {"kind": "web", "text": "3114.fr", "href": "https://3114.fr", "keyword": ""}],
        "hours": "Day and night, every day",
        "languages": "French",
        "verified": when("2 November 2026"),
    },
    {
        "name": "SOS Amitié",
        "about": "People who listen, by phone, chat or mail.",
        "ways": [
            phone("09 72 39 40 50"),
            {"kind": "chat", "text": "chat", "href": "https://www.sos-amitie.com", "keyword": ""},
            {"kind": "text", "text": "31114", "href": "sms:31114", "keyword": "HELLO"},
            {"kind": "text", "text": "31115", "href": "sms:31115", "keyword": ""},
            {"kind": "email", "text": "mail", "href": "mailto:someone@example.org", "keyword": ""},
        ],
        "hours": "Day and night",
        "languages": "French, English",
        "verified": None,
    },
]
NOT_ASKED: Context = {
    "state": "none",
    "asked_at": None,
    "again_by": None,
    "late": False,
    "unlooked": False,
    "unreached": "",
}
ASKED = NOT_ASKED | {"state": "asked", "asked_at": when("18:42")}
AGAIN = NOT_ASKED | {"again_by": when("Saturday 21 November, 18:40")}
ON_DUTY = {"on": True, "answer_within": "2 hours"}
NOBODY = {"on": False, "answer_within": "2 hours"}
FORM = {
    "emotions": EMOTIONS,
    "extra_scales": ["sensory_load_score", "executive_function_score", "masking_level"],
    "explain_emotions": True,
    "emotions_open": False,
    "factors": FACTORS,
    "body_areas": [
        ("head", "Head"),
        ("jaw", "Jaw"),
        ("shoulders", "Shoulders"),
        ("chest", "Chest"),
        ("stomach", "Stomach"),
    ],
    "activities": [("walk", "Walk"), ("music", "Music"), ("friends", "Friends")],
}
JOURNAL = "Slept badly again.\nThe meeting was less bad than I feared, and Sam brought tea."
ENTERED = {
    "mood_score": 4,
    "energy_level": 3,
    "anxiety_level": 7,
    "emotions": {"anxiety": 4, "calm": None},
    "context_location": "work",
    "context_social": "with_coworkers",
    "journal_text": JOURNAL,
    "factor_sleep": 2,
    "body_jaw": 7,
    "activities": ["music"],
}


def week() -> list[Context]:
    moods = [6, 5, None, 4, 3, None, 5]
    names = ["Sa", "Su", "Mo", "Tu", "We", "Th", "Fr"]
    return [{"label": n, "long": f"{n} November", "mood": m} for n, m in zip(names, moods, strict=True)]


def points(days: int = 42) -> list[Context]:
    """Six weeks with gaps; the mean of seven days and its band are known only where there are enough days."""
    found: list[Context] = []
    for day in range(days):
        gap = day % 9 == 5 or 20 <= day <= 24
        value = None if gap else max(1, min(10, 5 + (day * 7 % 5) - 2 + (1 if day > 28 else 0)))
        mean = None if day < 6 or 20 <= day <= 26 else round(4.6 + 0.15 * ((day * 3) % 4 - 1.5) + day / 30, 1)
        band = 1.1
        low, high = (None, None) if mean is None else (mean - band, mean + band)
        found.append({"label": f"{day % 30 + 1} Nov", "value": value, "mean": mean, "low": low, "high": high})
    return found


def recommendation(name: str, text: str, why: str) -> Context:
    return {
        "name": name,
        "short_description": text,
        "minutes": "2 min",
        "effort_level": "minimal",
        "why_recommended": why,
        "url": "/actions/i1?checkin=c1",
    }


RECOMMENDATIONS = [
    recommendation(
        "Long breath out", "Breathe in for four, out for six, ten times.", "It helped you on three anxious days."
    ),
    recommendation(
        "Name five things", "Look around and name five things that you see.", "It fits when the head is full."
    ),
    recommendation("Cold water", "Let cold water run over your wrists.", "Short, and needs little energy."),
]
PREFERENCES = {
    "theme": "auto",
    "font_family": "system",
    "font_size": 16,
    "animation_speed": "normal",
    "high_contrast": False,
    "reduce_motion": True,
    "sound_enabled": True,
    "haptic_feedback": False,
    "notification_sound": "gentle_chime",
    "preferred_language": "en",
    "country": "FR",
    "timezone": "Europe/Paris",
    "communication_style": "warm",
    "morning_checkin_enabled": True,
    "morning_checkin_time": "08:00",
    "evening_reflection_enabled": False,
    "evening_reflection_time": "20:00",
    "max_notifications_per_day": 3,
    "quiet_hours_start": "22:00",
    "quiet_hours_end": "07:00",
    "time_blindness_support": False,
    "task_breakdown_auto": True,
    "hyperfocus_reminders": False,
    "dopamine_reward_style": "standard",
    "meditation_reminders_enabled": True,
    "appointment_reminders_enabled": True,
    "achievement_notifications_enabled": False,
    "sensory_load_tracking": True,
    "routine_deviation_alerts": False,
    "emotion_scaffolding_level": 2,
    "emotion_reading": True,
}
CHECKIN = {"id": "c1", "mood_score": 4, "when": when("Friday 20 November, 18:40"), "edited": None, "etag": "1"}
ACTION = {
    "id": "i1",
    "name": "Long breath out",
    "short_description": "A slow way to tell the body that it may rest.",
    "steps": [
        "Sit or lie down, feet supported.",
        "Breathe in while you count to four.",
        "Breathe out while you count to six. Ten times.",
    ],
    "minutes": "2 min",
    "effort_level": "minimal",
    "approach": "DBT",
    "evidence": "Paced breathing is part of the TIPP skills of dialectical behaviour therapy.",
}
FEEDBACK_TAGS = ["helped", "calming", "energising", "grounding", "too_long", "too_hard", "not_now", "not_for_me"]


def event(level: str, **more: Any) -> Context:
    base: Context = {
        "id": f"e-{level}",
        "url": f"/desk/p1/e-{level}",
        "risk_level": level,
        "wants_contact": False,
        "state": "paged",
        "opened": when("18:40"),
        "waiting": "4 minutes",
        "due": "" if level == "critical" else "2 hours",
        "overdue": False,
        "mine": False,
        "taken": False,
        "care": None,
    }
    return base | more


def cared(step: int, *, late: bool = False, **more: Any) -> Context:
    """A closed event whose person is to be contacted again."""
    due = {"due": when("Saturday 21 November, 18:40"), "due_at": "2026-11-21T17:40:00+00:00"}
    care = {"step": step, "of": 3, "late": late} | due
    return (
        event("high", state="resolved", overdue=late, care=care)
        | {"id": f"e-care-{step}", "url": f"/desk/p1/e-c{step}"}
        | more
    )


EVENTS = [
    event("critical", overdue=True),
    event("high", wants_contact=True),
    event("moderate", taken=True, mine=True, state="acknowledged"),
    event("low", taken=True, state="contacted"),
]
DESK: Context = {
    "locked": False,
    "events": EVENTS,
    "as_of": "18:44",
    "on_duty": True,
    "until": "22:00",
    "somebody_on_duty": True,
    "after_care": [cared(1, late=True), cared(2, mine=True, taken=True), cared(3, taken=True)],
    "missed": {"reviews": 2, "contacts": 1},
}
LOCKED: Context = {
    "locked": True,
    "on_duty": True,
    "waiting": 2,
    "overdue": 1,
    "taken": 1,
    "late": 1,
    "planned": 2,
    "as_of": "19:01",
}
NOBODY_LOCKED = LOCKED | {"waiting": 0, "overdue": 0, "taken": 0, "late": 0, "planned": 0}
RESOLVE = [{"name": "resolve", "outcomes": [("safe_with_plan", "Safe for now, with a plan")]}]
CLAIMED: Context = {
    "event": event("critical", mine=True, taken=True, state="acknowledged"),
    "person_view": {
        "name": "Alice",
        "local_time": "19:44",
        "language": "French",
        "ways": [
            phone("06 00 00 00 00"),
            {"kind": "email", "text": "mail", "href": "mailto:alice@example.org", "keyword": ""},
        ],
        "note": "Please call after six.",
        "age_range": "16-17",
        "is_minor": True,
    },
    "trigger_source": "journal_nlp",
    "evidence": [
        {
            "category": "means",
            "text": "I have the pills here",
            "counted": True,
            "reason": None,
            "probability": None,
        },
        {
            "category": "topic",
            "text": "took her life",
            "counted": False,
            "reason": "third_person",
            "probability": None,
        },
        {
            "category": "model",
            "text": "There is no way on from here.",
            "counted": True,
            "reason": None,
            "probability": 0.87,
        },
    ],
    "signals": ["Mood fell from 6 to 2 in five days.", "Two days without a check-in."],
    "silent": ["Poor sleep: not assessed, too little data."],
    "emergency_contacts": [
        {
            "contact": {"name": "Sam", "relationship": "sibling", "may_be_contacted": True},
            "ways": [phone("06 11 11 11 11")],
        },
        {"contact": {"name": "Kim", "relationship": "friend", "may_be_contacted": False}, "ways": []},
    ],
    "safety_plan": [{"step": "warning_signs", "lines": ["I stop answering"]}],
    "steps": [
        {"name": "contact", "outcomes": []},
        {"name": "hand_back", "outcomes": []},
        {"name": "close", "outcomes": [("duplicate", "Same as another event")]},
    ],
    "outcome": "",
    "results": [],
    "history": [{"at": when("18:44"), "state": "acknowledged", "result": None, "mine": True, "note": None}],
    "values": {},
    "errors": {},
    "kept": None,
}
AFTER_CARE: Context = CLAIMED | {
    "event": cared(1, late=True, mine=True, taken=True),
    "steps": [],
    "results": ["reached", "not_reached", "declined", "in_other_hands", "could_not_reach"],
    "history": [
        {"at": when("19:40"), "state": "resolved", "result": None, "mine": True, "note": "Her sister is with her."},
        {"at": when("20:40"), "state": None, "result": "not_reached", "mine": False, "note": None},
        {"at": when("21:40"), "state": None, "result": None, "mine": True, "note": None},
    ],
}
HIDDEN_EVENT: Context = {"event": event("high"), "person_view": None, "values": {}, "errors": {}, "kept": None}
NOT_WRITTEN: Context = {
    "errors": {"form": "This step does not fit any more. Here is how it stands now."},
    "kept": {"step": "", "result": "reached", "outcome": "", "note": "We spoke.\nShe calls her doctor on Monday."},
}
CONTACTS = [
    {
        "id": "k1",
        "name": "Sam",
        "relationship": "sibling",
        "phone": "06 11 11 11 11",
        "email": None,
        "is_primary": True,
        "may_be_contacted": True,
    },
    {
        "id": "k2",
        "name": "Kim",
        "relationship": "friend",
        "phone": None,
        "email": "kim@example.org",
        "is_primary": False,
        "may_be_contacted": False,
    },
]
_PLAN_STEPS = [
    "warning_signs",
    "coping_strategies",
    "social_distractions",
    "people_to_ask",
    "professionals",
    "means_safety",
]
PLAN: Context = {
    "version": 2,
    "updated": when("1 November"),
    "steps": [{"step": name, "lines": ["A walk to the river", "Sam, 06 11 11 11 11"]} for name in _PLAN_STEPS],
    "names": _PLAN_STEPS,
    "editing": False,
    "values": {"warning_signs": "I stop answering"},
    "errors": {},
}

CONSENTS = [
    {
        "kind": "terms",
        "version": "1",
        "title": "The rules of this place",
        "summary": "What you and we promise.",
        "url": "/texts/terms",
        "required": True,
    },
    {
        "kind": "privacy",
        "version": "1",
        "title": "How data is used",
        "summary": "What is kept, why and how long.",
        "url": "/texts/privacy",
        "required": True,
    },
    {
        "kind": "research",
        "version": "1",
        "title": "Research",
        "summary": "Your data without your name helps research.",
        "url": "/texts/research",
        "required": False,
    },
]
SESSIONS = [
    {
        "id": "s1",
        "device": "Firefox on Android",
        "place": "Lyon",
        "started": when("1 November"),
        "last_seen": when("just now"),
        "current": True,
    },
    {
        "id": "s2",
        "device": "Chrome on Windows",
        "place": "",
        "started": when("3 October"),
        "last_seen": when("yesterday"),
        "current": False,
    },
]
MESSAGES = [
    {
        "template": "crisis_page",
        "state": "not_sent",
        "tries": 1,
        "error": "mail_not_set_up",
        "made": when("20/11/2026, 18:40"),
        "sent": None,
    },
    {
        "template": "crisis_page_now",
        "state": "sent",
        "tries": 2,
        "error": "",
        "made": when("20/11/2026, 18:38"),
        "sent": when("20/11/2026, 18:39"),
    },
    {
        "template": "crisis_page_now",
        "state": "not_sent",
        "tries": 0,
        "error": "replaced",
        "made": when("20/11/2026, 18:36"),
        "sent": None,
    },
]
HEARD: Context = {
    "url": "/check-ins/c1",
    "primary": "frustrated",
    "secondary": "overwhelm",
    "answer": None,
    "emotion": None,
    "choices": EMOTIONS,
    "updated_at": "2026-11-20T18:40:00+00:00",
}
ENTRIES = [
    {
        "url": "/check-ins/c1",
        "mood": 4,
        "when": when("Friday 20 November, 18:40"),
        "emotions": ["anxiety", "calm"],
        "excerpt": "Slept badly again.",
        "edited": True,
        "heard": HEARD,
    },
    {
        "url": "/check-ins/c2",
        "mood": 6,
        "when": when("Thursday 19 November, 8:02"),
        "emotions": [],
        "excerpt": "",
        "edited": False,
        "heard": None,
    },
    {
        "url": "/check-ins/c3",
        "mood": 3,
        "when": when("Wednesday 18 November, 21:15"),
        "emotions": [],
        "excerpt": "A long day.",
        "edited": False,
        "heard": HEARD | {"answer": "other", "emotion": "sadness"},
    },
]
HISTORY: Context = {
    "chart": {
        "title": "Mood, 10 October to 20 November",
        "points": points(),
        "mean_name": "Mean of seven days",
        "band_name": "Where most days lie",
    },
    "range": {"start": "2026-10-10", "end": "2026-11-20"},
    "errors": {},
    "entries": ENTRIES,
    "older": "/history?cursor=abc",
    "newer": None,
    "total": None,
    "more": False,
    "query": "",
    "typed": "",
}
HOME: Context = {
    "part_of_day": "evening",
    "days": week(),
    "quick": {"id": "c9", "key": "k9"},
    "checked_in_today": False,
    "gentle": False,
    "paused": False,
    "contact": NOT_ASKED,
    "actions": [
        {
            "url": "/actions/i1",
            "name": "Long breath out",
            "minutes": "2 min",
            "short_description": "Breathe in for four, out for six.",
        }
    ],
    "shared_with": ["Bob"],
}
RESULT: Context = {
    "checkin": CHECKIN,
    "recommendations": RECOMMENDATIONS,
    "danger": False,
    "crisis": None,
    "resources": [],
    "safety_plan_url": None,
    "contact": NOT_ASKED,
    "duty": ON_DUTY,
    "key": "k1",
    "helping": None,
    "unread": False,
    "not_fully_read": False,
    "shared_with": [],
    "heard": None,
    "news": None,
    "url": "/results/c1",
    "asked": 0,
}
READING: Context = {
    "on": True,
    "errors": {},
    "consents": [
        {
            "kind": "corrections",
            "version": 1,
            "title": "Learn from my corrections",
            "text": "Your answers may be used.",
            "given": True,
        },
        {
            "kind": "correction_texts",
            "version": 1,
            "title": "With what I wrote",
            "text": "Your texts may be used too.",
            "given": False,
        },
    ],
}
DONE: Context = {
    "items": [
        {
            "name": name,
            "url": "/actions/i1?session=s1",
            "when": when("Friday 20 November, 18:40"),
            "state": state,
            "rating": rating,
            "words": words,
        }
        for name, state, rating, words in (
            ("Warm hands", "done", 4, "It rained. " * 30),
            ("A short walk", "done", None, ""),
            ("Five things", "running", None, ""),
            ("A long breath", "skipped", None, ""),
        )
    ],
    "older": "/actions/done?cursor=abc",
    "newer": None,
}
LEARNED: Context = {
    "items": [
        {
            "name": "Warm hands",
            "url": "/actions/i1",
            "ratings": 2,
            "mean": "4.5",
            "skips": 1,
            "last": {"iso": "2026-11-20T18:40:00+01:00", "text": "Friday 20 November, 18:40"},
        },
        {
            "name": "A short walk",
            "url": "/actions/i2",
            "ratings": 0,
            "mean": "",
            "skips": 0,
            "last": {"iso": "2026-11-19T08:10:00+01:00", "text": "Thursday 19 November, 08:10"},
        },
    ],
    "paused": False,
    "errors": {},
    "consents": [
        {
            "kind": "shared_ratings",
            "version": 1,
            "title": "Let my ratings help others",
            "text": "Your ratings may be added up with those of others.",
            "given": False,
        }
    ],
}
WORRIED: Context = {
    "headline": "Are you worried about somebody?",
    "steps": [
        "If they may be in danger of their life now, call 112 and say where they are.",
        "Ask them plainly whether they are thinking of suicide.",
    ],
    "grieving": "Have you lost somebody?",
    "lost": "Many help lines also listen to people who have lost somebody, even if it was long ago.",
}
HELPING: Context = WORRIED | {
    "headline": "You wrote about somebody who matters to you",
    "why": "A program read your words, and it cannot tell worry from grief.",
    "told": "Nothing you write here sends help to somebody else. A call does.",
    "emergency": "112",
    "resources": RESOURCES,
}
CRISIS: Context = {
    "worried": WORRIED,
    "named": True,
    "country": {"code": "FR", "name": "France"},
    "countries": [{"code": "CA", "name": "Canada"}, {"code": "FR", "name": "France"}, {"code": "IN", "name": "India"}],
    "emergency": "112",
    "emergency_line": "Call 112.",
    "key": "k1",
    "resources": RESOURCES,
    "contact": NOT_ASKED,
    "duty": ON_DUTY,
    "safety_plan_url": None,
}


WORDS = {
    "headline": "We are worried about you. Please talk to someone now.",
    "one_thing": "Call or text the first line below. They talk with people who feel like this every day.",
    "what_next": "We have sent an alert to the people on duty. They aim to contact you within 2 hours.",
    "who_sees": "People on duty can see that you need someone soon. Only the one who takes this on can see why.",
    "duty": "Someone from our team is on duty now.",
}


def danger(level: str, **more: Any) -> Context:
    crisis = WORDS | {"level": level, "emergency_number": "112"}
    shown = {"resources": RESOURCES, "safety_plan_url": "/safety-plan"}
    return RESULT | {"danger": level != "moderate", "crisis": crisis} | shown | more


def detail(**more: Any) -> Context:
    facts = [{"name": "energy_level", "value": 3}, {"name": "anxiety_level", "value": 7}]
    contexts = [{"name": "Place", "text": "At work"}]
    base: Context = {
        "checkin": CHECKIN | {"edited": when("21 November")},
        "facts": facts,
        "values": ENTERED,
        "errors": {},
        "form": FORM,
    }
    return (
        base
        | {
            "contexts": contexts,
            "editing": False,
            "shared_with": ["Bob"],
            "heard": HEARD | {"answer": "other", "emotion": "sadness"},
        }
        | more
    )


def checkin(**more: Any) -> Context:
    base: Context = {
        "entry": {"id": "c9", "key": "k9"},
        "values": {},
        "errors": {},
        "form": FORM,
        "draft": "check-in-of-alice",
    }
    return base | {"shared_with": [], "journal_shared_with": [], "agree": []} | more


def action(state: str, *against: str) -> Context:
    base: Context = {
        "state": state,
        "action": ACTION,
        "session": {
            "id": "s1",
            "was_completed": state == "done",
            "effectiveness_rating": 4 if state == "done" else None,
            "feedback_tags": ["helped"] if state == "done" else [],
            "feedback_text": "It rained." if state == "done" else None,
        },
        "begun": "/actions/i1?session=s3" if against else "",
        "new_session": "s2",
        "checkin_id": "c1",
        "against": against,
        "why": "It helped before.",
    }
    return base | {"tags": FEEDBACK_TAGS, "values": {}, "errors": {}, "agree": []}


_UNTIL = when("Friday 19 February 2027, 23:59", "2027-02-19T22:59:59Z")
_SHARED: Context = {
    "name": "Bob",
    "sections": ["checkins", "journals"],
    "until": _UNTIL,
    "seen": when("Friday 20 November, 18:40"),
    "url": "/sharing/g1",
    "how": "active",
    "ended": None,
}
_CLOSED: Context = _SHARED | {"name": "Blake", "how": "closed", "ended": when("Saturday 21 November, 09:10")}
SHARING: Context = {
    "grants": [_SHARED, _SHARED | {"name": "Blair", "sections": ["journals"], "seen": None, "url": "/sharing/g2"}],
    "ended": [_SHARED | {"how": "revoked"}, _SHARED | {"how": "expired"}, _CLOSED],
    "closed": [_CLOSED],
    "team": [{"id": "t1", "name": "Bob", "since": when("Monday 2 March")}],
    "refused": False,
    "consents": [
        {
            "kind": "data_sharing",
            "version": 1,
            "title": "Share with the people who care for me",
            "text": "You can let a clinician see some of your entries.",
            "given": True,
        }
    ],
    "number": "019aa7c2-5d10-7c3e-8f00-2b6c1d4e5f60",
    "errors": {},
}
SHARE: Context = {
    "grant": None,
    "team": [{"id": "c1", "name": "Bob"}],
    "key": "k",
    "asked": None,
    "sections": ["checkins", "journals", "interventions", "summaries", "conversations", "goals"],
    "values": {"sections": ["checkins"], "until": "2027-02-19"},
    "errors": {},
    "first": "2026-11-21",
    "last": "2027-11-20",
}
LOOKED = [
    {"when": when("Friday 20 November, 18:40"), "text": "Bob looked at 12 of your check-ins."},
    {"when": when("Friday 20 November, 18:02"), "text": "A person on duty took it on to help you."},
]
KEEPING = [
    {
        "kind": "health_data",
        "version": 1,
        "title": "Keep data about my health",
        "text": "Your mood, your notes and your answers say something about your health.",
        "given": False,
    }
]


def account(name: str, email: str, roles: list[str], **more: bool) -> Context:
    """An account as administrators see it."""
    flags = dict.fromkeys(("suspended", "second_factor", "no_factor", "responder", "supervises", "me"), False)
    return {"url": f"/admin/people/{email[:1]}1", "name": name, "email": email, "roles": roles} | flags | more


ERIN = account("Erin Castellan", "erin@example.org", ["admin", "member"], second_factor=True, me=True)
DANA = account(
    "Dana Okafor", "dana@example.org", ["member", "responder"], second_factor=True, responder=True, supervises=True
)
BOB = account("Bob Fielding", "bob.fielding.of.the.long.address@staff.example.org", ["clinician"], no_factor=True)
STAFF_HERE = [DANA, BOB, account("", "sam@example.org", ["responder"], suspended=True, responder=True), ERIN]
OFFERED = ["member", "responder", "clinician", "admin"]


def person(one: Context, **more: Any) -> Context:
    """The page of one account."""
    page = {"account": one, "offered": OFFERED, "values": {"roles": one["roles"]}, "errors": {}}
    return page | {"mail_configured": True} | more


SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTPAUTH = otpauth("alice@example.org", SECRET)
FACTOR: Context = {
    "staff": False,
    "secret": SECRET,
    "groups": [SECRET[at : at + 4] for at in range(0, 32, 4)],
    "uri": OTPAUTH,
    "qr": drawing(OTPAUTH),
    "values": {},
    "errors": {},
}
RECOVERY_CODES = [f"abcd{n}-fghj{n}" for n in range(10)]
LEAVE_OUT: Context = {
    "every": list(get_args(Contraindication)),
    "chosen": ["dizziness", "trauma_body_focus"],
    "errors": {},
}

COPY = {"state": "ready", "here": True, "size": "184 kB", "until": when("Saturday 21 November, 18:40")}
NO_COPY: Context = {"copy": None, "asked": 0, "values": {}, "errors": {}}
LEAVING: Context = {
    "asked": {"when": when("Friday 20 November, 18:40"), "waits_for": None},
    "values": {},
    "errors": {},
}
