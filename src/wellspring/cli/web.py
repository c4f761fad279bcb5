"""The web processes: granian's main process and its workers (`python -m wellspring.cli.web`)."""

import os
import sys
from typing import Final

from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from wellspring.cli import address, stdlog, tether
from wellspring.cli.errors import NeedsDatabase, Refusal
from wellspring.kernel import keys
from wellspring.kernel.settings import Settings

_HEADER_MS: Final = 10_000  # a client that sends its headers more slowly is sent away
_HEADER_BYTES: Final = 64 * 1024
_CONNECTIONS: Final = 4096  # a process; each open event stream is one of them
_BACKLOG: Final = 2048
STOP_SECONDS: Final = 4  # open streams are cut after that


def server(settings: Settings) -> MPServer:
    """Return the configured server; it imports the program in its workers only."""
    return MPServer(
        target="wellspring.cli.web_worker:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        workers=settings.web_processes,
        loop=Loops.uvloop,
        http=HTTPModes.auto,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MS, max_buffer_size=_HEADER_BYTES),
        backlog=_BACKLOG,
        backpressure=_CONNECTIONS,
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        log_dictconfig=stdlog.config("_granian"),
        log_level=LogLevels.warning,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )


def main() -> None:
    """Serve until told to stop."""
    tether.tie_if_child()
    settings = Settings()
    try:
        if settings.database_url is None:
            raise NeedsDatabase
        address.claim(settings.host, settings.port)
        os.environ |= keys.pin(settings)
    except (Refusal, keys.KeysMissing) as stop:
        sys.exit(str(stop))
    address.raise_file_limit()
    server(settings).serve()


if __name__ == "__main__":
    main()
