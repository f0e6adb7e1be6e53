"""The part of GitHub's REST API that the workflows use, on loopback, and what it was told."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from serving.tests.workflows.act import REPOSITORY


class FakeGitHub:
    """Pull requests, comments and statuses, in memory."""

    def __init__(self):
        self.pulls, self.comments, self.statuses = [], {}, []
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                status, answer = 401, {"message": "Bad credentials"}
                if self.headers.get("Authorization") == "Bearer token":
                    status, answer = ours.answer(self.command, self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PATCH = do_POST  # noqa: N815 - the server's names

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method, path, body):
        """The status and the body that GitHub's documentation has for a request."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for pattern, reply in (
            (r"/pulls", self._answer_pulls),
            (r"/issues/(\d+)/comments", self._answer_comments),
            (r"/issues/comments/(\d+)", self._change_comment),
            (r"/statuses/([0-9a-f]{40})", self._set_status),
        ):
            if match := re.fullmatch(f"/repos/{REPOSITORY}{pattern}", parts.path):
                return reply(method, query, body, *match.groups())
        return 404, {"message": "Not Found"}

    def _answer_pulls(self, method, query, body):
        if method == "POST":
            self.pulls.append({"number": 100 + len(self.pulls), "state": "open", **body})
            return 201, self.pulls[-1]
        owner = REPOSITORY.partition("/")[0]
        found = [
            one
            for one in self.pulls
            if f"{owner}:{one['head']}" == query["head"] and query["state"] in ("all", one["state"])
        ]
        return 200, cut(found, query)

    def _answer_comments(self, method, query, body, number):
        comments = self.comments.setdefault(int(number), [])
        if method == "GET":
            return 200, cut(comments, query)
        count = sum(map(len, self.comments.values()))
        comments.append({"id": count + 1, "user": {"type": "Bot"}, "body": body["body"]})
        return 201, comments[-1]

    def _change_comment(self, method, query, body, number):
        every = [one for comments in self.comments.values() for one in comments]
        (found,) = (one for one in every if one["id"] == int(number))
        found["body"] = body["body"]
        return 200, found

    def _set_status(self, method, query, body, sha):
        self.statuses.append({"sha": sha, **body})
        return 201, self.statuses[-1]


def cut(entries, query):
    """A page of a list."""
    size, page = int(query["per_page"]), int(query["page"])
    return entries[size * (page - 1) : size * page]
