"""Files with a message in text format, as the command line names them.

Here: reading one the way ``ParseProtoTextFile`` of util/proto_util.h does: mapped into memory (so that a file of no
bytes is an error), parsed as C++ parses, complaints in the log. Used by ``configs`` and ``startup``. Not here: what the
messages mean.
"""

import errno
import logging
import mmap
import os

from reconciler.modelserver import textproto
from reconciler.modelserver.core import Code
from reconciler.modelserver.statuses import StatusError, invalid_argument
from reconciler.modelserver.tensors import Proto

_journal = logging.getLogger(__name__)
_CODES = {
    errno.ENOENT: Code.NOT_FOUND,
    errno.ENODEV: Code.NOT_FOUND,  # what mapping a directory gives
    errno.ENXIO: Code.NOT_FOUND,
    errno.EINVAL: Code.INVALID_ARGUMENT,
    errno.ENAMETOOLONG: Code.INVALID_ARGUMENT,
    errno.EACCES: Code.PERMISSION_DENIED,
    errno.EPERM: Code.PERMISSION_DENIED,
    errno.ENOTDIR: Code.FAILED_PRECONDITION,
    errno.EISDIR: Code.FAILED_PRECONDITION,
    errno.EMFILE: Code.RESOURCE_EXHAUSTED,
    errno.ENFILE: Code.RESOURCE_EXHAUSTED,
    errno.ENOMEM: Code.RESOURCE_EXHAUSTED,
}  # absl/status/status.cc, ErrnoToStatusCode


def read(path: str, message: Proto) -> None:
    """Fill ``message`` from a file; a StatusError says why that is impossible, in the words of tsl's errors.cc."""
    try:
        text = _mapped(path.removeprefix("file://"))
    except OSError as error:
        number = error.errno or errno.EINVAL
        raise StatusError(_CODES.get(number, Code.UNKNOWN), f"{path}; {os.strerror(number)}") from error
    errors, warnings = textproto.parse(text, message)
    for warning in warnings:
        _journal.warning("%s", warning)
    for error_text in errors:
        _journal.error("%s", error_text)
    if errors:
        raise invalid_argument(f"Invalid protobuf file: '{path}'")


def _mapped(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if not size:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # mmap(2) of nothing
        with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as region:
            return region[:]
    finally:
        os.close(descriptor)
