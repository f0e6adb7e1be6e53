"""An encoder that is made once writes and refuses what `json.dumps` does."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.app.encoder import make_encoder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
WAYS = [((", ", ": "), True), ((",", ":"), False)]


@pytest.mark.parametrize(("separators", "allow_nan"), WAYS)
@given(value=VALUES)
def test_any_value_is_written_as_by_dumps(separators, allow_nan, value):
    encode = make_encoder(*separators, allow_nan=allow_nan)
    try:
        expected = json.dumps(value, separators=separators, allow_nan=allow_nan)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            encode(value)
    else:
        assert encode(value) == expected


def test_what_json_does_not_have_is_refused():
    encode = make_encoder(",", ":", allow_nan=False)
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        encode({"a": {1}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode([math.inf])
    assert encode({"a": [1]}) == '{"a":[1]}'  # it goes on


def test_value_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(RecursionError):
        make_encoder(",", ":", allow_nan=False)(value)
