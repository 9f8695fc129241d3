"""Request targets: how libevent splits them, and which call they are."""

from typing import Any

import pytest

from reconciler.modelserver import restpaths
from reconciler.modelserver.restpaths import Asked, RestCall, Target
from reconciler.modelserver.statuses import StatusError


@pytest.mark.parametrize(
    ("target", "path", "full"),
    [
        ("/v1/models/m", "/v1/models/m", "/v1/models/m"),
        ("/v1/models/m?", "/v1/models/m", "/v1/models/m?"),
        ("/v1/models/m?a=/?b#c?d", "/v1/models/m", "/v1/models/m?a=/?b#c?d"),
        ("//v1/models/m", "/models/m", "/models/m"),
        ("http://u:p@host:80/v1/x?y", "/v1/x", "/v1/x?y"),
        ("http://[::1]:8501/v1", "/v1", "/v1"),
        ("http://[v1.a:b]/v1", "/v1", "/v1"),
        ("http://host", "", ""),
        ("http://host:/v1", "/v1", "/v1"),
        ("/v1/models/m%2f:predict", "/v1/models/m%2f:predict", "/v1/models/m%2f:predict"),
        ("*", "*", "*"),
        ("m:predict", "predict", "predict"),
    ],
)
def test_a_target_is_split_as_a_uri(target: str, path: str, full: str) -> None:
    assert restpaths.split(target) == Target(path, full)


@pytest.mark.parametrize(
    "target",
    [
        "/a b",
        "/%zz",
        "/%4",
        "/{m}",
        "/m|",
        '/"',
        "/\xe4",
        "1:/x",
        "http://h:65536/",
        "http://h:x/",
        "http://[::g]/",
        "/#a#",
    ],
)
def test_what_is_no_uri_is_none(target: str) -> None:
    assert restpaths.split(target) is None


@pytest.mark.parametrize(
    ("verb", "path", "call"),
    [
        ("GET", "/v1/models/m", ("status", "m", None, None)),
        ("GET", "/v1/models/m/versions/3", ("status", "m", 3, None)),
        ("GET", "/v1/models/metadata", ("status", "metadata", None, None)),
        ("GET", "/v1/models/versions/metadata", ("metadata", "versions", None, None)),
        ("GET", "/v1/models/m/Metadata", ("status", "m", None, None)),
        ("GET", "/v1/models/m/labels/a%2Fb/metadata", ("metadata", "m", None, "a/b")),
        ("GET", "/v1/models/m/labels/metadata", ("status", "m", None, "metadata")),
        ("POST", "/V1/MODELS/m%20n/VERSIONS/007:predict", ("predict", "m n", 7, None)),
        ("POST", "/v1/models/m/labels/stable:classify", ("classify", "m", None, "stable")),
        ("POST", "/v1/models/%2525:regress", ("regress", "%25", None, None)),
        ("GET", "/v1/models/m?x=1", ("status", "m?x=1", None, None)),
        ("GET", "/v1/models/m%ff", ("status", "m\udcff", None, None)),
    ],
)
def test_a_path_is_understood(verb: str, path: str, call: tuple[Any, ...]) -> None:
    assert restpaths.understand(verb, path) == RestCall(*call)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1/models/m/"),
        ("GET", "/v1/models/m/version/50"),
        ("GET", "/v1/models/m/metadata/"),
        ("GET", "/v1/models?x"),
        ("POST", "/v1/models/m/metadata"),
        ("POST", "/v1/models/:predict"),
        ("POST", "/v1/models/m:predict/"),
        ("HEAD", "/v1/models/m"),
        ("POST", "/v1/models/m:predict?x=1"),
        ("POST", "/v1/models/m/versions/-1:predict"),
        ("POST", "/v1/models/m/versions/\u0661:predict"),
        ("POST", "/v1/models/m/versions/1/labels/a:predict"),
    ],
)
def test_any_other_path_is_malformed(verb: str, path: str) -> None:
    with pytest.raises(StatusError, match="Malformed request: ") as refused:
        restpaths.understand(verb, path)
    assert refused.value.status.message == f"Malformed request: {verb} {path}"


def test_a_refused_request_is_known_by_what_was_understood_of_it() -> None:
    asked = Asked()
    with pytest.raises(StatusError):
        restpaths.understand("POST", "/v1/models/a%62/versions/99999999999999999999:predict", asked)
    assert asked == Asked("ab", "predict")
