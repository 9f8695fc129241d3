"""What is checked of a configuration before and while it is applied: names, paths, platforms.

The platform check before applying looks at all *old* models and at those new ones that also exist in the old list. A
platform that is missing on a *new* model is therefore found only after the configuration was stored, and then every
later check stumbles over it: the poison that only a restart cures.

Source: ``ValidateModelConfigList``, ``ValidateNoModelsChangePlatforms``, ``GetPlatform`` in
``model_servers/server_core.cc``. Pure functions, used by reloads.
"""

from __future__ import annotations

import re

from reconciler.modelserver.core.values import OK, Code, ModelConfig, Status

TENSORFLOW = "tensorflow"
_SCHEME = re.compile(r"[A-Za-z][0-9A-Za-z.]+://")  # at least two characters, as ``ParseURI`` scans it
Models = tuple[ModelConfig, ...]


def check_list(models: Models) -> Status:
    """No name twice, then no relative path. An empty name is accepted, an empty path is relative."""
    seen: set[str] = set()
    for model in models:
        if model.name in seen:
            return _invalid(f"Illegal to list model {model.name} multiple times in config list")
        seen.add(model.name)
    for model in models:
        if not model.base_path.startswith("/") and not _SCHEME.match(model.base_path):
            return _invalid(
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
            )
    return OK


def check_platforms_kept(old: Models, new: Models) -> Status:
    """A configured model cannot change its platform; a broken one among the old fails every check."""
    before: dict[str, str] = {}
    for model in old:
        platform = platform_of(model)
        if isinstance(platform, Status):
            return platform
        before[model.name] = platform
    for model in new:
        if model.name not in before:
            continue
        platform = platform_of(model)
        if isinstance(platform, Status):
            return platform
        if platform != before[model.name]:
            return _invalid(
                f"Illegal to change a model's platform. For model {model.name} platform was {before[model.name]} "
                f"and new platform requested is {platform}"
            )
    return OK


def check_platforms_known(models: Models) -> Status:
    """Every model needs a platform this server has: the stock one has only TensorFlow."""
    for model in models:
        platform = platform_of(model)
        if isinstance(platform, Status):
            return platform
        if platform != TENSORFLOW:
            return _invalid(f"Model {model.name} requests unsupported platform {platform}")
    return OK


def platform_of(model: ModelConfig) -> str | Status:
    """The platform, from its name or from the deprecated type, but not from both."""
    where = "ModelServerConfig::model_type (deprecated)"
    if model.model_type and model.platform:
        return _invalid(
            f"Illegal setting both {where} and ModelServerConfig::model_platform, model name is {model.name}"
        )
    if model.model_type == 1:
        return TENSORFLOW
    if model.model_type:
        return _invalid(f"ModelServerConfig::model_type choice {model.model_type} not supported.")
    if not model.platform:
        return _invalid(
            f"Illegal setting neither {where} nor ModelServerConfig::model_platform, model name is {model.name}"
        )
    return model.platform


def _invalid(message: str) -> Status:
    return Status(Code.INVALID_ARGUMENT, message)
