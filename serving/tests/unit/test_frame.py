"""The table that a pipeline over records gets."""

import pandas as pd
import pytest

from serving.app.engines.frame import DTYPES, build_frame
from serving.app.inputs.record import RecordInput
from serving.tests.records import EXAMPLE, FIELDS, make_records

NEW = make_records(12, seed=9)


@pytest.mark.parametrize("records", [NEW, NEW[:1], [EXAMPLE | {"area": None, "garden": None}]])
def test_frame_is_that_of_a_series_a_field(records):
    read = [RecordInput(FIELDS).read(one) for one in records]
    series = {
        field["name"]: pd.Series(list(column), dtype=DTYPES[field["type"]][field["nullable"]])
        for field, column in zip(FIELDS, zip(*read, strict=True), strict=True)
    }
    pd.testing.assert_frame_equal(build_frame(FIELDS, read), pd.DataFrame(series))
