"""The `serve` command: the local page, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import webbrowser

from symprop.commands.arguments import Enter
from symprop.commands.outcome import Outcome, document
from symprop.server.handler import Handler
from symprop.server.limits import Limits
from symprop.server.listening import Server

PORT = 8765


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    serve = command("serve", _serve)
    serve.add_argument("--port", type=int, default=PORT, help=f"the port on 127.0.0.1 ({PORT}); 0 takes a free one")
    serve.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    usual = Limits()
    time = f"seconds of one computation ({usual.seconds:g})"
    serve.add_argument("--time-limit", type=float, default=usual.seconds, metavar="S", help=time)
    memory = f"memory of one computation, beside Python itself ({usual.megabytes})"
    serve.add_argument("--memory-limit", type=int, default=usual.megabytes, metavar="MB", help=memory)


def _serve(options: argparse.Namespace) -> Outcome:
    # a shell starts what runs in the background with SIGINT ignored, so that Ctrl-C is for what runs in the foreground
    heard = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, signal.default_int_handler) for number in heard}
    server = Server(Handler, options.port, Limits(options.time_limit, options.memory_limit))
    try:
        if options.json:
            print(document("serve", 0, result={"text": "", "address": server.address}), flush=True)
        elif not options.quiet:
            print(f"symprop is at {server.address} (Ctrl-C ends it)", flush=True)
        if not options.no_browser:
            threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
        server.serve_forever()
    except KeyboardInterrupt:
        print("\rended", file=sys.stderr)
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C does not disturb the end
        server.server_close()
        for number, handler in before.items():
            signal.signal(number, handler)
    return Outcome("", delivered=True)
