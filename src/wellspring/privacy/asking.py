"""A consent asked for on a page of another slice: its card is in `components.html`, its answer is taken here."""

from collections.abc import Sequence
from typing import Any

from litestar import Response

from wellspring.identity.schemas import ConsentKind
from wellspring.kernel import audit, forms, pages
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_member, principal
from wellspring.kernel.errors import Invalid
from wellspring.privacy import consents
from wellspring.privacy.schemas import Consent, ConsentWrite


async def asked(request: Req, tx: Tx, kinds: Sequence[ConsentKind]) -> list[Consent]:
    """Return these consents with today's texts and the last answers, and write down the look at them."""
    answered = {one.kind: one for one in await consents.state(tx, principal(request).person_id)}
    await audit.record(tx, access(request, "privacy:consents:read", "consents", count=len(kinds)))
    return [answered[kind] for kind in kinds if kind in answered]


async def agreed(request: Req, sent: forms.Sent, kind: ConsentKind) -> None:
    """Keep a yes that was ticked in a form itself (`agree`), before what was typed there is stored.

    Raises TextChanged.
    """
    if not sent.one("agree"):
        return
    async with as_member(request) as tx:
        given = ConsentWrite(given=True, version=sent.number("agree"))
        await consents.answer(tx, principal(request).person_id, kind, given)
        await audit.record(tx, access(request, "privacy:consent:give", "consents"))


async def answer(request: Req, kinds: Sequence[ConsentKind], back: str) -> Response[Any]:
    """Give or take back one of these consents and return to the page.

    Raises Invalid for another kind, Conflict for a yes to words that have changed meanwhile.
    """
    sent = await forms.read(request)
    kind: ConsentKind | None = next((one for one in kinds if one == sent.one("kind")), None)
    if kind is None:
        raise Invalid.of("kind", "not_one_of", "This value is not one of those allowed.")
    given = sent.one("given") == "true"
    async with as_member(request) as tx:
        version = sent.number("version")
        await consents.answer(tx, principal(request).person_id, kind, ConsentWrite(given=given, version=version))
        verb = "give" if given else "withdraw"
        await audit.record(tx, access(request, f"privacy:consent:{verb}", "consents"))
    return pages.redirect(request, back, note="saved")
