"""Wall and CPU seconds of parts of a benchmark; on a machine that others use the CPU's are the steadier."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from joblib.externals.loky import get_reusable_executor


class Stopwatch(dict):
    """name -> (wall seconds, CPU seconds of this process and of those it has waited for), added up."""

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), cpu_seconds()
        yield
        wall = time.perf_counter() - wall
        before = self.get(name, (0.0, 0.0))
        self[name] = before[0] + wall, before[1] + cpu_seconds() - cpu

    def total(self) -> tuple[float, float]:
        """Wall and CPU seconds of all parts."""
        return sum(wall for wall, _ in self.values()), sum(cpu for _, cpu in self.values())


def cpu_seconds() -> float:
    """CPU seconds so far; a pool of worker processes is ended first, since only then they are counted."""
    get_reusable_executor().shutdown(wait=True)
    return sum(os.times()[:4])
