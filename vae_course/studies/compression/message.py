"""What is sent: a header of a few bytes, then the words of the stack. Damage is noticed before anything is decoded."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from vae_course.studies.compression.stack import Array, CompressionError

_MAGIC = b"VAEb"
# Magic, precision, block, images, checksum of the pixels, checksum of all the rest.
_HEADER = struct.Struct("<4sBBIII")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True)
class Message:
    """The parts of a message.

    Args:
        words: the stack, `[W]` of uint32.
        images: how many images lie on it.
        precision: codes lie on a grid of steps 2^-precision.
        block: how many images are coded together.
        pixels: checksum of the pixels, by which the receiver knows that the model was the sender's.
    """

    words: Array
    images: int
    precision: int
    block: int
    pixels: int

    def to_bytes(self) -> bytes:
        """The message, the same on machines of either byte order."""
        payload = self.words.astype("<u4").tobytes()
        fields = (_MAGIC, self.precision, self.block, self.images, self.pixels)
        check = zlib.crc32(_HEADER.pack(*fields, 0) + payload)
        return _HEADER.pack(*fields, check) + payload


def from_bytes(message: bytes) -> Message:
    """The parts of a message.

    Raises:
        CompressionError: it is no message of this kind, or was cut off or changed on its way.
    """
    if len(message) < HEADER_BYTES or message[:4] != _MAGIC:
        raise CompressionError(
            "This is no message of `encode`: it does not begin as one. Hand over its bytes unchanged."
        )
    *fields, check = _HEADER.unpack_from(message)
    payload = message[HEADER_BYTES:]
    if zlib.crc32(_HEADER.pack(*fields, 0) + payload) != check:
        raise CompressionError(
            "The message is damaged: its checksum does not fit. Send it again; each digit stands on those before it, so"
            " nothing can be read beyond the first wrong bit."
        )
    _, precision, block, images, pixels = fields
    return Message(np.frombuffer(payload, "<u4").astype(np.uint32), images, precision, block, pixels)
