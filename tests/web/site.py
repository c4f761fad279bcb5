"""A small local site of the samples, with the headers of the real one, for the browser tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment

from tests.web.preview import WEB, environment, render
from tests.web.samples import DESK

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
PATHS = {
    "/": "landing",
    "/home": "home",
    "/check-in": "checkin",
    "/help": "crisis-guest",
    "/offline": "offline",
    "/desk": "responder",
}
SENT = "/results/c1"


class Site(ThreadingHTTPServer):
    """Serves `/page/<sample>?lang=&theme=…`, some real paths, files, and a server-sent event once `news` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        self.news = Event()
        self.told = Event()
        self.broken = False
        self.cared = 0
        """So many contacts after closed events were made since the desk was opened; then the others are late."""
        self.locked: dict[str, object] | None = None
        self.envs: dict[str, Environment] = {lang: environment(lang) for lang in ("en", "fr")}
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes its page cuts the line; that is no fault of the site."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests quiet."""

    def reply(self, body: bytes, kind: str = "text/html; charset=utf-8", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def page(self, name: str, query: dict[str, list[str]]) -> None:
        given = {key: values[0] for key, values in query.items()}
        lang = given.pop("lang", "en")
        self.reply(render(name, lang, dict(given), self.server.envs[lang]).encode())

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b": hello\n\n")
        self.wfile.flush()
        if self.server.news.wait(timeout=20):
            self.wfile.write(b"event: desk.changed\ndata: {}\n\n")
            self.wfile.flush()
            self.server.told.wait(timeout=20)
        self.close_connection = True

    def desk_list(self) -> None:
        events, after_care = DESK["events"], DESK["after_care"][self.server.cared :]
        if self.server.cared:
            after_care = [one | {"care": one["care"] | {"late": True}} for one in after_care]
        if self.server.news.is_set():
            events = [DESK["events"][0] | {"id": "e-new", "waiting": "9 minutes"}]
        text = self.server.envs["en"].get_template("desk_list.html")
        if self.server.locked:
            self.reply(text.render(self.server.locked | {"csrf": "t"}).encode())
            return
        self.reply(text.render(DESK | {"events": events, "after_care": after_care, "csrf": "t"}).encode())

    def reading_news(self, asked: int) -> None:
        """A job is done at the second time of asking, and has found what asks for help."""
        text = self.server.envs["en"].get_template("reading_news.html")
        news = "waiting" if asked < 2 else "help"
        self.reply(text.render(news=news, url=SENT, asked=asked).encode())

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == "/v1/stream":
            self.stream()
        elif parts.path == "/desk/list":
            self.desk_list()
        elif parts.path == f"{SENT}/news":
            self.reading_news(int(query["asked"][0]))
        elif parts.path.startswith("/page/"):
            self.page(parts.path.removeprefix("/page/"), query)
        elif parts.path == SENT:
            self.page("result", query)
        elif parts.path in PATHS:
            self.page(PATHS[parts.path], query if parts.path != "/help" else {"lang": query.get("lang", ["en"])})
        else:
            self.file("sw.js" if parts.path == "/sw.js" else parts.path.removeprefix("/static/"))

    def file(self, name: str) -> None:
        path = WEB / "static" / name.lstrip("/")
        if not path.is_file():
            self.reply(b"", status=404)
            return
        self.reply(path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.server.broken:
            self.reply(b"<h1>Bad gateway</h1>", status=502)
            return
        self.send_response(303)
        self.send_header("Location", SENT)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def running() -> Iterator[Site]:
    """The site on a free port, stopped at the end."""
    site = Site()
    thread = Thread(target=site.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()
