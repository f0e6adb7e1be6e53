"""Trees: decision trees, forests, boosting; one evaluator for all of them."""

from __future__ import annotations

from math import nan

from serving.app import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

F64 = 8
# A node of a list is twice as quick, and takes five times the memory: a big forest is slower so.
MAX_LISTED = 20_000
# A double that is at least so large is infinite in single precision, which scikit-learn refuses.
SINGLE_LIMIT = (2 - 2**-24) * 2.0**127
LEFT, RIGHT = 1, 2  # answers
ANSWERS = bytes([LEFT, RIGHT])
SECTIONS = ("thresholds", "missing", "tables", "roots", "questions", "distances", "leaves")


class Trees:
    """The sum of what trees say of a row.

    Each question that trees ask of a row is numbered, whichever tree asks it: question 0 is none, a
    node that is a leaf. A row's answers, 1 for left and 2 for right, are found at once, a feature
    at a time; then a node is a question and a distance: the left child is the distance and one
    further on, the right child next to it. So a walk only ever goes on, and ends, whatever is read.

    Settings:

    - `features`: [column, how many questions, how many codes]; the codes are 0 for numbers;
    - `outputs`, how many numbers a row gets; `init`, what they begin with; `divisor`, at the end;
    - `whole`, whether a leaf has all of these; or one, and trees take turns;
    - `single`, whether scikit-learn reads numbers in single precision (thresholds are made for it);
    - `types`, of the numbers in `questions` and `distances`: "H" for u16, "I" for u32.

    Sections:

    - thresholds: f64, of each question about numbers, ascending in a feature: right is over it;
    - missing: u8 a question, the answer of a missing value;
    - tables: u8, of each feature of codes the answers of each code, one code after the other;
    - roots: u32 a tree;
    - questions, distances: of each node, in breadth-first order; a leaf's distance is its place in
    - leaves: f64, `outputs` each, or one;
    - nodes, if trees explain: f64 of each node, as many as a leaf has, what it says.
    """

    takes, gives = "values", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._sections: dict[str, list[int]] = op["sections"]
        self._types: dict[str, str] = op["types"]
        self._layout: list[tuple[int, int, int]] = [tuple(one) for one in op["features"]]
        start, stop = self._sections["tables"]
        if any(codes and codes * max(count, 1) > stop - start for _, count, codes in self._layout):
            raise ValueError("codes without answers")
        self._outputs: int = op["outputs"]
        self._init: list[float] = op["init"]
        self._divisor: float = op["divisor"]
        self._whole: bool = op["whole"]
        self._single: bool = op["single"]
        self._turned: bool = op.get("turned", False)
        if len(self._init) != self._outputs or not self._divisor:
            raise ValueError("outputs of another number")
        if not set(self._types.values()) <= {"H", "I"}:
            raise ValueError("numbers of another type")
        self._features: list[Any] | None = None
        self._kernel = native.kernel
        self._native: Any = None

    def check(self, labels: int) -> None:
        """Refuse what would answer with labels that there are not.

        Raises:
            ValueError: The outputs are not one a label, nor the one of two labels.
        """
        if self._outputs != labels and (self._outputs, labels) != (1, 2):
            raise ValueError(f"{self._outputs} outputs for {labels} labels")

    def __call__(self, row: list[float]) -> list[float]:
        if self._kernel:
            if self._native is None:
                self._native = self._make_native(self._kernel)
            return self._native.score(row)  # type: ignore[no-any-return]
        answers = self._answer(row)
        questions, distances, leaves = self._questions, self._distances, self._leaves
        if self._outputs > 1:
            return self._add_up(answers)
        total = self._init[0]
        for node in self._roots:
            while question := questions[node]:
                node += distances[node] + answers[question]  # noqa: PLW2901 - the walk
            total += leaves[distances[node]]
        return [total / self._divisor]

    def _add_up(self, answers: bytes) -> list[float]:
        questions, distances, leaves = self._questions, self._distances, self._leaves
        totals, outputs, turn = self._init.copy(), self._outputs, 0
        for node in self._roots:
            while question := questions[node]:
                node += distances[node] + answers[question]  # noqa: PLW2901 - the walk
            place = distances[node]
            if self._whole:
                start = place * outputs
                for output in range(outputs):
                    totals[output] += leaves[start + output]
            else:
                totals[turn] += leaves[place]
                turn = turn + 1 if turn + 1 < outputs else 0
        divisor = self._divisor
        return [total / divisor for total in totals]

    def _make_native(self, kernel: ModuleType) -> Any:
        sections = self._read_sections()
        self._check_answers(*map(bytes, sections[1:3]))
        types = self._types["questions"] + self._types["distances"]
        limit = SINGLE_LIMIT if self._single else nan  # nothing is over it
        numbers = (self._init, self._divisor, limit, self._whole)
        return kernel.Forest(self._layout, types, sections, *numbers)

    def _check(self, row: list[float]) -> None:
        """Refuse a row that scikit-learn refuses.

        Raises:
            ValueError: It has a number that single precision does not hold.
        """
        if self._single and any(map(SINGLE_LIMIT.__le__, map(abs, row))):
            raise ValueError("a number is too large for single precision")

    def _answer(self, row: list[float]) -> bytes:
        """A row's answer to each question."""
        from bisect import bisect_left  # noqa: PLC0415 - the kernel has its own

        features = self._features or self._read()
        self._check(row)
        lefts, rights = self._lefts, self._rights
        answers = [b"\0"]
        for column, thresholds, count, missing, table in features:
            value = row[column]
            if value != value:  # noqa: PLR0124 - NaN
                answers.append(missing)
            elif table is None:
                over = bisect_left(thresholds, value)
                answers += (rights[:over], lefts[: count - over])
            else:
                answers.append(table.get(value, missing))
        return b"".join(answers)

    def _check_answers(self, missing: bytes, tables: bytes) -> None:
        """Refuse answers with which a walk would not go on.

        Raises:
            ValueError: One is neither left nor right, or some are missing.
        """
        numbers = sum(count for _, count, codes in self._layout if not codes)
        start, stop = self._sections["thresholds"]
        whole = sum(count for _, count, _ in self._layout) <= len(missing)
        whole = whole and numbers * F64 <= stop - start
        at = 0
        for _, count, codes in self._layout:
            for _ in range(codes):
                answers, at = tables[at : at + count], at + count
                # Codes that were not seen have none of their own: zeros.
                whole = whole and not (answers.strip(ANSWERS) and any(answers))
        if not whole or at > len(tables) or missing.strip(ANSWERS):
            raise ValueError("answers that are not left or right")

    def _read(self) -> list[Any]:
        """Read what every row needs."""
        sections = self._read_sections()
        missing, tables = map(bytes, sections[1:3])
        self._check_answers(missing, tables)
        types = ("d", "B", "B", "I", self._types["questions"], self._types["distances"], "d")
        numbers = [section.cast(kind) for section, kind in zip(sections, types, strict=True)]
        thresholds, _, _, roots, self._questions, self._distances, self._leaves = numbers
        features, at, place, start = [], 0, 0, 0
        for column, count, codes in self._layout:
            stop, table = at + count, None
            if codes:
                table = {
                    float(code): tables[start + code * count : start + (code + 1) * count]
                    for code in range(codes)
                }
                table = {code: one for code, one in table.items() if any(one)}
                start += codes * count
            ends = thresholds[place : place + count].tolist() if not codes else []
            place += 0 if codes else count
            features.append((column, ends, count, missing[at:stop], table))
            at = stop
        widest = max((count for _, count, _ in self._layout), default=0)
        self._lefts, self._rights = bytes([LEFT]) * widest, bytes([RIGHT]) * widest
        self._roots: list[int] = roots.tolist()
        if len(self._questions) <= MAX_LISTED:
            self._questions, self._distances = self._questions.tolist(), self._distances.tolist()
            self._leaves = self._leaves.tolist()
        self._features = features
        return features

    def _read_sections(self) -> tuple[Any, ...]:
        """What every row needs: read at once where nothing lies between, as in our own files."""
        places = [self._sections[name] for name in SECTIONS]
        first, last = min(start for start, _ in places), max(stop for _, stop in places)
        if last - first > sum(stop - start for start, stop in places):
            # What lies between them `count_bytes` has not counted.
            return tuple(self._file.read_whole(start, stop) for start, stop in places)
        data = self._file.read_whole(first, last)
        return tuple(data[start - first : stop - first] for start, stop in places)

    def weigh(self, row: list[float], label: int) -> list[tuple[int, float]] | None:
        """What each column adds to the answer, along the paths of the row.

        See engines/paths.py, which says where it is from. None where nodes say nothing.
        """
        if "nodes" not in self._sections:
            return None
        answers = self._answer(row)
        owners = [0]
        for column, count, _ in self._layout:
            owners += [column] * count
        turn = 0 if self._outputs == 1 else label
        totals: dict[int, float] = {}
        for number, root in enumerate(self._roots):
            if self._whole or number % self._outputs == turn:
                self._follow(root, answers, owners, turn, totals)
        sign = -1 if self._turned and label == 0 else 1
        return [(column, sign * total / self._divisor) for column, total in totals.items()]

    def _follow(
        self, node: int, answers: bytes, owners: list[int], output: int, totals: dict[int, float]
    ) -> None:
        """Add the changes along the path from a root."""
        value = self._read_node(node, output)
        while question := self._questions[node]:
            node += self._distances[node] + answers[question]
            before, value = value, self._read_node(node, output)
            column = owners[question]
            totals[column] = totals.get(column, 0.0) + (value - before)

    def _read_node(self, node: int, output: int) -> float:
        place = node * self._outputs + output if self._whole else node
        start = self._sections["nodes"][0] + place * F64
        number: float = memoryview(self._file.read(start, start + F64)).cast("d")[0]
        return number
