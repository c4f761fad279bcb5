"""`wellspring recommender …`: judging what chooses the micro-actions, and learning everything again."""

import asyncio
from typing import Annotated, Final

import typer
from msgspec import Struct

from wellspring.cli import console, parts
from wellspring.cli.console import Advance
from wellspring.cli.errors import TooLittleFeedback
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.interventions import shared
from wellspring.interventions.evaluate import (
    FEWEST_PEOPLE,
    FEWEST_RATINGS,
    LEAST_COVERED,
    POLICIES,
    Interval,
    Judged,
    PolicyName,
    Report,
    TooLittleError,
    evaluate,
)
from wellspring.interventions.shelf import shipped
from wellspring.kernel import keys
from wellspring.kernel.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What chooses the micro-actions.")

_WIDTH: Final = 22
_ABOUT: Final = {
    PolicyName.LEARNED: "learned: by everybody's ratings and one's own.",
    PolicyName.SIMPLE: "simple: by what the library says of itself.",
    PolicyName.RANDOM: "random: by chance, among what is safe and comfortable.",
}
_LEGEND: Final = (
    "Stars from 1 to 5, with 95 % intervals from resampling people.",
    "IPS weighs each rating by how much likelier the policy would have made that offer; self-normalised swings less.",
    "Doubly robust corrects a prediction by the same weights: read it first, and trust it where the others agree.",
    "Gain: doubly robust less what was rated as offered; an interval that holds 0 shows no difference.",
    "Worth ratings: how many plain ratings the weighted ones are worth.",
)


@app.command("evaluate")
def judge(
    data: Data = None,
    policy: Annotated[
        list[PolicyName] | None, typer.Option(help="Judge only these; may be given more than once.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Say what the offers of each policy would have been rated, judged by what was offered and rated so far.

    `learned` chooses by everybody's ratings and one's own, `simple` by what the library says of itself, `random` at
    random. Only ratings of people who agreed that theirs help others are used.
    """
    settings = settings_from(data)
    with owner_url(settings) as url, console.progress("Judging") as advance:
        report = asyncio.run(_judge(settings, url, tuple(policy or POLICIES), advance))
    if json:
        console.as_json(report)
    else:
        _show(report)


async def _judge(settings: Settings, url: str, policies: tuple[PolicyName, ...], advance: Advance) -> Report:
    async with parts.opened(settings, keys.load(settings), url) as made:
        outcomes, rated = await shared.history_to_judge(made.db)
    try:
        return evaluate(outcomes, rated, shipped(), policies, advance)
    except TooLittleError as little:
        raise TooLittleFeedback(
            f"There are {little.ratings} ratings of {little.people} people that can be used; "
            f"{FEWEST_RATINGS} of {FEWEST_PEOPLE} are needed. Nothing is wrong: come back when more was rated."
        ) from little


def _figure(found: Interval) -> str:
    return f"{found.value:.2f} ({found.low:.2f}\u2013{found.high:.2f})"


def _show(report: Report) -> None:
    console.say(
        f"{report.ratings} rated offers at {report.moments} moments of {report.people} people. "
        f"Rated as offered: {_figure(report.logged)} stars."
    )
    heads = ("policy", "IPS", "self-normalised", "doubly robust", "gain", "worth ratings")
    console.say("  ".join(f"{head:<{_WIDTH}}" for head in heads).rstrip())
    for one in report.policies:
        console.say("  ".join(f"{cell:<{_WIDTH}}" for cell in _row(one)).rstrip())
    for line in (*(_ABOUT[one.policy] for one in report.policies), *_LEGEND):
        console.say(line)


def _row(one: Judged) -> tuple[str, ...]:
    if one.covered < LEAST_COVERED:
        return (one.policy, f"cannot be judged: only {one.covered:.0%} of what it would offer might have been offered")
    if not one.enough:
        return (one.policy, f"cannot be judged: the log is worth only {one.effective_ratings:g} ratings of its offers")
    figures = (_figure(found) for found in (one.ips, one.self_normalised_ips, one.doubly_robust))
    gain = f"{one.gain.value:+.2f} ({one.gain.low:+.2f} to {one.gain.high:+.2f})"
    return (one.policy, *figures, gain, f"{one.effective_ratings:g}")


class Again(Struct, frozen=True):
    """What was learned again."""

    ratings: int
    people: int
    interventions: int


@app.command("relearn")
def learn_again(data: Data = None, *, json: Json = False) -> None:
    """Learn everything again from the stored ratings, as the nightly job does; works beside the program."""
    settings = settings_from(data)
    with owner_url(settings) as url:
        found = asyncio.run(_again(settings, url))
    if json:
        console.as_json(found)
    else:
        console.say(f"Learned from {found.ratings} ratings about {found.interventions} micro-actions.")


async def _again(settings: Settings, url: str) -> Again:
    async with parts.opened(settings, keys.load(settings), url) as made:
        learned = await shared.relearn_all(made.db)
    return Again(learned.ratings, len(learned.kept), len(learned.blocks))
