"""A server's metrics page, read for the one thing that gRPC cannot tell: which models it holds that nobody asked for.

Called by `serving.py` at first contact, where a fleet says `adopt: keep`. Source of the names: TensorFlow Serving's
servables/tensorflow/util.cc (`:tensorflow:serving:request_count`) and TensorFlow's cc/saved_model/loader.cc
(`:tensorflow:cc:saved_model:load_attempt_count`, by the version's directory). What is on the page was there at some
time in this life of the process; what is not may be there all the same: metrics prove presence, never absence.
"""

import asyncio
import posixpath
import re

from reconciler.state.look import Page

PATH = "/monitoring/prometheus/metrics"
"""Where TensorFlow Serving puts it unless `--monitoring_config_file` says otherwise."""

MAX_BYTES = 16 << 20
"""A page of ten thousand models is a tenth of that."""

_LABEL = re.compile(r'(model_name|model_path)="((?:[^"\\]|\\.)*)"')


async def read(rest: str | None, deadline: float, most: int = MAX_BYTES) -> Page:
    """The page of the server with that REST address; never raises for what a server does."""
    import httpx

    if rest is None:
        return Page(unseen="the Fleet gives no REST address of this server")
    url = rest.rstrip("/") + PATH
    try:
        async with (
            asyncio.timeout(deadline),
            httpx.AsyncClient(timeout=deadline, trust_env=False) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                return Page(unseen=f"{url} answers {answer.status_code}; --monitoring_config_file turns it on")
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > most:
                    return Page(unseen=f"{url} is larger than {most} bytes")
    except TimeoutError:
        return Page(unseen=f"{url} did not answer within {deadline:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Page(unseen=f"{url} cannot be read: {str(error) or type(error).__name__}")
    return parsed(body.decode("utf-8", "replace"), url)


def parsed(text: str, url: str = "the page") -> Page:
    """What a page in Prometheus's text format shows of models."""
    lines = [line for line in text.splitlines() if line.startswith(":tensorflow:")]
    if not lines:
        return Page(unseen=f"{url} has no metrics of TensorFlow Serving")
    found = [(name, re.sub(r"\\(.)", r"\1", value)) for line in lines for name, value in _LABEL.findall(line)]
    names = {value for name, value in found if name == "model_name" and value}
    paths = {posixpath.dirname(value.rstrip("/")) for name, value in found if name == "model_path" and value}
    return Page(tuple(sorted(names)), tuple(sorted(paths)))
