"""A mail server on the loopback address that does at each step what it is told to."""

import socket
import threading
import time
from collections.abc import Callable

HANG_UP = "hang up"


class SMTPSink:
    """`says(verb, text)` answers a command or, as BODY, a whole mail: with a reply, HANG_UP, or seconds of silence.

    `got` holds what it took, `mails` what was sent to it whole, whether taken or not.
    """

    def __init__(
        self, says: Callable[[str, str], str | float] | None = None, *, pipelines: bool = False
    ) -> None:
        self.says = says or (lambda verb, text: "")
        self.got: list[bytes] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self.extension = "250-PIPELINING\r\n" if pipelines else ""
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def server(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.listener.getsockname()[1]}

    def close(self) -> None:
        self.listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=[connected], daemon=True).start()

    def _talk(self, connected: socket.socket) -> None:
        with connected, connected.makefile("rb") as lines:
            if not self._answer(connected, "CONNECT", "", "220 sink ESMTP"):
                return
            for line in lines:
                text = line.decode().strip()
                verb = text.split(" ", 1)[0].upper().partition(":")[0]
                usual = {
                    "EHLO": f"250-sink\r\n{self.extension}250-SIZE 1000000\r\n250 8BITMIME",
                    "DATA": "354 Go on",
                    "QUIT": "221 Bye",
                }.get(verb, "250 OK")
                if not self._answer(connected, verb, text, usual):
                    return
                if verb == "DATA" and usual == self.last and not self._take(connected, lines):
                    return

    def _take(self, connected: socket.socket, lines: object) -> bool:
        body = []
        for line in lines:  # type: ignore[attr-defined]
            if line == b".\r\n":
                break
            body.append(line[1:] if line.startswith(b".") else line)
        else:
            return False
        mail = b"".join(body)
        if not mail:  # what follows on a DATA without a recipient
            connected.sendall(b"554 5.5.1 No valid recipients\r\n")
            return True
        self.mails.append(mail)
        going_on = self._answer(connected, "BODY", mail.decode(), "250 2.0.0 OK")
        if self.last.startswith("250"):
            self.got.append(mail)
        return going_on

    def _answer(self, connected: socket.socket, verb: str, text: str, usual: str) -> bool:
        said = self.says(verb, text) or usual
        self.last = str(said)
        if said == HANG_UP:
            connected.shutdown(socket.SHUT_RDWR)
            return False
        if isinstance(said, float):
            time.sleep(said)
            return False
        try:
            connected.sendall(f"{said}\r\n".encode())
        except OSError:
            return False
        return not said.startswith("421")
