"""What signing up and in needs to know of a request, for the API and the pages."""

from wellspring.identity.service import Accounts
from wellspring.identity.sessions import Where
from wellspring.kernel.edge import Req, client_ip, edge, request_id


def accounts(request: Req) -> Accounts:
    """Return what sign-up and sign-in work with."""
    parts = edge(request)
    return Accounts(parts.db, parts.keys, parts.ports["passwords"], parts.settings)


def where(request: Req) -> Where:
    """Return where a request comes from."""
    return Where(client_ip(request), request.headers.get("user-agent"), request_id(request))
