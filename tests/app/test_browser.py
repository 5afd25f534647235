"""Three flows in a real browser without a screen: an upload and its answer, a bad file, a phone's width."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.conftest import LIMITS, png
from perceivers.app.building import build_app
from perceivers.app.serving import bound
from perceivers.predictor import Predictor

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="chromium and chromedriver are not installed"
)
PHONE = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
PATIENCE = 120.0


@pytest.fixture(scope="module")
def address(run: Path, predictor: Predictor) -> Iterator[str]:
    import uvicorn

    with bound(0) as sock:
        config = uvicorn.Config(build_app(predictor, str(run), LIMITS), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         "--disable-background-networking", f"--user-data-dir={profile}"):  # fmt: skip
            options.add_argument(argument)
        opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        yield opened
        opened.quit()


def shown(browser: Any, selector: str) -> Any:
    """The first element, once it is there and to be seen."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for found in browser.find_elements("css selector", selector):
            if found.is_displayed():
                return found
        time.sleep(0.05)
    raise AssertionError(f"there is no {selector}")


def test_a_file_is_chosen_seen_asked_about_and_answered_with_the_keyboard_alone(
    browser: Any, address: str, tmp_path: Path
) -> None:
    from selenium.webdriver.common.keys import Keys

    (tmp_path / "cat.png").write_bytes(png(shade=95))
    browser.get(address)
    shown(browser, ".examples a")
    browser.find_element("css selector", "input[name=photo]").send_keys(os.fspath(tmp_path / "cat.png"))
    assert shown(browser, ".preview img").get_attribute("alt") == "cat.png"
    weight = browser.find_element("css selector", "input[name=weight]")
    weight.send_keys("4.5")
    weight.send_keys(Keys.ENTER)
    assert shown(browser, "#answer .words").text in ("bird", "cat", "dog")
    assert len(browser.find_elements("css selector", "#answer .looked img")) == 2
    assert browser.current_url == f"{address}/"
    # Nothing was fetched from elsewhere, and nothing that the page's policy forbids.
    assert [each["message"] for each in browser.get_log("browser") if each["level"] == "SEVERE"] == []


def test_a_bad_file_is_told_in_a_sentence_and_the_next_question_is_answered(
    browser: Any, address: str, tmp_path: Path
) -> None:
    (tmp_path / "torn.png").write_bytes(png()[:40])
    (tmp_path / "large.bin").write_bytes(bytes((1 << 20) + 1))
    browser.get(address)
    photo = browser.find_element("css selector", "input[name=photo]")
    ask = browser.find_element("css selector", "button[type=submit]")
    photo.send_keys(os.fspath(tmp_path / "torn.png"))
    ask.click()
    assert "cannot be read as a picture" in shown(browser, "#answer [role=alert]").text
    photo.send_keys(os.fspath(tmp_path / "large.bin"))
    ask.click()
    shown(browser, "#answer [role=alert]")
    end = time.monotonic() + PATIENCE
    while "1 MiB are taken" not in browser.find_element("css selector", "#answer").text:
        assert time.monotonic() < end
    browser.find_element("css selector", "button.remove").click()
    browser.find_element("css selector", "textarea[name=note]").send_keys("<b>sings</b>")
    ask.click()
    assert shown(browser, "#answer .words").text in ("bird", "cat", "dog")
    assert browser.find_elements("css selector", "#answer b") == []


def test_on_a_phone_nothing_is_wider_than_the_screen_and_an_example_fills_the_form(
    browser: Any, address: str
) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    browser.get(address)
    shown(browser, ".examples a").click()
    assert shown(browser, "#answer .truth").text
    assert shown(browser, "#question .preview img").get_attribute("src").startswith(f"{address}/examples/0/")
    assert browser.execute_script("return document.documentElement.scrollWidth") == PHONE["width"]
    # The answer is where the eye is.
    top = browser.execute_script("return document.getElementById('answer').getBoundingClientRect().top")
    assert 0 <= top < PHONE["height"]
    for button in browser.find_elements("css selector", "button"):
        if button.is_displayed():
            assert button.size["height"] >= 32
    browser.find_element("css selector", "button[type=reset]").click()
    assert browser.find_elements("css selector", "#question .preview img") == []
