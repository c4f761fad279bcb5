"""`wellspring serve`, `demo`, `web` and `worker`: what keeps running."""

import os
import sys
from typing import Annotated

import typer

from wellspring.cli import alone, serve
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Host, Json, Port
from wellspring.cli.serve import Demo

serve_app = typer.Typer()
demo_app = typer.Typer()
web_app = typer.Typer()
worker_app = typer.Typer()

People = Annotated[int, typer.Option(min=1, max=100_000, help="How many, when the database is new.")]
OnNetwork = Annotated[
    bool, typer.Option("--demo-on-network", help="Let other machines reach the demo, whose sign-ins are public.")
]


@serve_app.command()
def serve_all(data: Data = None, host: Host = None, port: Port = None, *, demo_on_network: OnNetwork = False) -> None:
    """Run everything on this machine: database, migrations, web processes and worker."""
    serve.run(settings_from(data, port, host), demo_on_network=demo_on_network)


@demo_app.command()
def serve_demo(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    people: People = 200,
    *,
    demo_on_network: OnNetwork = False,
    json: Json = False,
) -> None:
    """Run everything on a year of synthetic people, and print how to sign in as each kind of them."""
    settings = settings_from(data, port, host, environment="demo")
    serve.run(settings, demo_on_network=demo_on_network, demo=Demo(people=people, json=json))


@web_app.command()
def web(host: Host = None, port: Port = None) -> None:
    """Run the web processes alone; needs DATABASE_URL and the keys."""
    alone.refuse("web", settings_from(port=port, host=host))
    _become("web")


@worker_app.command()
def worker() -> None:
    """Run the worker alone; needs DATABASE_URL and the keys."""
    alone.refuse("worker", settings_from())
    _become("worker")


def _become(command: str) -> None:
    """Turn this process into another program of ours; signals reach it directly."""
    os.execv(sys.executable, [sys.executable, "-m", alone.MODULES[command]])  # noqa: S606  our own interpreter and module
