"""The studio in a real browser: people are dressed by it, and whatever happens on the way is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from model.engines.registry import ENGINES
from model.samples.samples import small_sample
from tests import npm
from tests.browser import chromium, new_page
from tests.serve.test_token import TOKEN
from tests.server import ROOT, Server, eventually, serving

PAGE = ROOT / "serve/web/studio"
WAIT_MS = 600_000
GARMENT = small_sample()["garment"]
# SCREENSHOTS=docs writes the pictures that the documentation shows.
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The built-in pack with its page."""
    engines = {"ENGINES": "warp,catvton,up2you,pointcloth", "DEFAULT_ENGINES": "tryon=catvton"}
    with serving(tmp_path_factory.mktemp("studio"), STUDIO=1, **engines) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(service: Server, browser: Browser) -> Iterator[Page]:
    """The studio, opened. It must not stumble, nor ask any other host."""
    with new_page(browser, viewport={"width": 1280, "height": 860}, color_scheme="light") as page:
        faults: list[str] = []
        asked: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{service.url}/")
        yield page
        assert faults == []
        assert {url for url in asked if not url.startswith((service.url, "blob:", "data:"))} == set()


def choose(page: Page) -> None:
    """A sample person and a garment from the device."""
    page.locator("button[title=Mira]").click()
    expect(page.locator("[data-input=person] .chosen img")).to_be_visible()
    page.locator("#field-garment").set_input_files(GARMENT)


def set_field(page: Page, name: str, value: str) -> None:
    field = page.locator(f"#field-{name}")
    if not field.is_visible():
        page.locator("summary", has_text=re.compile("^More$")).click()
    field.fill(value)


def dress(page: Page, *, steps: int = 1) -> None:
    """Hand the job in. Many steps take long enough to be watched."""
    set_field(page, "steps", str(steps))
    page.locator("#go").click()


@pytest.fixture(scope="session")
def axe() -> str:
    return (npm.installed(ROOT / "tests/studio") / "axe-core/axe.min.js").read_text()


def assert_for_everybody(page: Page, axe: str) -> None:
    """As it stands: by a screen reader, in both colour schemes, on a phone and on a large screen."""
    before = page.viewport_size
    assert before
    for width, dark, rules in ((360, False, None), (1600, True, ["color-contrast"])):
        page.set_viewport_size({"width": width, "height": before["height"]})
        page.emulate_media(color_scheme="dark" if dark else "light")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(axe)
        found = page.evaluate(_VIOLATIONS, {"runOnly": rules} if rules else {})
        assert found == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)


_VIOLATIONS = """async (options) =>
  (await axe.run(document, options)).violations.map(({ id, nodes }) => [id, nodes[0].html, nodes[0].failureSummary])"""


def picture(page: Page, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.jpg", type="jpeg", quality=85)


def test_a_sample_is_dressed_compared_and_kept(page: Page) -> None:
    page.locator("#field-engine").select_option("warp")
    page.locator("button[title=Mira]").click()
    page.get_by_role("group", name="The catalogue").get_by_role("button", name="dip dye").click()
    expect(page.locator("[data-input=garment] .chosen img")).to_be_visible()
    expect(page.locator("#field-category")).to_have_value("upper")
    page.locator("#go").click()
    result = page.locator("#result .compare img").first
    expect(result).to_be_visible(timeout=WAIT_MS)
    page.wait_for_function("document.querySelector('#result .compare img').naturalWidth > 0")
    assert result.evaluate("picture => [picture.naturalWidth, picture.naturalHeight]") == [384, 512]

    slider = page.get_by_label("How much of the photo before is shown")
    slider.focus()
    slider.press("End")
    assert "inset(0px 0% 0px 0px)" in page.locator("#result .before").evaluate("old => getComputedStyle(old).clipPath")
    before = result.evaluate("picture => picture.clientWidth")
    page.get_by_role("button", name="Zoom").click()
    assert result.evaluate("picture => picture.clientWidth") == pytest.approx(2 * before, abs=2)
    with page.expect_download() as download:
        page.get_by_text("Download (1)").click()
        page.locator("#result a[download]").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    slider.press("Home")
    for _ in range(2):  # 4 times, and whole again
        page.get_by_role("button", name="Zoom").click()
    page.evaluate("scrollTo(0, 0)")
    picture(page, "studio")

    page.reload()
    page.locator("#kept button").click()
    expect(page.locator("#result .compare img").first).to_be_visible()
    page.get_by_role("button", name="Forget all").click()
    expect(page.locator("#earlier")).to_be_hidden()


def test_an_outfit_of_two_garments_is_put_on(page: Page) -> None:
    choose(page)
    set_field(page, "steps", "1")
    page.get_by_role("button", name="Add this garment to an outfit").click()
    page.locator("#field-garment").set_input_files(GARMENT)
    page.locator("#field-category").select_option("lower")
    with page.expect_response("**/api/jobs") as taken:
        page.locator("#go").click()
    expect(page.locator("#result .compare img").first).to_be_visible(timeout=WAIT_MS)
    assert taken.value.status == 202


def test_a_mask_painted_by_hand_is_the_one_that_is_used(page: Page, axe: str) -> None:
    choose(page)
    page.get_by_role("button", name="Paint it").click()
    canvas = page.locator("#painter-canvas")
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    canvas.press("Space")
    picture(page, "studio-mask")
    assert_for_everybody(page, axe)
    page.locator("#painted").click()
    expect(page.locator("[data-input=mask]")).to_contain_text("Painted by hand")
    set_field(page, "steps", "1")
    page.locator("#field-return_mask").check()
    page.locator("#go").click()
    expect(page.locator("#result .gallery img")).to_have_count(2, timeout=WAIT_MS)
    share = (
        page.locator("#result .gallery img")
        .nth(1)
        .evaluate(
            """async (shown) => {
          const sheet = new OffscreenCanvas(shown.naturalWidth, shown.naturalHeight).getContext("2d");
          sheet.drawImage(shown, 0, 0);
          const { data } = sheet.getImageData(0, 0, shown.naturalWidth, shown.naturalHeight);
          return data.filter((level, i) => i % 4 === 0 && level > 127).length / (data.length / 4);
        }"""
        )
    )
    assert 0.005 < share < 0.2  # a stroke, not the automatic mask, which covers the body


def test_the_automatic_mask_can_be_seen(page: Page) -> None:
    choose(page)
    page.get_by_role("button", name="Show the automatic one").click()
    expect(page.locator("img.mask")).to_be_visible(timeout=WAIT_MS)


def test_a_job_is_cancelled(page: Page, service: Server) -> None:
    choose(page)
    with page.expect_response(lambda response: response.url.endswith("/api/jobs")) as taken:
        dress(page, steps=200)
    job = taken.value.json()["url"]
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#empty")).to_be_visible()
    eventually(lambda: service.client.get(job).status_code == 404)


def test_a_page_left_in_the_middle_of_a_job_finds_it_again(page: Page) -> None:
    choose(page)
    with page.expect_request(lambda request: "/events" in request.url):  # the job is handed in, and noted
        dress(page, steps=12)
    picture(page, "studio-progress")
    page.reload()
    expect(page.locator("#work, #result").filter(visible=True).first).to_be_visible()
    expect(page.locator("#result .compare img").first).to_be_visible(timeout=WAIT_MS)


def test_an_error_stands_at_the_field_that_it_names(page: Page, axe: str) -> None:
    page.locator("#go").click()
    expect(page.locator("[data-input=person] .problem")).to_contain_text("Person")
    choose(page)
    set_field(page, "width", "100")
    page.locator("#go").click()
    expect(page.locator("#problem")).to_contain_text("width")
    assert page.locator("#field-width").get_attribute("aria-invalid") == "true"
    expect(page.locator("#at-fault")).to_contain_text("8")
    assert_for_everybody(page, axe)
    page.locator("#field-width").fill("")
    page.locator("button[aria-label='Remove Garment']").click()
    page.locator("#go").click()
    expect(page.locator("[data-input=garment] .problem")).to_contain_text("garment")


def test_an_avatar_is_made_and_turned(page: Page, axe: str) -> None:
    page.locator("[data-type=avatar]").click()
    assert_for_everybody(page, axe)
    page.locator("#field-photos").set_input_files([PAGE / "people/leila.jpg", PAGE / "people/mira.jpg"])
    for name, value in {"size": "64", "steps": "2", "mesh_size": "64", "iterations": "3", "seed": "1"}.items():
        set_field(page, name, value)
    page.locator("#field-parts").check()
    page.locator("#go").click()
    canvas = page.locator("#result .viewer canvas")
    expect(canvas).to_be_visible(timeout=WAIT_MS)
    assert int(canvas.get_attribute("data-vertices") or 0) > 1000
    eventually(lambda: page.evaluate(_COLOURS) > 8)
    assert_for_everybody(page, axe)
    canvas.press("ArrowLeft")
    parts = page.locator("#result [aria-label='Parts that are shown'] input")
    assert parts.count() > 1
    for part in parts.all():
        part.uncheck()
    eventually(lambda: page.evaluate(_COLOURS) == 0)
    page.get_by_role("button", name="Clothes", exact=True).click()
    eventually(lambda: page.evaluate(_COLOURS) > 8)
    page.get_by_text(re.compile("Download")).click()
    expect(page.get_by_role("link", name="avatar.glb")).to_be_visible()


def test_outfits_are_mixed_and_the_mix_is_put_on(page: Page, axe: str) -> None:
    page.locator("[data-type=outfit]").click()
    page.locator("summary", has_text=re.compile("^More$")).click()
    of_a_fit = page.locator("[data-input=photos], [data-field=appearance_iterations], [data-field=coarse_iterations]")
    expect(of_a_fit.filter(visible=True)).to_have_count(3)
    assert_for_everybody(page, axe)
    page.locator("#field-task").select_option("mix")
    expect(of_a_fit.filter(visible=True)).to_have_count(0)
    page.locator("#field-outfit_name").select_option("dress")
    page.locator("#field-other_name").select_option("t-shirt")
    share = page.locator("#field-share")
    share.press("ArrowRight")
    expect(page.locator("[data-field=share] output")).to_have_text("0.51")
    set_field(page, "points", "256")
    with page.expect_request("**/api/jobs") as mixed:
        page.locator("#go").click()
    expect(page.locator("#result .viewer canvas")).to_be_visible(timeout=WAIT_MS)
    asked = mixed.value.post_data or ""
    assert '"share":0.51' in asked
    page.locator("#field-task").select_option("wear")
    earlier = page.locator("#field-outfit-job")
    expect(earlier).to_be_visible()
    made = earlier.locator("option").nth(1).get_attribute("value") or ""
    assert made.startswith("job:")
    earlier.select_option(made)
    page.locator("#field-outfit_name").select_option("")
    with page.expect_request("**/api/jobs") as worn:
        page.locator("#go").click()
    expect(page.locator("#kept li")).to_have_count(2, timeout=WAIT_MS)
    asked = worn.value.post_data or ""
    assert f'"outfit":"{made}"' in asked
    assert "share" not in asked


_COLOURS = """() => {
  const canvas = document.querySelector("#result .viewer canvas");
  const sheet = new OffscreenCanvas(64, 64).getContext("2d");
  sheet.drawImage(canvas, 0, 0, 64, 64);
  const { data } = sheet.getImageData(0, 0, 64, 64);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 200) seen.add((data[i] >> 4) * 256 + (data[i + 1] >> 4) * 16 + (data[i + 2] >> 4));
  }
  return seen.size;
}"""


def test_it_fits_every_screen_and_keeps_nobody_out(service: Server, browser: Browser, axe: str) -> None:
    with new_page(browser, viewport={"width": 360, "height": 780}, color_scheme="light") as page:
        page.goto(f"{service.url}/")
        choose(page)
        dress(page)
        expect(page.locator("#result .compare img").first).to_be_visible(timeout=WAIT_MS)
        expect(page.locator("#result")).to_be_in_viewport()
        for summary in page.locator("summary").all():
            summary.click()
        assert_for_everybody(page, axe)
        picture(page, "studio-360")


def test_the_token_is_asked_for_once(tmp_path: Path, browser: Browser) -> None:
    with serving(tmp_path, STUDIO=1, API_TOKEN=TOKEN, ENGINES="catvton") as guarded, new_page(browser) as page:
        page.goto(f"{guarded.url}/")
        page.locator("#token-value").fill(TOKEN)
        page.get_by_role("button", name="Use it").click()
        choose(page)
        dress(page)
        expect(page.locator("#result .compare img").first).to_be_visible(timeout=WAIT_MS)
        page.reload()
        expect(page.locator("#go")).to_be_visible()
        assert not page.locator("#token-dialog").is_visible()


def test_the_page_knows_no_engine_and_no_other_host() -> None:
    code = "\n".join(file.read_text() for file in PAGE.iterdir() if file.suffix in {".js", ".html", ".css"})
    named = [engine for engine in ENGINES if re.search(rf"(?<![\w-]){engine}(?![\w-])", code, re.I)]
    assert named == []
    assert not re.search(r"https?://(?!www\.w3\.org/)", code)


def test_the_page_is_small_and_strict(service: Server) -> None:
    assert sum(file.stat().st_size for file in PAGE.rglob("*") if file.is_file()) < 10**6
    answer = service.client.get("/", headers={"Accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_can_be_left_out(server: Server) -> None:
    page = server.client.get("/", headers={"Accept": "text/html"})  # SageMaker's variables are set for this server
    assert "<html" not in page.text
    assert server.client.get("/studio/studio.js").status_code == 404
