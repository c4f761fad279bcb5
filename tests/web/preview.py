"""Renders every page with the samples; `python -m tests.web.preview FOLDER` writes them for looking at."""

import sys
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import wellspring
from tests.web.pages import PAGES
from tests.web.samples import LANGUAGES
from wellspring.kernel.i18n import decimals

WEB = Path(wellspring.__file__).parent / "web"
LOOK = {"theme": "light", "contrast": "normal", "motion": "normal", "font": "system", "size": 100}


def catalog(lang: str) -> Catalog:
    """The translations of one language, as the program reads them at its start."""
    with (WEB / "locale" / lang / "LC_MESSAGES" / "wellspring.po").open("rb") as file:
        return read_po(file, locale=lang)


def translations(lang: str) -> NullTranslations:
    """The same, compiled in memory: plural rules and look-up are the standard library's."""
    if lang == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalog(lang))
    compiled.seek(0)
    return GNUTranslations(compiled)


def environment(lang: str) -> Environment:
    """One Jinja environment for one language: strict about names, every value escaped."""
    env = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.globals["asset"] = lambda name: f"/static/{name}"
    env.filters["decimal"] = decimals(lang)
    install: Any = env.install_gettext_translations  # type: ignore[attr-defined]  # the i18n extension adds it
    install(translations(lang), newstyle=True)
    return env


def render(page: str, lang: str = "en", look: dict[str, object] | None = None, env: Environment | None = None) -> str:
    """One page of the samples as HTML.

    Raises: `jinja2.UndefinedError` when a template asks for a name that its sample lacks.
    """
    template, roles, path, context = PAGES[page]
    frame: dict[str, object] = {
        "lang": lang,
        "dir": "ltr",
        "languages": LANGUAGES,
        "look": LOOK | (look or {}),
        "person": {"name": "Alice" if "member" in roles else "Dana", "roles": roles} if roles else None,
        "csrf": "token",
        "path": path,
        "exit_url": "https://en.wikipedia.org/wiki/Special:Random",
        "site_name": "Wellspring",
        "keeps_words": False,
        "notices": [{"kind": "accent", "text": "Saved.", "undo": None}] if page == "preferences" else [],
    }
    return (env or environment(lang)).get_template(template).render(frame | context)


def main(folder: Path) -> None:
    """Write all pages in all languages as files named `<page>.<lang>.html`."""
    folder.mkdir(parents=True, exist_ok=True)
    for lang in ("en", "fr"):
        env = environment(lang)
        for page in PAGES:
            (folder / f"{page}.{lang}.html").write_text(render(page, lang, env=env), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
