"""Every page that is looked at and tested: its template, who is signed in, its path, and its context."""

from tests.web.samples import (
    ASKED,
    CLAIMED,
    CONSENTS,
    CRISIS,
    DESK,
    ENTERED,
    ENTRIES,
    HIDDEN_EVENT,
    HISTORY,
    HOME,
    MESSAGES,
    NOBODY,
    PREFERENCES,
    RESULT,
    SESSIONS,
    Context,
    action,
    checkin,
    danger,
    detail,
    week,
)

GUEST: list[str] = []
MEMBER = ["member"]
STAFF = ["responder", "admin"]
PROBLEM = {
    "status": 404,
    "code": "not-found",
    "title": "This page is not here",
    "detail": "It may have moved, or the address has a typing error. Nothing of yours is lost.",
    "request_id": "01JD2V7K8Z",
    "next": {"url": "/check-ins", "label": "Go to history"},
}
EMAIL_ERROR = {"email": "Please write an address such as name@example.org."}

# name of the page → (template, roles of the person or [] for a guest, path, context)
PAGES: dict[str, tuple[str, list[str], str, Context]] = {
    "landing": ("landing.html", GUEST, "/", {"may_sign_up": True, "operator": "Clinique des Tilleuls"}),
    "sign-up": ("sign_up.html", GUEST, "/sign-up", {"values": {}, "errors": {}, "consents": CONSENTS}),
    "sign-up-errors": (
        "sign_up.html",
        GUEST,
        "/sign-up",
        {"values": {"email": "alice"}, "errors": EMAIL_ERROR, "consents": CONSENTS},
    ),
    "sign-in": (
        "sign_in.html",
        GUEST,
        "/sign-in",
        {"values": {}, "errors": {}, "ask_code": False, "message": "", "next": "/home", "may_sign_up": True},
    ),
    "sign-in-code": (
        "sign_in.html",
        GUEST,
        "/sign-in",
        {
            "values": {"email": "dana@example.org"},
            "errors": {},
            "ask_code": True,
            "message": "Please add the code from your app.",
            "next": "/desk",
            "may_sign_up": False,
        },
    ),
    "home": ("home.html", MEMBER, "/home", HOME),
    "home-new": (
        "home.html",
        MEMBER,
        "/home",
        HOME
        | {
            "days": [day | {"mood": None} for day in week()],
            "actions": [],
            "coming": [],
            "shared_with": [],
            "gentle": True,
            "part_of_day": "night",
        },
    ),
    "checkin": ("checkin.html", MEMBER, "/check-in", checkin()),
    "checkin-errors": (
        "checkin.html",
        MEMBER,
        "/check-in",
        checkin(
            values=ENTERED,
            errors={"mood_score": "Please choose a number from 1 to 10."},
            journal_shared_with=["Bob"],
            shared_with=["Bob"],
        ),
    ),
    "result": (
        "result.html",
        MEMBER,
        "/check-ins/c1/result",
        RESULT | {"not_fully_read": True, "shared_with": ["Bob"]},
    ),
    "result-moderate": ("result.html", MEMBER, "/check-ins/c1/result", danger("moderate", unread=True)),
    "result-danger": ("result.html", MEMBER, "/check-ins/c1/result", danger("critical")),
    "result-danger-nobody": ("result.html", MEMBER, "/check-ins/c1/result", danger("high", duty=NOBODY, contact=ASKED)),
    "action": ("action.html", MEMBER, "/actions/i1", action("ready")),
    "action-running": ("action.html", MEMBER, "/actions/i1", action("running")),
    "action-done": ("action.html", MEMBER, "/actions/i1", action("done")),
    "action-skipped": ("action.html", MEMBER, "/actions/i1", action("skipped")),
    "history": ("history.html", MEMBER, "/check-ins", HISTORY),
    "history-search": (
        "history.html",
        MEMBER,
        "/check-ins/search",
        HISTORY | {"query": "tea", "total": 1, "entries": ENTRIES[:1], "older": None},
    ),
    "history-empty": (
        "history.html",
        MEMBER,
        "/check-ins",
        HISTORY
        | {"entries": [], "older": None, "chart": {"title": "Mood", "points": [], "mean_name": "", "band_name": ""}},
    ),
    "detail": ("checkin_detail.html", MEMBER, "/check-ins/c1", detail()),
    "detail-edit": ("checkin_detail.html", MEMBER, "/check-ins/c1", detail(editing=True)),
    "preferences": (
        "preferences.html",
        MEMBER,
        "/preferences",
        {"values": PREFERENCES, "errors": {}, "timezones": ["Europe/Paris", "UTC"]},
    ),
    "sessions": ("sessions.html", MEMBER, "/sessions", {"sessions": SESSIONS}),
    "crisis": ("crisis.html", MEMBER, "/crisis", CRISIS | {"safety_plan_url": "/safety-plan"}),
    "crisis-guest": ("crisis.html", GUEST, "/crisis", CRISIS),
    "crisis-nobody": ("crisis.html", MEMBER, "/crisis", CRISIS | {"duty": NOBODY}),
    "crisis-asked": ("crisis.html", MEMBER, "/crisis", CRISIS | {"contact": ASKED}),
    "crisis-unknown": (
        "crisis.html",
        GUEST,
        "/crisis",
        CRISIS | {"resources": [], "emergency": "", "country": {"code": "TV", "name": "Tuvalu"}},
    ),
    "responder": ("responder.html", STAFF, "/desk", DESK),
    "responder-empty": (
        "responder.html",
        STAFF,
        "/desk",
        DESK | {"events": [], "on_duty": False, "others_on_duty": [], "next_on_duty": ""},
    ),
    "responder-event": ("responder_event.html", STAFF, "/desk/events/e1", CLAIMED),
    "responder-event-resolve": ("responder_event.html", STAFF, "/desk/events/e1", CLAIMED | {"next_step": "resolve"}),
    "responder-event-hidden": ("responder_event.html", STAFF, "/desk/events/e2", HIDDEN_EVENT),
    "outbox": (
        "outbox.html",
        STAFF,
        "/outbox",
        {"messages": MESSAGES, "mail_configured": False, "older": None, "newer": None},
    ),
    "outbox-empty": (
        "outbox.html",
        STAFF,
        "/outbox",
        {"messages": [], "mail_configured": True, "older": None, "newer": None},
    ),
    "problem": ("problem.html", GUEST, "/nowhere", {"problem": PROBLEM}),
    "offline": ("offline.html", GUEST, "/offline", {}),
}
