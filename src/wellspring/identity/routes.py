"""The routes of identity."""

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody
from pyotp import random_base32

from wellspring.identity import account, forgotten, me, service
from wellspring.identity import queries as q
from wellspring.identity import sessions as sess
from wellspring.identity.asked import accounts, asking, where
from wellspring.identity.errors import FactorExists
from wellspring.identity.schemas import (
    ConfirmFactor,
    Contact,
    Contacts,
    ContactWrite,
    FactorState,
    ForgottenPassword,
    Login,
    PasswordChange,
    PasswordReset,
    Preferences,
    Profile,
    ProfileChange,
    RecoveryCodes,
    RecoveryCodesAsked,
    Refresh,
    Register,
    SecondFactor,
    Sessions,
    SessionView,
    SignedIn,
)
from wellspring.kernel import audit, etags, idempotency
from wellspring.kernel.edge import (
    Req,
    access,
    as_member,
    edge,
    principal,
)
from wellspring.kernel.errors import NotFound
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import delete, get, patch, post, put
from wellspring.kernel.tokens import TokenKind


class Registered(SignedIn, kw_only=True):
    """A new account, signed in."""

    user: Profile


@post("/v1/auth/register", Access.PUBLIC, tags=["identity"], summary="Make an account")
async def register(request: Req, data: JSONBody[Register]) -> Registered:
    """Make an account and sign in."""
    opened = await service.register(accounts(request), data, where(request), kind=TokenKind.ACCESS)
    tokens = sess.signed_in(edge(request).tokens, opened)
    async with edge(request).db.begin(q.M, actor=opened.who.person_id, read_only=True) as tx:
        profile = me.profile(await me.load(tx, opened.who.person_id), edge(request).keys)
    return Registered(
        user=profile,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=tokens.expires_in,
    )


@post("/v1/auth/login", Access.PUBLIC, tags=["identity"], status_code=200, summary="Sign in")
async def login(request: Req, data: JSONBody[Login]) -> SignedIn:
    """Sign in with e-mail address, password and, where set up, a second factor."""
    opened, waiting = await service.sign_in(accounts(request), data, where(request), kind=TokenKind.ACCESS)
    return sess.signed_in(edge(request).tokens, opened, second_factor_needed=waiting)


@post("/v1/auth/refresh", Access.PUBLIC, tags=["identity"], status_code=200, summary="Exchange a refresh token")
async def refresh(request: Req, data: JSONBody[Refresh]) -> SignedIn:
    """Return new tokens; the old refresh token is used up, and its reuse ends the session."""
    opened = await sess.refresh(edge(request).db, data.refresh_token, where(request))
    return sess.signed_in(edge(request).tokens, opened)


@post(
    "/v1/auth/logout",
    Access.SELF,
    opt={"listens": True},
    tags=["identity"],
    status_code=204,
    summary="Sign out here",
)
async def logout(request: Req) -> None:
    """End this session, a locked one too; its tokens stop working with the next request."""
    who = principal(request)
    async with as_member(request) as tx:
        await tx.do(q.END_ONE, who.person_id, who.session_id, "signed out")
        await audit.record(tx, access(request, "identity:session:end", "account"))


@post("/v1/auth/forgot-password", Access.PUBLIC, tags=["identity"], status_code=204, summary="Ask for a link by mail")
async def forgot_password(request: Req, data: JSONBody[ForgottenPassword]) -> None:
    """Send a link for a new password to this address, if somebody signs in with it. The answer never says whether."""
    await forgotten.ask(accounts(request), data.email, where(request))


@post("/v1/auth/reset-password", Access.PUBLIC, tags=["identity"], status_code=204, summary="Use such a link")
async def reset_password(request: Req, data: JSONBody[PasswordReset]) -> None:
    """Set a new password with a link that came by mail; every session ends. It asks for the second factor too."""
    await forgotten.use(accounts(request), data, where(request))


@get("/v1/auth/sessions", Access.SELF, tags=["identity"], summary="Where I am signed in")
async def list_sessions(request: Req) -> Sessions:
    """List open sessions."""
    who = principal(request)
    async with as_member(request, read_only=True) as tx:
        rows = await tx.all(q.SESSIONS, who.person_id, who.session_id)
    return Sessions(items=[SessionView(**{f: getattr(r, f) for f in r.__struct_fields__}) for r in rows])


@delete("/v1/auth/sessions/{session_id:uuid}", Access.SELF, tags=["identity"], summary="End a session")
async def end_session(request: Req, session_id: FromPath[UUID]) -> None:
    """End one of one's own sessions."""
    async with as_member(request) as tx:
        if not await tx.do(q.END_ONE, principal(request).person_id, session_id, "ended by the person"):
            raise NotFound
        await audit.record(tx, access(request, "identity:session:end", "account"))


@get("/v1/users/me", Access.SELF, tags=["identity"], summary="My profile")
async def get_me(request: Req) -> Response[Profile]:
    """Return the caller's profile."""
    async with as_member(request) as tx:
        row = await me.load(tx, principal(request).person_id)
        await audit.record(tx, access(request, "identity:profile:read", "profile"))
    return Response(me.profile(row, edge(request).keys), headers=etags.of(row.version))


@patch("/v1/users/me", Access.SELF, tags=["identity"], summary="Change my profile")
async def change_me(request: Req, data: JSONBody[ProfileChange]) -> Response[Profile]:
    """Change what is named; what is left out stays."""
    who, keys = principal(request), edge(request).keys
    async with as_member(request) as tx:
        row = await me.change(tx, keys, who.person_id, data, etags.wanted(request))
        await audit.record(tx, access(request, "identity:profile:change", "profile"))
    return Response(me.profile(row, keys), headers=etags.of(row.version))


@get("/v1/users/me/preferences", Access.SELF, tags=["identity"], summary="My preferences")
async def get_preferences(request: Req) -> Response[Preferences]:
    """Return all preferences, with defaults where nothing was chosen."""
    async with as_member(request, read_only=True) as tx:
        found, version = await me.preferences(tx, principal(request).person_id)
    return Response(found, headers=etags.of(version))


@put("/v1/users/me/preferences", Access.SELF, tags=["identity"], summary="Set my preferences")
async def set_preferences(request: Req, data: JSONBody[Preferences]) -> Response[Preferences]:
    """Replace all preferences; a field that is left out takes its default, but the language stays."""
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        _, version = await me.preferences(tx, person_id)
        etags.check(request, version)
        await me.set_preferences(tx, person_id, data, etags.wanted(request))
        stored, version = await me.preferences(tx, person_id)
        await audit.record(tx, access(request, "identity:preferences:change", "profile"))
    return Response(stored, headers=etags.of(version))


@get("/v1/users/me/emergency-contacts", Access.SELF, tags=["identity"], summary="My emergency contacts")
async def list_contacts(request: Req) -> Contacts:
    """List emergency contacts, the primary one first."""
    async with as_member(request) as tx:
        found = await me.contacts(tx, edge(request).keys, principal(request).person_id)
        await audit.record(tx, access(request, "identity:contact:read", "emergency_contacts", count=len(found)))
    return Contacts(items=found)


@post("/v1/users/me/emergency-contacts", Access.SELF, tags=["identity"], summary="Add an emergency contact")
async def add_contact(request: Req, data: JSONBody[ContactWrite]) -> Contact:
    """Add a person who may be told in an emergency, if the member agrees to that."""
    who, keys = principal(request), edge(request).keys
    key = idempotency.key(
        request.headers.get("idempotency-key"), who.person_id, "emergency-contacts", await request.body()
    )
    async with as_member(request) as tx:
        stored = await idempotency.begin(tx, who.person_id, key)
        contact_id = stored.ref if stored else await me.add_contact(tx, keys, who.person_id, data)
        if stored is None:
            await idempotency.keep(tx, who.person_id, key, 201, contact_id)
            await audit.record(tx, access(request, "identity:contact:create", "emergency_contacts"))
        return await me.one_contact(tx, keys, who.person_id, contact_id)


@put(
    "/v1/users/me/emergency-contacts/{contact_id:uuid}",
    Access.SELF,
    tags=["identity"],
    summary="Change a contact",
)
async def change_contact(request: Req, contact_id: FromPath[UUID], data: JSONBody[ContactWrite]) -> Contact:
    """Replace an emergency contact."""
    who, keys = principal(request), edge(request).keys
    async with as_member(request) as tx:
        await me.change_contact(tx, keys, who.person_id, contact_id, data)
        await audit.record(tx, access(request, "identity:contact:change", "emergency_contacts"))
        return await me.one_contact(tx, keys, who.person_id, contact_id)


@delete(
    "/v1/users/me/emergency-contacts/{contact_id:uuid}",
    Access.SELF,
    tags=["identity"],
    summary="Remove a contact",
)
async def drop_contact(request: Req, contact_id: FromPath[UUID]) -> None:
    """Remove an emergency contact."""
    async with as_member(request) as tx:
        await me.drop_contact(tx, principal(request).person_id, contact_id)
        await audit.record(tx, access(request, "identity:contact:remove", "emergency_contacts"))


@get("/v1/users/me/second-factor", Access.SELF, tags=["identity"], summary="My second factor")
async def get_factor(request: Req) -> FactorState:
    """Tell whether a second factor is set up, and how many recovery codes are left."""
    async with as_member(request, read_only=True) as tx:
        found = await tx.one(q.FACTOR, principal(request).person_id)
    return FactorState(set_up=found.set_up, recovery_codes_left=found.recovery_codes_left)


@post(
    "/v1/users/me/second-factor",
    Access.SELF,
    tags=["identity"],
    status_code=200,
    summary="Start a second factor",
)
async def start_factor(request: Req) -> SecondFactor:
    """Return a fresh authenticator secret; nothing changes until a code from it is confirmed."""
    async with as_member(request, read_only=True) as tx:
        row = await me.load(tx, principal(request).person_id)
    if row.mfa_enabled:
        raise FactorExists
    secret = random_base32()
    return SecondFactor(secret=secret, uri=account.otpauth(me.profile(row, edge(request).keys).email, secret))


@put("/v1/users/me/second-factor", Access.SELF, tags=["identity"], summary="Confirm a second factor")
async def confirm_factor(request: Req, data: JSONBody[ConfirmFactor]) -> RecoveryCodes:
    """Store the authenticator secret once password and code are right; shows recovery codes once.

    Every other session ends: none of them has given a code. This one stays a member's; staff sign in again.
    """
    codes = await account.set_factor(accounts(request), asking(request, account.FACTOR), data)
    return RecoveryCodes(recovery_codes=codes)


@post(
    "/v1/users/me/second-factor/recovery-codes",
    Access.SELF,
    tags=["identity"],
    status_code=200,
    summary="Make new recovery codes",
)
async def make_recovery_codes(request: Req, data: JSONBody[RecoveryCodesAsked]) -> RecoveryCodes:
    """Make ten recovery codes, shown once; all earlier ones stop working."""
    codes = await account.new_recovery_codes(accounts(request), asking(request, account.RECOVERY), data)
    return RecoveryCodes(recovery_codes=codes)


@put("/v1/users/me/password", Access.SELF, tags=["identity"], status_code=204, summary="Change my password")
async def change_password(request: Req, data: JSONBody[PasswordChange]) -> None:
    """Change the password; every other session ends, this one stays."""
    await account.change_password(accounts(request), asking(request, account.PASSWORD), data)


ROUTES: list[Any] = [
    register,
    login,
    refresh,
    logout,
    forgot_password,
    reset_password,
    list_sessions,
    end_session,
    get_me,
    change_me,
    get_preferences,
    set_preferences,
    list_contacts,
    add_contact,
    change_contact,
    drop_contact,
    get_factor,
    start_factor,
    confirm_factor,
    make_recovery_codes,
    change_password,
]
