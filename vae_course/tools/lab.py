"""What `vae-course lab` changes in Jupyter's server: small messages from a kernel reach the page at once.

By default the network holds a small message back until the one before it is acknowledged, which the other side puts off
for up to 40 ms (Nagle's algorithm and delayed acknowledgement). A slider's answer consists of several small messages.
"""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection to a kernel, without the wait between small messages."""

    def connect(self) -> Any:
        """Open the connection, with every message on its way at once."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
