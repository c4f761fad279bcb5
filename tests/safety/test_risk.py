"""The judgement: every rule in a table, every combination of layers; more danger never means less."""

import itertools
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.safety.behaviour import Baseline, Day, Earlier, Moment, ScreenerOutcome, Signals
from wellspring.safety.levels import LEVELS, Level, rank, worst
from wellspring.safety.risk import BANDS, RISK_VERSION, SCREENER_LEVELS, Judgement, Part, judge


class Hit(msgspec.Struct, frozen=True):
    category: str
    start: int
    end: int
    counted: bool
    reason: str | None = None


class Reading(msgspec.Struct, frozen=True):
    level: str
    tier: int = 0
    hits: tuple[Hit, ...] = ()
    fully_read: bool = True
    rules: str | None = None
    crisis: float | None = None
    versions: dict[str, str] = {}
    another: bool = False

    @property
    def rules_level(self) -> str:
        """By rules alone, unless a test says what the rules had said."""
        return self.level if self.rules is None else self.rules


VERSIONS = {"rules": "r1", "light": "l2", "encoder": "e3"}


def raised(level: str, rules: str = "low", crisis: float = 0.7) -> Reading:
    """A text that a model puts at `level`."""
    return Reading(level, rules=rules, crisis=crisis, versions=VERSIONS)


def week(**series: list[float]) -> tuple[Day, ...]:
    length = len(next(iter(series.values())))
    return tuple(
        msgspec.structs.replace(Day(ago=length - 1 - n), **{name: values[n] for name, values in series.items()})
        for n in range(length)
    )


QUIET = Signals()
NOTED = Signals(days=week(mood=[8, 8, 3]))
STRONG = Signals(days=week(mood=[8, 8, 2], stress=[10, 10, 10]))
BEHAVIOURS = {"quiet": QUIET, "noted": NOTED, "strong": STRONG}
TEXTS: tuple[str | None, ...] = (None, "low", "mentioned", *LEVELS[1:])
SCREENERS: tuple[ScreenerOutcome | None, ...] = (None, *SCREENER_LEVELS)
OVERWHELMED = Moment(mood=2, stress=9, anxiety=10)


def with_layers(
    signals: Signals, screener: ScreenerOutcome | None, overwhelmed: bool, earlier: Level | None
) -> Signals:
    return msgspec.structs.replace(
        signals,
        screener=screener,
        moment=OVERWHELMED if overwhelmed else None,
        earlier=() if earlier is None else (Earlier(earlier, 10.0),),
    )


def expected(
    text: str | None,
    behaviour: str,
    screener: ScreenerOutcome | None,
    overwhelmed: bool,
    earlier: Level | None,
    asked: bool,
) -> Level:
    """The rules once more, written as a table of what each layer is worth."""
    worth: list[Level] = ["high"] if asked else []
    spoken: list[Level] = [
        next((level for level in LEVELS if level == text), "low"),
        SCREENER_LEVELS[screener] if screener else "low",
    ]
    worth += spoken
    if behaviour != "quiet" or overwhelmed or earlier in ("high", "critical"):
        worth.append("moderate")
    if behaviour == "strong" and "moderate" in spoken:
        worth.append("high")
    return worst(worth)


EARLIER: tuple[Level | None, ...] = (None, "moderate", "high", "critical")
CASES = list(itertools.product(TEXTS, BEHAVIOURS, SCREENERS, (False, True), EARLIER, (False, True)))


def test_every_combination_of_layers() -> None:
    assert len(CASES) == 6 * 3 * 5 * 2 * 4 * 2
    for text, name, screener, overwhelmed, earlier, asked in CASES:
        signals = with_layers(BEHAVIOURS[name], screener, overwhelmed, earlier)
        said = judge(None if text is None else Reading(text), signals, asked)
        want = expected(text, name, screener, overwhelmed, earlier, asked)
        assert said.level == want, (text, name, screener, overwhelmed, earlier, asked)
        low, high = BANDS[said.level]
        assert low <= said.risk_score <= high
        assert said.requires_immediate_action == (rank(said.level) >= rank("high"))
        assert said.version == RISK_VERSION
        assert rank(said.level) == max(rank(part.level) for part in said.explanation)


@pytest.mark.parametrize(
    ("level", "response"),
    [
        ("low", "continue_normal"),
        ("mentioned", "continue_normal"),
        ("moderate", "offer_safety_check"),
        ("high", "show_crisis_resources"),
        ("critical", "show_crisis_resources"),
    ],
)
def test_responses_have_their_names(level: str, response: str) -> None:
    assert judge(Reading(level), QUIET).recommended_response == response


@pytest.mark.parametrize(
    ("text", "signals", "asked", "source"),
    [
        (Reading("high"), QUIET, False, "journal_nlp"),
        (Reading("moderate"), NOTED, False, "journal_nlp"),
        (Reading("moderate"), STRONG, False, "journal_nlp"),
        (Reading("high"), QUIET, True, "user_reported"),
        (Reading("critical"), QUIET, True, "journal_nlp"),
        (Reading("low"), QUIET, True, "user_reported"),
        (Reading("low"), NOTED, False, "checkin"),
        (None, Signals(moment=OVERWHELMED), False, "checkin"),
        (None, Signals(screener="positive"), False, "user_reported"),
        (None, msgspec.structs.replace(STRONG, screener="possible"), False, "user_reported"),
        (Reading("low"), QUIET, False, "checkin"),
        (None, Signals(earlier=(Earlier("high", 1.0),)), False, "checkin"),
    ],
)
def test_who_or_what_brought_it_up(text: Reading | None, signals: Signals, asked: bool, source: str) -> None:
    assert judge(text, signals, asked).trigger_source == source


@pytest.mark.parametrize(
    ("mood", "stress", "anxiety", "level"),
    [
        (1, 9, 9, "moderate"), (2, 10, 10, "moderate"), (3, 10, 10, "low"), (1, 8, 10, "low"),
        (1, 10, 8, "low"), (None, 10, 10, "low"), (1, None, 10, "low"), (1, 10, None, "low"),
        (math.nan, 10, 10, "low"), (1, 10, 99, "low"),
    ],
)  # fmt: skip
def test_all_three_at_their_worst_deserve_a_look(
    mood: float | None, stress: float | None, anxiety: float | None, level: Level
) -> None:
    moment = Moment(mood=mood, stress=stress, anxiety=anxiety)
    assert judge(None, Signals(moment=moment)).level == level


@pytest.mark.parametrize(
    ("hours", "level"), [(-5, "moderate"), (0, "moderate"), (71.9, "moderate"), (72, "low"), (500, "low")]
)
@pytest.mark.parametrize("before", ["high", "critical"])
def test_danger_persists_for_72_hours(hours: float, level: Level, before: Level) -> None:
    assert judge(Reading("low"), Signals(earlier=(Earlier(before, hours),))).level == level


def test_an_age_that_is_no_number_holds_and_a_moderate_past_does_not() -> None:
    assert judge(None, Signals(earlier=(Earlier("high", math.nan),))).level == "moderate"
    assert judge(None, Signals(earlier=(Earlier("moderate", 1.0),))).level == "low"


def test_what_persists_fades() -> None:
    scores = [judge(None, Signals(earlier=(Earlier("high", h),))).risk_score for h in (0, 24, 48, 71)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_the_past_says_how_long_it_holds() -> None:
    part = next(p for p in judge(None, Signals(earlier=(Earlier("high", 24.0),))).explanation if p.layer == "history")
    assert part.numbers == pytest.approx({"hours_ago": 24.0, "hours_left": 48.0})


def test_each_layer_explains_itself_and_hits_carry_no_words() -> None:
    hits = (Hit("explicit", 0, 9, False, "negated"), Hit("plan", 10, 20, True))
    said = judge(Reading("high", 2, hits), msgspec.structs.replace(STRONG, screener="negative"), True)
    assert {p.layer for p in said.explanation} == {"text", "screener", "request", "behaviour"}
    text = next(p for p in said.explanation if p.layer == "text")
    assert (text.code, text.numbers) == ("text_high", {"counted": 1.0, "found": 2.0})
    assert [(s.category, s.start, s.end, s.counted, s.reason) for s in text.spans] == [
        ("explicit", 0, 9, False, "negated"),
        ("plan", 10, 20, True, None),
    ]
    codes = {p.code for p in said.explanation if p.layer == "behaviour"}
    assert {
        "behaviour_together",
        "mood_decline",
        "stress_escalation",
        "sleep_disruption_not_assessed",
    } <= codes


@pytest.mark.parametrize(
    ("reading", "mentioned", "code"),
    [
        (None, False, None),
        (Reading("low"), False, "text_nothing"),
        (Reading("mentioned"), True, "text_mentioned"),
        (Reading("low", 0, (Hit("explicit", 0, 3, False, "quoted"),)), True, "text_mentioned"),
        (Reading("high", 2, (Hit("explicit", 0, 3, True),)), False, "text_high"),
        (Reading("low", fully_read=False), False, "text_nothing_partly"),
    ],
)
def test_what_is_mentioned_but_not_counted(reading: Reading | None, mentioned: bool, code: str | None) -> None:
    said = judge(reading, QUIET)
    assert said.mentioned is mentioned
    assert next((p.code for p in said.explanation if p.layer == "text"), None) == code
    assert said.fully_read is (reading is None or reading.fully_read)


@pytest.mark.parametrize("level", ["low", "mentioned", "high"])
def test_somebody_else_in_danger_is_told_to_staff_and_raises_nothing(level: str) -> None:
    alone, with_another = (judge(Reading(level, rules="low", another=found), QUIET) for found in (False, True))
    assert with_another.mentioned
    assert [p.level for p in with_another.explanation if p.code == "text_another"] == ["low"]
    assert (with_another.level, with_another.risk_score) == (alone.level, alone.risk_score)


def part_of(said: Judgement, layer: str) -> Part:
    return next(part for part in said.explanation if part.layer == layer)


@pytest.mark.parametrize("rules", ["low", "mentioned", *LEVELS[1:]])
@pytest.mark.parametrize("level", LEVELS)
def test_a_model_raises_to_high_at_most_and_says_that_it_was_the_model(rules: str, level: Level) -> None:
    said = judge(raised(level, rules), QUIET)
    by_rules = known_level(rules)
    by_model: Level = "high" if level == "critical" else level
    assert said.level == worst((by_rules, by_model))
    assert part_of(said, "text").level == by_rules
    model = part_of(said, "model")
    rises = rank(by_model) > rank(by_rules)
    assert (model.level, model.code) == ((by_model, f"model_{by_model}") if rises else ("low", "model_same"))
    assert (model.numbers, model.version) == ({"probability": 0.7}, "encoder e3, light l2")
    assert said.mentioned is (rules == "mentioned")


def test_without_a_model_there_is_no_word_of_one() -> None:
    assert all(part.layer != "model" for part in judge(Reading("high"), QUIET).explanation)


def test_what_a_model_raises_came_from_the_journal_and_is_lifted_like_words() -> None:
    assert judge(raised("high"), QUIET).trigger_source == "journal_nlp"
    assert judge(raised("moderate"), QUIET).level == "moderate"
    lifted = judge(raised("moderate"), STRONG)
    assert (lifted.level, lifted.trigger_source) == ("high", "journal_nlp")
    assert judge(raised("low"), STRONG).level == "moderate"


def test_a_surer_model_sorts_higher_within_a_level() -> None:
    scores = [judge(raised("high", crisis=chance), QUIET).risk_score for chance in (0.0, 0.3, 0.9, math.nan)]
    assert scores[0] < scores[1] < scores[2]
    assert scores[3] == scores[0]


MINUTE = 1 / 60


def test_a_conversation_that_turns_to_the_weather_stays_watched() -> None:
    """Turns are handed in as earlier judgements: danger said three minutes ago holds, and fades over hours."""
    turns: list[Earlier] = []
    seen = []
    for minute, text in enumerate([raised("high"), Reading("low"), Reading("mentioned"), Reading("low")]):
        before = tuple(msgspec.structs.replace(turn, hours_ago=turn.hours_ago + MINUTE * minute) for turn in turns)
        said = judge(text, Signals(earlier=before))
        seen.append(said.level)
        turns.append(Earlier(said.level, -MINUTE * minute))
    assert seen == ["high", "moderate", "moderate", "moderate"]


def test_a_turn_that_was_only_held_does_not_hold_the_next_for_ever() -> None:
    """What is held at moderate is no new danger: the 72 hours run from the words, not from the last turn."""
    held = (Earlier("high", 80.0), *(Earlier("moderate", float(h)) for h in range(80)))
    assert judge(Reading("low"), Signals(earlier=held)).level == "low"


def test_many_turns_hold_as_the_gravest_and_latest_of_them() -> None:
    one = judge(Reading("low"), Signals(earlier=(Earlier("critical", 1.0),)))
    many = judge(
        Reading("low"), Signals(earlier=(Earlier("high", 40.0), Earlier("critical", 1.0), Earlier("low", 0.0)))
    )
    assert (one.level, one.risk_score) == (many.level, many.risk_score)


def test_when_reading_failed_help_is_shown() -> None:
    said = judge(None, QUIET, reading_failed=True)
    assert (said.level, said.fully_read, said.recommended_response) == ("low", False, "show_crisis_resources")
    assert not said.requires_immediate_action


def test_what_protects_never_lowers() -> None:
    held = msgspec.structs.replace(STRONG, protective=("safety_plan", "care_team"))
    assert judge(Reading("moderate"), held).level == "high"
    assert judge(Reading("moderate"), held).protective == ("safety_plan", "care_team")


def test_levels_are_ordered() -> None:
    assert [rank(level) for level in LEVELS] == [0, 1, 2, 3]
    assert worst([]) == "low"
    bands = [BANDS[level] for level in LEVELS]
    assert all(low < high for low, high in bands)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(bands))


levels = st.sampled_from(LEVELS)
scale = st.one_of(st.none(), st.floats(1, 10))
moments = st.one_of(st.none(), st.builds(Moment, mood=scale, stress=scale, anxiety=scale))
days = st.builds(
    Day,
    ago=st.just(0),
    mood=scale,
    stress=scale,
    anxiety=scale,
    sleep=st.one_of(st.none(), st.floats(1, 5)),
    alone=st.one_of(st.none(), st.floats(0, 1)),
)
signals = st.builds(
    Signals,
    days=st.lists(days, max_size=5).map(tuple),
    moment=moments,
    baseline=st.one_of(
        st.none(),
        st.builds(
            Baseline,
            mood_days=st.integers(0, 28),
            mood_mean=scale,
            mood_sd=st.one_of(st.none(), st.floats(0, 4)),
            alone_days=st.integers(0, 28),
            alone_share=st.one_of(st.none(), st.floats(0, 1)),
            observed_days=st.integers(0, 28),
            checkins_per_week=st.one_of(st.none(), st.floats(0, 30)),
        ),
    ),
    gap_days=st.one_of(st.none(), st.floats(0, 60)),
    earlier=st.lists(st.builds(Earlier, levels, st.floats(0, 200)), max_size=3).map(tuple),
    screener=st.sampled_from(SCREENERS),
)
hits = st.lists(st.builds(Hit, st.just("plan"), st.just(0), st.just(4), st.booleans()), max_size=4).map(tuple)
readings = st.one_of(
    st.none(),
    st.builds(Reading, st.sampled_from(TEXTS[1:]), st.integers(0, 3), hits, st.booleans()),
    st.builds(raised, st.sampled_from(LEVELS), st.sampled_from(TEXTS[1:]), st.floats(0, 1)),
)
WORST_DAY = Day(ago=0, mood=1, stress=10, anxiety=10, energy=1, sleep=1, alone=1)


def known_level(name: str) -> Level:
    return next((level for level in LEVELS if level == name), "low")


def at_least(worse: Judgement, before: Judgement) -> None:
    assert rank(worse.level) >= rank(before.level)
    assert worse.risk_score >= before.risk_score - 1e-9
    assert rank(worse.level) > rank(before.level) or worse.recommended_response == before.recommended_response


@given(readings, signals, st.booleans())
def test_a_worse_signal_never_lowers_anything(text: Reading | None, known: Signals, asked: bool) -> None:
    before = judge(text, known, asked)
    change = msgspec.structs.replace
    at_least(judge(text, known, True), before)
    at_least(judge(text, change(known, days=(*known.days, WORST_DAY)), asked), before)
    at_least(judge(text, change(known, moment=Moment(mood=1, stress=10, anxiety=10)), asked), before)
    at_least(judge(text, change(known, earlier=(*known.earlier, Earlier("critical", 1.0))), asked), before)
    if known.gap_days is not None:
        at_least(judge(text, change(known, gap_days=known.gap_days * 2 + 1), asked), before)
    for outcome, level in SCREENER_LEVELS.items():
        if known.screener is None or rank(level) >= rank(SCREENER_LEVELS[known.screener]):
            at_least(judge(text, change(known, screener=outcome), asked), before)
    if text is not None:
        at_least(
            judge(
                change(text, rules=text.rules_level, level=worst((known_level(text.level), "high")), crisis=1.0),
                known,
                asked,
            ),
            before,
        )
    plan = Hit("plan", 0, 4, True)
    for level in LEVELS:
        worse = Reading(level, 3, (plan,))
        if text is not None:
            rules, whole = worst((known_level(text.rules_level), level)), worst((known_level(text.level), level))
            worse = change(text, rules=rules, level=whole, hits=(*text.hits, plan))
        at_least(judge(worse, known, asked), before)


@given(readings, signals, st.booleans(), readings, signals, st.booleans())
def test_a_higher_level_always_has_a_higher_score(
    text: Reading | None,
    one: Signals,
    asked: bool,
    other_text: Reading | None,
    other: Signals,
    other_asked: bool,
) -> None:
    first, second = judge(text, one, asked), judge(other_text, other, other_asked)
    if rank(first.level) < rank(second.level):
        assert first.risk_score < second.risk_score


@given(st.lists(days, max_size=7).map(tuple), moments)
def test_numbers_alone_never_page(some: tuple[Day, ...], moment: Moment | None) -> None:
    said = judge(None, Signals(days=some, moment=moment))
    assert rank(said.level) <= rank("moderate")
