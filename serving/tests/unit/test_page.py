"""The page at /: what is served; tests/browser has it used."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from serving.app.http.page import FILE, read_page

MOST = 25_000  # bytes of an image that nobody wants to grow


@pytest.fixture
def page(client):
    return client.request("GET", "/")


def test_root_answers_a_browser_with_a_page(client, page):
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    head = client.request("HEAD", "/")
    assert (head.status, head.text) == (200, "")
    assert client.request("POST", "/").status == 405


def test_page_is_one_file_and_has_nothing_from_elsewhere(page):
    assert len(FILE.read_bytes()) < MOST
    assert not re.findall(r"(?:src|href)=\"(?!data:,)", page.text)
    assert "//" not in re.sub(r"// .*", "", page.text)  # but comments


def test_browser_runs_and_asks_nothing_else(page):
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for kind in ("script", "style"):
        (part,) = re.findall(rf"<{kind}>(.*?)</{kind}>", page.text, re.DOTALL)
        digest = b64encode(sha256(part.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not re.findall(r"\son\w+=|style=\"|javascript:", page.text)


def test_page_is_the_same_whatever_the_prefix_and_without_a_model(start_service, tmp_path, bundle):
    expected, _ = read_page()
    for folder, path in ((bundle, "/prod/"), (bundle, "/models/a/"), (tmp_path, "/prod/")):
        found = start_service(folder).request("GET", "/", requestContext={"path": path})
        assert (found.status, found.text) == (200, expected)
    assert (
        start_service(bundle, QUICKTHAW_BASE_PATH="tries").request("GET", "/tries").text == expected
    )
