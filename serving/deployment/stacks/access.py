"""What the access logs say of a request, and what pages of another origin may send."""

# What is known of a request without its content: no body, no query, no header.
ACCESS = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "requestTime": "$context.requestTime",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integrationStatus",
    "integrationRequestId": "$context.integration.requestId",
    "keyId": "$context.identity.apiKeyId",
    "error": "$context.error.responseType",
    "traceId": "$context.xrayTraceId",
}
# With a key, or with a signature.
PREFLIGHT = ["Content-Type", "X-Api-Key", "Authorization", "X-Amz-Date", "X-Amz-Security-Token"]
# What pages may read of an answer, besides what every page may.
EXPOSED = ["X-Model-Version", "X-Request-Id"]
# An HTTP API's: it has neither keys nor traces, and a route in place of a resource.
HTTP_ACCESS = {
    name: value for name, value in ACCESS.items() if name not in ("resource", "keyId", "traceId")
} | {"route": "$context.routeKey"}
