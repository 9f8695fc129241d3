"""C1 to C96: cases read in TensorFlow Serving's sources and tests, or executed on its core, in our words.

Where a line says M{1,2}, model M is configured with and serves versions 1 and 2. See ``conformance_reference``.
"""

from __future__ import annotations

from conformance_reference import Area, Line

_STATUS = {
    "C1": "One version in a directory with leading zeros: one entry, AVAILABLE, error_code 0.",
    "C2": "No model_spec: INVALID_ARGUMENT `Missing ModelSpec`.",
    "C3": "An unknown model: NOT_FOUND `Could not find any versions of model …`.",
    "C4": "An unknown version: NOT_FOUND `Could not find version 125 of model M`.",
    "C5": "M{1,2}: listed as 2, 1.",
    "C6": "A label nobody defined: OK, all versions.",
}
_REQUESTS = {
    "C7": "M{1,2}: Predict without version is answered by 2, with the signature's name in the answer.",
    "C8": "Predict with version 1 is answered by 1.",
    "C9": "Predict with a label nobody defined: INVALID_ARGUMENT `Unrecognized servable version label: …`.",
    "C10": "Predict with a version not loaded: NOT_FOUND `Servable not found for request: Specific(M, 9)`.",
    "C11": "Predict on an unknown model: NOT_FOUND `Servable not found for request: Latest(…)`.",
    "C12": "Predict without a name: INVALID_ARGUMENT `ModelSpec has no name specified.`",
}
_LABELS = {
    "C13": "M{1,2}: labels on both are accepted at once and resolve.",
    "C14": "A label moved to a version not loaded: FAILED_PRECONDITION; it still resolves as before.",
    "C15": "A version, a label on it and a new model in one reload: refused, and nothing of it is applied.",
    "C16": "A refused config is what platforms are compared with next: a name is stuck until a reload without it.",
    "C17": "M{1,2}, stable on 1: M{2} with stable on 2 is accepted; resolves to 2 at once, 1 ends after the poll.",
    "C18": "M{1,2}: M{2} with stable still on 1 is accepted; after the poll the label is NOT_FOUND.",
    "C19": "Any reload that repeats such a label: FAILED_PRECONDITION.",
    "C20": "A reload without it: OK; the label is unknown.",
    "C21": "Allow flag, M{1}: a new label on an absent version is accepted; requests are NOT_FOUND.",
    "C22": "Then moving a defined label to that version: FAILED_PRECONDITION.",
    "C23": "Then repeating the new label: OK.",
}
_START = {
    "C24": "Labels in the start config, no flag: exits with the label refusal.",
    "C25": "The same with the allow flag: up, and the label resolves.",
    "C93": "A model path that is missing at start: the ports stay closed.",
    "C94": "Policy all, and the first version to finish fails: exits, `… servable(s) did not become available …`.",
    "C95": "A zero-byte config file: exits with INVALID_ARGUMENT. Only a newline: starts without models.",
    "C88": "A config file that cannot be parsed: exits, the parse error is printed.",
    "C68": "Started on a config without a list, A fails, then B is served, then {A,B}: the last reload blocks.",
    "C69": "The same from `model_config_list {}`: the last reload is OK once A is repaired.",
}
_MODELS = {
    "C26": "A new model: OK only when it is AVAILABLE.",
    "C27": "A new model that fails: UNKNOWN with its error; it is END; others are fine.",
    "C28": "The same reload again: OK at once; still END.",
    "C29": "Its files repaired: still END.",
    "C30": "Left out, a poll later added again: OK and AVAILABLE.",
    "C31": "Policy latest, a new version appears: it becomes AVAILABLE.",
    "C32": "A new model whose path is missing: blocks; no version of any model is discovered; its status NOT_FOUND.",
    "C33": "A second reload meanwhile: blocks too.",
    "C34": "The path appears: both are answered in order, and discovery goes on.",
    "C35": "A new model whose directory is empty: blocks, but discovery goes on.",
    "C36": "A configured model moved to a missing path: OK at once, serves on; no model's new versions are seen.",
    "C39": "A model left out: OK, labels gone at once, all versions END.",
    "C40": "Added again after that: OK when loaded, same numbers.",
    "C66": "New with [1,2], 2 fails first: UNKNOWN; 1 is AVAILABLE later.",
    "C67": "New with [1,2], 2 is fast and 1 slow: OK while 1 is not yet there.",
}
_VERSIONS = {
    "C37": "Only versions that are not on disk: OK; what was loaded ends; requests NOT_FOUND `Latest(M)`.",
    "C38": "`specific {}`: the same.",
    "C41": "Another base path with the same number: the old bytes go on answering.",
    "C42": "Another base path with 1 and 5: 1 answers with old bytes, 5 with new ones.",
    "C43": "Policy latest, 2 appears: 2 loads while 1 serves, then 1 ends.",
    "C44": "Policy latest 2, 3 appears and is slow: 1 ends before 3 is AVAILABLE.",
    "C45": "Policy latest, a broken 2 appears: 2 ends with its error, 1 serves on.",
    "C46": "[1], then a failing [2], then [1,3]: 3 never appears; [3] alone loads and 1 ends.",
    "C47": "[1], then [1,2] with 2 failing, then [1], then [1,3]: 3 is AVAILABLE.",
    "C50": "A slow load is dropped and then succeeds: END with CANCELLED `Loading of servable cancelled`.",
}
_FAILURES = {
    "C48": "A failed 2 is repaired, dropped and added within one poll: it stays END.",
    "C49": "The same with a poll in between: AVAILABLE.",
    "C89": "A directory without `variables/`: AVAILABLE; requests FAILED_PRECONDITION.",
    "C90": "A warm-up record that fails ends the load with its error; no file is fine.",
    "C91": "A failing load without load threads holds up other models until its retries end; with two it does not.",
    "C92": "A size estimate that fails holds up every load, with load threads too; loaded versions serve on.",
}
_DISK = {
    "C51": "`01`, `3.5`, `_4`, `-7`, `+8`, `12x`, `00013`, `13` under policy all: versions 13, 8, 1, -7.",
    "C52": "`00013` and `013`, [13]: served from `013`.",
    "C53": "`latest { num_versions: 0 }`: one version.",
    "C54": "The directory of the only version is removed: END, requests NOT_FOUND.",
    "C55": "The base path is removed: serves on; no model's new versions are seen.",
}
_REFUSALS = {
    "C56": "A name listed twice: INVALID_ARGUMENT, nothing changes.",
    "C57": "A relative or empty base path: INVALID_ARGUMENT.",
    "C58": "No list, or a custom config: INVALID_ARGUMENT `ServerModelConfig type not supported …`.",
    "C59": "A new model without a platform: INVALID_ARGUMENT, then and for every reload after it.",
    "C60": "A new model on an unknown platform: INVALID_ARGUMENT; the labels of that request are in force.",
    "C61": "The deprecated model_type TENSORFLOW instead of a platform: OK.",
    "C62": "A logging_config: INVALID_ARGUMENT `No request-logger-creator provided.`, all else applied.",
    "C96": "A long error text is cut in RPC errors and whole in GetModelStatus.",
}
_PARALLEL = {
    "C63": "A request runs on 1 while 1 is dropped: UNLOADING until it ends, new requests NOT_FOUND, then END.",
    "C64": "A long request on A: a new B answers at once, but becomes AVAILABLE only when A's request ends.",
}
_POLLS = {
    "C65": "Poll 0: new versions are ignored; policy changes are OK and ignored; a new model blocks.",
    "C86": "The config file is replaced while it is polled: the new model is served, the old one unloaded.",
    "C87": "The same without polling: the old one serves on.",
}
_INFERENCE = {
    "C70": "GetModelMetadata without a field or with an unknown one: INVALID_ARGUMENT.",
    "C71": "GetModelMetadata by label: the resolved version, no signature name.",
    "C72": "Predict on half_plus_two: 3.0 in float_val, with name, version and signature.",
    "C73": "Predict without its input: INVALID_ARGUMENT naming what was sent and what is missing.",
    "C74": "An output_filter with an unknown or repeated name: INVALID_ARGUMENT.",
    "C75": "An unknown signature: FAILED_PRECONDITION.",
    "C76": "A wrong dtype: INVALID_ARGUMENT.",
}
_REST = {
    "C77": "GET status: JSON with the version as a string, 200.",
    "C78": "GET status by label: 200, all versions.",
    "C79": "POST predict in rows and in columns: `predictions` and `outputs`.",
    "C80": "POST classify and regress: `results`.",
    "C81": "Paths that are none: 400 `Malformed request: …`.",
    "C82": "A version beyond int64: 400 `Failed to convert version`.",
    "C83": "Unknown model, unknown label, empty body, bad JSON: 404, 400, 400, 400.",
    "C84": "Percent-encoded names are decoded.",
}
_METRICS = {"C85": "Prometheus: 200, text with `# TYPE`, counters that move."}

CASES = {
    name: Line(area, text)
    for area, texts in (
        (Area.STATUS, _STATUS),
        (Area.REQUESTS, _REQUESTS),
        (Area.LABELS, _LABELS),
        (Area.START, _START),
        (Area.MODELS, _MODELS),
        (Area.VERSIONS, _VERSIONS),
        (Area.FAILURES, _FAILURES),
        (Area.DISK, _DISK),
        (Area.REFUSALS, _REFUSALS),
        (Area.PARALLEL, _PARALLEL),
        (Area.POLLS, _POLLS),
        (Area.INFERENCE, _INFERENCE),
        (Area.REST, _REST),
        (Area.METRICS, _METRICS),
    )
    for name, text in texts.items()
}
