"""Who chooses the versions: handing a model over to `latest` or `all`, and taking it back to named versions.

Called by `plan/moves.py`. Both directions go through a list of the old and the resolved new versions, so that nothing
that serves is un-wanted before its replacement answers (rules E14, E17).
"""

from dataclasses import replace

from reconciler.plan.files import obstacle
from reconciler.plan.labels import move_labels
from reconciler.plan.scene import Draft, Move
from reconciler.state.desired import TransitionPolicy
from reconciler.state.look import Presence, VersionState
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, HoldReason
from reconciler.state.versions import Specific, VersionPolicy


def handover(work: Draft) -> Move:
    """The next reload on the way from one version policy to another."""
    move_labels(work)
    if work.scene.frozen:
        work.hold(HoldReason.DISCOVERY_FROZEN, *work.scene.freeze)
        return work.finish()
    if work.target.specific:
        return _take_back(work)
    if not isinstance(work.config.policy, Specific):
        return _hand_over(work, "git asks for another policy")
    if work.target.transition.policy is TransitionPolicy.RESOURCE and work.config.listed:
        return _hand_over(work, "there is no room to name both; the server keeps the old until the new answers")
    if any(version in work.config.listed and work.seen.version(version).proven for version in work.target.versions):
        return _hand_over(work, "a version that the policy would choose is available")
    _approach(work)
    return work.finish()


def _approach(work: Draft) -> None:
    """List what the policy would choose beside what is listed."""
    if not work.target.versions:
        where = work.target.base_path
        detail = f"no complete version lies under {where}; under this policy the server would unload everything"
        work.hold(HoldReason.ARTIFACT_MISSING, detail, f"a complete version directory below {where}")
    ready = []
    for version in work.target.versions:
        if version in work.config.listed:
            detail = f"version {version} is {work.seen.version(version).state.name}"
            work.hold(HoldReason.LOADING, detail, "AVAILABLE or END", version=version, progressing=True)
        elif (hold := obstacle(work.scene, work.target, version)) is not None:
            work.holds.append(hold)
        else:
            ready.append(version)
    if ready and work.may_list(ready):
        for version in ready:
            work.load(version, "the policy git asks for would choose it")


def _hand_over(work: Draft, because: str) -> Move:
    if not _choosable(work):
        where = work.target.base_path
        detail = f"no complete version is seen under {where}; the server would unload everything"
        work.hold(HoldReason.ARTIFACT_MISSING, detail, f"a complete version directory below {where}")
        return work.finish()
    if not work.may_list(work.target.versions):
        return work.finish()
    return _with_policy(work, work.target.policy, because)


def _choosable(work: Draft) -> bool:
    facts = work.scene.path(work.target.base_path)
    return facts.presence is Presence.SEEN and bool(work.target.versions)


def _take_back(work: Draft) -> Move:
    """Name the versions that answer now beside those git names, as far as these may be listed.

    Under `resource` only those that answer: the exchange that follows makes room for the others.
    """
    held = [(version, obstacle(work.scene, work.target, version)) for version in work.target.versions]
    serving = set(work.seen.proven)
    one_by_one = serving and work.target.transition.policy is TransitionPolicy.RESOURCE
    listed = serving | {version for version, hold in held if hold is None and not one_by_one}
    work.holds.extend(hold for version, hold in held if hold is not None and version not in serving)
    if not work.may_list(sorted(listed - serving)):
        listed = serving
    if not listed:
        return work.finish()
    return _with_policy(work, Specific(tuple(sorted(listed))), "git names the versions from now on")


def _with_policy(work: Draft, policy: VersionPolicy, because: str) -> Move:
    leads_to = (Fact(FactKind.POLICY, work.target.name),)
    work.actions.append(Action(ActionKind.POLICY, work.target.name, because=because, leads_to=leads_to))
    move = work.finish()
    return replace(move, config=replace(move.config, policy=policy))


def server_decides(work: Draft) -> None:
    """Under `latest` and `all` the server acts by itself: what is still on its way is said, never driven."""
    move_labels(work)
    failed = [version for version in work.target.versions if work.seen.version(version).failed]
    for version in work.target.versions:
        seen = work.seen.version(version)
        if version in failed:
            detail = (
                f"version {version}, which this policy chooses, failed to load ({seen.error}); it is not tried again"
            )
            release = "another version directory in storage, a restart of the server, or versions named in git"
            work.hold(HoldReason.SERVER_DECIDES, detail, release, version=version)
        elif not seen.proven:
            detail = f"version {version} is {seen.state.name}; under this policy the server loads it by itself"
            more = {"version": version, "progressing": True}
            work.hold(HoldReason.SERVER_DECIDES, detail, "the server's next poll and load", **more)
    for seen in work.seen.versions:
        held = seen.listed and seen.state not in (VersionState.END, VersionState.ABSENT)
        if seen.version not in work.target.versions and (held or seen.going):
            _said_to_leave(work, seen.version, failed)


def _said_to_leave(work: Draft, version: int, failed: list[int]) -> None:
    """A version the policy no longer chooses: it serves on while nothing that is chosen does."""
    state = work.seen.version(version).state.name
    if failed and not set(work.target.versions) & set(work.seen.proven):
        chosen = ", ".join(map(str, failed))
        detail = f"version {version} is {state} and serves on, because version {chosen} failed to load"
        work.hold(HoldReason.SERVER_DECIDES, detail, "a version of this policy that loads", version=version)
        return
    detail = f"version {version} is {state}; under this policy the server unloads it by itself"
    work.hold(HoldReason.SERVER_DECIDES, detail, "the server's next poll", version=version, progressing=True)
