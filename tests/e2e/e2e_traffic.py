"""Requests by label, all the while: what was answered by which version, and what was lost."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from running_server import floats, spec, until

from reconciler.wire import stubs

PAUSE = 0.02
"""Seconds between two requests: about forty a second each way, on a machine that is not overloaded."""

PREDICT = "/tensorflow.serving.PredictionService/Predict"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it was sent and answered, by which version; or in which words it was lost."""

    sent: float
    ended: float
    version: int = 0
    lost: str = ""


@dataclass(slots=True)
class Traffic:
    """A client that asks one model of one server by one label."""

    address: str
    model: str
    label: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def lost(self) -> list[str]:
        """Every request that was not answered, in the words it got."""
        return [each.lost for each in list(self.asked) if each.lost]

    @property
    def versions(self) -> list[int]:
        """The versions that answered, one after the other, repetitions left out."""
        return [version for version, _ in itertools.groupby(each.version for each in self._answered())]

    @property
    def gap(self) -> float:
        """Seconds from the first request that was lost to the first answer after the last one that was."""
        asked = list(self.asked)
        lost = [number for number, each in enumerate(asked) if each.lost]
        if not lost:
            return 0.0
        after = next(each for each in asked[lost[-1] :] if not each.lost)
        return after.ended - asked[lost[0]].sent

    def wait_for(self, version: int) -> None:
        """Wait until that version is what answers now."""
        start = len(self.asked)

        def answered() -> bool:
            fresh = self.asked[start:]
            return bool(fresh) and fresh[-1].version == version

        until(answered, f"{self.model} by {self.label} answered by {version}, not {self.versions} {self.lost[-3:]}")

    def wait_for_more(self, count: int = 20) -> None:
        """Wait until so many more requests ended, whichever way."""
        enough = len(self.asked) + count
        until(lambda: len(self.asked) >= enough, f"{count} more requests")

    def _answered(self) -> list[Asked]:
        return [each for each in list(self.asked) if not each.lost]

    def keep_asking(self, enough: threading.Event) -> None:
        """Ask until told that it is enough."""
        request = stubs.predict_pb2.PredictRequest(model_spec=spec(self.model, label=self.label))
        request.inputs["x"].CopyFrom(floats(2.0))
        body = request.SerializeToString()
        options = (("grpc.max_reconnect_backoff_ms", 200), ("grpc.use_local_subchannel_pool", 1))
        with grpc.insecure_channel(self.address, options=options) as channel:
            ask = channel.unary_unary(PREDICT, None, stubs.predict_pb2.PredictResponse.FromString)
            while not enough.wait(PAUSE):
                self.asked.append(_ask(ask, body))

    @contextmanager
    def flowing(self) -> Iterator["Traffic"]:
        """Ask all the while the block runs."""
        enough = threading.Event()
        thread = threading.Thread(target=self.keep_asking, args=(enough,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            enough.set()
            thread.join(10)


class RestTraffic(Traffic):
    """The same over REST, where no answer says which version it is from: the number itself does."""

    def keep_asking(self, enough: threading.Event) -> None:
        """Ask until told that it is enough."""
        path = f"/v1/models/{self.model}/labels/{self.label}:predict"
        with httpx.Client(base_url=self.address, timeout=2.0) as client:
            while not enough.wait(PAUSE):
                self.asked.append(_ask_rest(client, path))


@dataclass(frozen=True, slots=True)
class BothWays:
    """The same client over gRPC and over REST, side by side."""

    grpc: Traffic
    rest: Traffic

    @property
    def lost(self) -> list[str]:
        """Every request that was not answered, whichever way it went."""
        return [*self.grpc.lost, *(f"REST: {each}" for each in self.rest.lost)]

    @property
    def versions(self) -> list[int]:
        """The versions that answered, one after the other; both ways must have got the same."""
        over_grpc, over_rest = self.grpc.versions, self.rest.versions
        assert over_grpc == over_rest, f"gRPC was answered by {over_grpc}, REST by {over_rest}"
        return over_grpc

    @property
    def gap(self) -> float:
        """The longer of the two gaps."""
        return max(self.grpc.gap, self.rest.gap)

    def wait_for(self, version: int) -> None:
        """Wait until that version is what answers now, both ways."""
        self.grpc.wait_for(version)
        self.rest.wait_for(version)

    def wait_for_more(self, count: int = 20) -> None:
        """Wait until so many more requests ended, each way."""
        self.grpc.wait_for_more(count)
        self.rest.wait_for_more(count)

    @contextmanager
    def flowing(self) -> Iterator["BothWays"]:
        """Ask all the while the block runs."""
        with self.grpc.flowing(), self.rest.flowing():
            yield self


def _ask_rest(client: httpx.Client, path: str) -> Asked:
    sent = time.monotonic()
    try:
        answer = client.post(path, json={"instances": [[2.0]]})
    except httpx.HTTPError as error:
        return Asked(sent, time.monotonic(), lost=repr(error))
    if not answer.is_success:
        return Asked(sent, time.monotonic(), lost=answer.text)
    return Asked(sent, time.monotonic(), round(answer.json()["predictions"][0][0]) - 2)


def _ask(ask: Any, body: bytes) -> Asked:
    sent = time.monotonic()
    try:
        answer = ask(body, timeout=2.0)
    except grpc.RpcError as error:
        return Asked(sent, time.monotonic(), lost=f"{error.code().name}: {error.details()}")
    return Asked(sent, time.monotonic(), answer.model_spec.version.value)
