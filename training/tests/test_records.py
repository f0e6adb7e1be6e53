"""Tables: what of them is refused, dropped and doubted before a model is trained."""

import random
from copy import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.console import StepError
from training.data.dataset import Example
from training.inputs import make_input, read_golden_inputs
from training.inputs.columns import LOOKED_AT, check_table, find_drift
from training.inputs.record import MAX_CATEGORIES, complete_fields
from training.paths import Paths
from training.settings.params import Validate
from training.settings.schema import RecordField, Schema
from training.steps import prepare, validate
from training.tasks import find_task
from training.tests.sample import PRICES

TYPES = {
    "size": "number",
    "height": "number",
    "rooms": "integer",
    "kind": "category",
    "garden": "boolean",
    "note": "text",
}
VALUE = find_task(Schema(target={"title": "Price"}))
LABEL = find_task(Schema(labels=[{"id": "dear", "title": "D"}, {"id": "cheap", "title": "C"}]))
LIMITS = Validate(max_missing=0.5)


def make(count, seed=None, start=2, **fixed):
    """Examples of a target that the fields together tell a little of."""
    rng = random.Random(start if seed is None else seed)
    found = []
    for row in range(start, start + count):
        record = {
            "size": round(rng.uniform(20, 200), 1),
            "height": round(rng.uniform(2, 4), 4),
            "rooms": rng.randint(1, 6),
            "kind": rng.choice(["flat", "house"]),
            "garden": rng.random() < 0.5,
            "note": rng.choice(["sunny", "quiet", "central"]),
        }
        made = {name: one(rng, row) if callable(one) else one for name, one in fixed.items()}
        found.append(Example(row, rng.gauss(1000 * record["size"], 50_000), record | made))
    return found


def label(examples):
    """The same examples with labels in the place of values."""
    return [replace(one, target="dear" if one.target > 100_000 else "cheap") for one in examples]


def kind_of(train, **nullable):
    fields = [
        RecordField(name=name, type=kind, nullable=nullable.get(name))
        for name, kind in TYPES.items()
    ]
    return make_input({"kind": "record", "fields": complete_fields(fields, train)}, None)


def find_problems(train, test, task=VALUE, limits=LIMITS, **nullable):
    return validate.find_problems(train, test, kind_of(train, **nullable), task, limits)


TEST = make(100, seed=1, start=1000)


@pytest.mark.parametrize("task", [VALUE, LABEL])
def test_clean_table_has_no_problems_and_no_doubts(task):
    train, test = (label(part) if task is LABEL else part for part in (make(300), TEST))
    assert find_problems(train, test, task) == []
    assert kind_of(train).find_doubts(train, test) == []


RIGHT = {
    "size": st.floats(0, 10) | st.integers(0, 3),
    "height": st.floats(0, 10),
    "rooms": st.integers(0, 3),
    "kind": st.sampled_from("abc"),
    "garden": st.booleans(),
    "note": st.text(min_size=1, max_size=3),
}
RECORDS = st.fixed_dictionaries({name: st.none() | values for name, values in RIGHT.items()})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2)
ODD_RECORDS = VALUES | st.dictionaries(st.sampled_from([*TYPES, "colour"]), VALUES)
TARGETS = {VALUE: st.sampled_from([1, 2.5, 3]), LABEL: st.sampled_from(["dear", "cheap"])}


@pytest.mark.parametrize("task", TARGETS)
@settings(max_examples=20, deadline=None)  # a tree a field takes a while
@given(st.data())
def test_any_few_records_are_cleaned_and_judged_with_no_other_error(task, data):
    def draw(most):
        pairs = data.draw(st.lists(st.tuples(TARGETS[task], RECORDS), min_size=1, max_size=most))
        return [Example(row, *pair) for row, pair in enumerate(pairs, start=2)]

    train, test = draw(10), draw(4)
    kind = kind_of(train)
    kept, _ = prepare.clean(train, test, kind)
    limits = Validate(min_examples_per_class=1, max_drift=0)
    if not validate.find_problems(kept, test, kind, task, limits):
        assert all(kind.find_doubts(kept, test))
        assert kind.measure(kept, test)


@pytest.mark.parametrize("task", TARGETS)
@given(VALUES, ODD_RECORDS)
def test_odd_example_in_a_prepared_part_is_named_by_its_row(task, target, record):
    train = label(make(40)) if task is LABEL else make(40)
    odd = replace(train[3], target=target, input=record)
    for parts in (([*train[:3], odd, *train[4:]], train), (train, [odd])):
        problems = validate.find_problems(*parts, kind_of(train), task, Validate())
        assert any(one.endswith(f": rows {odd.row}") for one in problems)


# The form, as the service reads a record.


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("size", "12", r"body.size: Input should be a valid number: rows 2, 3"),
        ("size", True, r"body.size: Input should be a valid number: rows 2, 3"),
        ("size", float("nan"), r"body.size: Input should be a number that float32"),
        ("rooms", 2.5, r"body.rooms: Input should be a valid integer: rows 2, 3"),
        ("garden", 1, r"body.garden: Input should be a valid boolean: rows 2, 3"),
        ("kind", 5, r"body.kind: Input should be a valid string: rows 2, 3"),
        ("note", "x" * 50_001, r"body.note: String should have at most 50000 characters: rows"),
        ("colour", "red", "body: No other fields than the documented ones are taken: rows 2, 3"),
    ],
)
def test_value_has_another_type_is_named_by_field_and_rows(field, value, says):
    train = make(2, **{field: value}) + make(50, start=50)
    (problem,) = find_problems(train, TEST)
    assert problem.startswith(says)


def test_field_is_missing_is_named():
    train = [*make(20), Example(99, 1.0, {name: None for name in TYPES if name != "size"})]
    (problem,) = find_problems(train, TEST)
    assert "body.size: Field required: rows 99" in problem


def test_field_has_nulls_where_the_schema_says_none_is_named_by_rows():
    train = [*make(20), *make(2, start=77, rooms=None)]
    (problem,) = find_problems(train, TEST, rooms=False)
    assert problem == "body.rooms: Input should be a valid integer: rows 77, 78"
    assert find_problems(train, TEST) == []  # nothing is said: there are nulls, so there may be


def test_test_part_has_nulls_where_the_training_part_has_none_is_named_by_rows():
    (problem,) = find_problems(make(50), [*TEST, *make(1, start=5000, rooms=None)])
    assert problem == "body.rooms: Input should be a valid integer: rows 5000"


def test_table_has_nulls_that_are_excluded_names_field_and_rows():
    train = [*make(20), *make(2, start=77, kind=None, size=None)]
    kind = kind_of(train)
    fields = [field | {"nullable": field["name"] != "kind"} for field in kind.described["fields"]]
    table, rows = kind.shape(one.input for one in train), [one.row for one in train]
    (problem,) = check_table(table, rows, fields, 0.5)
    assert problem == "field kind has nulls, and the schema says that it has none: rows 77, 78"


# Nulls over the bound.


@pytest.mark.parametrize("field", TYPES)
def test_field_is_null_too_often_is_named_with_the_bound(field):
    half = make(40), make(40, start=500, **{field: None})
    test = [*TEST, *make(100, seed=2, start=5000, **{field: None})]
    assert find_problems([*half[0], *half[1]], test) == []
    more = [*half[0], *half[1], *make(1, start=900, **{field: None})]
    (problem,) = find_problems(more, test)
    assert problem == (
        f"field {field} has more nulls than validate.max_missing (0.5): leave the field out"
    )


def test_field_is_always_null_is_a_problem():
    train, test = make(60, rooms=None), make(60, seed=1, rooms=None)
    (problem,) = find_problems(train, test, limits=Validate())
    assert problem.startswith("field rooms has more nulls than validate.max_missing (0.9)")


# The target told by one field.


def leak(examples, field, tell):
    return [replace(one, input=one.input | {field: tell(one.target)}) for one in examples]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("field", "tell"),
    [("size", lambda target: float(target) / 7), ("rooms", lambda target: int(target / 1000))],
)
def test_field_tells_the_value_is_a_leak(field, tell, whole):
    train, test = make(400), make(400, seed=1, start=1000)
    if whole:  # values that are written without a fraction
        train, test = (
            [replace(one, target=int(one.target)) for one in part] for part in (train, test)
        )
    (problem,) = find_problems(leak(train, field, tell), leak(test, field, tell))
    assert problem.startswith(f"field {field} tells the target by itself (0.99")
    assert "validate.max_leakage (0.99)): leave it out" in problem


@pytest.mark.parametrize(
    ("field", "tell"),
    [
        ("kind", lambda target: f"was {target}"),
        ("garden", lambda target: target == "dear"),
        ("rooms", lambda target: None if target == "cheap" else 3),
        ("size", lambda target: 900.5 if target == "dear" else 20.0),
    ],
)
def test_field_tells_the_label_is_a_leak(field, tell):
    train, test = leak(label(make(300)), field, tell), leak(label(TEST), field, tell)
    (problem,) = find_problems(train, test, LABEL)
    assert problem.startswith(f"field {field} tells the target by itself (1.000, more than")


def test_field_tells_the_target_often_but_not_always_is_none():
    def tell(target):
        return target / 7 + random.Random(target).gauss(0, 2000)

    limits = Validate(max_leakage=0.9)
    train, test = (leak(part, "size", tell) for part in (make(400), make(400, seed=1, start=1000)))
    assert find_problems(train, test) == []
    (problem,) = find_problems(train, test, limits=limits)
    assert "field size tells the target by itself (0.9" in problem


def test_label_is_rare_is_no_leak():
    """To say always the other one is right nearly always."""
    train, test = (
        [replace(one, target="dear" if one.row % 200 == 3 else "cheap") for one in make(count)]
        for count in (400, 100)
    )
    assert kind_of(train).find_problems(train, test, Validate()) == []


def test_long_table_is_looked_at_in_part():
    train = make(LOOKED_AT + 50)
    (problem,) = find_problems(leak(train, "size", float), leak(TEST, "size", float))
    assert "field size" in problem


# Other values in the test part.


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("size", lambda rng, _: rng.uniform(150, 300)),
        ("rooms", 6),
        ("kind", "castle"),
        ("garden", True),
        ("note", lambda rng, _: rng.choice(["sunny", "haunted"])),
        ("size", lambda rng, _: None if rng.random() < 0.5 else rng.uniform(20, 200)),
    ],
)
def test_field_has_other_values_in_the_test_part_is_drift(field, other):
    train = [*make(300), *make(3, start=900, size=None)]
    (problem,) = find_problems(train, make(100, seed=1, start=1000, **{field: other}))
    assert problem.startswith(f"field {field} has other values in the test part than in the train")
    assert "validate.max_drift (0.3)): is the split as it should be?" in problem


def test_texts_that_are_all_different_are_no_drift():
    train, test = (
        make(count, start=start, note=lambda _, row: f"the flat of row {row}")
        for count, start in ((300, 2), (100, 1000))
    )
    assert find_problems(train, test) == []


def test_parts_are_small_what_chance_makes_is_no_drift():
    """Each field of a table is found to differ once in a hundred times at most."""
    found = []
    for seed in range(60):
        train, test = make(100, seed=seed), make(12, seed=seed + 1000)
        kind = kind_of(train)
        tables = (kind.shape(one.input for one in part) for part in (train, test))
        found += find_drift(*tables, most=0)
    assert len(found) <= 60 * len(TYPES) / 100


# What a person should look at.


def test_field_has_one_value_is_doubted():
    train = make(60, kind="flat", rooms=None)
    assert kind_of(train).find_doubts(train, TEST) == [
        "field rooms has one value in all of the training part",
        "field kind has one value in all of the training part",
    ]


@pytest.mark.parametrize(
    ("field", "value"), [("rooms", lambda _, row: row), ("kind", lambda _, row: f"id {row}")]
)
def test_field_numbers_the_records_is_doubted(field, value):
    train = make(60, **{field: value})
    says = [f"field {field} looks like an id: nearly each record has another value"]
    assert kind_of(train).find_doubts(train, TEST) == says
    few = train[:20]
    assert kind_of(few).find_doubts(few, TEST) == []


def test_texts_and_measurements_are_no_ids():
    train = make(60, note=lambda _, row: f"the flat of row {row}")
    assert kind_of(train).find_doubts(train, TEST) == []


# Repeats.


COARSE = {"size": 50.0, "height": 2.5, "note": "quiet"}


def test_repeats_in_a_table_of_few_categories_are_kept_and_told():
    train, test = make(300, **COARSE), make(100, seed=1, start=1000, **COARSE)
    kind = kind_of(train)
    kept, dropped = prepare.clean(train, test, kind)
    assert kept == train
    assert not any(dropped.values())
    assert find_problems(train, test) == []
    assert any(
        "% of the training records repeat another one: kept" in one
        for one in kind.find_doubts(train, test)
    )


def test_repeats_where_nearly_all_records_are_distinct_are_dropped():
    train = make(100)
    again = [replace(train[3], row=500), replace(TEST[4], row=501)]
    kept, dropped = prepare.clean([*train, *again], TEST, kind_of(train))
    assert kept == train
    assert dropped == {"without content": [], "repeated": [500], "in the test part": [501]}
    assert find_problems([*train, *again], TEST) == [
        "training examples that repeat an earlier one: rows 500",
        "training examples that are in the test part: rows 501",
    ]


def test_records_of_nothing_are_dropped_and_a_problem():
    nothing = make(1, start=700, **dict.fromkeys(TYPES))
    train = make(100)
    kept, dropped = prepare.clean([*train, *nothing], TEST, kind_of([*train, *nothing]))
    assert (kept, dropped["without content"]) == (train, [700])
    assert "training examples without content: rows 700" in find_problems([*train, *nothing], TEST)


# The description.


def test_fields_are_completed_from_the_training_part():
    train = [*make(30), *make(1, start=90, kind=None)]
    fields = {one["name"]: one for one in kind_of(train).described["fields"]}
    assert [name for name in fields if fields[name]["nullable"]] == ["kind"]
    assert fields["kind"]["values"] == ["flat", "house"]
    sizes = [one.input["size"] for one in train]
    assert fields["size"]["range"] == [min(sizes), max(sizes)]
    assert {"values", "range"}.isdisjoint(fields["note"].keys() | fields["garden"].keys())
    assert fields["note"]["example"] == train[0].input["note"]


def test_what_the_schema_says_of_nulls_goes_before_what_is_seen():
    fields = {one["name"]: one for one in kind_of(make(30), rooms=True).described["fields"]}
    assert fields["rooms"]["nullable"]


def test_field_of_very_many_categories_has_no_list_of_them():
    train = make(MAX_CATEGORIES + 1, kind=lambda _, row: f"kind {row}")
    assert "values" not in kind_of(train).described["fields"][3]
    assert len(kind_of(train[1:]).described["fields"][3]["values"]) == MAX_CATEGORIES


@given(st.integers(1, 20))
def test_table_of_any_rows_has_the_types_of_the_whole(count):
    train = [*make(30), *make(10, start=90, rooms=None, garden=None, note=None)]
    kind = kind_of(train)
    whole = kind.shape(one.input for one in train)
    part = kind.shape(one.input for one in train[-count:])
    assert part.dtypes.to_dict() == whole.dtypes.to_dict()
    assert part.equals(whole.tail(count).reset_index(drop=True))


def test_input_is_a_body_and_back():
    (example,) = make(1, rooms=None)
    kind = kind_of([example])
    body = kind.make_body(example.input)
    assert [*body] == [*TYPES]
    assert kind.read_body(body) == example.input
    assert "rooms" not in kind.show(example.input)


def test_profile_tells_of_each_field():
    test = [*TEST, *make(100, seed=4, start=5000, rooms=None)]
    found = kind_of(test).profile(None, [one.input for one in test])["fields"]
    assert found["rooms"]["missing"] == 0.5
    assert 1 <= found["rooms"]["p1"] <= found["rooms"]["p50"] <= found["rooms"]["p99"] <= 6
    assert sum(found["kind"]["shares"].values()) == pytest.approx(1)
    assert found["note"] == {"missing": 0.0}


def test_share_that_is_missing_is_measured():
    train = [*make(30), *make(10, start=90, rooms=None)]
    assert kind_of(train).measure(train, TEST) == {
        "missing": {"train": {"rooms": 0.25}, "test": {}}
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"size": "big"}, r"golden\.json: 1\.input: .* refuse it: body\.size: .*valid number"),
        ({"rooms": None}, r"golden\.json: 1\.input: .*body\.rooms: .*valid integer"),
        ({"colour": "red"}, r"golden\.json: 1\.input: .*body: No other fields"),
    ],
)
def test_golden_record_is_refused_by_the_service_says_which_and_why(change, says):
    good = make(1)[0].input
    golden = [{"between": [0, 1], "input": good}, {"between": [0, 1], "input": good | change}]
    with pytest.raises(StepError, match=says):
        read_golden_inputs(golden, kind_of(make(30)), Paths(PRICES))
    assert read_golden_inputs(golden[:1], kind_of(make(30)), Paths(PRICES)) == [good]
