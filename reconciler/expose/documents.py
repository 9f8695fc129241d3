"""Plans and statuses as plain data for machines, with a `formatVersion`, and that data as JSON or YAML.

Called by every command with `-o json|yaml`. Model versions are strings, as TensorFlow Serving prints them (int64 does
not survive JavaScript); times are RFC 3339. The plan's shape is published as `schemas/v1alpha1/plan.json`: a minor
formatVersion only adds, a major one may remove.
"""

import json
from collections.abc import Mapping
from typing import TypeAlias, assert_never

from reconciler.expose import outline, words
from reconciler.state.check import CheckDue
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.plan import Action, Difference, Fact, Gap, Hold, MemoryUse, Pass, Plan, Retained, ServerPlan
from reconciler.state.versions import All, Latest, Specific, VersionPolicy

FORMAT_VERSION = "1.0"

Data: TypeAlias = "Mapping[str, Data] | list[Data] | str | int | float | bool | None"


def envelope(kind: str, content: Mapping[str, Data]) -> dict[str, Data]:
    """Content with its format version and kind in front, as every machine output has them."""
    return {"formatVersion": FORMAT_VERSION, "kind": kind, **content}


def as_json(data: Data) -> str:
    """Data as indented JSON with a final newline."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_yaml(data: Data) -> str:
    """Data as YAML, keys in the same order as in JSON."""
    import yaml

    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120))


def plan_document(plan: Plan, subject: outline.Subject) -> dict[str, Data]:
    """A whole plan; what `plan -o json` prints and `plan --out` saves."""
    commit = subject.commit
    return envelope(
        "Plan",
        {
            "commit": {
                "id": commit.id,
                "author": commit.author,
                "time": words.timestamp(commit.time),
                "subject": commit.subject,
            },
            "basis": subject.basis,
            "fingerprint": plan.fingerprint,
            "summary": {
                "servers": len(plan.servers),
                "converged": sum(server.converged for server in plan.servers),
                "passes": sum(len(server.passes) for server in plan.servers),
                "holds": sum(len(server.holds) for server in plan.servers),
                "text": outline.summary(plan),
            },
            "servers": [server_document(server) for server in plan.servers],
        },
    )


def server_document(server: ServerPlan) -> dict[str, Data]:
    """The plan of one server."""
    return {
        "server": server.server,
        "converged": server.converged,
        "blocked": server.blocked,
        "waiting": server.waiting,
        "fingerprint": server.fingerprint,
        "observedAt": words.timestamp(server.observed_at),
        "lookAgainAt": words.timestamp(server.look_again_at),
        "differences": [difference_document(each) for each in server.differences],
        "passes": [_pass(each) for each in server.passes],
        "holds": [hold_document(each) for each in server.holds],
        "retained": [retained_document(each) for each in server.retained],
        "checks": [_due(each) for each in server.checks],
        "memory": None if server.memory is None else _memory(server.memory),
        "traffic": list(outline.section(server).traffic),
        "warnings": list(server.warnings),
    }


def retained_document(each: Retained) -> dict[str, Data]:
    """A version that stays loaded for a while."""
    return {"model": each.model, "version": _version(each.version), "until": words.timestamp(each.until)}


def _memory(found: MemoryUse) -> dict[str, Data]:
    return {
        "budget": found.budget,
        "reserve": found.reserve,
        "before": found.before,
        "peak": found.peak,
        "after": found.after,
        "unknown": [{"model": model, "version": _version(version)} for model, version in found.unknown],
        "choices": [
            {"model": each.model, "policy": str(each.policy), "because": each.because} for each in found.choices
        ],
    }


def _due(each: CheckDue) -> dict[str, Data]:
    return {
        "model": each.model,
        "version": _version(each.version),
        "check": each.check,
        "comparedWith": _version(each.against or None),
    }


def difference_document(each: Difference) -> dict[str, Data]:
    """One difference, in git's terms."""
    return {
        "kind": str(each.kind),
        "model": each.model,
        "version": _version(each.version),
        "label": each.label,
        "wanted": each.wanted,
        "found": each.found,
    }


def hold_document(hold: Hold) -> dict[str, Data]:
    """One hold."""
    return {
        "reason": str(hold.reason),
        "model": hold.model,
        "version": _version(hold.version),
        "label": hold.label,
        "detail": hold.detail,
        "releasedBy": hold.released_by,
        "since": words.timestamp(hold.since),
        "until": words.timestamp(hold.until),
        "progressing": hold.progressing,
    }


def config_document(config: ServerConfig) -> dict[str, Data]:
    """What one reload carries."""
    return {"models": [_model(each) for each in config.models]}


def _pass(body: Pass) -> dict[str, Data]:
    return {
        "number": body.number,
        "kind": str(body.kind),
        "actions": [_action(each, body) for each in body.actions],
        "gaps": [_gap(each) for each in body.gaps],
        "config": config_document(body.config),
    }


def _action(action: Action, body: Pass) -> dict[str, Data]:
    return {
        "kind": str(action.kind),
        "model": action.model,
        "version": _version(action.version),
        "label": action.label,
        "before": _version(action.before),
        "check": action.check or None,
        "text": words.deed(action, body.config),
        "because": action.because,
        "verdict": action.verdict,
        "needs": [_fact(each) for each in action.needs],
        "leadsTo": [_fact(each) for each in action.leads_to],
    }


def _fact(fact: Fact) -> dict[str, Data]:
    return {
        "kind": str(fact.kind),
        "model": fact.model,
        "version": _version(fact.version),
        "label": fact.label,
        "check": fact.check or None,
    }


def _gap(gap: Gap) -> dict[str, Data]:
    return {
        "model": gap.model,
        "label": gap.label,
        "seconds": gap.seconds,
        "loadKnown": gap.load_known,
        "because": gap.because,
    }


def _model(entry: ModelConfig) -> dict[str, Data]:
    return {
        "name": entry.name,
        "basePath": entry.base_path,
        "platform": entry.platform,
        "versions": _policy(entry.policy),
        "labels": {label: str(version) for label, version in entry.labels},
    }


def _policy(policy: VersionPolicy) -> dict[str, Data]:
    match policy:
        case Specific(versions):
            return {"specific": [str(each) for each in versions]}
        case Latest(number):
            return {"latest": number}
        case All():
            return {"all": {}}
        case _:
            assert_never(policy)


def _version(version: int | None) -> str | None:
    return None if version is None else str(version)
