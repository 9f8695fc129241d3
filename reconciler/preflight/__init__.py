"""Facts of a version directory, judged: is it a version, is it complete, which export is it?

`adapters/storage.py` lists and digests; what that means is decided here, without any I/O. A directory that this package
calls incomplete is never listed in a config: TensorFlow Serving loads one without `variables/` happily, and then every
call fails (rule E19). `compatibility` compares what two exports promise to clients, before a label moves from one to
the other.
"""

from reconciler.preflight.completeness import MAX_LACKS, FileFact, version_files, wanted_digests
from reconciler.preflight.names import Spelling, number_of, spellings
from reconciler.preflight.stillness import STILL_AFTER, Sighting, age, sighted, unrest

__all__ = [
    "MAX_LACKS",
    "STILL_AFTER",
    "FileFact",
    "Sighting",
    "Spelling",
    "age",
    "number_of",
    "sighted",
    "spellings",
    "unrest",
    "version_files",
    "wanted_digests",
]
