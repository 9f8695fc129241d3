"""The local file system, as the core's questions see it. Implements ``core.Disk``; used by the real server only.

It answers as TensorFlow's ``Env`` does on Linux: which path is really looked at, which code stands for which error, and
the text of it. A call may take long on a bad mount, so the host runs them in threads.

Sources: ``platform/default/posix_file_system.cc``, ``platform/errors.cc`` (``ErrnoToCode``), ``platform/path.cc`` and
``platform/env.cc`` of TensorFlow's tsl. Not here: object stores. The stock server reaches some of them; we say of every
scheme but ``file`` what it says of one that it does not know.
"""

import errno
import os
import posixpath
import re
import stat

from reconciler.modelserver.core import OK, Code, Status

_URI = re.compile(r"(?s)([A-Za-z][0-9A-Za-z.]+)://([^/]*)(.*)")

_NUMBERS = {
    Code.INVALID_ARGUMENT: "EINVAL ENAMETOOLONG E2BIG EDESTADDRREQ EDOM EFAULT EILSEQ ENOPROTOOPT ENOSTR ENOTSOCK "
    "ENOTTY EPROTOTYPE ESPIPE",
    Code.DEADLINE_EXCEEDED: "ETIMEDOUT ETIME",
    Code.NOT_FOUND: "ENODEV ENOENT ENXIO ESRCH",
    Code.ALREADY_EXISTS: "EEXIST EADDRNOTAVAIL EALREADY",
    Code.PERMISSION_DENIED: "EPERM EACCES EROFS",
    Code.FAILED_PRECONDITION: "ENOTEMPTY EISDIR ENOTDIR EADDRINUSE EBADF EBUSY ECHILD EISCONN ENOTBLK ENOTCONN EPIPE "
    "ESHUTDOWN ETXTBSY",
    Code.RESOURCE_EXHAUSTED: "ENOSPC EDQUOT EMFILE EMLINK ENFILE ENOBUFS ENODATA ENOMEM ENOSR EUSERS",
    Code.OUT_OF_RANGE: "EFBIG EOVERFLOW ERANGE",
    Code.UNIMPLEMENTED: "ENOSYS ENOTSUP EAFNOSUPPORT EPFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT EXDEV",
    Code.UNAVAILABLE: "EAGAIN ECONNREFUSED ECONNABORTED ECONNRESET EINTR EHOSTDOWN EHOSTUNREACH ENETDOWN ENETRESET "
    "ENETUNREACH ENOLCK ENOLINK ENONET",
    Code.ABORTED: "EDEADLK ESTALE",
    Code.CANCELLED: "ECANCELED",
}
_CODES = {
    getattr(errno, name): code for code, names in _NUMBERS.items() for name in names.split() if hasattr(errno, name)
}


class LocalDisk:
    """Every call goes to the file system anew."""

    def file_exists(self, path: str) -> Status:
        """``access``: whatever the reason why something cannot be seen, it is not found."""
        local = local_path(path)
        if isinstance(local, Status):
            return local
        return OK if os.access(local, os.F_OK) else Status(Code.NOT_FOUND, printable(f"{path} not found"))

    def get_children(self, path: str) -> tuple[str, ...] | Status:
        """``opendir`` and ``readdir``, in the directory's own order."""
        local = local_path(path)
        if isinstance(local, Status):
            return local
        try:
            return tuple(os.listdir(local))  # noqa: PTH208  # only names are wanted
        except OSError as error:
            return io_error(path, error)

    def is_directory(self, path: str) -> bool | Status:
        """``stat``, which follows links: to nowhere is an error, round and round too."""
        local = local_path(path)
        if isinstance(local, Status):
            return local
        try:
            return stat.S_ISDIR(os.stat(local).st_mode)  # noqa: PTH116  # as above
        except OSError as error:
            return io_error(path, error)


def io_error(path: str, error: OSError) -> Status:
    """``errors::IOError``: the code that stands for an errno, and ``<path>; <what the C library calls it>``."""
    number = error.errno or 0
    return Status(_CODES.get(number, Code.UNKNOWN), printable(f"{path}; {os.strerror(number)}"))


def local_path(path: str) -> str | Status:
    """The place a path or a URI means; a path without a scheme is cleaned of ``..`` and the like by its letters alone.

    As in C++ a path ends at its first NUL character.
    """
    path = path.partition("\0")[0]
    uri = _URI.fullmatch(path)
    if uri is None:
        return posixpath.normpath(re.sub("^/+", "/", path)) if path else path
    if uri[1] != "file":
        return Status(Code.UNIMPLEMENTED, f"File system scheme '{uri[1]}' not implemented (file: '{path}')")
    return uri[3]


def printable(text: str) -> str:
    """The text with bytes that are no UTF-8, as names of files may have them, replaced: no message could carry them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
