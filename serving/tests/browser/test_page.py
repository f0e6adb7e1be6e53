"""The page at /, used in a real browser: for each kind of input, under a prefix, with a key."""

import http.server
import os
import re
import shutil
import signal
import socket
import threading
from contextlib import contextmanager, suppress

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from serving.tests.picture_files import png
from serving.tests.records import FIELDS, write_regression
from serving.tests.web_process import BODIES, Process, write_bundles

pytestmark = [pytest.mark.browser, pytest.mark.slow]
KEY = "a-key-of-this-test"
SECONDS = 20
# Of the fields one is a text that may be null.
NULLABLE = [field | {"nullable": field["nullable"] or field["type"] == "text"} for field in FIELDS]


@pytest.fixture(scope="module")
def urls(tmp_path_factory, pipeline):
    """Where each kind's service is."""
    folder = tmp_path_factory.mktemp("services")
    bundles = write_bundles(folder, pipeline)
    write_regression(bundles["record"], input={"kind": "record", "fields": NULLABLE})
    started = {
        kind: Process(
            bundle, folder / f"{kind}.jsonl", WEB_CONCURRENCY="1", QUICKTHAW_TRUST_PROXY="true"
        )
        for kind, bundle in bundles.items()
    }
    yield {kind: f"http://127.0.0.1:{one.port}" for kind, one in started.items()}
    for one in started.values():
        os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()
        one.process.stderr.close()


class Browser:
    """A browser, and the page that it shows."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url):
        self.driver.get(url)
        self.wait(lambda: self.find("ask").is_displayed() or self.find("unlock").is_displayed())
        return self

    def find(self, identity):
        return self.driver.find_element(By.ID, identity)

    def wait(self, condition):
        return WebDriverWait(self.driver, SECONDS).until(lambda _: condition())

    def read_answer(self):
        self.wait(lambda: self.find("answer").is_displayed() and self.find("answer").text)
        return self.find("answer").text

    def read_trouble(self):
        self.wait(lambda: self.find("trouble").is_displayed())
        return self.find("trouble").text

    def click_example(self):
        (button, *_) = self.wait(
            lambda: self.driver.find_elements(By.CSS_SELECTOR, "#examples button")
        )
        button.click()
        return self.read_answer()

    def click_again(self):
        self.hide_answer()
        return self.click_example()

    def hide_answer(self):
        self.driver.execute_script("document.getElementById('answer').hidden = true")

    def send(self):
        self.hide_answer()
        self.find("send").click()

    def tell_errors(self):
        """What the browser complains of: a policy that forbids something, a script that fails."""
        return [
            one for one in self.driver.get_log("browser") if one["level"] in ("SEVERE", "WARNING")
        ]


@pytest.fixture(scope="module")
def driver():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for one in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en-US"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver):
    driver.get("about:blank")
    driver.get_log("browser")
    return Browser(driver)


@pytest.mark.parametrize("kind", BODIES)
def test_example_is_answered_as_the_service_answers_it(browser, urls, kind):
    shown = browser.open(urls[kind]).click_example()
    path = "/openapi.json"
    content = httpx.get(urls[kind] + path).json()["paths"]["/predict"]["post"]["requestBody"]
    body = content["content"]["application/json"]["examples"]["1"]["value"]
    answer = httpx.post(f"{urls[kind]}/predict", json=body).json()
    if "label" in answer:
        assert answer["title"] in shown
    else:
        assert f"{answer['value']:,.3f}".rstrip("0")[:6] in shown.replace("−", "-")
    assert answer["model"]["version"] in shown
    assert "curl" in shown
    assert browser.tell_errors() == []


def test_text_is_typed_and_its_words_are_marked(browser, urls):
    browser.open(urls["text"])
    browser.find("text").send_keys("Hoist the <b>sail</b>, hoist it")
    browser.send()
    shown = browser.read_answer()
    assert "%" in shown
    marked = browser.driver.find_elements(By.TAG_NAME, "mark")
    assert "sail" in {one.text for one in marked}
    assert "<b>" in shown  # as it was typed, and not as markup


def test_record_is_filled_in_and_a_mistake_is_told_by_the_service(browser, urls):
    browser.open(urls["record"])
    labels = [
        one.text for one in browser.driver.find_elements(By.CSS_SELECTOR, "#fields label[for]")
    ]
    assert len(labels) == len(BODIES["record"])
    rooms = browser.driver.find_element(By.XPATH, "//label[.='rooms']/following-sibling::input")
    rooms.clear()
    rooms.send_keys("1.5")
    browser.send()
    assert "body.rooms" in browser.read_trouble()
    rooms.clear()
    rooms.send_keys("4", Keys.ENTER)  # no mouse is needed
    assert browser.read_answer()
    assert not browser.find("trouble").is_displayed()
    kind = Select(
        browser.driver.find_element(By.XPATH, "//label[.='kind']/following-sibling::select")
    )
    kind.select_by_visible_text("not known")
    rooms.clear()
    rooms.send_keys("1e999")
    browser.send()
    assert "rooms is too large" in browser.read_trouble()
    rooms.clear()
    rooms.send_keys("4")
    browser.send()
    assert '"kind":null' in unfold(browser)


def test_text_that_may_be_null_is_sent_as_null_or_as_an_empty_text(browser, urls):
    browser.open(urls["record"])
    words = browser.driver.find_element(By.XPATH, "//label[.='words']/following-sibling::textarea")
    unknown = browser.driver.find_element(By.XPATH, "//label[contains(., 'null')]/input")
    assert words.get_attribute("value") == "quiet, by the park"
    for shown, sent in (("null is sent", "null"), ("an empty text is sent", '""')):
        unknown.click()
        assert words.get_attribute("placeholder") == shown
        if sent != "null":  # what was typed before is kept
            assert words.get_attribute("value") == "quiet, by the park"
            words.clear()
        assert words.is_enabled() == (sent != "null")
        browser.send()
        assert f'"words":{sent}' in unfold(browser)


class Unasked(Process):
    """A web process that nobody has asked anything yet."""

    def _answers(self):
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


def test_page_says_whether_an_answer_came_from_a_cold_start(browser, tmp_path, pipeline):
    bundle = write_bundles(tmp_path, pipeline)["text"]
    process = Unasked(bundle, tmp_path / "log", WEB_CONCURRENCY="1")
    try:
        browser.open(f"http://127.0.0.1:{process.port}/")
        assert "this page was its process's first answer" in browser.find("facts").text
        assert re.search(r"Answered in [\d.,]+ ms, warm, by hobbies", browser.click_example())
        (worker,) = process.workers()
        os.kill(worker, signal.SIGKILL)
        browser.wait(lambda: process.workers() not in ([], [worker]))
        assert "ms, cold: its process's first answer, by hobbies" in browser.click_again()
        assert "warm, by" in browser.click_again()
    finally:
        process.stop()


def unfold(browser):
    browser.read_answer()
    browser.driver.find_element(By.CSS_SELECTOR, "#answer summary").click()
    return browser.driver.find_element(By.CSS_SELECTOR, "#answer pre").text


# How many colours a canvas has.
COLORS = """
const [canvas] = arguments;
const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
return new Set(new Uint32Array(data.buffer)).size;
"""


def test_picture_is_drawn_or_chosen(browser, urls, tmp_path):
    browser.open(urls["image"])
    browser.send()
    assert "There is no picture yet" in browser.read_trouble()
    sheet = browser.find("sheet")
    moves = ActionChains(browser.driver).move_to_element(sheet).click_and_hold()
    moves.move_by_offset(0, 60).move_by_offset(20, 20).release().perform()
    browser.send()
    assert "%" in browser.read_answer()
    heat = browser.driver.find_element(By.CSS_SELECTOR, "canvas[aria-label^='Blocks']")
    assert heat.is_displayed()
    assert browser.driver.execute_script(COLORS, heat) > 2
    assert "Content-Type: image/png" in unfold(browser)
    file = tmp_path / "picture.png"
    file.write_bytes(png())
    browser.find("file").send_keys(str(file))
    browser.send()
    assert browser.read_answer()
    before = sheet.screenshot_as_png
    ActionChains(browser.driver).click(sheet).perform()  # a picture that was chosen stays
    assert sheet.screenshot_as_png == before
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(png()[:40])
    browser.find("file").send_keys(str(damaged))
    browser.send()
    assert "PNG" in browser.read_trouble()


@contextmanager
def stand_before(url, prefix="", key=None):
    """A proxy that serves a service under a prefix, and wants a key as API Gateway does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.removeprefix(prefix)
            if key and path != "/" and self.headers["x-api-key"] != key:
                return self.reply(403, "application/json", b'{"message":"Forbidden"}')
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
            answer = httpx.request(
                self.command,
                url + (path or "/"),
                content=body,
                headers=kind | {"X-Forwarded-Prefix": prefix},
            )
            policy = answer.headers.get("Content-Security-Policy")
            kind = answer.headers["Content-Type"]
            return self.reply(answer.status_code, kind, answer.content, policy)

        do_POST = do_GET  # noqa: N815

        def reply(self, status, kind, body, policy=None):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}"
        finally:
            server.shutdown()
            thread.join()


ASK = """
const [url, done] = arguments;
const headers = {"Content-Type": "application/json"};
fetch(url, {method: "POST", headers, body: '{"text": "sail"}'})
  .then((answer) => answer.json())
  .then((found) => done(found.label), (error) => done(String(error)));
"""


@pytest.mark.parametrize("origin", ["*", ""])
def test_page_of_another_origin_may_ask_where_it_is_allowed(
    browser, urls, tmp_path, pipeline, origin
):
    bundle = write_bundles(tmp_path, pipeline)["text"]
    process = Process(bundle, tmp_path / "log", WEB_CONCURRENCY="1", QUICKTHAW_ALLOW_ORIGIN=origin)
    try:
        browser.driver.get(f"{urls['text']}/health")  # of another port, and without a policy
        url = f"http://127.0.0.1:{process.port}/predict"
        found = browser.driver.execute_async_script(ASK, url)
    finally:
        process.stop()
    assert (found in pipeline.classes_) == bool(origin)
    assert ("Failed to fetch" in found) == (not origin)


@pytest.mark.parametrize("end", ["", "/"])
def test_page_works_under_a_prefix(browser, urls, end):
    with stand_before(urls["text"], "/models/sails") as url:
        assert "%" in browser.open(url + end).click_example()
        assert browser.find("docs").get_attribute("href") == f"{url}/docs"
        assert f"{url}/predict" in unfold(browser)


def test_key_is_asked_for_where_one_is_wanted_and_never_shown(browser, urls):
    with stand_before(urls["text"], key=KEY) as url:
        browser.open(url)
        assert browser.find("unlock").is_displayed()
        browser.find("key").send_keys("wrong", Keys.ENTER)
        assert "Forbidden" in browser.read_trouble()
        browser.find("key").send_keys(KEY, Keys.ENTER)
        browser.wait(lambda: browser.find("ask").is_displayed())
        assert not browser.find("unlock").is_displayed()
        assert "%" in browser.click_example()
        assert "$API_KEY" in unfold(browser)
        assert KEY not in browser.driver.page_source
        assert browser.find("key").get_attribute("value") == ""
        assert not browser.find("links").is_displayed()


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("kind", BODIES)
def test_nothing_is_cut_off_on_a_phone_and_each_control_has_a_name(browser, urls, kind, width):
    browser.driver.set_window_size(width, 800)
    browser.open(urls[kind]).click_example()
    size = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    whole, seen = browser.driver.execute_script(size)
    assert whole <= seen
    unnamed = [
        one.get_attribute("outerHTML")
        for one in browser.driver.find_elements(By.CSS_SELECTOR, "input, select, textarea, button")
        if one.is_displayed() and not one.accessible_name
    ]
    assert unnamed == []
