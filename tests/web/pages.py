"""Every page that is looked at and tested: its template, who is signed in, its path, and its context."""

from tests.web.samples import (
    ASKED,
    CLAIMED,
    CONSENTS,
    CONTACTS,
    CRISIS,
    DESK,
    ENTERED,
    ENTRIES,
    HIDDEN_EVENT,
    HISTORY,
    HOME,
    JOURNAL,
    MESSAGES,
    NOBODY,
    PLAN,
    PREFERENCES,
    RESOLVE,
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
    "code": "not_found",
    "title": "There is nothing here that you can see.",
    "request_id": "01JD2V7K8Z",
}
EMAIL_ERROR = {"email": "Please write an address such as name@example.org."}

# name of the page → (template, roles of the person or [] for a guest, path, context)
PAGES: dict[str, tuple[str, list[str], str, Context]] = {
    "landing": ("landing.html", GUEST, "/", {"may_sign_up": True}),
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
        "/results/c1",
        RESULT | {"not_fully_read": True, "shared_with": ["Bob"]},
    ),
    "result-moderate": ("result.html", MEMBER, "/results/c1", danger("moderate", unread=True)),
    "result-danger": ("result.html", MEMBER, "/results/c1", danger("critical")),
    "result-danger-nobody": ("result.html", MEMBER, "/results/c1", danger("high", duty=NOBODY, contact=ASKED)),
    "action": ("action.html", MEMBER, "/actions/i1", action("ready")),
    "action-running": ("action.html", MEMBER, "/actions/i1", action("running")),
    "action-done": ("action.html", MEMBER, "/actions/i1", action("done")),
    "action-skipped": ("action.html", MEMBER, "/actions/i1", action("skipped")),
    "history": ("history.html", MEMBER, "/history", HISTORY),
    "history-search": (
        "history.html",
        MEMBER,
        "/history/search",
        HISTORY | {"query": "tea", "total": 1, "entries": ENTRIES[:1], "older": None, "chart": None},
    ),
    "history-empty": (
        "history.html",
        MEMBER,
        "/history",
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
    "crisis": ("crisis.html", MEMBER, "/help", CRISIS | {"safety_plan_url": "/safety-plan"}),
    "crisis-guest": ("crisis.html", GUEST, "/help", CRISIS),
    "crisis-nobody": ("crisis.html", MEMBER, "/help", CRISIS | {"duty": NOBODY}),
    "crisis-asked": ("crisis.html", MEMBER, "/help", CRISIS | {"contact": ASKED}),
    "crisis-unknown": (
        "crisis.html",
        GUEST,
        "/help",
        CRISIS
        | {
            "resources": [],
            "emergency": "",
            "emergency_line": "In most countries 112 works.",
            "country": {"code": "TV", "name": "Tuvalu"},
        },
    ),
    "responder": ("responder.html", STAFF, "/desk", DESK),
    "responder-empty": (
        "responder.html",
        STAFF,
        "/desk",
        DESK | {"events": [], "on_duty": False, "until": "", "somebody_on_duty": False},
    ),
    "responder-event": ("responder_event.html", STAFF, "/desk/p1/e1", CLAIMED),
    "responder-event-resolve": (
        "responder_event.html",
        STAFF,
        "/desk/p1/e1",
        CLAIMED
        | {"steps": RESOLVE, "values": {"step": "resolve", "note": "We spoke."}, "errors": {"outcome": "Say how."}},
    ),
    "responder-event-hidden": ("responder_event.html", STAFF, "/desk/p1/e2", HIDDEN_EVENT),
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
    "unsent": (
        "unsent.html",
        GUEST,
        "/check-in",
        {"why": "signed_out", "hidden": [("mood_score", "3")], "texts": [("journal_text", JOURNAL)]},
    ),
    "unsent-stale": ("unsent.html", MEMBER, "/contacts", {"why": "form_stale", "hidden": [], "texts": []}),
    "text": ("text.html", GUEST, "/texts/terms", {"title": "Our rules", "body": "What we promise.", "version": 1}),
    "contacts": (
        "contacts.html",
        MEMBER,
        "/contacts",
        {"contacts": CONTACTS, "values": {}, "errors": {}, "editing": None, "key": "k", "full": False},
    ),
    "contacts-edit": (
        "contacts.html",
        MEMBER,
        "/contacts/k1",
        {
            "contacts": CONTACTS,
            "values": CONTACTS[0],
            "errors": {"phone": "Please add a phone number."},
            "editing": "k1",
            "key": "k",
            "full": True,
        },
    ),
    "contacts-none": (
        "contacts.html",
        MEMBER,
        "/contacts",
        {"contacts": [], "values": {}, "errors": {}, "editing": None, "key": "k", "full": False},
    ),
    "plan": ("safety_plan.html", MEMBER, "/safety-plan", PLAN),
    "plan-edit": ("safety_plan.html", MEMBER, "/safety-plan", PLAN | {"editing": True}),
}
