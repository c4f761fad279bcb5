"""What signing up and in needs to know of a request, for the API and the pages."""

from wellspring.identity.account import Asking
from wellspring.identity.service import Accounts
from wellspring.identity.sessions import Where
from wellspring.kernel.edge import Req, access, client_ip, edge, principal, request_id, session_of


def accounts(request: Req) -> Accounts:
    """Return what sign-up and sign-in work with."""
    parts = edge(request)
    return Accounts(parts.db, parts.keys, parts.ports["passwords"], parts.settings)


def where(request: Req) -> Where:
    """Return where a request comes from."""
    return Where(client_ip(request), request.headers.get("user-agent"), request_id(request))


def asking(request: Req, action: str) -> Asking:
    """Return who asks for a change of how they sign in."""
    who = principal(request)
    return Asking(who.person_id, who.session_id, session_of(who, request), access(request, action, "account"))
