"""The limits of the HTTP contract. OpenAPI and the README show them; a test holds both to these."""

KIB = 1024
MAX_BODY_BYTES = 1024 * KIB  # far below Lambda's 6 MB: a batch of 1,000 texts of 1,000 characters
MAX_TEXT_CHARS = 50_000  # five times the 99th percentile of the training texts
MAX_BATCH_TEXTS = 1_000
MAX_TOP = 100
MAX_EXPLAINED_TERMS = 10
# What a request may be made of: more than any client sends, and so little that no refusal takes
# longer than the largest answer.
MAX_VALUES = 2 * MAX_BATCH_TEXTS  # of a body, each of which may become an error
MAX_NAMES = 16  # in one object of a body, which has one
MAX_PARAMETERS = 16  # of a query, which has two
MAX_DEPTH = 8  # of a body, which needs two; the interpreter's limit is not the same everywhere
MAX_DIGITS = 30  # no field is a number, and int() is quadratic in the digits
MAX_HEADERS = 100
MAX_HEADER_CHARS = 10 * KIB  # API Gateway's limit of all headers together
LAMBDA_BYTES = 6 * 1024 * KIB  # Lambda, "Invocation payload": request and response each
