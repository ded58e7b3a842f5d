"""Memory that tracing leaves behind.

Tracing and optimising the graph of a supergraph takes hundreds of megabytes, and glibc keeps what
was freed: the steps that follow, which take their memory elsewhere, would come on top of it.
"""

import ctypes
import functools
import gc
import sys


def releasing_once(function):
    """Wraps a function so that memory is given back after its first call.

    Args:
        function: Callable.

    Returns:
        A callable that does the same.
    """
    called = []

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        if not called:
            called.append(True)
            release()
        return result

    return wrapper


def release():
    """Collects garbage, and gives freed memory back to the system where that can be asked for."""
    gc.collect()
    # Of glibc; other systems give memory back, or not, as they see fit.
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
