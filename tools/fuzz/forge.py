"""Forges frozen files: what they hold is changed, and their hash tree made anew.

The tree holds a file against its manifest; here somebody wrote both. Damage of any other kind is
refused before a byte is looked at (damage.py).
"""

import json
import struct
from copy import deepcopy
from random import Random

from serving.app.engines.frozen.file import BLOCK, PREFIX
from serving.app.engines.frozen.ops import OPS
from training.freezing.file import list_ops, seal

ROOM = 1024  # bytes by which a changed header may be longer, before it moves the sections
HUGE = (2**31, 2**53, 2**63, 10**30, 10**400, -(10**400), 1e308, -1e308)
ODD = (None, True, False, -1, 0, 1, 2, 7, 0.5, 5e-324, float("nan"), float("inf"), float("-inf"))
WRONG = ("", "x", "nan", "0", "\0", [], {}, [[]], [None], [float("nan")], [0] * 1000, [{}])
DOUBLES = (float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 5e-324, -0.0, 1e9)
WORDS = (0, 1, 2**16 - 1, 2**31, 2**32 - 1)
SHIFTS = (1, 2, 4, 8, 64, BLOCK, 10**6, 2**40)


class Forgery:
    """A frozen model, taken apart.

    Attributes:
        header: As the engine reads it; sections' places are those in the file.
        data: All sections, one after the other.
    """

    def __init__(self, model):
        sections = []
        header = model._asdict()
        # Places have more digits, the farther the sections are.
        longest = json.dumps({**header, "ops": list_ops(model.ops, 10**9, [])})
        self._room = len(longest) + ROOM
        self.header = {**header, "ops": list_ops(model.ops, self.start, sections)}
        self.header = json.loads(json.dumps(self.header))  # nothing of it is the model's own
        self.data = bytearray(b"".join(sections))

    @property
    def start(self):
        """Where the sections begin, unless the header has grown."""
        return PREFIX + self._room

    def seal(self):
        """The file, and the hash of its root in hex."""
        header = json.dumps(self.header).encode("ascii").ljust(self._room)
        return seal(header, [self.data])

    def find(self, kind):
        """Where ops of a type are: lists of ops, and the place in each."""
        return [(ops, place) for ops, place in self._walk() if ops[place]["type"] == kind]

    def list_sections(self):
        """The sections of all ops that still have some: dictionaries of places."""
        found = (ops[place].get("sections") for ops, place in self._walk())
        return [one for one in found if isinstance(one, dict)]

    def _walk(self):
        waiting = [self.header["ops"]]
        while waiting:
            ops = waiting.pop()
            for place, op in enumerate(ops):
                yield ops, place
                waiting += op.get("parts", [])


def forge(model, kind, seed):
    """A forged file of a model, and its root: an op of a type has something that it should not.

    Args:
        model: As the compiler makes it; it has an op of the type.
        kind: The type.
        seed: The same one makes the same file.
    """
    random = Random(seed)
    forgery = Forgery(model)
    ops, place = random.choice(forgery.find(kind))
    op = ops[place]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        ways = HEADER + SECTIONS * 2 if op["sections"] else HEADER
        random.choice(ways)(forgery, op, random)
    if random.random() < 0.1:
        random.choice(AROUND)(forgery, ops, place, random)
    return forgery.seal()


def change_setting(_, op, random):
    """Something within the settings, however deep; of an op without settings a new one."""
    within, key = random.choice(list(_list_places(op)) or [(op, "width")])
    within[key] = change(within.get(key) if within is op else within[key], random)


def drop_setting(_, op, random):
    names = [key for key in op if key not in ("type", "sections", "parts")]
    if names:
        del op[random.choice(names)]


def change(value, random):
    """Another value in the place of one: near to it, or of no type that is expected there."""
    other = deepcopy(random.choice(HUGE + ODD + WRONG))  # it may be changed once more
    if random.random() < 0.4:
        return other
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float) and abs(value) < 1e300:
        return random.choice((value + 1, value - 1, -value, value * 2, value / 2, value + 0.5))
    if isinstance(value, list) and value:
        cut, one = random.randrange(len(value)), random.choice(value)
        shuffled = random.sample(value, len(value))
        return random.choice((value[:cut], [*value, one], value * 2, value[::-1], shuffled))
    return other


def _list_places(within):
    """All that settings are made of: what holds it, and its key there."""
    keys = range(len(within)) if isinstance(within, list) else list(within)
    for key in keys:
        if key not in ("type", "sections", "parts"):
            yield within, key
            if isinstance(within[key], list | dict):
                yield from _list_places(within[key])


def shift_section(forgery, op, random):
    """One or both ends of a section elsewhere."""
    places = _choose_section(op, random)
    if _is_place(places):
        by = random.choice(SHIFTS) * random.choice((-1, 1))
        for end in random.choice(((0,), (1,), (0, 1))):
            places[end] += by


def replace_place(_, op, random):
    sections = op["sections"]
    sections[random.choice(list(sections))] = random.choice(
        (None, [], [0], [0, 0], [0, 1, 2], ["0", "8"], [0.0, 8.0], [8, 0], [-8, 0], [0, 2**70], 7)
    )


def swap_sections(forgery, op, random):
    """A section is another one, of this op or of any."""
    others = [places for one in forgery.list_sections() for places in one.values()]
    sections = op["sections"]
    sections[random.choice(list(sections))] = random.choice(others)


def drop_section(_, op, random):
    del op["sections"][random.choice(list(op["sections"]))]


def take_whole_file(forgery, op, random):
    """A section that is all sections."""
    sections = op["sections"]
    end = forgery.start + len(forgery.data)
    sections[random.choice(list(sections))] = [forgery.start, end - end % 8 + forgery.start % 8]


def resize_section(forgery, op, random):
    """A section with less or more in it, at the end of the file."""
    name = random.choice(list(op["sections"]))
    places = op["sections"][name]
    if not _is_place(places):
        return
    start, stop = (place - forgery.start for place in places)
    found = bytes(forgery.data[max(start, 0) : max(stop, 0)])
    cut = random.choice((0, 1, 4, 8, 16, len(found) // 2 & ~7))
    shorter = found[:cut], found[: len(found) - cut]
    changed = random.choice((*shorter, found + found, found + b"\0" * 8))
    begin = forgery.start + len(forgery.data)
    forgery.data += changed
    op["sections"][name] = [begin, begin + len(changed)]


def flip_bits(forgery, op, random):
    for _ in range(random.choice((1, 1, 4, 32))):
        place = _choose_byte(forgery, op, random)
        if place is not None:
            forgery.data[place] ^= 1 << random.randrange(8)


def write_numbers(forgery, op, random):
    """Numbers of a section become odd ones: as doubles, or as words."""
    for _ in range(random.choice((1, 4, 1000))):
        place = _choose_byte(forgery, op, random)
        if place is None:
            return
        if random.random() < 0.5:
            packed = struct.pack("<d", random.choice(DOUBLES))
        else:
            packed = struct.pack("<I", random.choice(WORDS))
        place -= (place + forgery.start) % len(packed)
        if 0 <= place <= len(forgery.data) - len(packed):
            forgery.data[place : place + len(packed)] = packed


def fill_section(forgery, op, random):
    """A section of one byte, again and again."""
    places = _choose_section(op, random)
    if _is_place(places):
        start, stop = (min(max(at - forgery.start, 0), len(forgery.data)) for at in places)
        forgery.data[start:stop] = bytes([random.choice((0, 1, 2, 127, 255))]) * (stop - start)


def _choose_section(op, random):
    return random.choice(list(op["sections"].values()) or [None])


def _choose_byte(forgery, op, random):
    """A byte of one of the op's sections, by its place in the data."""
    places = _choose_section(op, random)
    if not _is_place(places):
        return None
    start, stop = (min(max(at - forgery.start, 0), len(forgery.data)) for at in places)
    return random.randrange(start, stop) if start < stop else None


def _is_place(places):
    return isinstance(places, list) and len(places) == 2 and all(type(at) is int for at in places)


def change_type(_, ops, place, random):
    ops[place]["type"] = random.choice([*OPS, "", "os", None, 1])


def repeat_op(_, ops, place, random):
    ops[place:place] = [ops[place]] * random.choice((1, 1, 30))


def drop_op(_, ops, place, random):
    del ops[place]


def swap_ops(_, ops, place, random):
    other = random.randrange(len(ops))
    ops[place], ops[other] = ops[other], ops[place]


def change_header(forgery, ops, place, random):
    name = random.choice(("classes", "explain", "counts_terms"))
    forgery.header[name] = change(forgery.header[name], random)


HEADER = [change_setting, change_setting, change_setting, drop_setting]
SECTIONS = [
    *(drop_section, fill_section, flip_bits, replace_place, resize_section, shift_section),
    *(swap_sections, take_whole_file, write_numbers),
]
AROUND = [change_header, change_type, drop_op, repeat_op, swap_ops]
