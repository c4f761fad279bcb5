"""The address the web processes listen on: whether it may be used, and whether it is free."""

import ipaddress
import resource
import socket
import ssl
import time
from typing import Final

from wellspring.cli.errors import AddressRefused, DemoOnNetwork, PlainText, PortTaken, SettingsWrong
from wellspring.kernel.settings import Settings

_PATIENCE: Final = 1.0  # seconds: the children of a killed program need a moment to let go of the port
_PAUSE: Final = 0.05
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with, not listened on


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_unsafe(settings: Settings, *, demo_on_network: bool = False) -> None:
    """Raise PlainText or DemoOnNetwork when this address must not be served like this."""
    if is_loopback(settings.host):
        return
    if settings.environment == "demo" and not demo_on_network:
        raise DemoOnNetwork("Listen on 127.0.0.1, or pass --demo-on-network if that is meant.")
    protected = (settings.tls_cert and settings.tls_key) or settings.trusted_proxy
    if not protected:
        raise PlainText(
            f"{settings.host} can be reached from other machines. Set WELLSPRING_TLS_CERT and WELLSPRING_TLS_KEY, "
            "or WELLSPRING_TRUSTED_PROXY to the address of the proxy that ends TLS, or listen on 127.0.0.1."
        )


def refuse_broken_tls(settings: Settings) -> None:
    """Raise SettingsWrong when certificate and key cannot be used together."""
    if settings.tls_cert is None and settings.tls_key is None:
        return
    if settings.tls_cert is None or settings.tls_key is None:
        raise SettingsWrong("WELLSPRING_TLS_CERT and WELLSPRING_TLS_KEY belong together: one is missing.")
    try:
        # An empty password: one that is asked for on the terminal would stop every start.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key, password=""
        )
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsWrong(
            f"WELLSPRING_TLS_CERT {settings.tls_cert} and WELLSPRING_TLS_KEY {settings.tls_key}: {error.strerror}."
        ) from error


def claim(host: str, port: int) -> int:
    """Make sure that nobody listens on `host:port`; return the port, a free one for 0.

    The web server shares its port among its processes, and would share it with another Wellspring just as readily.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _try(host, port)
        except PortTaken:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def _try(host: str, port: int) -> int:
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            return int(probe.getsockname()[1])
    except PermissionError as error:
        raise AddressRefused(f"{host}:{port}: this account may not use a port below 1024.") from error
    except socket.gaierror as error:
        raise AddressRefused(f"{host} is not an address of this machine.") from error
    except OSError as error:
        if error.errno == 98:  # EADDRINUSE
            raise PortTaken(f"{host}:{port} is in use. Stop that program, or choose another port.") from error
        raise AddressRefused(f"{host}:{port}: {error.strerror}.") from error


def local_url(settings: Settings) -> str:
    """Return the address under which this machine reaches the program, such as `http://127.0.0.1:8123`."""
    host = _ANYWHERE.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    return f"http{'s' if settings.tls_cert else ''}://{shown}:{settings.port}"


def raise_file_limit() -> None:
    """Use as many open files as this account may have: each connection needs one, and 1,024 are soon gone."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
