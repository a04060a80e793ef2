"""What goes wrong in compression, in one sentence each."""


class CompressionError(ValueError):
    """A message or a batch of images can't be coded; the message says why and what to do."""
