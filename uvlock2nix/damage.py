"""The exceptions with which the standard library reports a damaged or hostile ZIP file."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import Final

DAMAGED_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # names that are not UTF-8, too
    OverflowError,
    KeyError,
    IndexError,
    NotImplementedError,  # a compression that Python does not support
    RuntimeError,  # a password
)
