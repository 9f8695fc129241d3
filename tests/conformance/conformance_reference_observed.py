"""O1 to O100: what was seen on a running TensorFlow Serving 2.20.0, in our words. See ``conformance_reference``."""

from __future__ import annotations

from conformance_reference import Area, Line

_START = {
    "O1": "Labels in the config file, without the allow flag: the process exits 1 with the label refusal.",
    "O2": "The same with the allow flag: it starts, and the labels work once their versions are loaded.",
    "O3": "The ports open only when every configured model has an AVAILABLE version.",
    "O4": "`model_config_list {}`: it starts without models; a reload adds them.",
    "O5": "A zero-byte config file: exit 1, INVALID_ARGUMENT `<file>; Invalid argument`.",
    "O6": "A base path that is not there: the start hangs for ever, no port opens.",
    "O7": "A corrupt model, retries exhausted: exit 1, UNKNOWN `1 servable(s) did not become available: …`.",
}
_STATUS = {
    "O8": "Versions come highest first; those that ended stay listed, of dropped models too, until loaded again.",
    "O9": "An unknown model or version is NOT_FOUND, also a version that is configured but not on disk.",
    "O10": "Right after the reload that adds it a version is absent until the poll, then START, LOADING, AVAILABLE.",
    "O11": "The empty name is asked for like any other, and accepted in a config.",
    "O12": "A version label in the question is ignored, even an unknown one: all versions are returned.",
    "O13": "Healthy and normally ended versions carry OK and no text; failed ones END with code and text.",
    "O98": "A refused reload is a gRPC error without a message; a good one says error_code 0 and no text inside.",
}
_REQUESTS = {
    "O14": "Requests find a version by number, by label, or take the highest AVAILABLE one; the answer names it.",
    "O15": "GetModelMetadata by label names the version the label resolves to.",
    "O16": "An unknown label is INVALID_ARGUMENT, of an unknown model too.",
    "O17": "A label or number whose version is not loaded is NOT_FOUND `Specific(model, version)`.",
    "O18": "An unknown model is NOT_FOUND `Latest(model)`; no name is INVALID_ARGUMENT.",
}
_INFERENCE = {
    "O19": "GetModelMetadata without a field, or with another than `signature_def`, is INVALID_ARGUMENT.",
    "O20": "An unknown signature is FAILED_PRECONDITION; a wrong input name is INVALID_ARGUMENT with both names.",
}
_LABELS = {
    "O21": "Labels are checked before anything is applied: one refused label refuses the whole request.",
    "O22": "A label moved together with the load of its version is refused, with and without the allow flag.",
    "O23": "A new label on a version that the same request loads: with the flag accepted, NOT_FOUND until loaded; "
    "without it refused.",
    "O24": "Without the flag a new model cannot bring labels; loaded first, it can have them.",
    "O25": "Load, wait for AVAILABLE, move the label: accepted and effective when the call returns.",
    "O26": "A label to a version that is LOADING is refused.",
    "O27": "A label to a version that the same request drops is accepted, and dangles afterwards.",
    "O28": "Repeating the config of a dangling label: accepted with the flag, refused without.",
    "O29": "Move a label and drop its old version in one request: accepted, no gap.",
    "O30": "A label left out is gone at once.",
    "O31": "With the flag a new label may point at version 0; the empty label can be set and used.",
    "O32": "Under `latest`, `all` and no policy the same rules hold, also when the request widens the policy.",
    "O100": "A label read back after the reload returned is never the old one.",
}
_VERSIONS = {
    "O33": "Added versions: OK at once, then START, LOADING, AVAILABLE, one after another, highest first.",
    "O34": "A dropped version serves until the next poll, then ends.",
    "O35": "UNLOADING shows only while a request runs on the version; new requests are NOT_FOUND meanwhile; without "
    "unload threads no model can be loaded until it ends.",
    "O36": "Dropped and listed again within one poll, a version notices nothing.",
    "O37": "[1] to [2]: 2 loads, then 1 unloads; no request fails.",
    "O38": "[1,2] to [3]: 1 goes, 3 loads, 2 goes. [1,2] to [2,3]: 1 goes before 3 loads.",
    "O39": "[1] to a corrupt [4]: 4 ends with its error, 1 stays AVAILABLE; back to [1] is fine.",
    "O40": "A listed version that is not on disk: OK, the others load, it stays NOT_FOUND; loaded when it appears.",
    "O41": "Only missing versions, or `specific {}`: OK, and every loaded version of the model is unloaded.",
    "O42": "The directory of a served version is removed: unloaded at the next poll; put back: loaded again.",
    "O43": "The whole base path removed: nothing is unloaded.",
    "O44": "Files overwritten under the same number are not noticed.",
    "O45": "`0007` is version 7; `8.tmp` and `tmp` are nothing.",
}
_MODELS = {
    "O46": "A model left out: unloading begins without a poll, its versions END, its labels are gone.",
    "O47": "`model_config_list {}`: OK, everything is unloaded.",
    "O48": "No config at all: INVALID_ARGUMENT, nothing changes.",
    "O49": "A new model: the call waits until the first of its versions, the highest, is AVAILABLE.",
    "O50": "A new model without a version on disk, or without its base path: the call waits for ever and holds the "
    "mutex; every later reload waits too, questions and requests do not.",
    "O51": "The way out: make a version appear. Queued reloads then run in order, also those nobody waits for.",
    "O52": "A new corrupt model: UNKNOWN naming it; all else of the config is applied; sent again it is OK.",
    "O53": "New with [1,4], 4 corrupt: UNKNOWN, although 1 becomes AVAILABLE a moment later.",
    "O54": "A configured model moved to a base path that is not there: OK; what is loaded serves on; only the log "
    "tells.",
    "O55": "One missing base path freezes the versions of all models; a new model then blocks; dropping models still "
    "works; a reload with a good path cures it.",
    "O56": "Another base path that exists: common numbers stay as loaded, new ones load from there, others unload.",
    "O57": "Dropped and added again at once: usually UNKNOWN with the old copy's END, and the model comes back.",
    "O58": "Dropped and added again at once: sometimes it hangs for ever with the mutex held, the model serving on.",
    "O59": "Added again after the END of all versions: no trouble.",
    "O93": "Added again right after a witnessed END: OK every time.",
    "O94": "Several new models in one reload, one of them corrupt: UNKNOWN naming it, the others AVAILABLE.",
    "O95": "Several new models, one of them missing: the others serve, the reload and all later ones hang.",
    "O96": "One new version for each of many models: OK at once, loaded one per tick.",
    "O99": "After a restart the status history and the labels of reloads are gone.",
}
_REFUSALS = {
    "O60": "A name listed twice: INVALID_ARGUMENT, nothing applied, later reloads fine.",
    "O61": "A relative base path: INVALID_ARGUMENT, nothing applied.",
    "O62": "Another platform for a configured model: INVALID_ARGUMENT, nothing applied.",
    "O63": "A new model without a platform: INVALID_ARGUMENT, its labels applied, its versions not; and every later "
    "reload fails with the same text until a restart.",
    "O64": "The same poison if that request was refused for a label.",
    "O65": "A new model on an unknown platform: INVALID_ARGUMENT, labels applied, versions not; the name is stuck on "
    "that platform until a reload leaves it out.",
    "O97": "RPC error texts over 1024 characters are cut there and end in `...TRUNCATED`.",
}
_FAILURES = {
    "O66": "A reload of configured models never waits, whatever their loads do.",
    "O67": "Garbage in saved_model.pb: END, DATA_LOSS with the path. An empty directory: END, NOT_FOUND with the path.",
    "O68": "Without `variables/` it loads: AVAILABLE.",
    "O69": "While a load is retried it is LOADING without an error; END and the error come after the last try.",
    "O70": "Without load threads the retries hold up every load and unload of the server, and cannot be cancelled.",
    "O71": "With load threads other models go on, and dropping the version ends it at the next try, with the error.",
    "O72": "A version at END with an error is not tried again, repaired or not, until dropped, polled and added.",
    "O73": "Dropped and added within one poll it is not tried again.",
    "O74": "With the flag a new label may point at a failed version; requests are NOT_FOUND.",
}
_PARALLEL = {
    "O75": "Two reloads at once: both OK, the later one wins whole, nothing is merged.",
    "O76": "A reload sent while another waits for a new model is answered right after it; questions go on meanwhile.",
}
_POLLS = {
    "O77": "With config file polling the file is applied every period, changed or not: it undoes a reload.",
    "O78": "A broken or refused file leaves a line in the log and changes nothing.",
    "O79": "Without it the file is read once, and reloads are forgotten by a restart.",
    "O80": "`--file_system_poll_wait_seconds=0`: reloads of configured models are OK and do nothing; new ones hang.",
    "O81": "With a long poll interval changes take that long; dropping a model does not.",
}
_TRAPS = {
    "O82": "Phantom START: a model dropped while a version waits to be loaded leaves that version at START for ever.",
    "O83": "Dropping only the version, or `specific {}`, ends it properly.",
    "O84": "A name with a phantom START is a new name: adding it waits.",
    "O85": "Phantom AVAILABLE: an unload that overtakes the end of a load leaves AVAILABLE on show; requests tell.",
    "O86": "AVAILABLE may belong to an earlier life of a version that was dropped and listed again; a label moved then "
    "dangles.",
    "O87": "Unloads are done one per 100 ms in the whole server, so no fixed wait bounds them.",
    "O88": "`specific {}` for a new model waits for ever.",
    "O89": "For a configured model `specific {}`, then missing, corrupt or good versions: each reload returns at once.",
    "O90": "The rollback wedge: after a failed [5], a list with the old version again is never applied; one without it "
    "is, and frees the model.",
    "O91": "Without load threads one long load stretches every wait of the server.",
    "O92": "A failed version is tried again only if the poll saw it dropped.",
}

OBSERVED = {
    name: Line(area, text)
    for area, texts in (
        (Area.START, _START),
        (Area.STATUS, _STATUS),
        (Area.REQUESTS, _REQUESTS),
        (Area.INFERENCE, _INFERENCE),
        (Area.LABELS, _LABELS),
        (Area.VERSIONS, _VERSIONS),
        (Area.MODELS, _MODELS),
        (Area.REFUSALS, _REFUSALS),
        (Area.FAILURES, _FAILURES),
        (Area.PARALLEL, _PARALLEL),
        (Area.POLLS, _POLLS),
        (Area.TRAPS, _TRAPS),
    )
    for name, text in texts.items()
}
