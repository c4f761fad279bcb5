"""A whole Wellspring of its own for a benchmark: embedded database, one web process, one worker."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import family, rss_mb
from wellspring.kernel import keys
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.settings import Settings
from wellspring.migrations.bootstrap import ensure_database, prepare
from wellspring.postgres import Cluster, hold
from wellspring.seeding import seed


@dataclass
class Running:
    """A running program: its port, its processes, its database."""

    port: int
    web: subprocess.Popen[bytes]
    worker: subprocess.Popen[bytes]
    postmaster: int
    cluster: Cluster
    url: str
    ring: Keyring
    start_s: float

    def web_worker(self) -> int:
        """Return the pid of the process that answers requests: the largest below `web`."""
        return max(family(self.web.pid), key=rss_mb)


def _wait(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> float:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        if process.poll() is not None:
            raise RuntimeError(f"the program ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1):
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(port)


def _postmaster(data: Path) -> int:
    return int((data / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])


@contextmanager
def running(data: Path, port: int) -> Iterator[Running]:
    """Start everything in `data`, yield it, stop it."""
    settings = Settings(data=data, environment="development", port=port)
    ring = keys.load(settings)
    with hold(data / "postgres") as cluster:
        url = ensure_database(cluster.dsn(), "wellspring")
        prepare(url, ring)
        seed(url)
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "WELLSPRING_DATA": str(data),
            "WELLSPRING_ENVIRONMENT": "development",
            "WELLSPRING_PORT": str(port),
            "WELLSPRING_REQUESTS_PER_MINUTE": "1000000000",
            "WELLSPRING_POOL_SIZE": "12",
        }
        log = (data / "bench.log").open("ab")
        wellspring = str(Path(sys.executable).parent / "wellspring")
        web = subprocess.Popen([wellspring, "web"], env=environment, stdout=log, stderr=log)
        start_s = _wait(port, web)
        worker = subprocess.Popen([wellspring, "worker"], env=environment, stdout=log, stderr=log)
        try:
            yield Running(port, web, worker, _postmaster(data), cluster, url, ring, start_s)
        finally:
            for process in (web, worker):
                process.send_signal(signal.SIGTERM)
            for process in (web, worker):
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
            log.close()


def write_json(path: Path, figures: dict[str, object]) -> None:
    """Write the figures for scripts."""
    path.write_text(json.dumps(figures, indent=2) + "\n")
