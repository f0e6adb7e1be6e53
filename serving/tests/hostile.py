"""Hostile and odd events, each with the status that it must get.

Sources, beside our own failures: the JSON Parsing Test Suite's classes of input (seriot.ch,
"Parsing JSON is a Minefield"), OWASP's cheat sheets on input validation, log injection and path
traversal, and the events that AWS services other than a REST API send.
"""

import base64
import json
import zlib

from serving.app.inputs.text import TextInput
from serving.app.limits import (
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_HEADER_CHARS,
    MAX_HEADERS,
    MAX_PARAMETERS,
    MAX_TOP,
)
from serving.app.request.shapes import BALANCER, HTTP
from serving.bundle.inputs import MAX_BATCH, MAX_TEXT_CHARS
from serving.tests.sample import proxy_event
from serving.tests.shapes import express

BOUNDS = TextInput().bounds
MAX_NAMES, MAX_VALUES = BOUNDS.names, BOUNDS.values
SECRET = "hunter2"  # noqa: S105 - stands for what must come out nowhere
FORGED = json.dumps({"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{"Namespace": SECRET}]}})


def encoded(data: bytes, **members):
    """An event whose body is bytes, as API Gateway sends what is not text."""
    return proxy_event(body=base64.b64encode(data).decode(), isBase64Encoded=True, **members)


def batch(body, **members):
    return proxy_event(path="/predict/batch", body=body, **members)


def typed(content_type, name="Content-Type"):
    return proxy_event(body={"text": SECRET}, headers={name: content_type})


def asking(**query):
    """A good body under a query."""
    values = {name: one if isinstance(one, list) else [one] for name, one in query.items()}
    return proxy_event(body={"text": "the boat"}, multiValueQueryStringParameters=values)


def nested(opening, closing, depth):
    return opening * depth + closing * depth


def nests(name):
    """Some 300,000 objects and lists, of 1,500 commas."""
    nest = '[{"":' * 100 + "1" + "}]" * 100
    return f"{{{name}: [{','.join([nest] * 1490)}]}}"


TEXTS = {
    "control characters": "".join(map(chr, range(32))),
    "delete and C1 controls": "".join(map(chr, range(0x7F, 0xA0))),
    "the zero character": f"\0{SECRET}\0",
    "right to left": "السلام עליכם",
    "overrides of direction": "\u202etxet\u2066\u2069",
    "emoji and joiners": "👩‍👩‍👧‍👦🏴‍☠️🇪🇺",
    "marks on marks": "Z" + "\u0351\u0352\u0489" * 1000,
    "byte order mark within": "\ufeffboat",
    "zero width": "bo\u200bat\u200d\u2060",
    "characters that are none": "\uffff\ufffe\U0010ffff\U0001fffe",
    "private use": "\ue000\U000f0000",
    "line separators": "boat\u2028sail\u2029mast\x85\x0b\x0c",
    "escape sequences of terminals": "\x1b[2J\x1b]0;" + SECRET + "\x07",
    "a log record of its own": f'boat\r\n{{"level":"ERROR","message":"{SECRET}"}}',
    "a metric of its own": f"boat\r\n{FORGED}\n",
    "markup": f"<script>alert('{SECRET}')</script>",
    "a database's language": "'; DROP TABLE models; --",
    "a logger's lookup": "${jndi:ldap://127.0.0.1/a}",
    "formats": "%s%n%d {0} {self.__class__} {{7*7}}",
    "a path": "../../../../etc/passwd",
    "a pickle": "cos\nsystem\n(S'true'\ntR.",
    "white space": " \t\n\r\u00a0\u3000",
    "punctuation": "!?.,;:-_()[]{}",
    "letters that grow in lower case": "İ" * 1000,
    "letters that grow when decomposed": "\ufdfa" * MAX_TEXT_CHARS,
    "ligatures and wide letters": "ﬁ ｂｏａｔ ⅷ ②",
    "one long word": "a" * MAX_TEXT_CHARS,
    "one word again and again": "boat " * (MAX_TEXT_CHARS // 5),
    "one letter": "a",
    "digits of other scripts": "١٢٣ ४५६ ７８９",
    "the longest of the widest characters": "😀" * MAX_TEXT_CHARS,
}
MALFORMED = {
    "nothing but white space": " \r\n\t",
    "byte order mark first": '\ufeff{"text": "boat"}',
    "another kind of space": '\u00a0{"text": "boat"}',
    "half": '{"text": "' + SECRET,
    "half an escape": '{"text": "\\',
    "one brace": "{",
    "closed twice": '{"text": "boat"}}',
    "two documents": '{"text": "boat"}{"text": "boat"}',
    "two lines of documents": '{"text": "boat"}\n{"text": "boat"}',
    "comma at the end": '{"text": "boat",}',
    "comma at the start": '{,"text": "boat"}',
    "no colon": '{"text" "boat"}',
    "no quotes": f"{{text: {SECRET}}}",
    "single quotes": "{'text': 'boat'}",
    "a comment": '{"text": "boat"} // ' + SECRET,
    "a literal of Python's": '{"text": True}',
    "undefined": '{"text": undefined}',
    "a raw line break in a string": '{"text": "a\nb"}',
    "a raw zero in a string": '{"text": "a\0b"}',
    "a raw tab in a name": '{"te\txt": "boat"}',
    "an escape that is none": '{"text": "\\x41"}',
    "an escape of three digits": '{"text": "\\u041"}',
    "an escape with a sign": '{"text": "\\u+041"}',
    "a lone high surrogate": '{"text": "\\ud800"}',
    "a lone low surrogate": '{"text": "\\udfff"}',
    "surrogates in the wrong order": '{"text": "\\ude00\\ud83d"}',
    "a lone surrogate in a name": '{"\\ud800": "boat"}',
    "a raw lone surrogate": '{"text": "\ud800"}',
    "a name twice": '{"text": "boat", "text": "soup"}',
    "a name twice in another spelling": '{"text": "boat", "te\\u0078t": "soup"}',
    "a name twice further in": '{"text": {"a": 1, "a": 2}}',
    "not a number": '{"text": NaN}',
    "infinity": '{"text": Infinity}',
    "minus infinity": '{"text": -Infinity}',
    "a number out of range": '{"text": 1e400}',
    "a small number out of range": '{"text": -1e400}',
    "a number of 5,000 digits": f'{{"text": {"1" * 5000}}}',
    "a number of a million digits": f'{{"text": -{"9" * 1_000_000}}}',
    "a leading zero": '{"text": 01}',
    "a leading plus": '{"text": +1}',
    "no digit after the point": '{"text": 1.}',
    "hexadecimal": '{"text": 0x41}',
    "null": "null",
    "a truth value": "true",
    "a number": "1",
    "a string": f'"{SECRET}"',
    "a list": '["boat"]',
    "nothing in a list": "[]",
    "too deep": '{"text": ' + nested("[", "]", MAX_DEPTH) + "}",
    "far too deep a list": nested("[", "]", 1_900),
    "far too deep an object": '{"text": ' * 1_900 + "1" + "}" * 1_900,
    "more names than any": {f"name{number}": SECRET for number in range(MAX_NAMES + 1)},
    "a long name twice": f'{{"{"a" * 100_000}": 1, "{"a" * 100_000}": 2}}',
    "a form": f"text={SECRET}&top=3",
    "markup": f"<text>{SECRET}</text>",
    "a multipart body": f"--x\r\nContent-Disposition: form-data\r\n\r\n{SECRET}\r\n--x--",
    "base64 that is not said to be": base64.b64encode(b'{"text": "boat"}').decode(),
    "an error far in": "\n" * (MAX_BODY_BYTES - 1) + "x",
    "a pickle": "\x80\x05\x95.",
}
NOT_TEXT = {
    "no UTF-8": b'{"text": "\xff"}',
    "half a character": b'{"text": "\xe2\x82"}',
    "an overlong character": b'{"text": "\xc0\x80"}',
    "an encoded surrogate": b'{"text": "\xed\xa0\x80"}',
    "a character beyond the last": b'{"text": "\xf4\x90\x80\x80"}',
    "Latin-1": '{"text": "é"}'.encode("latin-1"),
    "UTF-16": '{"text": "boat"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"text": "boat"}'.encode("utf-16-le"),
    "UTF-32": '{"text": "boat"}'.encode("utf-32"),
    "UTF-8 with a mark": '{"text": "boat"}'.encode("utf-8-sig"),
    "compressed": zlib.compress(b'{"text": "boat"}'),
    "zeros": bytes(1000),
    "a pickle": b"\x80\x05cposix\nsystem\n.",
}
NOT_BASE64 = {
    "other characters": "%%%",
    "plain JSON": '{"text": "boat"}',
    "no padding": "e30",
    "too much padding": "e30===",
    "padding within": "e30=e30=",
    "white space within": "e3\n0=",
    "the alphabet of URLs": base64.urlsafe_b64encode(b'{"text": "\xfb\xff?"}').decode(),
    "a lone character": "e",
    "characters beyond ASCII": "é30=",
    "a lone surrogate": "\ud800",
}
INVALID = {
    "no field": {},
    "null": {"text": None},
    "a number": {"text": 1},
    "a fraction": {"text": 0.5},
    "a truth value": {"text": True},
    "a list": {"text": [SECRET]},
    "an object": {"text": {SECRET: SECRET}},
    "no characters": {"text": ""},
    "one character too many": {"text": "a" * (MAX_TEXT_CHARS + 1)},
    "one wide character too many": {"text": "😀" * (MAX_TEXT_CHARS + 1)},
    "another field, too": {"text": "boat", SECRET: 1},
    "another field's name": {"Text": "boat"},
    "a name with a space": {"text ": "boat"},
    "no name": {"": "boat"},
    "a name that some objects have": {"text": "boat", "__proto__": {}, "__class__": SECRET},
    "a very long name": {"text": "boat", SECRET * 50_000: 1},
    "as many names as there may be": {f"name{n}": SECRET for n in range(MAX_NAMES)},
    "as deep as may be": '{"text": ' + nested("[", "]", MAX_DEPTH - 1) + "}",
    "a batch": {"texts": ["boat"]},
    "a long fraction": '{"text": 0.' + "1" * 1_000_000 + "}",
}
INVALID_BATCHES = {
    "a single text": {"text": "boat"},
    "no texts": {"texts": []},
    "null": {"texts": None},
    "a text in place of a list": {"texts": "boat"},
    "an object in place of a list": {"texts": {"0": "boat"}},
    "null among the texts": {"texts": ["boat", None]},
    "a list among the texts": {"texts": ["boat", ["boat"]]},
    "an empty text": {"texts": ["boat", ""]},
    "a text too long": {"texts": ["boat", "a" * (MAX_TEXT_CHARS + 1)]},
    "one text too many": {"texts": ["boat"] * (MAX_BATCH + 1)},
    "as many wrong values as may be": {"texts": [1] * (MAX_VALUES - 2)},
    "another field, too": {"texts": ["boat"], "top": 3},
}
ROOM = MAX_BODY_BYTES - len('{"texts": []}')
TOO_LARGE = {
    "a byte too many": proxy_event(body='{"text": "' + "a" * (MAX_BODY_BYTES - 11) + '"}'),
    "two bytes a character": proxy_event(body='{"text": "' + "é" * (MAX_BODY_BYTES // 2) + '"}'),
    "base64": encoded(b" " * (MAX_BODY_BYTES + 1)),
    "as much as Lambda takes": proxy_event(body="a" * 5_900_000),
    "lists of nothing": batch('{"texts": [' + "[]," * (ROOM // 3 - 1) + "[]]}"),
    "objects of nothing": batch('{"texts": [' + "{}," * (ROOM // 3 - 1) + "{}]}"),
    "zeros": batch('{"texts": [' + "0," * (ROOM // 2 - 1) + "0]}"),
    "fractions": batch('{"texts": [' + "0.1," * (ROOM // 4 - 1) + "0]}"),
    "empty texts": batch('{"texts": [' + '"",' * (ROOM // 3 - 1) + '""]}'),
    "nulls": batch('{"texts": [' + "null," * (ROOM // 5 - 1) + "null]}"),
    "names": proxy_event(body="{" + ",".join(f'"{n}":1' for n in range(90_000)) + "}"),
    "quotes and commas": batch('"",' * (MAX_BODY_BYTES // 3)),
    "commas": proxy_event(body="," * MAX_BODY_BYTES),
    "a value too many": batch({"texts": ["boat"] * (MAX_VALUES - 1)}),
    "too deep for any reader": proxy_event(body=nested("[", "]", 100_000)),
    "objects too deep for any reader": proxy_event(
        body='{"text": ' * 100_000 + "1" + "}" * 100_000
    ),
    "open lists without an end": proxy_event(body="[" * MAX_BODY_BYTES),
    "lists in lists": proxy_event(body="[" + ("[" * 500 + "]" * 500 + ",") * 1000 + "1]"),
    "objects in lists in objects": proxy_event(body=nests('"\\u0061"')),
    "the same in a batch": batch(nests('"texts"')),
    "commas within texts, and too many texts": batch({"texts": [",,,"] * MAX_VALUES}),
    "texts with nothing between them": proxy_event(body="," * MAX_VALUES + '""' * 100_000),
}
MEDIA = {
    "plain text": "text/plain",
    "a form": "application/x-www-form-urlencoded",
    "several parts": "multipart/form-data; boundary=x",
    "bytes": "application/octet-stream",
    "almost JSON": "application/jsonp",
    "JSON of a kind": "application/problem+json",
    "any": "application/*",
    "two types": "application/json, text/plain",
    "not a type": f"{SECRET}",
    "another charset": "application/json; charset=utf-16",
    "another charset in quotes": 'application/json; charset="latin-1"',
    "another charset after the right one": "application/json; charset=utf-8; charset=ascii",
    "a lone surrogate": "\ud800",
    "a line break": f"text/plain\r\nX-Injected: {SECRET}",
    "JSON, and plain text after it": "application/json; charset=utf-8, text/plain",
    "JSON, and JSON in another charset": "application/json, application/json; charset=latin-1",
    "another charset after a quoted semicolon": 'application/json; a=";"; charset=latin-1',
    "another charset after a quoted quote": 'application/json; a="\\""; charset=latin-1',
    "another charset with escapes": 'application/json; charset="latin\\-1"',
    "the right charset and more in quotes": 'application/json; charset="utf-8, latin-1"',
    "a quote that does not end": 'application/json; charset="utf-8',
    "quotes about the type": '"application/json"',
    "quotes without an end": '"' * 9_999,
    "escapes without an end": 'application/json; a="' + "\\" * 9_999 + "; charset=latin-1",
}
TYPES = {
    "in capital letters": "APPLICATION/JSON; CHARSET=UTF-8",
    "with a charset without a value": "application/json; charset",
    "with an empty charset": "application/json; charset=",
    "with an empty charset in quotes": 'application/json; charset=""',
    "with a charset in quotes": 'application/json; charset="UTF-8"',
    "with a charset with escapes": 'application/json; charset="utf\\-8"',
    "with a quoted semicolon": 'application/json; profile="a;charset=latin-1"',
    "with a quoted comma": 'application/json; profile="a, text/plain"; charset=utf-8',
    "with a quoted quote": 'application/json; profile="\\";charset=latin-1"',
    "with empty parameters": "application/json;; ;charset=utf-8;",
    "with a tab": "application/json\t;\tcharset=utf-8",
    "twice": "application/json, application/json",
    "twice with a charset": "application/json; charset=utf-8,application/json; charset=utf-8",
    "with an empty one": ", application/json,",
}
PATHS = {
    "none": "",
    "no slash": "predict",
    "two slashes": "//predict",
    "a slash at the end": "/predict/",
    "capital letters": "/PREDICT",
    "an ending": "/predict.json",
    "a query in it": "/predict?top=3",
    "a fragment in it": "/predict#a",
    "a space at the end": "/predict ",
    "a zero at the end": "/predict\0",
    "an encoded slash": "/predict%2fbatch",
    "encoded dots": "/%2e%2e/predict",
    "up and down": "/docs/../predict",
    "up and away": "/../../../../etc/passwd",
    "encoded up and away": "/..%2f..%2f..%2fetc%2fpasswd",
    "up by backslashes": "/..\\..\\etc\\passwd",
    "a file of ours": "/serving/app/data/model.joblib",
    "a secret of others": f"/{SECRET}/.env",
    "another address": "http://127.0.0.1/predict",
    "further than a route": "/predict/batch/1",
    "markup": "/<script>alert(1)</script>",
    "a line break": f"/predict\r\n{FORGED}",
    "a lone surrogate": "/\ud800",
    "letters that look the same": "/prеdict",
    "a million characters": "/a" * 500_000,
}
METHODS = {
    "GET": "GET",
    "PUT": "PUT",
    "DELETE": "DELETE",
    "PATCH": "PATCH",
    "HEAD": "HEAD",
    "OPTIONS": "OPTIONS",
    "TRACE": "TRACE",
    "small letters": "post",
    "none": "",
    "a space": "POST ",
    "a line break": f"POST\r\n{FORGED}",
    "a lone surrogate": "\ud800",
    "long": SECRET * 100_000,
}
INVALID_QUERIES = {
    "below the least": {"top": "-1"},
    "above the most": {"top": str(MAX_TOP + 1)},
    "a fraction": {"top": "1.5"},
    "a word": {"top": SECRET},
    "nothing": {"top": ""},
    "not a number": {"top": "NaN"},
    "a million digits": {"top": "1" * 1_000_000},
    "a zero character": {"top": "3\0"},
    "a lone surrogate": {"top": "\ud800"},
    "twice": {"top": ["3", "3"]},
    "a plus": {"top": "+3"},
    "a zero in front": {"top": "03"},
    "a space in front": {"top": " 3"},
    "digits of another script": {"top": "٣"},
    "a word for true": {"explain": "yes"},
    "neither true nor false": {"explain": SECRET},
    "a long word": {"explain": "true" * 100_000},
}
GOOD = proxy_event(body={"text": "the boat"})
STRANGERS = {
    "null": None,
    "a truth value": True,
    "a number": 42,
    "a string": SECRET,
    "a list": [GOOD],
    "nothing": {},
    "a body alone": {"text": SECRET},
    "a function URL's": {
        "version": "2.0",
        "rawPath": "/predict",
        "requestContext": {"domainName": "x.lambda-url.eu-west-1.on.aws", "http": {}},
    },
    "a websocket's": {"requestContext": {"routeKey": "$default", "eventType": "MESSAGE"}},
    "an authorizer's": {"type": "TOKEN", "authorizationToken": SECRET, "methodArn": "arn:aws:x"},
    "a queue's": {"Records": [{"eventSource": "aws:sqs", "body": SECRET}]},
    "a bucket's": {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": SECRET}}}]},
    "a topic's": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": SECRET}}]},
    "an instance's": {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"},
    "a warm-up that is not said with a truth value": {"warmup": "true"},
    "no warm-up": {"warmup": False},
    "a warm-up of a number": {"warmup": 1},
    "a schedule's with a method": {"detail-type": "Scheduled Event", "httpMethod": None},
    "a list as the query": GOOD | {"queryStringParameters": ["top"]},
    "a text as the query": GOOD | {"multiValueQueryStringParameters": "top=3"},
    "a warmer's": {"source": "serverless-plugin-warmup"},
    "no method": GOOD | {"httpMethod": None},
    "a list as the method": GOOD | {"httpMethod": ["POST"]},
    "no path": GOOD | {"path": None},
    "a number as the path": GOOD | {"path": 1},
    "an object as the path": GOOD | {"path": {SECRET: SECRET}},
    "as deep as awslambdaric reads": {"a": json.loads(nested("[", "]", 900))},
}
ODD_BUT_GOOD = {
    "a header's name of megabytes": GOOD | {"headers": {"İ" * 1_000_000: "x"}},
    "no headers": GOOD | {"headers": None},
    "no header": GOOD | {"headers": {}},
    "a list of headers": GOOD | {"headers": ["Content-Type", SECRET]},
    "a string of headers": GOOD | {"headers": SECRET},
    "a header without a value": GOOD | {"headers": {"Content-Type": None}},
    "a header with a list": GOOD | {"headers": {"Content-Type": ["text/plain"]}},
    "a header with an empty value": GOOD | {"headers": {"Content-Type": ""}},
    "many headers": GOOD | {"headers": {f"X-{n}": SECRET for n in range(MAX_HEADERS)}},
    "headers of many values": GOOD | {"multiValueHeaders": {"Content-Type": ["text/plain"] * 9}},
    "no context": GOOD | {"requestContext": None},
    "a list as the context": GOOD | {"requestContext": [SECRET]},
    "a context of numbers": GOOD | {"requestContext": {"path": 1, "stage": 2}},
    "a query of nothing": GOOD | {"multiValueQueryStringParameters": {}},
    "a query that nobody asked for of nulls": GOOD
    | {"multiValueQueryStringParameters": {"debug": None, SECRET: [None]}},
    "a list of nothing as the query": GOOD | {"queryStringParameters": []},
    "a query of no name": asking(**{"": SECRET}),
    "a query that nobody asked for": asking(debug=SECRET, __class__=SECRET),
    "base64 that is not said with a truth value": GOOD | {"isBase64Encoded": "true"},
    "no word on base64": {k: v for k, v in GOOD.items() if k != "isBase64Encoded"},
    "base64": encoded(b'{"text": "boat"}'),
    "members of another's": GOOD | {"version": "2.0", "Records": [], SECRET: SECRET},
    "only what is needed": {"httpMethod": "POST", "path": "/predict", "body": '{"text": "boat"}'},
    "text as escapes": proxy_event(body='{"t\\u0065xt": "\\ud83d\\ude00 \\u0062oat"}'),
    "white space all about": proxy_event(body='\r\n\t {\n"text"\t:\r"boat" } \n'),
    "capital letters in the header": typed("application/json", "CONTENT-TYPE"),
    "a path of its own in the context": GOOD
    | {"requestContext": {"stage": "prod", "path": "/</script><script>alert(1)</script>/predict"}},
    "a full batch": batch({"texts": ["the boat, the sail"] * MAX_BATCH}),
    "a batch of commas": batch({"texts": [",,,,," * 200] * MAX_BATCH}),
    "a batch of quotes": batch({"texts": ['",\\' * 40] * MAX_BATCH}),
    "all labels, all terms": asking(top="100", explain="true"),
}
SECRETS = {
    "headers": {"Authorization": SECRET, "Cookie": f"a={SECRET}", "X-Forwarded-For": SECRET},
    "multiValueHeaders": {"Authorization": [SECRET]},
    "pathParameters": {"proxy": SECRET},
    "stageVariables": {"key": SECRET},
    "requestContext": {
        "stage": SECRET,
        "path": f"/{SECRET}/predict",
        "requestId": SECRET,
        "authorizer": {"claims": {"sub": SECRET}},
        "identity": {"apiKey": SECRET, "sourceIp": SECRET, "userAgent": f"{SECRET}\r\n{FORGED}"},
    },
}
READ = {
    "a body where none belongs": ("/health", {"body": "{"}),
    "a body of bytes": ("/model", {"body": "////", "isBase64Encoded": True}),
    "a body of an object": ("/labels", {"body": {"text": SECRET}}),
    "another content type": ("/health", {"headers": {"Content-Type": "text/plain"}}),
    "a query": ("/openapi.json", {"queryStringParameters": {SECRET: SECRET}}),
    "a query that Powertools knows": ("/docs", {"queryStringParameters": {"format": "json"}}),
    "a sign-in that there is not": ("/docs", {"queryStringParameters": {"format": SECRET}}),
    "markup as the stage": (
        "/docs",
        {"requestContext": {"path": f"/</script><script>{SECRET}</script>/docs", "stage": "a"}},
    ),
    "a stage of five million characters": (
        "/docs",
        {"requestContext": {"path": "/a" * 2_500_000 + "/docs", "stage": "a"}},
    ),
}
BODIES_OF_ANOTHER_KIND = {
    "an object": {"text": SECRET},
    "a list": ["boat"],
    "a number": 1,
    "a truth value": True,
    "null": None,
    "no characters": "",
}
TOO_MANY = {
    "names in a query": asking(**{f"name{n}": SECRET for n in range(MAX_PARAMETERS + 1)}),
    "values of a header": GOOD | {"multiValueHeaders": {"X": [SECRET] * (MAX_HEADERS + 1)}},
    "values of headers": GOOD | {"multiValueHeaders": {str(n): ["", ""] for n in range(51)}},
    "headers of many values by far": GOOD
    | {"multiValueHeaders": {str(n): [""] for n in range(100_000)}},
    "characters in the values of a header": GOOD
    | {"headers": {}, "multiValueHeaders": {"Content-Type": [";" * 200] * 60}},
    "values in a query": asking(top=["1"] * (MAX_PARAMETERS + 1)),
    "values of names in a query": asking(**{f"name{n}": ["1"] * 3 for n in range(6)}),
    "names in a single query": GOOD
    | {"queryStringParameters": {str(n): "" for n in range(100_000)}},
    "headers of a page": proxy_event("GET", "/health", headers={str(n): "" for n in range(200)}),
    "headers": GOOD | {"headers": {f"X-{n}": SECRET for n in range(MAX_HEADERS + 1)}},
    "headers by far": GOOD | {"headers": {str(n): "" for n in range(100_000)}},
    "characters in a header": typed(";" * (MAX_HEADER_CHARS + 1)),
}
# What is odd in another shape alone: of payload 2.0, and of a load balancer.
HTTP_ODD = {
    "nothing more": {},
    "a stage in the path": {
        "rawPath": "/prod/predict",
        "requestContext": {"http": {"method": "POST"}, "stage": "prod"},
    },
    "a stage that is not in the path": {
        "requestContext": {"http": {"method": "POST"}, "stage": "prod"},
    },
    "a number as the stage": {"requestContext": {"http": {"method": "POST"}, "stage": 1}},
    "cookies": {"cookies": [f"a={SECRET}", 1, None]},
    "empty parts of a query": {"rawQueryString": "&" * 10_000},
    "a query of no name": {"rawQueryString": f"={SECRET}"},
    "a query as it was sent": {"rawQueryString": "%74op=%32&explain=tru%65&debug=%ff%zz"},
    "a query of the other form": {"queryStringParameters": {"top": SECRET}},
}
HTTP_STRANGERS = {
    "no method": {"requestContext": {"http": {}}},
    "a list as the method's place": {"requestContext": {"http": ["POST"]}},
    "a number as the path": {"rawPath": 1},
    "a list as the query": {"rawQueryString": [{"top": "1"}]},
    "a query too long": {"rawQueryString": "a" * (MAX_HEADER_CHARS + 1)},
    "a query of megabytes": {"rawQueryString": "&a=%41" * 500_000},
    "too many parameters": {
        "rawQueryString": "&".join(f"name{n}={SECRET}" for n in range(MAX_PARAMETERS + 1))
    },
    "too many headers": {"headers": {str(n): SECRET for n in range(MAX_HEADERS + 1)}},
}
BALANCER_ODD = {
    "nothing more": {},
    "encoded": {"queryStringParameters": {"%74op": "%32", "explain": "tru%65", "debug": "%ff%zz"}},
    "many values": {"multiValueQueryStringParameters": {"top": ["1"], "debug": ["+", "%20"]}},
    "a long value": {"queryStringParameters": {"debug": "%41" * 1_500_000}},
    "values of many headers": {"multiValueHeaders": {"content-type": ["application/json"]}},
    "no group": {"requestContext": {"elb": None}},
}
BALANCER_STRANGERS = {
    "a list as the query": {"queryStringParameters": ["top"]},
    "a text as the query": {"multiValueQueryStringParameters": "top=3"},
    "too many parameters": {
        "queryStringParameters": {f"%41{n}": "%41" for n in range(100_000)},
    },
    "no path": {"path": None},
}
BALANCER_QUERIES = {
    "a word": {"queryStringParameters": {"top": "%68unter2"}},
    "twice by encoding": {"queryStringParameters": {"top": "3", "%74op": "3"}},
    "null": {"queryStringParameters": {"top": None}},
    "a number": {"multiValueQueryStringParameters": {"top": [3]}},
    "a text for a list": {"multiValueQueryStringParameters": {"top": "3"}},
}
ENCODINGS = ("gzip", "br", "deflate", "gzip, identity", "identity, gzip", '"identity"', SECRET)
NO_ENCODINGS = ("", "identity", "Identity", "identity, identity", ", identity ,")
# Of headers that stand in multiValueHeaders alone.
MULTI_MEDIA = {
    "plain text": {"content-type": ["text/plain"]},
    "plain text after JSON": {"Content-Type": ["application/json", "text/plain"]},
    "an encoding": {"Content-Encoding": ["gzip"]},
    "an encoding after none": {"Content-Encoding": ["identity", "gzip"]},
}
MULTI_TYPES = {
    "JSON": {"CONTENT-TYPE": ["application/json"]},
    "JSON twice": {"Content-Type": ["application/json", "application/json; charset=utf-8"]},
    "no encoding twice": {"Content-Encoding": ["identity", "identity"]},
    "nulls": {"Content-Type": [None, 1, []]},
    "a text": {"Content-Type": "text/plain"},
    "nothing": {"Content-Type": []},
}
UNREADABLE_QUERIES = {
    "null": {"multiValueQueryStringParameters": {"top": None}},
    "a number": {"multiValueQueryStringParameters": {"top": [3]}},
    "null among values": {"multiValueQueryStringParameters": {"explain": ["true", None]}},
    "no value": {"multiValueQueryStringParameters": {"top": []}},
    "an object": {"multiValueQueryStringParameters": {"top": {"0": SECRET}}},
    "a single null": {"queryStringParameters": {"top": None}},
    "a single number": {"queryStringParameters": {"top": 3}},
    "a single list": {"queryStringParameters": {"top": ["3"]}},
    "a single truth value": {"queryStringParameters": {"explain": True}},
}
WARM_UPS = {
    "ours": {"warmup": True},
    "ours with more": {"warmup": True, "path": "/predict", "body": SECRET},
    "a rule's": {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-21T16:53:06Z",
        "region": "eu-central-1",
        "resources": [f"arn:aws:events:eu-central-1:123456789012:rule/{SECRET}"],
        "detail": {},
    },
    "a scheduler's": {
        "version": "0",
        "id": "27a5bd1d-8d4b-4a64-a6d4-9e0fd6d8b8a2",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": "2026-11-21T16:53:06Z",
        "region": "eu-central-1",
        "resources": [f"arn:aws:scheduler:eu-central-1:123456789012:schedule/default/{SECRET}"],
        "detail": "{}",
    },
}
PAGES = ("/", "/health", "/model", "/labels", "/openapi.json", "/docs")


def unescaped(text):
    """JSON with all characters as they are, where it has to escape none."""
    return proxy_event(body=json.dumps({"text": text}, ensure_ascii=False))


def multi_valued(headers):
    return GOOD | {"headers": None, "multiValueHeaders": headers}


def same(names):
    return dict(zip(names, names, strict=True))


def http(members):
    """An HTTP API's event with other members."""
    return express(GOOD, HTTP) | members


def balanced(members):
    """A load balancer's event with other members."""
    return express(GOOD, BALANCER) | members


# Each with the status, what makes an event of an item, and the items by name.
GROUPS = [
    ("text", 200, lambda text: proxy_event(body={"text": text}), TEXTS),
    ("text, unescaped", 200, unescaped, TEXTS),
    ("malformed", 400, lambda body: proxy_event(body=body), MALFORMED),
    ("not text", 400, encoded, NOT_TEXT),
    ("not base64", 400, lambda body: proxy_event(body=body, isBase64Encoded=True), NOT_BASE64),
    ("body of another kind", 400, lambda body: GOOD | {"body": body}, BODIES_OF_ANOTHER_KIND),
    ("invalid", 422, lambda body: proxy_event(body=body), INVALID),
    ("invalid batch", 422, batch, INVALID_BATCHES),
    ("too large", 413, dict, TOO_LARGE),
    ("too many", 400, dict, TOO_MANY),
    ("media type", 415, typed, MEDIA),
    ("media type that is JSON", 200, typed, TYPES),
    ("media type of many values", 415, multi_valued, MULTI_MEDIA),
    ("media type of many values that is JSON", 200, multi_valued, MULTI_TYPES),
    ("encoding", 415, lambda name: typed(name, "Content-Encoding"), same(ENCODINGS)),
    (
        "encoding that is none",
        200,
        lambda name: typed(name, "Content-Encoding"),
        same(NO_ENCODINGS),
    ),
    ("path", 404, lambda path: proxy_event(path=path, body={"text": SECRET}), PATHS),
    ("method", 405, lambda method: proxy_event(method, body={"text": SECRET}), METHODS),
    ("method of a page", 405, lambda path: proxy_event("POST", path), same(PAGES)),
    ("page", 200, lambda path: proxy_event("GET", path), same(PAGES)),
    ("page without its body", 200, lambda path: proxy_event("HEAD", path), same(PAGES)),
    ("no page without its body", 404, lambda path: proxy_event("HEAD", path), same(["//", "/a"])),
    ("warm-up", 200, dict, WARM_UPS),
    ("read", 200, lambda one: proxy_event("GET", one[0], **one[1]), READ),
    ("query", 422, lambda query: asking(**query), INVALID_QUERIES),
    ("query that cannot be read", 422, lambda query: GOOD | query, UNREADABLE_QUERIES),
    ("no proxy event", 400, lambda event: event, STRANGERS),
    ("odd", 200, dict, ODD_BUT_GOOD),
    ("payload 2.0, odd", 200, http, HTTP_ODD),
    ("payload 2.0, no request", 400, http, HTTP_STRANGERS),
    ("balancer, odd", 200, balanced, BALANCER_ODD),
    ("balancer, no request", 400, balanced, BALANCER_STRANGERS),
    ("balancer, query", 422, balanced, BALANCER_QUERIES),
    ("secret", 200, lambda body: proxy_event(body=body, **SECRETS), {"text": {"text": SECRET}}),
    ("secret", 400, lambda body: proxy_event(body=body, **SECRETS), {"no JSON": SECRET}),
    ("secret", 422, lambda body: proxy_event(body=body, **SECRETS), {"name": {SECRET: SECRET}}),
    ("secret", 404, lambda path: proxy_event(path=path, **SECRETS), {"path": f"/{SECRET}"}),
]
EVENTS = {
    f"{group}: {name}": (status, make(item))
    for group, status, make, items in GROUPS
    for name, item in items.items()
}
# What Lambda never sends: the runtime client itself refuses it, and must live on.
PAYLOADS = {
    "no JSON": b"{",
    "nothing": b"",
    "no UTF-8": b'{"body": "\xff"}',
    "too deep": b"[" * 200_000,
    "a number of 5,000 digits": b"1" * 5000,
}
