"""A run: objects that were put into the input bucket together, and what becomes of them."""

import secrets
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from serving.bulk import Object, name_answer
from serving.deployment.commands.bulk.place import Bulk
from serving.deployment.commands.bulk.queues import Counts
from serving.deployment.commands.bulk.work import Line, do_each
from serving.deployment.commands.logs.render import count
from serving.deployment.stack import Deployment, StackError, say, tell_errors
from serving.deployment.stages import STAGES

RUN_NAME = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}"
POLL_SECONDS = 5
SHARE = 4  # a pause is at least so many looks long, for a large run's look is many requests
HINT_SECONDS = 45  # in which a small object is answered, if it can be
STALL_SECONDS = 15 * 60  # what an invocation may take
GIVE_UP_SECONDS = 9 * 60 * 60  # an object is tried five times, up to 90 minutes apart


def name_run() -> str:
    """A name that no other run has, and that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class Run:
    """What has become of a run's objects.

    Attributes:
        name: The run's.
        waiting: The objects that have no answer, the dead ones among them.
        dead: Those whose messages are in the dead-letter queue.
        answers: The keys of the answers.
    """

    def __init__(self, bulk: Bulk, name: str, objects: set[Object]) -> None:
        self._bulk = bulk
        self.name = name
        self.waiting = set(objects)
        self.dead: set[Object] = set()
        self.answers: list[str] = []
        self._queue = Counts(0, 0)

    @property
    def is_over(self) -> bool:
        return self.waiting == self.dead

    def look(self) -> bool:
        """See what there is by now; whether there are more answers.

        That more or fewer are dead tells nothing: another look may hide their messages.

        An answer of any version of the model counts: a deployment may have changed it meanwhile.

        Raises:
            StackError: AWS does not answer.
        """
        before = len(self.waiting)
        self._queue = self._bulk.count_waiting()
        self.dead = self._bulk.read_dead() & self.waiting
        for model in self._bulk.list_models():
            found = self._bulk.list_answers(model, self.name)
            names = self._name_answers(model) if found else {}
            for name in sorted(found & names.keys()):
                self.waiting.discard(names[name])
                self.answers.append(name)
        self.dead &= self.waiting
        return before != len(self.waiting)

    def _name_answers(self, model: str) -> dict[str, Object]:
        """The objects that wait, by what their answers by a model are called."""
        return {name_answer(model, one.key, one.version): one for one in self.waiting}

    def follow(self) -> None:
        """Look until each object is answered or dead.

        Raises:
            StackError: Nothing has happened for so long that nothing will, or AWS does not answer.
        """
        news, hinted, told = time.monotonic(), False, False
        with closing(Line()) as line:
            while True:
                began = time.monotonic()
                if self.look():
                    news, told = began, False
                line.show(str(self))
                if self.is_over:
                    return
                if began - news >= HINT_SECONDS and not hinted:
                    line.close()
                    say(
                        "an object that fails is tried five times, a minute apart; "
                        f"{self._bulk.tell_logs} says whether one does"
                    )
                    hinted = True
                if began - news >= STALL_SECONDS:
                    words = self._explain(began - news)
                    if not told:
                        line.close()
                        say(words)
                    told = True
                pause(max(POLL_SECONDS, SHARE * (time.monotonic() - began)))

    def _explain(self, silent: float) -> str:
        """Where to look when nothing has happened for so many seconds.

        Raises:
            StackError: Nothing more is to be waited for.
        """
        deployment = self._bulk.deployment
        minutes = f"nothing new for {silent / 60:,.0f} minutes"
        if not self._queue.total:
            lost = count(len(self.waiting - self.dead), "object")
            raise StackError(
                f"{minutes}: {lost} without an answer, and nothing in the queue; their messages "
                "are lost, so put the objects once more"
            )
        again, look = _tell_host(deployment)
        said = (
            f"{minutes}: an object that fails is tried again after up to {again} minutes. "
            f"{self._bulk.tell_logs} says whether one does; if nothing is logged, {look}"
        )
        if silent >= GIVE_UP_SECONDS:
            raise StackError(said)
        return said

    def __str__(self) -> str:
        done = len(self.answers)
        dead = f", {len(self.dead):,} dead" if self.dead else ""
        return f"{done:,} of {done + len(self.waiting):,} answered{dead}; queue: {self._queue}"

    def count_models(self) -> Counter[str]:
        """How many objects each version of the model has answered."""
        return Counter(one.partition("/")[0] for one in self.answers)

    def fetch(self, folder: Path) -> None:
        """Write the answers into a folder: <model's version>/<object's name>….

        Raises:
            StackError: One would be elsewhere, cannot be written, or AWS does not give it.
        """
        with closing(Line()) as line:
            for number in do_each(lambda key: self._fetch(folder, key), self.answers):
                line.show(f"{number:,} of {len(self.answers):,} answers are in {folder}")

    def _fetch(self, folder: Path, key: str) -> None:
        model, _, rest = key.partition("/")
        path = folder / model / rest.removeprefix(f"{self.name}/")
        # A key may hold "..".
        if not path.resolve().is_relative_to(folder.resolve()):
            raise StackError(f"{key} would not be in {folder}: fetch it with AWS's own tools")
        with tell_errors(f"fetch {key}"):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._bulk.s3.download_file(self._bulk.outputs.BulkOut, key, str(path))
            except OSError as error:
                raise StackError(f"{path} cannot be written ({error.strerror})") from None


def _tell_host(deployment: Deployment) -> tuple[int, str]:
    """After how many minutes a message comes back whose taker died, and where to look when nobody
    takes any.
    """
    name = deployment.bulk
    if STAGES[deployment.stage].of(deployment.model).bulk_host == "fargate":
        return 5, f"'aws ecs describe-services --cluster {name} --services {name}' says why"
    return 90, f"look whether the trigger of {name} is on"


def pause(seconds: float) -> None:
    time.sleep(seconds)
