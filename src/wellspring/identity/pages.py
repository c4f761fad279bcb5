"""The pages of identity: signing in and out, preferences, open sessions, emergency contacts."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import UNSET

from wellspring.identity import me, service, zones
from wellspring.identity import queries as q
from wellspring.identity.asked import accounts, where
from wellspring.identity.errors import AccountClosed, LockedOut, SecondFactorNeeded, SecondFactorWrong, WrongCredentials
from wellspring.identity.frame import SIZES
from wellspring.identity.schemas import ContactWrite, Country, Login, Phone, Preferences, ProfileChange, Timezone
from wellspring.kernel import audit, forms, i18n, idempotency, pages
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import Invalid, NotFound, Problem
from wellspring.kernel.forms import Sent
from wellspring.kernel.pages import FormStale
from wellspring.kernel.policy import Access, Role
from wellspring.kernel.principal import Principal
from wellspring.kernel.routing import form, page
from wellspring.kernel.tokens import TokenKind

ON_THE_DEVICE: Final = '"storage"'
"""What a browser forgets by itself when somebody signs out or wants to be erased: a draft that was kept goes where no
script runs, too."""
_BROWSERS: Final = (
    ("Firefox", "Firefox"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def first_page(who: Principal) -> str:
    """Return where somebody lands after signing in: members at home, staff at their desk."""
    if Role.RESPONDER in who.roles:
        return "/desk"
    return "/admin/people" if Role.ADMIN in who.roles else "/home"


async def _show_sign_in(
    request: Req,
    *,
    status: int = 200,
    message: str = "",
    errors: dict[str, str] | None = None,
    code: bool = False,
    email: str = "",
    following: str = "",
) -> Response[str]:
    return await pages.render(
        request,
        "sign_in.html",
        status=status,
        values={"email": email},
        errors=errors or {},
        ask_code=code or _is_desk(following),
        needs_code=code,
        message=message,
        next=following,
        may_sign_up=True,
    )


def _is_desk(path: str) -> bool:
    """Tell whether a page asks for a code anyway: whoever is woken for it should not type their password twice."""
    return path == "/desk" or path.startswith("/desk/")


@page("/sign-in", Access.PUBLIC)
async def sign_in_page(request: Req) -> Response[Any]:
    """Show the sign-in form; who is signed in goes on."""
    following = pages.local_path(request.query_params.get("next"), "")
    if await pages.frame(request) is not None:
        return pages.redirect(request, following or first_page(principal(request)))
    return await _show_sign_in(request, following=following)


@form("/sign-in", Access.PUBLIC)
async def sign_in(request: Req) -> Response[Any]:
    """Sign in; a refusal says the same for an unknown address and a wrong password."""
    sent = Sent(await pages.fields(request))
    email, following = sent.one("email"), pages.local_path(sent.one("next"), "")
    code = bool(sent.one("mfa_code"))
    try:
        sent = await forms.read(request)
        login = sent.to(Login)
        opened, waiting = await service.sign_in(accounts(request), login, where(request), kind=TokenKind.WEB)
    except (
        FormStale,
        Invalid,
        AccountClosed,
        LockedOut,
        SecondFactorNeeded,
        SecondFactorWrong,
        WrongCredentials,
    ) as problem:
        language = (await pages.local(request)).language
        answer = await _show_sign_in(
            request,
            status=problem.status,
            message=await why_not(request, problem),
            errors={  # a password is typed here, not chosen: the words of `password` are about a new one
                error.path: i18n.say(language, "field_error", error.path.replace("password", ""), error.code)
                for error in problem.errors
            },
            code=code or isinstance(problem, SecondFactorNeeded),
            email=email,
            following=following,
        )
        answer.headers.update(problem.headers)
        return answer
    cookie = pages.session_cookie(request, opened.who, opened.ttl)
    onward = "/account/security/second-factor" if waiting else following or first_page(opened.who)
    return pages.redirect(request, onward, cookies=[cookie])


async def why_not(request: Req, problem: Problem, locked: str = "locked_out") -> str:
    """Return the words of a refusal; a lock says how long it lasts, in the words of `locked`."""
    language = (await pages.local(request)).language
    wait = problem.headers.get("Retry-After", "")
    if isinstance(problem, LockedOut) and wait.isdigit():
        return i18n.say(language, locked, -(-int(wait) // 60))
    return i18n.say(language, "problem_title", problem.code, problem.title())


@form("/sign-out", Access.PUBLIC, listens=True)
async def sign_out(request: Req) -> Response[Any]:
    """End this session, a locked one too; a session that has ended already is signed out just the same."""
    await forms.read(request)
    if await pages.frame(request) is not None:
        who = principal(request)
        async with as_member(request) as tx:
            await tx.do(q.END_ONE, who.person_id, who.session_id, "signed out")
            await audit.record(tx, access(request, "identity:session:end", "account"))
    gone = pages.redirect(request, "/", note="signed_out", cookies=[pages.no_session_cookie(request)])
    gone.headers["Clear-Site-Data"] = ON_THE_DEVICE
    return gone


class _Place(msgspec.Struct):
    """Where somebody lives: whose help lines they are shown, and when their day begins."""

    country: Country | msgspec.UnsetType = UNSET
    timezone: Timezone | msgspec.UnsetType = UNSET


async def _show_preferences(
    request: Req, values: dict[str, Any], errors: dict[str, str], status: int = 200
) -> Response[str]:
    lists = {"timezones": zones.ZONES, "countries": (await pages.local(request)).countries()}
    return await pages.render(request, "preferences.html", status=status, values=values, errors=errors, **lists)


@page("/preferences", Access.SELF)
async def preferences_page(request: Req) -> Response[str]:
    """Show all preferences."""
    async with as_member(request, read_only=True) as tx:
        chosen, _ = await me.preferences(tx, principal(request).person_id)
    values = {name: getattr(chosen, name) for name in Preferences.__struct_fields__}
    seen = await pages.frame(request)
    assert seen is not None
    values |= {"preferred_language": seen.language, "country": seen.country, "timezone": seen.timezone}
    values["font_size"] = next((pixels for pixels in SIZES if pixels >= chosen.font_size), 32)
    return await _show_preferences(request, values, {})


@form("/preferences", Access.SELF)
async def save_preferences(request: Req) -> Response[Any]:
    """Store all preferences; the next page shows them."""
    sent, who = await forms.read(request), principal(request)
    try:
        wanted, place = sent.to(Preferences), sent.to(_Place)
        async with as_member(request) as tx:
            await me.set_preferences(tx, who.person_id, wanted)
            profile = ProfileChange(country=place.country, timezone=place.timezone)
            await me.change(tx, edge(request).keys, who.person_id, profile, None)
            await audit.record(tx, access(request, "identity:preferences:change", "profile"))
    except Invalid as problem:
        errors = forms.errors_of(problem, (await pages.local(request)).language)
        return await _show_preferences(request, sent.values(), errors, problem.status)
    return pages.redirect(request, "/preferences", note="saved")


def device(agent: str | None) -> str:
    """Return what people call a browser and its device: `Firefox, Android`; the start of the text when unknown."""
    if not agent:
        return "?"
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return ", ".join(part for part in (browser, system) if part) or agent[:40]


@page("/sessions", Access.SELF)
async def sessions_page(request: Req) -> Response[str]:
    """Show where the person is signed in."""
    who, here = principal(request), await pages.local(request)
    async with as_member(request, read_only=True) as tx:
        rows = await tx.all(q.SESSIONS, who.person_id, who.session_id)
    shown = [
        {
            "id": row.id,
            "device": device(row.agent),
            "place": row.ip or "",
            "started": here.moment(row.created_at),
            "last_seen": here.moment(row.last_seen_at),
            "current": row.current,
        }
        for row in rows
    ]
    return await pages.render(request, "sessions.html", sessions=shown)


@form("/sessions/{session_id:uuid}/end", Access.SELF)
async def end_session(request: Req, session_id: FromPath[UUID]) -> Response[Any]:
    """End one of one's own sessions."""
    await forms.read(request)
    async with as_member(request) as tx:
        if not await tx.do(q.END_ONE, principal(request).person_id, session_id, "ended by the person"):
            raise NotFound
        await audit.record(tx, access(request, "identity:session:end", "account"))
    return pages.redirect(request, "/sessions", note="ended")


@form("/sessions/end-others", Access.SELF)
async def end_others(request: Req) -> Response[Any]:
    """End every session but this one."""
    await forms.read(request)
    who = principal(request)
    async with as_member(request) as tx:
        count = await tx.do(q.END_OTHERS, who.person_id, who.session_id, "ended by the person")
        await audit.record(tx, access(request, "identity:session:end", "account", count=count))
    return pages.redirect(request, "/sessions", note="ended")


class OwnPhone(msgspec.Struct, kw_only=True):
    """The form of one's own number."""

    own_phone: Phone | None = None


async def _show_contacts(
    request: Req, values: dict[str, Any], errors: dict[str, str], editing: UUID | None, status: int = 200
) -> Response[str]:
    async with as_member(request) as tx:
        keys, person_id = edge(request).keys, principal(request).person_id
        found = await me.contacts(tx, keys, person_id)
        own = me.profile(await me.load(tx, person_id), keys).phone
        await audit.record(tx, access(request, "identity:contact:read", "emergency_contacts", count=len(found)))
    if editing is not None and not values:
        one = next((contact for contact in found if contact.id == editing), None)
        if one is None:
            raise NotFound
        values = msgspec.structs.asdict(one)
    return await pages.render(
        request,
        "contacts.html",
        status=status,
        contacts=found,
        values={"own_phone": own or "", **values},
        errors=errors,
        editing=editing,
        key=forms.new_key(),
        full=len(found) >= me.MOST_CONTACTS,
    )


@page("/contacts", Access.SELF)
async def contacts_page(request: Req) -> Response[str]:
    """Show emergency contacts and a form for another."""
    return await _show_contacts(request, {}, {}, None)


@page("/contacts/{contact_id:uuid}", Access.SELF)
async def contact_page(request: Req, contact_id: FromPath[UUID]) -> Response[str]:
    """Show one emergency contact in a form."""
    return await _show_contacts(request, {}, {}, contact_id)


async def _refused_contact(request: Req, sent: Sent, problem: Problem, editing: UUID | None) -> Response[str]:
    errors = forms.errors_of(problem, (await pages.local(request)).language)
    return await _show_contacts(request, sent.values(), errors, editing, problem.status)


@form("/contacts/own", Access.SELF)
async def save_own_phone(request: Req) -> Response[Any]:
    """Keep the number at which people on duty reach this member, or none."""
    sent, person_id = await forms.read(request), principal(request).person_id
    try:
        wanted = sent.to(OwnPhone)
        async with as_member(request) as tx:
            await me.change(tx, edge(request).keys, person_id, ProfileChange(phone=wanted.own_phone), None)
            await audit.record(tx, access(request, "identity:profile:change", "profile"))
    except Invalid as problem:
        return await _refused_contact(request, sent, problem, None)
    return pages.redirect(request, "/contacts", note="saved")


@form("/contacts", Access.SELF)
async def add_contact(request: Req) -> Response[Any]:
    """Add an emergency contact; sending twice adds one."""
    sent, person_id = await forms.read(request), principal(request).person_id
    key = sent.key(person_id, "emergency-contacts")
    try:
        wanted = sent.to(ContactWrite)

        async def add() -> None:
            async with as_member(request) as tx:
                if await idempotency.begin(tx, person_id, key) is None:
                    contact_id = await me.add_contact(tx, edge(request).keys, person_id, wanted)
                    await idempotency.keep(tx, person_id, key, 201, contact_id)
                    await audit.record(tx, access(request, "identity:contact:create", "emergency_contacts"))

        await forms.patiently(add)
    except (Invalid, me.TooManyContacts) as problem:
        return await _refused_contact(request, sent, problem, None)
    return pages.redirect(request, "/contacts", note="saved")


@form("/contacts/{contact_id:uuid}", Access.SELF)
async def change_contact(request: Req, contact_id: FromPath[UUID]) -> Response[Any]:
    """Change an emergency contact."""
    sent = await forms.read(request)
    try:
        wanted = sent.to(ContactWrite)
        async with as_member(request) as tx:
            await me.change_contact(tx, edge(request).keys, principal(request).person_id, contact_id, wanted)
            await audit.record(tx, access(request, "identity:contact:change", "emergency_contacts"))
    except Invalid as problem:
        return await _refused_contact(request, sent, problem, contact_id)
    return pages.redirect(request, "/contacts", note="saved")


@form("/contacts/{contact_id:uuid}/remove", Access.SELF)
async def drop_contact(request: Req, contact_id: FromPath[UUID]) -> Response[Any]:
    """Remove an emergency contact."""
    await forms.read(request)
    async with as_member(request) as tx:
        await me.drop_contact(tx, principal(request).person_id, contact_id)
        await audit.record(tx, access(request, "identity:contact:remove", "emergency_contacts"))
    return pages.redirect(request, "/contacts", note="removed")


PAGES: Final[list[Any]] = [
    sign_in_page,
    sign_in,
    sign_out,
    preferences_page,
    save_preferences,
    sessions_page,
    end_session,
    end_others,
    contacts_page,
    contact_page,
    save_own_phone,
    add_contact,
    change_contact,
    drop_contact,
]
