"""A reason says only what is so: what helped this person, and whom else it helped."""

import msgspec
from hypothesis import given, settings

from tests.interventions.people import LIBRARY, MODEL, SHELF, TODAY, outcome
from tests.interventions.test_choose import contexts, histories
from wellspring.interventions import Context, History, choose, intervention_id
from wellspring.interventions.learning import kept
from wellspring.interventions.learning.kept import Happened
from wellspring.interventions.model import Model, make
from wellspring.interventions.outcomes import relearn
from wellspring.interventions.score import moment_of
from wellspring.interventions.shelf import key_of


def reasons(context: Context, model: Model = MODEL, history: History | None = None) -> dict[str, str]:
    """Why each is offered, by slug, when as many are asked for as there are."""
    offers = choose(context, model, history, k=len(LIBRARY))
    return {offer.intervention.slug: offer.reason.key for offer in offers}


def test_what_was_only_put_off_is_not_said_to_have_helped() -> None:
    """Alice loved two exercises, rated a third badly, put a fourth off: it is said of the two that they helped."""
    loved, bad, later = ("press-your-palms", "a-glass-of-water"), "let-shoulders-fall", "move-to-another-room"
    happened = [Happened(key_of(intervention_id(slug)), TODAY - 30, 1.0, 0.5, 1.0) for slug in loved for _ in range(9)]
    happened.append(Happened(key_of(intervention_id(bad)), TODAY - 30, 0.25, -0.2, 1.0))
    happened.append(Happened(key_of(intervention_id(later)), TODAY - 30))
    history = History((), kept.added(b"", *happened), TODAY)
    keys = reasons(Context(mood=6, emotions={"calm": 3}, age="18+", energy=9), history=history)
    assert {slug for slug, key in keys.items() if key == "rated"} == set(loved)
    assert keys[later] == "kind"
    assert keys[bad] not in ("rated", "kind")


@settings(max_examples=200, deadline=None)
@given(context=contexts, history=histories)
def test_nothing_is_said_to_have_helped_that_did_not(context: Context, history: History) -> None:
    own = moment_of(MODEL.scoring, context, history)
    good = [SHELF.items[n] for n in own.tried[own.sums > 0]]
    kinds = {item.therapeutic_approach for item in good}
    for offer in choose(context, MODEL, history, k=len(LIBRARY)):
        assert offer.reason.key != "rated" or offer.intervention in good
        assert offer.reason.key != "kind" or offer.intervention.therapeutic_approach in kinds


def test_others_are_said_to_have_felt_like_this_only_where_they_did() -> None:
    """Exercises of one kind helped forty sad people; of the one that nobody sad has tried it is not said."""
    kind = [item for item in SHELF.items if item.therapeutic_approach == "Sensory"]
    untried = next(item for item in kind if item.slug == "warm-hands")
    sad = Context(mood=5, emotions={"sadness": 3}, energy=5, age="18+")
    plain = msgspec.structs.replace(sad, emotions={"neutral": 3})
    log = [outcome(person, item.slug, 1.0, sad) for person in range(40) for item in kind if item is not untried]
    log += [outcome(person, item.slug, 0.5, plain) for person in range(40) for item in SHELF.items]
    keys = reasons(sad, make(SHELF, relearn(log, SHELF).blocks, 1))
    assert "felt" in {keys[item.slug] for item in kind if item.slug in keys and item is not untried}
    assert keys[untried.slug] != "felt"


def test_of_a_feeling_that_nobody_spoke_of_nothing_is_said() -> None:
    """Somebody asks for something without a word about themselves: no mood is read into that."""
    sad = Context(mood=5, emotions={"neutral": 3}, energy=5, age="18+")
    log = [outcome(person, item.slug, 1.0, sad) for person in range(40) for item in SHELF.items[:30]]
    for model in (MODEL, make(SHELF, relearn(log, SHELF).blocks, 1)):
        keys = reasons(Context(mood=None, time_of_day="morning"), model)
        assert not {"emotion", "signal", "felt"} & set(keys.values())
    worried = choose(Context(mood=None, anxiety=9, time_of_day="morning"), MODEL)
    assert {offer.reason.signal for offer in worried} <= {None, "anxiety_high"}
    assert "signal" in {offer.reason.key for offer in worried}
