"""The five REST calls: status, metadata, Predict, Classify, Regress.

Here: what each does with the host, and its answer as bytes, after ``model_servers/http_rest_api_handler.cc``: a body is
read before its model is looked up. Used by the REST front. Reading and writing JSON, and all inference, go on in
threads; only a body of a few kilobytes is read at once.

Not here: HTTP, and the JSON itself (restjson, restanswers, restexamples, protojson).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from reconciler.modelserver import classify, predict, protojson, regress, restanswers, restexamples, restjson
from reconciler.modelserver.grpcfront import status_response
from reconciler.modelserver.host import Host, ModelChoice, Servable
from reconciler.modelserver.inference import DEFAULT_SIGNATURE, Options
from reconciler.modelserver.jsonfaults import Body
from reconciler.modelserver.restpaths import RestCall
from reconciler.modelserver.statuses import invalid_argument
from reconciler.wire.stubs import get_model_metadata_pb2

_SMALL = 4096  # bytes of a body; reading less is faster than changing the thread


class RestCalls:
    """The calls of one server."""

    def __init__(self, host: Host, timeout_ms: int, *, check_method: bool) -> None:
        self._host = host
        self._options = Options(check_method=check_method, timeout_ms=timeout_ms, telemetry=host.telemetry)
        self._actions: dict[str, Callable[[RestCall, Body], Awaitable[bytes]]] = {
            "status": self._status,
            "metadata": self._metadata,
            "predict": self._predict,
            "classify": self._classify,
            "regress": self._regress,
        }

    async def answer(self, call: RestCall, body: Body) -> bytes:
        """The JSON of an answer; a StatusError is a refusal."""
        return await self._actions[call.action](call, body)

    async def _status(self, call: RestCall, _: Body) -> bytes:
        return _encoded(protojson.written(status_response(self._host.get_model_status(call.model, call.version))))

    async def _metadata(self, call: RestCall, _: Body) -> bytes:
        return await self._host.infer(_choice(call), _metadata)

    async def _predict(self, call: RestCall, body: Body) -> bytes:
        document, name = await self._read(body, _document_and_signature)
        return await self._host.infer(_choice(call), lambda servable: self._predicted(servable, document, name))

    def _predicted(self, servable: Servable, document: restjson.Document, name: str) -> bytes:
        chosen = name or DEFAULT_SIGNATURE
        signature = servable.saved_model.signatures.get(chosen)
        if signature is None:
            raise invalid_argument(f'Serving signature name: "{chosen}" not found in signature def')
        if not signature.inputs:
            raise invalid_argument(f"Failed to get input map for signature: {name or 'DEFAULT'}")
        request = restjson.request(document, signature.inputs)
        request.model_spec.signature_name = name
        response = predict.predict(servable, request, self._options)
        return restanswers.answer(response.outputs, rows=restjson.is_by_row(document))

    async def _classify(self, call: RestCall, body: Body) -> bytes:
        request = await self._read(body, restexamples.classification_request)

        def work(servable: Servable) -> bytes:
            return restexamples.classification_answer(classify.classify(servable, request, self._options).result)

        return await self._host.infer(_choice(call), work)

    async def _regress(self, call: RestCall, body: Body) -> bytes:
        request = await self._read(body, restexamples.regression_request)

        def work(servable: Servable) -> bytes:
            return restexamples.regression_answer(regress.regress(servable, request, self._options).result)

        return await self._host.infer(_choice(call), work)

    async def _read(self, body: Body, reader: Callable[[Body], Any]) -> Any:
        if len(body) <= _SMALL:
            return reader(body)
        return await self._host.compute(lambda: reader(body))


def _choice(call: RestCall) -> ModelChoice:
    return ModelChoice(call.model, call.version, call.label)


def _document_and_signature(body: Body) -> tuple[restjson.Document, str]:
    document = restjson.parse(body)
    return document, restjson.signature_name(document)


def _metadata(servable: Servable) -> bytes:
    """Two documents in a frame of their own, as ``ToJsonString`` in ``http_rest_api_util.cc`` puts them together."""
    found = predict.metadata(servable)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    found.metadata["signature_def"].Unpack(signatures)
    spec, listed = protojson.written(found.model_spec), protojson.written(signatures)
    return _encoded(f'{{\n"model_spec":{spec},\n"metadata": {{"signature_def": {listed}}}\n}}\n')


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
