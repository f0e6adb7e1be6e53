"""Makes a picture of a model's page at /, of whose examples the first was clicked: `make picture`.

It needs Chromium and its driver.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from serving.bundle.manifest import MODEL_NAME
from training.paths import Paths

FOLDER = Path("docs/images")
SIZE = 760, 1100  # pixels, before the answer; then it is as high as the page
SECONDS = 30


def main() -> None:
    parser = argparse.ArgumentParser(prog="make picture", description=__doc__)
    parser.add_argument("model", help="its name")
    model = parser.parse_args().model
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        sys.exit("error: no Chromium, or no driver of it: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for one in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{one}")
    with (
        serve(model) as url,
        webdriver.Chrome(options, webdriver.ChromeService(driver)) as window,
    ):
        window.set_window_size(*SIZE)
        window.get(url)
        wait = WebDriverWait(window, SECONDS)
        wait.until(lambda _: window.find_elements(By.CSS_SELECTOR, "#examples button"))
        window.find_element(By.CSS_SELECTOR, "#examples button").click()
        wait.until(lambda _: window.find_element(By.ID, "answer").text)
        window.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        room = window.execute_script("return document.body.scrollHeight - innerHeight")
        window.set_window_size(SIZE[0], SIZE[1] + room)
        path = FOLDER / f"page-{model}.png"
        FOLDER.mkdir(parents=True, exist_ok=True)
        window.save_screenshot(str(path))
        print(f"wrote {path}")


@contextmanager
def serve(model: str) -> Iterator[str]:
    """Where a trained model's page is."""
    paths = Paths(model)
    if not (paths.bundle / MODEL_NAME).exists():
        sys.exit(f"error: {model} is not trained here: 'make train MODEL={model}'")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environ = {"QUICKTHAW_BUNDLE": str(paths.bundle), "PORT": str(port), "WEB_CONCURRENCY": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.hosts.web", "--host", "127.0.0.1"],
        env=os.environ | environ,
        stdout=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + SECONDS
        while not is_listening(port) and time.monotonic() < until:
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
