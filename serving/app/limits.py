"""The limits of the HTTP contract.

OpenAPI and docs/reference/api.md show them; a test holds both to these.
"""

from serving.bundle.inputs import MAX_BATCH, MAX_PICTURE_CHARS

KIB = 1024
MAX_BODY_BYTES = 1024 * KIB  # far below Lambda's 6 MB: a batch of 1,000 texts of 1,000 characters
MAX_PICTURE_BODY_BYTES = MAX_PICTURE_CHARS + 16 * KIB  # with room for a form's headers
MAX_FORM_PARTS = 16
MAX_TOP = 100
MAX_EXPLAINED_TERMS = 10
# What a request may be made of: more than any client sends, and so little that no refusal takes
# longer than the largest answer.
MAX_PARAMETERS = 16  # of a query, which has two
MAX_DEPTH = 8  # of a body, which needs three; the interpreter's limit is not the same everywhere
MAX_DIGITS = 30  # no field has more than 16, and int() is quadratic in the digits
MAX_HEADERS = 100
MAX_HEADER_CHARS = 10 * KIB  # API Gateway's limit of all headers together
LAMBDA_BYTES = 6 * 1024 * KIB  # Lambda, "Invocation payload": request and response each
# What a picture may be, by its header. A photograph of 12 megapixels (4,000 × 3,000) passes, and
# nothing decodes to more than 128 MiB: 8 bytes a pixel at most, four samples of 16 bits.
MAX_PIXELS = 16_777_216  # 4,096²
MAX_SIDE = 16_384
SPARE_NAMES = 16  # so that a body with a field too many is told which rule it breaks


class Bounds:
    """What a body may be made of, by the number of fields that a record has: a text has none.

    Attributes:
        inputs: What a batch is of, in the plural.
        sample: What a body looks like.
        names: In one object: a record's fields, and some to spare.
        body_bytes: Of a whole body.
        pictures: Whether a body may be a picture, or a form with one, besides JSON.
        values: In the body, each of which may become an error: twice those of the largest batch,
            where a record is a value, too, so that a batch too long is told so. With 200 fields
            402,000; a body of 1 MiB, the harder bound, holds 524,288 values of a digit.
    """

    __slots__ = ("body_bytes", "inputs", "names", "pictures", "sample", "values")

    def __init__(
        self, inputs: str, sample: str, fields: int = 0, *, pictures: bool = False
    ) -> None:
        self.inputs = inputs
        self.sample = sample
        self.pictures = pictures
        self.body_bytes = MAX_PICTURE_BODY_BYTES if pictures else MAX_BODY_BYTES
        self.names = fields + SPARE_NAMES
        self.values = 2 * MAX_BATCH * (fields + 1)
