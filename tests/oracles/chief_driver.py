"""A chief that dies by SIGKILL during a search, and is started again on the same folder.

    python chief_driver.py FOLDER PORT STRATEGY

One worker trains, and goes on while there is no chief. When it has begun its third training the
chief is killed, and started again. Printed as JSON: how both ended, and what the second chief
knows then.
"""

import os
import signal
import sys
import time

# Sets the environment of TensorFlow before that is loaded.
from parallel_driver import say, start

TIMEOUT = "60"
PATIENCE = 120.0


def lines_in(path):
    if not os.path.exists(path):
        return 0
    with open(path) as file:
        return len(file.readlines())


def end_of(pid):
    """The exit code of a process, which is killed if it does not end."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(folder, port, strategy):
    chief = start("chief", folder, port, TIMEOUT, strategy)
    worker = start("tuner0", folder, port, TIMEOUT, strategy)
    while lines_in(os.path.join(folder, "runs.txt")) < 3:
        time.sleep(0.02)
    os.kill(chief, signal.SIGKILL)
    os.waitpid(chief, 0)
    chief = start("chief", folder, port, TIMEOUT, strategy)
    say(folder, {"tuner0": end_of(worker), "chief": end_of(chief)})


if __name__ == "__main__":
    main(*sys.argv[1:])
