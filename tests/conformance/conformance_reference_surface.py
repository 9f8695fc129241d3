"""S1 to S140: the surface beside the lifecycle, in our words. See ``conformance_reference``.

Read in TensorFlow Serving's sources (predict_util.cc, classifier.cc, regressor.cc, multi_inference.cc,
http_rest_api_util.cc, http_server.cc, json_tensor.cc, prometheus_exporter.cc, server.cc, main.cc) and TensorFlow's
loader; what its own tests assert is among the C-lines.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance_reference import Area, Line

_INFERENCE = {
    "S1": "Predict answers in the typed field of each element type, with name, version and signature of the request.",
    "S2": "Without a model_spec every call is INVALID_ARGUMENT `Missing ModelSpec`.",
    "S3": "The number of inputs is compared first, then their names; both refusals name what was sent.",
    "S4": "An input with a default in the signature may be left out.",
    "S5": "A tensor whose content does not fit its shape: INVALID_ARGUMENT `tensor parsing error: …`.",
    "S6": "Too few values: the last is repeated, none is zero; too many: the rest is left out; raw content is read.",
    "S7": "An output filter chooses outputs; without one all are answered.",
    "S8": "Checks come in the order signature, inputs, output filter, run.",
    "S9": "A wrong element type is refused when it runs: `Expects arg[0] to be float but string is provided`.",
    "S10": "Shapes are not compared with the signature; what the graph cannot take fails in the operation.",
    "S11": "Errors of operations are passed on with code, text and the name of the node.",
    "S12": "A signature without inputs is called without any.",
    "S13": "The method name of a signature is not checked unless a flag asks for it.",
    "S14": "Variables are restored from the checkpoint of the version.",
    "S15": "The deadline of a call ends it: DEADLINE_EXCEEDED; others go on.",
    "S16": "Messages may have up to 2^31-1 bytes.",
    "S17": "All element types come back in the field made for them.",
    "S18": "All element types are read from raw content.",
    "S19": "NaN, scalars and empty tensors pass unchanged.",
    "S20": "GetModelMetadata answers all signatures as exported.",
    "S21": "Metadata over REST: proto names, all fields, 64 bit numbers as text; version and label are honoured.",
    "S22": "Classify answers scores, labels or both for each example.",
    "S23": "Regress answers a value for each example; a context is part of each.",
    "S24": "No examples: INVALID_ARGUMENT `Input is empty.`",
    "S25": "Classify and Regress on a signature that is not there or of another form: INVALID_ARGUMENT, saying which.",
    "S26": "Results of the wrong type or number, and examples without their feature, are refused.",
    "S27": "MultiInference runs its tasks at once, on the version of the first, and answers in their order.",
    "S28": "Tasks of different models or inputs, or twice the same signature: INVALID_ARGUMENT; another method: "
    "UNIMPLEMENTED.",
}
_REST = {
    "S30": "Status: the whole message, also of one version; unknown ones are 404.",
    "S31": "Everything below /v1/ that is no call: 400 `Malformed request: <verb> <path>`.",
    "S32": "The fixed parts of a path may be in any case; names, and the verb after the colon, may not.",
    "S33": "Everything outside /v1/: 404 with a page in HTML.",
    "S34": "A query string is part of the path that is looked at.",
    "S35": "Names and labels are percent-decoded once; a plus stays a plus.",
    "S36": "Predict, Classify and Regress by default, by version and by label.",
    "S37": "HTTP codes follow the codes of errors: NOT_FOUND 404, UNIMPLEMENTED 501, FAILED_PRECONDITION 400.",
    "S38": "OPTIONS: 200 for whoever names an http(s) origin, else 400.",
    "S39": "Bodies may be gzipped; what cannot be unzipped counts as empty.",
    "S40": "Chunked bodies, any content type, several requests on a connection.",
    "S41": "Rows give `predictions`, columns `outputs`; one input may be unnamed; the layout is fixed.",
    "S42": "Several inputs and outputs are named.",
    "S43": "Answers in rows need outputs with one first dimension; a signature without inputs cannot be called.",
    "S44": "Floats are written with six digits if that is enough, else with all; whole ones with `.0`.",
    "S45": "NaN, Infinity and -Infinity are read and written bare.",
    "S46": "All element types that JSON can hold come back as they went.",
    "S47": '`{"b64": …}` is a binary string; outputs whose name ends in `_bytes` are written so.',
    "S48": "Classify and Regress take `examples` and `context`, and answer `results`.",
}
_METRICS: dict[str, str | Line] = {
    "S60": "The page is text; every metric has a `# TYPE` line and no `# HELP`; other characters of a name become `:`.",
    "S61": "request_count by model and code: Predict, Classify, Regress over gRPC and every request over REST; not "
    "GetModelStatus, GetModelMetadata and MultiInference over gRPC.",
    "S62": "request_latency by model, API and entrypoint: good requests only.",
    "S63": "Histograms: 33 buckets of 10 × 1.8^n and one more, cumulative, with sum and count.",
    "S64": "runtime_latency by model, API and runtime `TF1`.",
    "S65": Line(
        Area.METRICS,
        "load_attempt_count by path with the version, `success` or `fail`; load_latency and its stages.",
        "TensorFlow's C API does both stages in one call: all of it counts as `restore_graph`, and `init_graph` as 0",
    ),
    "S66": "Any query on the page's address: 400 `Unexpected path: …`; without the config file there is no page.",
    "S67": "The examples of MultiInference are counted.",
    "S68": "A reload may ask for metrics: one increase per distinct name, of its first cell; unknown names are 0.",
    "S69": "Warm-ups are counted and timed by path and code.",
}
_PROCESS: dict[str, str | Line] = {
    "S70": "`--version` prints the versions of server and TensorFlow and exits with 0.",
    "S71": "An unknown flag is named with the usage, and the server starts all the same.",
    "S72": "A value that cannot be read ends the start.",
    "S73": "Neither a base path nor a config file: `Failed to start server. Error: INVALID_ARGUMENT: …`.",
    "S74": "Flags that exclude each other, or need another, end the start and say so.",
    "S75": Line(
        Area.PROCESS,
        "A config file that is not there, or that breaks its grammar, ends the start with its name.",
        "files for TLS and batching that cannot be read abort the real process; ours prints why and exits with 1",
    ),
    "S76": "One model by `--model_name` and `--model_base_path`; its default name is `default`.",
    "S77": "`--rest_api_port` that is the gRPC port: gRPC is served, REST is not, the log says why.",
    "S78": "`--enable_serialization_as_tensor_content`: Predict answers raw content.",
    "S79": "`--enable_signature_method_name_check`: Predict INTERNAL, Classify and Regress INVALID_ARGUMENT.",
    "S80": "`--grpc_socket_path`: the same services on a UNIX socket.",
    "S81": "`--enable_grpc_healthcheck_service`: SERVING for the empty name, `ModelService` and `PredictionService`.",
    "S82": "`--rest_api_enable_cors_support`: three headers with every answer.",
    "S83": "`--rest_api_timeout_in_ms`: a run over REST that takes longer is 504.",
    "S84": Line(
        Area.PROCESS,
        "`--ssl_config_file`: gRPC speaks TLS only, and with client_verify only to clients with a certificate; REST "
        "stays plain.",
        "client_verify without custom_ca ends the start here; the real server starts, and refuses every client",
    ),
    "S85": "`--enable_model_warmup=false`: warm-up records are not looked at.",
    "S86": "`--enable_batching`: requests that run together are answered as if alone.",
    "S87": "`--saved_model_tags`: the meta graph with just these tags is served.",
}
_INPUT: dict[str, str | Line] = {
    "S90": "What is no JSON: 400 `JSON Parse error: …` with RapidJSON's words and offset.",
    "S91": "A document without `instances` or `inputs`, with both, or with an unknown signature: 400.",
    "S92": "A row of the wrong type or shape: 400, with its number.",
    "S93": "A column of the wrong type or shape: 400.",
    "S94": "Several inputs that are not all named: 400.",
    "S95": "A value its type cannot hold, bad base64: 400.",
    "S96": "Examples of another form: 400; the document is read before the model is looked up.",
    "S97": "An error is a JSON object with the text escaped.",
    "S98": Line(
        Area.INPUT,
        "Deep nesting is read, and is no tensor.",
        "beyond 1,000 levels ours refuses the document; the real server recurses and, somewhere beyond, crashes",
    ),
    "S99": "Large bodies, bytes that are no text, a byte order mark, a zero byte after the document.",
    "S100": Line(
        Area.INPUT,
        "Methods that are not registered, reflection and (without its flag) health among them: UNIMPLEMENTED.",
        "so is the profiler service, which the real server registers unless `--enable_profiler=false`",
    ),
    "S101": "Bytes that are no message: INTERNAL.",
    "S102": "Unknown fields of a message are ignored.",
    "S103": "Garbage on the gRPC port ends its own connection.",
    "S104": "Garbage on the REST port is refused or dropped.",
    "S105": "Half-closed, slow and vanishing HTTP clients hold up nobody.",
    "S107": "A version directory without a SavedModel, with an empty or cut one, or with other tags: END, its error.",
    "S108": "A checkpoint that is cut or of other bytes: END with its error; without the index nothing is restored.",
    "S109": "A file, a loop of links or a link to nowhere, as a version or in one: INTERNAL, from the size estimate.",
    "S110": "Links to directories and files, and stray files in and beside a version do no harm.",
    "S111": "Warm-up records that are cut, of another kind or too many fail the load; a good one does not.",
    "S112": "Files that cannot be read fail the load with PERMISSION_DENIED.",
    "S114": "A directory that goes while it loads: its size is estimated again after the load, and that fails it.",
    "S113": "Whatever cannot be loaded, the other models load and answer.",
    "S106": "Calls do not wait for each other; compressed ones are read.",
}

_AREAS: tuple[tuple[Area, Mapping[str, str | Line]], ...] = (
    (Area.INFERENCE, _INFERENCE),
    (Area.REST, _REST),
    (Area.METRICS, _METRICS),
    (Area.PROCESS, _PROCESS),
    (Area.INPUT, _INPUT),
)
SURFACE = {
    name: line if isinstance(line, Line) else Line(area, line) for area, lines in _AREAS for name, line in lines.items()
}
