"""A stack of bits: pixels and codes are pushed and popped with their probabilities, at nearly their ideal cost.

The work is done by the library `constriction` (asymmetric numeral systems with 32-bit words and probabilities of 24
bits). To push a symbol of probability p adds log2(1/p) bits, to pop one takes as many away. Popping *random* bits with a
distribution draws a sample from it, and pushing the sample back restores the bits: that is all that bits back needs.

Source: R. Bamler, Understanding Entropy Coding With Asymmetric Numeral Systems (ANS): a Statistician's Perspective (2022).
"""

from typing import Any

import constriction
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

REACH = 8.0  # codes run from -REACH to REACH; beyond lies 1e-15 of the prior
_LEAST_WORDS = 2  # a coder with fewer has run out of bits, and what it popped could not be pushed back


class CompressionError(ValueError):
    """A message or a batch of images can't be coded; the message says why and what to do."""


class OutOfBits(CompressionError):
    """More was popped than there was."""


class Stack:
    """Bits that symbols are pushed on and popped from; it begins with the given words.

    Args:
        words: what lies on it at first, `[W]` of uint32, the last not zero; empty when left out.
        precision: codes lie on a grid of steps 2^-precision.

    Raises:
        CompressionError: the last word is zero, so that it could not be told from a shorter stack.
    """

    def __init__(self, words: Array | None = None, *, precision: int = 6) -> None:
        if words is not None and len(words) and words[-1] == 0:
            raise CompressionError("The last word of a stack must not be zero: it would be lost.")
        coder = constriction.stream.stack.AnsCoder
        self._coder = coder() if words is None or len(words) == 0 else coder(words.astype(np.uint32))
        self.scale = 2**precision
        reach = round(REACH * self.scale)
        self._gaussian = constriction.stream.model.QuantizedGaussian(-reach, reach)
        self._bernoulli = constriction.stream.model.Bernoulli(perfect=False)

    @property
    def bits(self) -> int:
        """How many bits lie on the stack, rounded up to whole words."""
        return self._coder.num_bits()

    def words(self) -> Array:
        """A copy of all that lies on the stack, `[W]` of uint32."""
        return self._coder.get_compressed()

    def push_pixels(self, x: Array, logits: Array) -> None:
        """Push pixels of 0 and 1, `[P]`, with log odds `[P]`."""
        self._coder.encode_reverse(x.astype(np.int32), self._bernoulli, _sigmoid(logits))

    def pop_pixels(self, logits: Array) -> Array:
        """Pop pixels, `[P]` of int32, with log odds `[P]`."""
        return self._popped(self._bernoulli, _sigmoid(logits))

    def push_code(self, k: Array, mean: Array, std: Array) -> None:
        """Push the steps k `[D]` of the grid, z = k / scale, with Gaussians of this mean and standard deviation, `[D]`."""
        self._coder.encode_reverse(k.astype(np.int32), self._gaussian, mean * self.scale, std * self.scale)

    def pop_code(self, mean: Array, std: Array) -> Array:
        """Pop the steps of the grid, `[D]` of int32: from random bits, that is a draw from these Gaussians."""
        return self._popped(self._gaussian, mean * self.scale, std * self.scale)

    def _popped(self, model: Any, *parameters: Array) -> Array:
        symbols = self._coder.decode(model, *parameters)
        if self._coder.num_words() < _LEAST_WORDS:
            raise OutOfBits("There are not enough bits on the stack to pop from: begin with more initial words.")
        return symbols


def _sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-logits)) without overflow, in float64."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)
