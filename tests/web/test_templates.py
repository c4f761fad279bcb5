"""Every template renders with its documented context, obeys the content policy and speaks both languages."""

import re
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from babel.messages.extract import extract_from_dir
from jinja2 import Environment, UndefinedError

from tests.web.pages import PAGES
from tests.web.preview import WEB, catalog, environment, render
from wellspring.interventions.vocabulary import Approach
from wellspring.notify.templates import Template

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ENVIRONMENTS = {lang: environment(lang) for lang in ("en", "fr")}
EVERY_PAGE = pytest.mark.parametrize("page", PAGES)
EVERY_LANGUAGE = pytest.mark.parametrize("lang", ["en", "fr"])


class Outline(HTMLParser):
    """What the checks need to know of a page: its tags, ids, labels, forms, and whether it closes what it opens."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if len({name for name, _ in attrs}) < len(attrs):
            self.wrong.append(f"attribute twice in <{tag}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def values(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.tags if attrs.get(attribute)]


def outline(page: str, lang: str = "en") -> Outline:
    return Outline(render(page, lang, env=ENVIRONMENTS[lang]))


@EVERY_LANGUAGE
@EVERY_PAGE
def test_renders_well_formed(page: str, lang: str) -> None:
    found = outline(page, lang)
    assert found.wrong == []
    assert found.open == []


def test_strict_about_missing_context() -> None:
    env = environment("en")
    with pytest.raises(UndefinedError):
        env.get_template("landing.html").render(lang="en")


@EVERY_PAGE
def test_nothing_inline(page: str) -> None:
    found = outline(page)
    for tag, attrs in found.tags:
        assert "style" not in attrs, tag
        assert not [name for name in attrs if name.startswith(("on", "hx-on"))], tag
        assert tag != "style"
        assert tag != "script" or attrs.get("src"), "a script without a file"
        values = [
            str(value) for name, value in attrs.items() if name in ("href", "action", "src", "hx-vals", "hx-trigger")
        ]
        assert not [value for value in values if value.lower().lstrip().startswith(("javascript:", "js:", "data:"))]


@EVERY_PAGE
def test_help_and_exit_on_every_page(page: str) -> None:
    found = outline(page)
    assert "/help" in found.values("href")
    assert [attrs["href"] for _, attrs in found.tags if "data-quick-exit" in attrs] == [
        "https://en.wikipedia.org/wiki/Special:Random"
    ]


@EVERY_PAGE
def test_each_post_carries_the_token(page: str) -> None:
    html = render(page, env=ENVIRONMENTS["en"])
    for form in re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL):
        assert 'name="csrf" value="token"' in form, form[:120]
    for form in re.findall(r'<form[^>]*method="get".*?</form>', html, re.DOTALL):
        assert "csrf" not in form


@EVERY_PAGE
def test_ids_are_unique_and_found(page: str) -> None:
    found = outline(page)
    ids = found.values("id")
    assert sorted(set(ids)) == sorted(ids)
    wanted = found.values("for") + " ".join(found.values("aria-describedby") + found.values("aria-labelledby")).split()
    assert set(wanted) <= set(ids)


@EVERY_PAGE
def test_one_first_heading(page: str) -> None:
    assert [tag for tag, _ in outline(page).tags].count("h1") == 1


def test_danger_shows_help_before_actions() -> None:
    html = render("result-danger", env=ENVIRONMENTS["en"])
    assert html.index("tel:3114") < html.index('action="/help/contact"') < html.index("Long breath out")
    calm = render("result", env=ENVIRONMENTS["en"])
    assert "tel:" not in calm


def test_truth_when_nobody_is_on_duty() -> None:
    for page in ("crisis-nobody", "result-danger-nobody"):
        html = render(page, env=ENVIRONMENTS["en"])
        assert "Nobody is on duty right now" in html
        assert "aims to contact you" not in html


def test_no_evidence_before_claiming() -> None:
    html = render("responder-event-hidden", env=ENVIRONMENTS["en"])
    assert "Alice" not in html
    assert "pills" not in html


def test_asking_for_a_person_uses_no_script() -> None:
    html = render("crisis", env=ENVIRONMENTS["en"])
    form = re.search(r'<form[^>]*action="/help/contact"[^>]*>', html)
    assert form is not None
    assert "hx-" not in form.group()


def test_values_are_escaped() -> None:
    env = ENVIRONMENTS["en"]
    template = (
        '{% from "components.html" import text_area %}{{ text_area("journal_text", "J", {"journal_text": evil}, {}) }}'
    )
    html = env.from_string(template).render(evil="</textarea><script>alert(1)</script>")
    assert "<script>" not in html


def chart(env: Environment, points: list[dict[str, Any]]) -> str:
    template = '{% from "components.html" import mood_chart %}{{ mood_chart("Mood", points) }}'
    return env.from_string(template).render(points=points)


def test_chart_shows_a_gap_as_a_gap() -> None:
    points = [
        {"label": str(n), "value": v, "mean": None, "low": None, "high": None} for n, v in enumerate([5, 6, None, 4, 1])
    ]
    html = chart(ENVIRONMENTS["en"], points)
    assert 'class="day-line" d="M0.0 100.0L250.0 80.0M750.0 120.0L1000.0 180.0"' in html
    assert "no check-in" in html
    assert "4 of 5" in html


def messages() -> set[str | tuple[str, ...]]:
    keywords = {"_": None, "ngettext": (1, 2)}
    options = {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}
    found = extract_from_dir(WEB, [("templates/**.html", "jinja2")], {"templates/**.html": options}, keywords=keywords)
    return {row[2] if isinstance(row[2], str) else tuple(row[2]) for row in found}


def test_french_is_complete() -> None:
    french = catalog("fr")
    known = {message.id: message for message in french if message.id}
    wanted = messages()
    assert len(wanted) > 400
    assert set(known) == wanted, "run the two commands of the README"
    for text, message in known.items():
        assert not message.fuzzy, text
        parts = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(parts), text
        names = sorted(re.findall(r"%\(\w+\)s", text if isinstance(text, str) else text[1]))
        assert sorted(re.findall(r"%\(\w+\)s", parts[-1])) == names, text


def test_french_of_one_contact_and_of_a_week() -> None:
    """One contact is one person, a moment has its article, and a professional is no way of speaking."""
    contacts = render("contacts", "fr")
    assert " les contacter" not in contacts
    assert "Leur nom" not in contacts
    assert "Professionnelle" not in contacts
    assert "Des points, 5 jours sur sept." in render("home", "fr")
    assert "faite le <time" in render("crisis-asked", "fr")


def test_every_approach_has_words_in_french() -> None:
    module = ENVIRONMENTS["fr"].get_template("labels.html").make_module()
    said = {name: str(module.approach(name)) for name in get_args(Approach)}  # type: ignore[attr-defined]
    assert all(words != name for name, words in said.items()), said


def test_every_message_has_words_in_french() -> None:
    module = ENVIRONMENTS["fr"].get_template("labels.html").make_module()
    said = {name: str(module.message(name)) for name in get_args(Template)}  # type: ignore[attr-defined]
    assert all(words != name for name, words in said.items()), said


def test_why_a_message_was_not_sent_has_words_in_french() -> None:
    module = ENVIRONMENTS["fr"].get_template("labels.html").make_module()
    for code in ("mail_not_set_up", "no_address", "interrupted", "replaced"):
        assert str(module.delivery_error(code)) != code, code  # type: ignore[attr-defined]


def test_who_leaves_is_told_that_what_they_gave_for_a_call_stays_with_the_record() -> None:
    assert "what you gave when you asked for a person, for seven years" in render("leave", "en")


UNUSED = {
    "communication_style",
    "task_breakdown_auto",
    "hyperfocus_reminders",
    "dopamine_reward_style",
    "routine_deviation_alerts",
}


def test_preferences_that_nothing_reads_say_so() -> None:
    parts = re.split(r'<div class="field">', render("preferences", "en"))
    said = {name for part in parts for name in re.findall(r' id="(\w+)" name=', part) if "Not in use yet" in part}
    assert said >= UNUSED
    assert "theme" not in said
    assert "emotion_reading" not in said


def test_voice() -> None:
    """No exclamation mark on screen, in either language, and nobody is called “tu”."""
    for message in catalog("fr"):
        for text in [message.id, message.string] if message.id else []:
            assert "!" not in str(text), text
        assert not re.search(r"\b(tu|toi|ton|tes)\b", str(message.string).lower().replace("langue et ton", "")), (
            message.string
        )


def test_numbers_are_written_as_the_language_writes_them() -> None:
    days = [{"label": "Mo", "long": "Monday", "mood": 4.5}, {"label": "Tu", "long": "Tuesday", "mood": 6}]
    points = [{"label": "1 Nov", "value": 4.5, "mean": 4.25, "low": 3.0, "high": 5.5}]
    parts = '{% from "components.html" import week, mood_chart %}'
    source = parts + '{{ week(days) }}{{ mood_chart("Mood", points, "mean", "band") }}'
    for lang, mark in (("en", "."), ("fr", ",")):
        shown = environment(lang).from_string(source).render(days=days, points=points)
        assert f">4{mark}5<" in shown
        assert f"3{mark}0–5{mark}5" in shown
        assert ">6<" in shown


def test_why_a_message_was_not_sent_is_said_in_words() -> None:
    assert "no mail server is set" in render("outbox")
    assert "aucun serveur de courrier" in render("outbox", "fr")
    assert "mail_not_set_up" not in render("outbox")
    assert "a newer message took its place" in render("outbox")
    assert "un message plus récent" in render("outbox", "fr")
    assert "replaced" not in render("outbox")
