"""Runs beside a function's container, in its network: takes events to the emulator there.

From standard input one event a line; to standard output a line of seconds and of what came back.
It is handed to `python3 -c`, with the seconds that an answer may take, and ends where one takes
longer. It needs nothing but the standard library.
"""

import http.client
import socket
import sys
import time

ADDRESS = "127.0.0.1", 8080
PATH = "/2015-03-31/functions/function/invocations"
PATIENCE = 30  # seconds for the emulator to listen


def wait() -> None:
    """Wait until the emulator listens.

    Raises:
        OSError: It does not.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(ADDRESS).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def send(event: bytes, patience: float) -> tuple[float, bytes]:
    """Invoke the function: seconds until all of the answer was there, and the answer.

    Raises:
        OSError, http.client.HTTPException: There was none.
    """
    connection = http.client.HTTPConnection(*ADDRESS, timeout=patience)
    started = time.perf_counter()
    connection.request("POST", PATH, event)
    answer = connection.getresponse().read()
    return time.perf_counter() - started, answer


if __name__ == "__main__":
    wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin.buffer:
        seconds, answer = send(line, float(sys.argv[1]))
        sys.stdout.buffer.write(b"%.6f %s\n" % (seconds, answer))
        sys.stdout.flush()
