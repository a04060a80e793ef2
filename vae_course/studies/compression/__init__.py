"""Lossless compression with a VAE: bits back on a real entropy coder, and the coders that it is compared with.

`encode(model, x)` turns images of zeros and ones into a message, `decode(model, message)` gives the very same pixels back.
`ans` is the coder in five lines, with the whole message as one whole number; `stack` is the fast one.
"""

from vae_course.studies.compression.bits_back import Decoded, Networks, decode, encode, initial_words, two_part_encode
from vae_course.studies.compression.message import HEADER_BYTES
from vae_course.studies.compression.plain import bernoulli_decode, bernoulli_encode, packed, png, zlib_packed
from vae_course.studies.compression.stack import CompressionError

__all__ = [
    "HEADER_BYTES",
    "CompressionError",
    "Decoded",
    "Networks",
    "bernoulli_decode",
    "bernoulli_encode",
    "decode",
    "encode",
    "initial_words",
    "packed",
    "png",
    "two_part_encode",
    "zlib_packed",
]
