"""joblib's Dask backend, so that a search ends where the cluster fails."""

import threading
import time
from concurrent.futures import CancelledError, Future
from typing import Any

from distributed import KilledWorker
from joblib._dask import DaskDistributedBackend

from training.console import StepError

# How long a search waits for a worker: a nanny starts a dead one again in a few seconds.
PATIENCE_SECONDS = 30


class ClusterBackend(DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
    """joblib's backend, but what cannot be computed is an error.

    joblib's own waits for ever where a task's workers died, where nobody could unpickle a task,
    and where no worker is left; a lost scheduler's answers it takes for results.
    """

    def __init__(self, start: str, **settings: Any) -> None:
        """`start` is the command that starts a worker; joblib's settings."""
        super().__init__(**settings)
        self._start = start
        self._pending: set[Future[Any]] = set()
        self._over = threading.Event()

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        # With one, joblib would compute in this process.
        workers: int = super().effective_n_jobs(n_jobs)
        return max(2, workers)

    def start_call(self) -> None:
        super().start_call()
        self._over.clear()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop_call(self) -> None:
        self._over.set()
        super().stop_call()

    def submit(self, func: Any, callback: Any = None) -> Any:
        future = super().submit(func, callback)

        def end(done: Future[Any]) -> None:
            self._pending.discard(done)
            if done.exception():
                callback(done)

        self._pending.add(future)
        future.add_done_callback(end)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, Future):
            raise _explain(out.exception())
        if isinstance(out, CancelledError):
            raise StepError(f"the Dask scheduler was lost ({out}): run the same command again")
        return super().retrieve_result_callback(out)

    def _watch(self) -> None:
        seen = time.monotonic()
        while not self._over.wait(1):
            if self._has_workers():
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE_SECONDS:
                lost = StepError(
                    f"no worker of the Dask cluster has been left for {PATIENCE_SECONDS} s: "
                    f"start some ({self._start}), then run the same command again"
                )
                for future in list(self._pending):
                    future.set_exception(lost)
                return

    def _has_workers(self) -> bool:
        try:
            return bool(self.client.nthreads())
        except (OSError, RuntimeError, ValueError):
            return False


def _explain(error: BaseException | None) -> StepError:
    if isinstance(error, StepError):
        return error
    if isinstance(error, KilledWorker):
        return StepError(
            f"one task after the other ended the worker that ran it, {error.last_worker} the last: "
            "its log says why (memory, most often)"
        )
    return StepError(f"the Dask cluster could not compute a score: {type(error).__name__}: {error}")
