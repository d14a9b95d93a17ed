"""A container that breaks the contract as BROKEN says, to see that the platform notices: `python -m
tests.platform.broken_container`.

    busy        no ping is answered within its 2 s once there was one
    chatty      /ping has a body
    never       /ping is never 200
    deaf        SIGTERM does nothing
    parent      it ends and leaves a child behind
    listening   instead of answering, it waits for the caller to hang up and says so in its log
"""

from __future__ import annotations

import http.server
import os
import select
import signal
import subprocess
import sys
import time

from tests.platform.simple_container import Handler

BROKEN = os.environ["BROKEN"]


class BrokenHandler(Handler):
    pings = 0

    def do_GET(self) -> None:  # noqa: N802 - what http.server looks for
        BrokenHandler.pings += 1
        if BROKEN == "busy" and self.pings > 1:
            time.sleep(3)
        self._answer(503 if BROKEN == "never" else 200, b"I am fine" if BROKEN == "chatty" else b"")

    def do_POST(self) -> None:  # noqa: N802 - the same
        if BROKEN != "listening":
            super().do_POST()
            return
        self.rfile.read(int(self.headers["Content-Length"]))
        select.select([self.connection], [], [])
        sys.stderr.write("the caller hung up\n")
        self.close_connection = True


if __name__ == "__main__":
    if BROKEN == "parent":
        subprocess.Popen(["sleep", "60"])
    signal.signal(signal.SIGTERM, signal.SIG_IGN if BROKEN == "deaf" else signal.SIG_DFL)
    address = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    http.server.ThreadingHTTPServer(address, BrokenHandler).serve_forever()
