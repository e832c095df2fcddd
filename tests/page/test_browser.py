"""The page in a real browser: by keyboard and mouse, in windows of any size, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.page import browser as real

Given = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from real.start()


def course(given: Given) -> tuple[tg.Tensor, dict[str, tg.Tensor]]:
    """J = 3(a + bc)."""
    leaves = {name: tg.Tensor(given.get(name, value)) for name, value in (("a", 5.0), ("b", 3.0), ("c", 2.0))}
    a, b, c = leaves.values()
    return 3 * (a + b * c), leaves


def two_layers(given: Given) -> tuple[tg.Tensor, dict[str, tg.Tensor]]:
    """A network of two layers, with its cost on five examples."""
    rng = np.random.default_rng(7)
    X = tg.Tensor(rng.normal(size=(3, 5)), requires_grad=False, name="X")
    Y = tg.Tensor([[0.0, 1.0, 1.0, 0.0, 1.0]], requires_grad=False, name="Y")
    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1)}
    leaves = {name: tg.Tensor(given.get(name, rng.normal(size=shape))) for name, shape in shapes.items()}
    W1, b1, W2, b2 = leaves.values()
    A1 = np.tanh(W1 @ X + b1)
    A1.name = "A1"
    return tg.binary_cross_entropy(tg.sigmoid(W2 @ A1 + b2), Y), leaves


def of_the_engine(model: Callable[..., Any], given: Given) -> Given:
    J, leaves = model(given)
    slopes = tg.grad(J, list(leaves.values()))
    return {"J": J.data} | {f"d{name}": slope for name, slope in zip(leaves, slopes, strict=True)}


TOLD = """
  const told = x => x.shape ? {shape: x.shape, data: Array.from(x.data)} : {shape: [], data: [x]};
  const now = found ?? compute(given), all = {J: told(now[data.output])};
  for (const name of trained) all["d" + name] = told(now[gradients[name]]);
  return [all, Object.fromEntries(trained.map(name => [name, told(given[name])]))];
"""


def of_the_page(browser: Any) -> tuple[Given, Given]:
    """J with its gradients, and the parameters, as the page has them now: every digit of them."""
    return tuple(
        {name: np.array(x["data"], dtype=float).reshape(x["shape"]) for name, x in part.items()}
        for part in browser.execute_script(TOLD)
    )


def assert_the_same(model: Callable[..., Any], browser: Any) -> Given:
    found, given = of_the_page(browser)
    expected = of_the_engine(model, given)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12, err_msg=name)
    return given


@pytest.fixture(params=[course, two_layers], ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def page(model: Any, tmp_path: Path) -> Path:
    J, leaves = model({})
    return tg.step_through(J, tmp_path / "page.html", names=leaves | {"J": J})


@pytest.fixture(autouse=True)
def without_errors_or_network(browser: Any) -> Iterator[None]:
    """Whatever a test does: the console stays empty, and the file is all that is asked for."""
    yield
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    chain = ActionChains(browser)
    for key in keys:
        chain.send_keys(key)
    chain.perform()


def drag(browser: Any, slider: Any, pixels: int) -> None:
    """Takes the thumb of a slider, which is in its middle, and moves it in small steps."""
    from selenium.webdriver import ActionChains

    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
    chain = ActionChains(browser, duration=20).move_to_element(slider).click_and_hold()
    for _ in range(5):
        chain.move_by_offset(pixels // 5, 0)
    chain.release().perform()


def at(browser: Any) -> int:
    return browser.execute_script("return at")


def hidden(browser: Any) -> int:
    """How many parts of the picture wait for their moment; along the arrows of data nothing comes back."""
    return browser.execute_script(
        "return parts.filter("
        "p => p.element.classList.contains(p.name) ? !p.on : p.on && p.from < never).length"
    )


def test_by_the_keyboard_to_the_end_and_back(browser: Any, page: Path) -> None:
    from selenium.webdriver import Keys

    real.opened(browser, page)
    last = browser.execute_script("return steps.length") - 1
    waiting = [hidden(browser)]
    for k in range(1, last + 1):
        press(browser, Keys.ARROW_RIGHT if k % 2 else Keys.SPACE)
        assert at(browser) == k
        waiting.append(hidden(browser))
    assert waiting == sorted(waiting, reverse=True)
    assert waiting[-1] == 0
    assert browser.execute_script("return document.body.className") == "backward"
    for k in reversed(range(last)):
        press(browser, Keys.ARROW_LEFT if k % 2 else Keys.PAGE_UP)
        assert (at(browser), hidden(browser)) == (k, waiting[k])
    press(browser, Keys.END)
    assert at(browser) == last
    press(browser, Keys.HOME)
    assert at(browser) == 0


def test_space_acts_on_the_button_that_has_the_focus(browser: Any, page: Path) -> None:
    from selenium.webdriver import Keys

    real.opened(browser, page)
    press(browser, Keys.END)
    browser.execute_script("byId('back').focus()")
    press(browser, Keys.SPACE)
    assert at(browser) == browser.execute_script("return steps.length") - 2


DRAGGED = {course: ("b", 0), two_layers: ("W1", 5)}


def test_dragging_a_slider_gives_the_numbers_of_the_engine(browser: Any, model: Any, page: Path) -> None:
    from selenium.webdriver import Keys
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    real.opened(browser, page)
    press(browser, Keys.END)
    name, entry = DRAGGED[model]
    slider = browser.find_element(By.CSS_SELECTOR, f"input[type=range][data-input={name}]")
    if entry:
        entries = browser.find_element(By.CSS_SELECTOR, f"[aria-label='entry of {name}']")
        Select(entries).select_by_index(entry)
    before = of_the_page(browser)[1]
    costs = set()
    for pixels in (35, -60):
        drag(browser, slider, pixels)
        given = assert_the_same(model, browser)
        moved = np.ravel(given[name] - before[name])
        assert np.flatnonzero(moved).tolist() == [entry]
        assert np.sign(moved[entry]) == np.sign(pixels + 35 * (pixels < 0))
        costs.add(float(of_the_page(browser)[0]["J"]))
        shown = browser.find_element(By.CSS_SELECTOR, f"#picture [data-value={name}]").text
        assert entry or shown.strip().replace("−", "-") == f"{given[name]:.4g}"
    assert len(costs) == 2
    others = [other for other in before if other != name]
    assert all(np.array_equal(given[other], before[other]) for other in others)


def test_an_update_goes_down_by_the_learning_rate(browser: Any, model: Any, page: Path) -> None:
    from selenium.webdriver.common.by import By

    real.opened(browser, page)
    rate = browser.find_element(By.ID, "rate")
    rate.clear()
    rate.send_keys("0.25")
    for _ in range(3):
        _, given = of_the_page(browser)
        slopes = of_the_engine(model, given)
        browser.find_element(By.ID, "update").click()
        after = assert_the_same(model, browser)
        for name, value in given.items():
            np.testing.assert_allclose(after[name], value - 0.25 * slopes[f"d{name}"], rtol=1e-12, atol=1e-12)
    browser.find_element(By.ID, "reset").click()
    browser.execute_script("recompute()")
    again = assert_the_same(model, browser)
    assert all(np.array_equal(again[name], leaf.data) for name, leaf in model({})[1].items())


SEEN = """
  const inside = box => box.left >= -1 && box.right <= innerWidth + 1 && box.bottom <= innerHeight + 1;
  const size = text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
  const now = boxes[steps[at].node].getBoundingClientRect(), room_ = byId("picture").getBoundingClientRect();
  return {
    wider: document.scrollingElement.scrollWidth - innerWidth,
    buttons: ["first", "back", "next", "at"].every(id => inside(byId(id).getBoundingClientRect())),
    smallest: Math.min(...[...svg.querySelectorAll("g.node text")].map(size)),
    now: now.right > room_.left && now.left < room_.right && now.bottom > room_.top && now.top < room_.bottom,
    colours: ["color", "backgroundColor"].map(what => getComputedStyle(document.body)[what]),
  };
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height", "least"), [(360, 640, 10), (1366, 768, 14), (1920, 1080, 14)])
def test_the_page_fits_its_window(
    browser: Any, page: Path, width: int, height: int, least: float, scheme: str
) -> None:
    from selenium.webdriver import Keys

    real.opened(browser, page, width, height, scheme)
    for key in (Keys.HOME, Keys.END, Keys.ARROW_LEFT):
        press(browser, key)
        seen = browser.execute_script(SEEN)
        assert seen["wider"] <= 0
        assert seen["buttons"]
        assert seen["smallest"] >= least
        assert seen["now"], "the quantity of this moment is in sight"
    ink, ground = (sum(map(int, c[c.index("(") + 1 : -1].split(",")[:3])) for c in seen["colours"])
    assert (ink < ground) == (scheme == "light")
