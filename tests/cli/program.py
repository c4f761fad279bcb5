"""The whole program, started for real, and what became of its processes."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

READY_SECONDS = 60


def free_port() -> int:
    """Return a port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """Return ours without any setting of Wellspring."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("WELLSPRING_") and n != "DATABASE_URL"}
    return {**kept, **more}


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def descendants(pid: int) -> set[int]:
    """Return the process numbers of all children and their children."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = set[int](), [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found.update(children)
        waiting += children
    return found


def wait_until(what: Any, seconds: float, words: str) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, words
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Tell whether somebody takes connections on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1)).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


class Program:
    """`wellspring serve` or `demo` on a data folder and a port."""

    def __init__(
        self, data: Path, *, command: str = "serve", port: int | None = None, people: int = 5, **settings: str
    ) -> None:
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / f"log-{self.port}-{time.monotonic_ns()}.txt"
        argv = [sys.executable, "-m", "wellspring", command, "--data", str(data), "--port", str(self.port)]
        if command == "demo":
            argv += ["--people", str(people), "--json"]
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=self.log.open("wb"), text=True, env=environment(**settings)
        )
        self.printed: list[str] = []
        self.pids: set[int] = set()

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_ready(self) -> "Program":
        """Read what it prints up to its ready line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line.rstrip("\n"))
            if line.startswith("ready "):
                self.pids = descendants(self.pid)
                return self
        raise AssertionError(f"it ended with {self.process.wait()}:\n{self.log.read_text()}")

    def call(self, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """Send a request; return status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"content-type": "application/json"})
        if token:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except (OSError, http.client.HTTPException):
            return 0, None

    def find(self, words: str) -> int:
        """Return the number of the one child whose command line holds `words`, or 0."""
        for pid in sorted(descendants(self.pid)):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if words in line and parent == self.pid:
                return pid
        return 0

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it and return how long that took in seconds."""
        self.pids |= descendants(self.pid)
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(20)
        return time.monotonic() - began

    def gone(self) -> bool:
        """Tell whether nothing of it runs any more."""
        return not any(alive(pid) for pid in self.pids)
