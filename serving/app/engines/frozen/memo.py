"""Results kept for the next time they are asked for, up to a number of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Base = dict[Any, Any]
else:
    Base = dict


class Memo(Base):
    """What a function gave for the keys that it was asked for.

    Unlike with functools.lru_cache a result that is there costs one look into a dictionary, which
    is what the speed of the frozen engine rests on. At its limit it starts over.

    Args:
        function: What computes a value from its key.
        limit: How many values it keeps at most.
    """

    def __init__(self, function: Callable[[Any], Any], limit: int) -> None:
        super().__init__()
        self._function = function
        self._limit = limit

    def __missing__(self, key: Any) -> Any:
        value = self._function(key)
        if len(self) >= self._limit:
            self.clear()
        self[key] = value
        return value
