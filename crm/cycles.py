"""Work that makes very many objects, and no cycle among them. Pure."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Objects that nobody refers to go at once as ever; only the search for cycles, which walks them all, is off.

    For work without cycles alone: what it leaves in some stays until the search is on again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
