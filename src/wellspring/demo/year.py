"""One person's year, played through the program's own rules: read, judge, choose, seal; and the rows it leaves."""

from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.checkins import reading, service, signals, words
from wellspring.checkins.reading import Understood
from wellspring.checkins.schemas import CheckinCreate
from wellspring.checkins.wire import columns
from wellspring.demo import crises, moments, uuids
from wellspring.demo.cast import Persona
from wellspring.demo.crises import Desk
from wellspring.demo.journal import Writer
from wellspring.demo.library import phrases, rng
from wellspring.demo.life import Day, days
from wellspring.demo.memory import Memory, history
from wellspring.demo.moments import Moment
from wellspring.demo.offers import Offers
from wellspring.demo.tables import CHECKIN, Rows, add, json
from wellspring.kernel.crypto import Sealer
from wellspring.language import read
from wellspring.language.ahead import TextRead
from wellspring.language.model import read_lightly
from wellspring.safety.behaviour import Signals
from wellspring.safety.events import needs_event
from wellspring.safety.levels import rank
from wellspring.safety.plans import STEPS
from wellspring.safety.risk import judge
from wellspring.safety.schemas import SafetyPlan

_QUICK: Final = 0.18
_AUDITED: Final = timedelta(days=14)
"""Audit rows are made for the last two weeks only: enough to look at, not a year of invented accesses."""
_READ_BY_MODELS: Final = timedelta(days=60)
"""Feelings are read in the texts of the last two months only: of older entries nobody looks at them one by one."""
_JSON: Final = frozenset({"factors", "body_scan", "versions"})
_OPEN_AGO: Final = {"open_high": 26, "open_urgent": 9, "open_moderate": 95}
"""How many minutes ago the events began that are still on the desk."""
_OPEN_WORDS: Final = {"open_high": "passive", "open_urgent": "urgent", "open_moderate": "burden"}


class Stage(Struct, frozen=True):
    """What is the same for everybody: the seed, the moment at which the year ends, and who answers."""

    seed: int
    now: datetime
    desk: Desk


class Year:
    """Plays one year; `rows` holds what it left."""

    def __init__(self, persona: Persona, sealer: Sealer, stage: Stage) -> None:
        self.rows: Rows = {}
        self._persona = persona
        self._sealer = sealer
        self._stage = stage
        self._r: Random = rng(stage.seed, "year", persona.index)
        self._writer = Writer(persona, rng(stage.seed, "words", persona.index))
        self._memory = Memory(persona.timezone)
        self._plan_from: datetime | None = None
        self._offers = Offers(persona, sealer, self._memory, stage.now, self._r)

    def play(self) -> Rows:
        """Return the rows of the whole year."""
        persona, stage = self._persona, self._stage
        lived = days(persona, stage.seed, stage.now.date())
        everything = moments.moments(persona, lived, stage.now, self._r)
        if persona.arc in _OPEN_AGO:
            everything = self._with_open_one(everything, lived[-1])
        self._make_plan(lived)
        for moment in everything:
            self._check_in(moment)
        self._offers.finish(self.rows)
        return self.rows

    def _with_open_one(self, everything: list[Moment], last: Day) -> list[Moment]:
        at = self._stage.now - timedelta(minutes=_OPEN_AGO[self._persona.arc])
        before = [m for m in everything if m.at < at - timedelta(hours=2)]
        return [*before, Moment(at, last, first=False, forced=_OPEN_WORDS[self._persona.arc])]

    def _make_plan(self, lived: list[Day]) -> None:
        """A safety plan for those whose year gets dark, written on the way there, and for a few others."""
        r, persona = self._r, self._persona
        dark = next((d.date for d in lived if d.dark), None)
        if (dark is None and r.random() > 0.06) or persona.arc == "open_high":
            return
        day = dark or r.choice(lived[persona.habit.joined :]).date
        at = self._stage.now - timedelta(days=(lived[-1].date - day).days, hours=-1)
        if at >= self._stage.now:
            return
        own = phrases(persona.home.language)
        names = SafetyPlan.__struct_fields__
        plan = SafetyPlan(**{n: r.sample(own[n], min(len(own[n]), 2)) for n in names})
        row_id = uuids.at(at, r)
        sealed = self._sealer.seal(msgspec.json.encode(plan), STEPS, row_id)
        add(self.rows, "safety.safety_plan", persona.person_id, row_id, 1, sealed, at)
        self._plan_from = at

    def _check_in(self, moment: Moment) -> None:
        r, persona = self._r, self._persona
        row_id = uuids.at(moment.at, r)
        is_quick = moment.forced is None and r.random() < _QUICK
        data = moments.quick(moment, row_id, r) if is_quick else moments.full(persona, moment, row_id, self._writer, r)
        context = self._memory.context(moment.at)
        known = signals.of(context, data, moment.at, persona.timezone)
        understood = self._understand(data.journal_text, moment.at, known)
        event_id = self._event(moment, data, understood, row_id)
        self._store(moment, data, understood, event_id, row_id, is_quick=is_quick)
        danger = context.hard_time or rank(understood.judgement.level) >= rank("high")
        self._offers.make(self.rows, moment.at, data, row_id, history(context), danger=danger)
        self._memory.keep(moment.at, data)

    def _understand(self, text: str | None, at: datetime, known: Signals) -> Understood:
        language = self._persona.home.language
        if text and self._stage.now - at < _READ_BY_MODELS:
            found = TextRead(read_lightly(text, hint=language))
        else:
            found = reading.at_once(text, language)
        return reading.understand(found, text, language, lambda: known)

    def _event(self, moment: Moment, data: CheckinCreate, understood: Understood, row_id: UUID) -> UUID | None:
        judged = understood.judgement
        if not needs_event(judged):
            return None
        found = crises.Found(
            judgement=judged,
            reading=understood.reading,
            text=data.journal_text,
            at=moment.at,
            source_id=row_id,
            has_plan=self._plan_from is not None and self._plan_from < moment.at,
            unclaimed=moment.forced is not None,
        )
        event_id = self._open(found)
        if rank(judged.level) >= rank("high") and moment.forced is None and self._r.random() < 0.15:
            self._ask(moment)
        return event_id

    def _open(self, found: crises.Found) -> UUID:
        stage = self._stage
        self._memory.keep_event(found.judgement.level, found.at)
        return crises.open_event(self.rows, self._persona, self._sealer, found, stage.desk, stage.now, self._r)

    def _ask(self, moment: Moment) -> None:
        """Some ask for a person a few minutes after they were shown how."""
        at = moment.at + timedelta(minutes=self._r.uniform(1, 6))
        if at >= self._stage.now:
            return
        own = phrases(self._persona.home.language)["report"]
        text = self._r.choice(own).format(e="e" if self._persona.woman else "")
        reading = read(text, hint=self._persona.home.language)
        judged = judge(reading, Signals(), asked_for_help=True)
        has_plan = self._plan_from is not None
        self._open(
            crises.Found(
                judgement=judged, reading=reading, text=text, at=at, source_id=None, has_plan=has_plan, asked=True
            )
        )

    def _store(
        self,
        moment: Moment,
        data: CheckinCreate,
        understood: Understood,
        event_id: UUID | None,
        row_id: UUID,
        *,
        is_quick: bool,
    ) -> None:
        persona = self._persona
        emotions = words.all_emotions(data)
        values = columns(
            data,
            at=moment.at,
            timezone=persona.timezone,
            sealed=words.seal(words.of(data, emotions), self._sealer, row_id),
            emotions=emotions,
            judged=service.judged_of(data, understood, event_id, is_quick=is_quick, emotions=True),
        )
        plain = (json(v) if name in _JSON and v is not None else v for name, v in zip(CHECKIN, values, strict=True))
        add(self.rows, "checkins.checkin", persona.person_id, row_id, *plain, moment.at, moment.at)
        if self._stage.now - moment.at < _AUDITED:
            self._audit("checkins:checkin:create", moment.at)

    def _audit(self, action: str, at: datetime, count: int = 1) -> None:
        person = self._persona.person_id
        row_id = uuids.at(at, uuids.ANEW)
        add(self.rows, "kernel.audit", person, row_id, person, action, "checkins", "done", count, None, None, at)
