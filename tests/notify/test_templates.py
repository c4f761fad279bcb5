"""The words of messages."""

from typing import get_args

import pytest

from wellspring.identity.schemas import Language
from wellspring.notify.templates import WORDS, Template, words


def test_every_message_has_words_in_every_language() -> None:
    wanted = {(template, language) for template in get_args(Template) for language in get_args(Language)}
    assert set(WORDS) == wanted


@pytest.mark.parametrize("key", WORDS)
def test_a_lock_screen_may_show_it(key: tuple[str, Language]) -> None:
    shown = words(*key)
    both = f"{shown.subject} {shown.text}".lower()
    for word in ("suicid", "risk", "risque", "harm", "mood", "humeur", "mental", "critical", "critique", "danger", "!"):
        assert word not in both
    assert len(shown.subject) < 60
    assert shown.path.startswith("/")
    assert shown.subject.isprintable()


def test_an_unknown_message_is_our_error() -> None:
    with pytest.raises(KeyError):
        words("birthday", "en")
