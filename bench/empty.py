"""The floor: a handler that does nothing, with nothing imported."""


def handler(_event, _context):
    return {"statusCode": 200, "body": "{}"}
