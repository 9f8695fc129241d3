"""Plan files: what `plan --out FILE` saves and `apply --plan FILE` compares with the plan of now.

A file is the JSON that `plan -o json` prints. Only fingerprints are compared: they cover the commit, what differs, what
is held and every pass, without times and wording. A file is never executed: what is applied is always planned anew.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.exits import Misused
from reconciler.errors import PlanChanged
from reconciler.expose import documents
from reconciler.expose.outline import Subject
from reconciler.state.plan import Plan


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The identity of a reviewed plan: its commit, its fingerprint, and that of each server."""

    commit: str
    fingerprint: str
    servers: dict[str, str]


def save(path: Path, plan: Plan, subject: Subject) -> None:
    """Write the plan. Raises OSError."""
    path.write_text(documents.as_json(documents.plan_document(plan, subject)), encoding="utf-8")


def load(path: Path) -> Reviewed:
    """What a plan file says was reviewed. Raises Misused where the file is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        servers = {str(each["server"]): str(each["fingerprint"]) for each in content["servers"]}
        reviewed = Reviewed(str(content["commit"]["id"]), str(content["fingerprint"]), servers)
        major = str(content["formatVersion"]).split(".")[0]
    except OSError as error:
        raise Misused(f"Cannot read the plan file {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Misused(f"{path} is no plan file. Make one with `reconciler plan --out FILE`.") from error
    if major != documents.FORMAT_VERSION.split(".", maxsplit=1)[0]:
        raise Misused(f"{path} was written by another release (format {content['formatVersion']}). Plan again.")
    return reviewed


def check(reviewed: Reviewed, plan: Plan) -> None:
    """Refuse a plan that is not the reviewed one.

    Raises:
        PlanChanged: with what changed: the commit, or the servers that now need something else.
    """
    if plan.fingerprint == reviewed.fingerprint:
        return
    if plan.commit != reviewed.commit:
        what = f"the branch is at {plan.commit[:10]} now, the plan was made for {reviewed.commit[:10]}"
    else:
        now = {server.server: server.fingerprint for server in plan.servers}
        names = sorted(
            name for name in now.keys() | reviewed.servers.keys() if now.get(name) != reviewed.servers.get(name)
        )
        what = f"the plan of {', '.join(names)} is another one now"
    raise PlanChanged(f"This is not the plan that was reviewed: {what}. Nothing was applied; plan and review again.")
