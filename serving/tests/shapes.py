"""A REST API's event in the shapes of other callers, and their answers as a REST API's."""

from http import HTTPStatus
from urllib.parse import quote_plus, urlencode

from serving.app.request.shapes import BALANCER, HTTP, MULTI_BALANCER, REST

SHAPES = [REST, HTTP, BALANCER, MULTI_BALANCER]
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/quickthaw/6d0ecf831eec"


def express(event, shape):
    """What a caller of that shape sends in place of an event; what has no form there is kept."""
    if shape == REST or not isinstance(event, dict) or "httpMethod" not in event:
        return event
    return _to_http(event) if shape == HTTP else _to_balancer(event, shape)


def read_back(answer, shape):
    """The answer that a REST API would have got."""
    if shape == REST:
        return answer
    found = dict(answer)
    if shape != HTTP:
        phrase = HTTPStatus(found["statusCode"]).phrase
        assert found.pop("statusDescription") == f"{found['statusCode']} {phrase}"
    if shape != MULTI_BALANCER:
        found["multiValueHeaders"] = {k: [v] for k, v in found.pop("headers").items()}
    return found


def _list_query(event):
    """The query's names with their values: a list each where it has the form that it should."""
    query = event.get("multiValueQueryStringParameters")
    single = event.get("queryStringParameters")
    if not query and isinstance(single, dict):
        return {name: [value] for name, value in single.items()}
    return query or single


def _is_plain(query):
    return isinstance(query, dict) and all(
        isinstance(values, list) and all(isinstance(one, str) for one in values)
        for values in query.values()
    )


def _to_http(event):
    query, headers = _list_query(event), event.get("headers")
    many = event.get("multiValueHeaders")
    if _is_plain(many) and not headers:
        headers = {name.lower(): ",".join(values) for name, values in many.items()}
    about = {"method": event.get("httpMethod"), "path": event.get("path")}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": event.get("path"),
        "rawQueryString": urlencode(query, doseq=True) if _is_plain(query) else query,
        "headers": headers,
        "requestContext": {"http": about, "stage": "$default"},
        "body": event.get("body"),
        "isBase64Encoded": event.get("isBase64Encoded"),
    }


def _to_balancer(event, shape):
    query = _list_query(event)
    if _is_plain(query):
        query = {quote_plus(name): [*map(quote_plus, values)] for name, values in query.items()}
    found = {name: event.get(name) for name in ("httpMethod", "path", "headers", "body")} | {
        "requestContext": {"elb": {"targetGroupArn": GROUP}}
    }
    found["isBase64Encoded"] = event.get("isBase64Encoded")
    if shape == BALANCER:
        one = (
            {name: values[-1] for name, values in query.items() if values}
            if _is_plain(query)
            else query
        )
        return found | {"queryStringParameters": one}
    headers = found.pop("headers")
    if isinstance(headers, dict):
        headers = {name: [value] for name, value in headers.items()}
    many = event.get("multiValueHeaders")
    return found | {"multiValueQueryStringParameters": query, "multiValueHeaders": headers or many}
