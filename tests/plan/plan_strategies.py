"""Random desired states, transitions between them, and servers in any state that may be believed of one.

`changes` start at rest; `observations` mix states, readings, failures and losses freely, as far as the words of
`Observed` allow it (what is proven is AVAILABLE, what is going is not listed, what is suspect proves nothing).
"""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product

from builders import COMMIT, DATA_LOSS, FLEET, checked, checking, compared
from hypothesis import strategies as st

from reconciler.plan import Vetoes, at_rest, guarded, plan_server, spec_digest
from reconciler.plan.vetoing import removal
from reconciler.state.check import Check, CheckVerdict
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import (
    Adopt,
    Blast,
    DesiredModel,
    DesiredServer,
    Drift,
    Fleet,
    Retry,
    Suspend,
    TfServing,
    Transition,
    TransitionPolicy,
)
from reconciler.state.look import (
    LabelKind,
    LabelReading,
    PathFacts,
    Presence,
    Reach,
    ReachKind,
    VersionFiles,
    VersionState,
)
from reconciler.state.memory import (
    Departure,
    Doubt,
    DoubtReason,
    Failure,
    GoodSpec,
    Outstanding,
    Refusal,
    Served,
    Standing,
)
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.plan import Freeze, Hold, HoldReason, ServerPlan
from reconciler.state.versions import All, Latest, Specific, VersionPolicy, specific

NOW = 1000.0
NAMES = ("a", "b", "c", "d")
LABELS = ("beta", "canary", "stable")
MOMENTS = (0.0, 900.0, 998.0, 999.0, 999.9, 1000.0)
SUBSETS = tuple(each for size in range(5) for each in combinations((1, 2, 3, 4), size))


def labellings(numbers: Sequence[int]) -> Iterator[tuple[tuple[str, int], ...]]:
    """Every way to put some of the labels on some of these versions."""
    for placed in product((None, *numbers), repeat=len(LABELS)):
        yield tuple((label, number) for label, number in zip(LABELS, placed, strict=True) if number is not None)


# What follows is drawn from lists of all that is possible, one draw each: a draw costs more than a plan.

Spec = tuple[VersionPolicy, tuple[tuple[str, int], ...]]

SPECS: tuple[Spec, ...] = (
    *((specific(*numbers), labels) for numbers in SUBSETS[1:] for labels in labellings(numbers)),
    *((policy, ()) for policy in (Latest(1), Latest(2), All()) for _ in range(25)),
)
CONFIGS: tuple[Spec, ...] = (
    *((specific(*numbers), labels) for numbers in SUBSETS for labels in labellings((1, 2, 3))),
    *((policy, labels) for policy in (Latest(1), All()) for labels in labellings((1, 2))),
)
TRANSITIONS = (
    *(Transition(policy, down) for policy in TransitionPolicy for down in (False, True)),
    Transition(keep_previous=600.0),
)
ROOTS = ("models",) * 5 + ("new",)
GOLDEN, DRIFT = checking("golden"), compared("drift")
CHECKS = ((), (), (), (GOLDEN,), (GOLDEN, DRIFT))

fleets = st.builds(
    lambda prune, blind, threads, adopt, drift: replace(
        FLEET,
        prune=prune,
        allow_unseen_storage=blind,
        tf_serving=TfServing(num_load_threads=threads),
        adopt=adopt,
        drift=drift,
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from((0, 2)),
    st.sampled_from((Adopt.REPLACE, Adopt.REPLACE, Adopt.REPLACE, Adopt.REFUSE)),
    st.sampled_from((Drift.HEAL, Drift.HEAL, Drift.REPORT)),
)


@cache
def desired_models(name: str) -> st.SearchStrategy[DesiredModel]:
    """A model as git may have it: labels over named versions only, `resource` likewise."""

    def model(spec: Spec, transition: Transition, root: str, limit: int, checks: tuple[Check, ...]) -> DesiredModel:
        named = isinstance(spec[0], Specific)
        way = transition if named else Transition()
        found = DesiredModel(name, name, f"/{root}/{name}", *spec, way, Retry(limit, 10.0, 60.0))
        return replace(found, checks=checks if named and spec[1] else ())

    parts = (st.sampled_from(each) for each in (SPECS, TRANSITIONS, ROOTS, (1, 2, 3), CHECKS))
    return st.builds(model, *parts)


@cache
def chosen(most: int) -> st.SearchStrategy[tuple[str, ...]]:
    """One to that many names, ascending."""
    return st.sampled_from([each for size in range(1, most + 1) for each in combinations(NAMES, size)])


@st.composite
def desired_servers(draw: st.DrawFn, fleet: Fleet | None = None) -> DesiredServer:
    """One to four models on one server."""
    models = tuple(draw(desired_models(name)) for name in draw(chosen(4)))
    return DesiredServer(fleet or draw(fleets), "gpu-1", "127.0.0.1:8500", models=models)


@dataclass(frozen=True, slots=True)
class Change:
    """A server at rest on `before`, for which git now says `after`, and may say `other` in the middle of it."""

    before: DesiredServer
    after: DesiredServer
    other: DesiredServer

    @property
    def start(self) -> Observed:
        """At rest on `before`; the files of all three are there."""
        everything = replace(self.after, models=(*self.after.models, *self.other.models))
        return at_rest(self.before, NOW, also=everything)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Transitions on one fleet."""
    fleet = replace(draw(fleets), adopt=Adopt.REPLACE)
    before, after, other = (draw(desired_servers(fleet)) for _ in range(3))
    return Change(before, after, other)


@cache
def configs(name: str, specs: Sequence[Spec] = CONFIGS) -> st.SearchStrategy[ModelConfig]:
    """Any config of a model that might be in force: lists may be empty, labels may point at nothing."""
    return st.builds(
        lambda spec, root: ModelConfig(name, f"/{root}/{name}", *spec), st.sampled_from(specs), st.sampled_from(ROOTS)
    )


@cache
def beliefs(number: int, *, listed: bool, named: bool) -> st.SearchStrategy[ObservedVersion]:
    """Everything that may be believed of one version. Where the server decides, what it serves counts as listed."""
    found = []
    for state, one, other, when in product(VersionState, (False, True), (False, True), MOMENTS[::2]):
        here = listed and (named or state in (VersionState.START, VersionState.LOADING, VersionState.AVAILABLE))
        dropped_at = 0.0 if here else when
        suspect = here and one
        available, ended = state is VersionState.AVAILABLE, state is VersionState.END
        going = not here and not ended and state is not VersionState.ABSENT and one
        version = ObservedVersion(
            number,
            state,
            DATA_LOSS if ended and other else None,
            since=when,
            listed=here,
            going=going,
            suspect=suspect,
            proven=available and (here or going) and not suspect and not dropped_at and not other,
            ended=ended and one,
            listed_at=when if here else 0.0,
            dropped_at=dropped_at,
        )
        found += [version] * (3 if version.proven else 1)
    return st.sampled_from(found)


@st.composite
def observed_models(draw: st.DrawFn, name: str, config: ModelConfig | None) -> ObservedModel:
    """Any belief about one model; what a label resolves to was AVAILABLE."""
    named = config is not None and isinstance(config.policy, Specific)
    found = tuple(
        draw(beliefs(number, listed=_listed(config, number), named=named)) for number in draw(st.sampled_from(SUBSETS))
    )
    serving = [each.version for each in found if each.state is VersionState.AVAILABLE and (each.listed or each.going)]
    readings = [LabelReading(LabelKind.RESOLVES, version) for version in serving] * 2
    readings += [LabelReading(kind) for kind in (LabelKind.UNDEFINED, LabelKind.UNSEEN)]
    readings += [LabelReading(LabelKind.DANGLES, version) for version in (1, 2)]
    labels = tuple(
        (label, draw(st.sampled_from(readings))) for label in draw(st.sampled_from(((), LABELS, LABELS[1:])))
    )
    removed_at = draw(st.sampled_from(MOMENTS)) if config is None else 0.0
    rest_at = removed_at + 1.6 if removed_at else 0.0
    if draw(st.integers(0, 19)) < 19:
        return ObservedModel(name, found, labels, "", removed_at, rest_at)
    unproven = tuple(replace(each, proven=False) for each in found)
    return ObservedModel(name, unproven, labels, "deadline exceeded", removed_at, rest_at)


def _listed(config: ModelConfig | None, number: int) -> bool:
    return config is not None and (number in config.listed or not isinstance(config.policy, Specific))


@cache
def stored_paths(path: str) -> st.SearchStrategy[PathFacts]:
    """What storage may show below a path: mostly there and complete."""
    odd = [PathFacts(path, presence, detail="not there") for presence in (Presence.MISSING, Presence.UNSEEN)]
    whole = [
        PathFacts(path, Presence.SEEN, tuple(VersionFiles(number, (), 0, f"sha256:{number}") for number in numbers))
        for numbers in ((1, 2, 3, 4), (1, 2), (2, 3, 4), ())
    ]
    torn = PathFacts(path, Presence.SEEN, (VersionFiles(1), VersionFiles(2, ("variables/",)), VersionFiles(4)))
    return st.sampled_from([*whole[:1] * 8, *whole, torn, *odd])


def lost_reloads(sent: ServerConfig) -> st.SearchStrategy[Outstanding | None]:
    """Mostly none; else the config in force was sent and not answered, perhaps with a new name."""
    new = sent.with_model(ModelConfig("d", "/models/d", specific(1)))
    lost = (Outstanding(sent, (), 900.0), Outstanding(sent, (), 999.0), Outstanding(new, ("d",), 990.0))
    return st.sampled_from((*(None,) * 9, *lost))


def failures_of(server: DesiredServer, observed: Observed) -> st.SearchStrategy[tuple[Failure, ...]]:
    """Booked failures of some versions, under the spec that git has now or under another."""
    every = [
        Failure(model.name, version, digest, count, at, DATA_LOSS)
        for model in server.models
        for version in (1, 2, 3)
        for digest in (spec_digest(model, observed), "sha256:other")
        for count, at in ((1, 900.0), (2, 999.0), (4, 999.9))
    ]
    key = operator.attrgetter("model", "version", "digest")
    return st.lists(st.sampled_from(every), max_size=3, unique_by=key).map(lambda each: tuple(sorted(each, key=key)))


DOUBTS = tuple(
    (Doubt(name, version, "does not fit", 990.0, rounds, kind=kind, until=until),)
    for name, version, (rounds, until) in product(NAMES, (1, 2), ((1, 0.0), (3, 1050.0)))
    for kind in (DoubtReason.ABSENT, DoubtReason.ENDED)
)


@st.composite
def observations(draw: st.DrawFn, server: DesiredServer) -> Observed:
    """Any belief about that server."""
    names = draw(chosen(4))
    sent = ServerConfig(tuple(draw(configs(name)) for name in names if draw(st.integers(0, 5))))
    known = ServerConfig(tuple(draw(configs(name)) for name in names if draw(st.booleans())))
    outstanding = draw(lost_reloads(sent))
    observed = Observed(
        server.id,
        NOW,
        Reach(draw(st.sampled_from((ReachKind.ANSWERING,) * 15 + tuple(ReachKind)))),
        draw(st.sampled_from((Standing.KNOWN,) * 6 + tuple(Standing))),
        sent,
        known,
        tuple(draw(observed_models(name, sent.model(name))) for name in names),
        tuple(draw(stored_paths(path)) for path in _paths_named(server, sent, known)),
        fence_until=draw(st.sampled_from((0.0, 999.0, 1000.5))),
        busy=draw(st.booleans()),
        outstanding=outstanding,
        wedged=outstanding is not None and bool(outstanding.names) and draw(st.booleans()),
        refusal=draw(st.sampled_from((*(None,) * 9, Refusal(9, "not available", 2, 999.0)))),
        doubts=draw(st.sampled_from((*((),) * 24, *DOUBTS))),
        load_seconds=(("a", 4.0),),
    )
    observed = draw(checks_of(server, observed))
    if not draw(st.booleans()):
        return observed
    good = tuple(GoodSpec(draw(configs(name, SPECS)), "sha256:good", 1.0) for name in names[:2])
    if server.fleet.drift is Drift.REPORT:
        stood = [each for each in server.models if _named_outright(sent, each)]
        good = tuple(GoodSpec(_as_git_says(each), "sha256:good", 1.0) for each in stood)
        return replace(observed, good=good, steady=tuple(each.name for each in stood))
    return replace(observed, failures=draw(failures_of(server, observed)), good=good)


def _named_outright(sent: ServerConfig, wanted: DesiredModel) -> bool:
    """What was reached under git's named versions is in force under named ones: only we hand the choice over."""
    config = sent.model(wanted.name)
    return config is None or isinstance(config.policy, Specific) is isinstance(wanted.policy, Specific)


def _as_git_says(wanted: DesiredModel) -> ModelConfig:
    return ModelConfig(wanted.name, wanted.base_path, wanted.policy, wanted.labels)


def checks_of(server: DesiredServer, observed: Observed) -> st.SearchStrategy[Observed]:
    """The observation with results of some checks, and places where labels were before."""
    every = [
        (model.name, version, check, verdict, when)
        for model in server.models
        for version in (1, 2, 3)
        for check in model.checks
        for verdict, when in product(CheckVerdict, (900.0, 999.9))
    ]
    if not every:
        return st.just(observed)
    served = [Served(model.name, label, 1) for model in server.models for label in LABELS]

    def told(results: list[tuple[str, int, Check, CheckVerdict, float]], places: list[Served]) -> Observed:
        seen = replace(observed, served=tuple(places))
        for name, version, check, verdict, when in results:
            seen = checked(seen, name, version, check, verdict, when=when)
        return seen

    return st.builds(told, st.lists(st.sampled_from(every), max_size=4), st.lists(st.sampled_from(served), max_size=2))


def _paths_named(server: DesiredServer, *known: ServerConfig) -> list[str]:
    paths = {model.base_path for model in server.models}
    return sorted(paths | {model.base_path for config in known for model in config.models})


@st.composite
def situations(draw: st.DrawFn) -> tuple[DesiredServer, Observed]:
    """What git says of a server, and any belief about it."""
    server = draw(desired_servers())
    return server, draw(observations(server))


# What is held: freezes, turns, suspensions, removals of more than the blast radius.

OVER, SOON, LONG = NOW, NOW + 5.0, NOW + 5000.0
SUSPENSIONS = (None,) * 4 + tuple(Suspend("moving clients", "ada", until) for until in (None, OVER, SOON, LONG))
FREEZES = (None, *(Freeze("window weekend", 900.0, until, back) for until in (LONG, None) for back in (True, False)))
TURN = Hold(HoldReason.WAVE_TURN, "", "wave rest waits for wave first", "the convergence of gpu-2", progressing=True)
STOP = Hold(HoldReason.ROLLOUT_STOPPED, "", "the change failed on gpu-2", "a commit that takes it back")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server in any state, what keeps changes from beginning on it, and what its fleet's rollout says."""

    server: DesiredServer
    observed: Observed
    freeze: Freeze | None
    turns: Vetoes

    def vetoes(self, observed: Observed) -> Vetoes:
        """What may not begin when that is believed, as lanes ask for it."""
        free = plan_server(COMMIT, self.server, observed)
        return {**self.turns, **guarded(self.server, observed, free, self.freeze)}

    def plan(self, observed: Observed) -> ServerPlan:
        """The plan of then."""
        return plan_server(COMMIT, self.server, observed, self.vetoes(observed))


@st.composite
def guarded_situations(draw: st.DrawFn) -> Guarded:
    """Any belief about a server on which something may not begin, or not change at all."""
    server, observed = draw(situations())
    models = tuple(replace(each, suspend=draw(st.sampled_from(SUSPENSIONS))) for each in server.models)
    rare = st.sampled_from((*(None,) * 9, *SUSPENSIONS[4:]))
    fleet, own = replace(server.fleet, suspend=draw(rare)), draw(rare)
    gone = sorted(observed.sent.names - {model.name for model in models})
    taken = tuple(name for name in gone if draw(st.booleans()))
    blast = Blast(taken, 12, 20, "maxRemovals: 10", "c0") if taken else None
    server = replace(server, fleet=fleet, suspend=own, models=models, blast=blast)
    keys = [*(model.document for model in models), *map(removal, gone)]
    turns = {key: draw(st.sampled_from((TURN, STOP))) for key in keys if draw(st.integers(0, 3)) == 0}
    return Guarded(server, draw(begun(server, observed)), draw(st.sampled_from(FREEZES)), turns)


@st.composite
def begun(draw: st.DrawFn, server: DesiredServer, observed: Observed) -> Observed:
    """The observation with specs that were sent, reached, or reached once before."""
    digests = [(model.name, spec_digest(model, observed)) for model in server.models]
    specs = tuple(each for each in digests if draw(st.integers(0, 3)) == 0)
    past = tuple(each for each in digests if draw(st.integers(0, 3)) == 0)
    left = tuple(Departure(name, version, 900.0) for name, version in draw(st.sampled_from(DEPARTURES)))
    return replace(observed, specs=specs, past=past, departures=left)


DEPARTURES = ((), (), (("a", 1),), (("a", 1), ("a", 2), ("b", 1)))
