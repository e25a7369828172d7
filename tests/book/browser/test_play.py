"""The play page in a real browser: the generator runs, every control changes the picture, failures say so.

Times are printed, and asserted as the best of three. On a machine that is busy with other things
VGCOURSE_BROWSER_SLACK=8 allows that many times more; nothing else relaxes the tests.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import re
import statistics
import time

import av
import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from vgcourse import generate
from vgcourse.generate import seams

if os.environ.get("CI") != "true":
    pytest.importorskip("onnx", reason="onnx comes with the dependency group book")

from book import export_model

pytestmark = pytest.mark.slow

PLAY = "play.html"
HERE = ("http://127.0.0.1:", "data:", "blob:")
ELSEWHERE = re.compile(rf"^(?!{'|'.join(map(re.escape, HERE))})")
LOAD_BAR, FIRST_FRAME_BAR, CLIP_BAR = 3.0, 100, 250  # seconds, ms, ms: medians on an idle machine
ROUNDING = 2  # grey levels: the same clip made twice may differ in its last bits
SLACK = float(os.environ.get("VGCOURSE_BROWSER_SLACK", "1"))
PIXELS = "name => document.getElementById(`play-${name}`).toDataURL()"


def told(line):
    """A line of the console, and where it comes from."""
    return f"{line.text} ({line.location.get('url', '')})"


@pytest.fixture
def open_play(browser, site):
    """A function: opens the play page in a context of its own; returns the page, its clip shown."""
    contexts = []

    def open_page(*, query="", prepare=None, ready=True, **settings):
        settings = {"viewport": {"width": 1280, "height": 1100}, "reduced_motion": "reduce", **settings}
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.errors, page.troubles = [], []  # uncaught in a script; all that should not be
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("console", lambda line: line.type == "error" and page.troubles.append(told(line)))
        page.on("request", lambda asked: asked.url.startswith(HERE) or page.troubles.append(asked.url))
        context.route(ELSEWHERE, lambda route: route.abort())
        if prepare:
            prepare(page)
        page.goto(f"{site}{PLAY}{query}")
        if ready:
            page.wait_for_selector("#play-page[data-clips]", timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def shipped():
    return generate.load_generator()


def pixels(page, name="canvas"):
    """A canvas as text: equal texts are equal pictures."""
    return page.evaluate(PIXELS, name)


def picture(page, name="canvas"):
    """A canvas as float `(height, width, 3)`."""
    data = base64.b64decode(pixels(page, name).split(",")[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32)


def is_drawn(page):
    """Whether the reader sees a picture, from the generator or the still one that is there from the start."""
    return page.locator("#play-poster").is_visible() or picture(page).std() > 10


def change(page, act):
    """Do something that makes a new clip; wait for the clip."""
    clips = int(page.get_attribute("#play-page", "data-clips"))
    act()
    page.wait_for_function(
        "before => Number(document.getElementById('play-page').dataset.clips) > before",
        arg=clips,
        timeout=30_000,
    )


def set_slider(page, name, value):
    page.get_by_role("slider", name=name, exact=True).fill(str(value))


# ---- it runs ---------------------------------------------------------------------------------------------


def test_a_person_moves_when_the_page_opens(open_play, screenshot):
    seconds = []
    for _ in range(3):  # each in a context of its own, with nothing kept from before
        start = time.perf_counter()
        page = open_play(reduced_motion="no-preference")
        seconds.append(time.perf_counter() - start)
    shown = ", ".join(f"{number:.2f}" for number in seconds)
    print(f"play page: clip shown {shown} s after the address (bar {LOAD_BAR} s)")
    assert min(seconds) < SLACK * LOAD_BAR
    assert page.get_by_role("button", name="Pause").is_enabled()
    seen = set()
    for _ in range(20):
        seen.add(pixels(page))
        page.wait_for_timeout(60)
    assert len(seen) >= 4
    page.wait_for_timeout(4000)  # the small pictures
    screenshot(page, "play-light")
    assert page.troubles == []


def test_size_of_what_is_loaded(open_play):
    """All that a reader's first visit loads, packed as a web server packs it, stays under 8 MB."""
    answers = []
    page = open_play(prepare=lambda page: page.on("response", lambda answer: answers.append(answer)))
    page.wait_for_timeout(4000)  # the small pictures, and what is fetched for later
    assert page.troubles == []
    packed = {answer.url: len(gzip.compress(answer.body())) / 2**20 for answer in answers if answer.ok}
    largest = sorted(packed.items(), key=lambda item: -item[1])[:4]
    named = ", ".join(f"{url.rsplit('/', 1)[-1]} {size:.2f}" for url, size in largest)
    print(f"play page: {len(packed)} files, {sum(packed.values()):.2f} MB packed in all; {named}")
    assert any("generator.onnx" in url for url in packed)
    assert any(".wasm" in url for url in packed)
    assert sum(packed.values()) < 8


def test_time_from_input_to_picture(open_play):
    page = open_play()
    page.wait_for_timeout(3000)
    medians = []
    for start in (100, 120, 140):
        page.evaluate("performance.clearMeasures()")
        for seed in range(start, start + 20):
            box = page.get_by_role("spinbutton", name="Person", exact=True)
            change(page, lambda box=box, seed=seed: box.fill(str(seed)))
        times = page.evaluate("""() => ['first frame', 'clip'].map(
            name => performance.getEntriesByName(name).map(entry => entry.duration))""")
        medians.append([statistics.median(durations) for durations in times])
    first, whole = zip(*medians, strict=True)
    for name, found, bar in (("first frame", first, FIRST_FRAME_BAR), ("clip", whole, CLIP_BAR)):
        print(f"play page: {name} {', '.join(f'{ms:.0f}' for ms in found)} ms (bar {bar})")
        assert min(found) < SLACK * bar


# ---- the same as in Python -------------------------------------------------------------------------------

ASK = """async ({content, noise, action}) => {
    const { openGenerator } = await import(new URL('_static/play/generator.js', location.href));
    const generator = await openGenerator(reason => { throw new Error(reason); });
    const order = Array.from({ length: generator.facts.num_frames }, (_, k) => k), frames = [];
    const clip = { content: Float32Array.from(content), noise: Float32Array.from(noise), action };
    await generator.request(clip, { order, floats: true }, (index, made) =>
        index.forEach((frame, k) => (frames[frame] = made[k]))).done;
    generator.close();
    const bytes = frames.map(frame => new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
    return Promise.all(bytes.map(async part => new Promise(resolve => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result.split(',')[1]);
        reader.readAsDataURL(new Blob([part]));
    })));
}"""


def frames_of_page(page, shipped, content, noise, action):
    parts = page.evaluate(
        ASK, {"content": content.tolist(), "noise": noise.ravel().tolist(), "action": action}
    )
    shape = (shipped.num_frames, shipped.size, shipped.size, 3)
    return np.frombuffer(b"".join(map(base64.b64decode, parts)), np.float32).reshape(shape)


def use_model(body, **changes):
    """Give the page another model file, and a description that fits it."""
    changes = {"sha256": hashlib.sha256(body).hexdigest(), **changes}

    def describe(route):
        route.fulfill(body=json.dumps(route.fetch().json() | changes))

    def prepare(page):
        page.route("**/_static/play/generator.onnx*", lambda route: route.fulfill(body=body))
        page.route("**/_static/play/model.json", describe)

    return prepare


@pytest.mark.parametrize(("weights", "tolerance"), [("float32", 1e-3), ("as built", 1e-2)])
def test_frames_equal_those_of_keras(open_play, shipped, weights, tolerance):
    prepare = None
    if weights == "float32":
        prepare = use_model(export_model.to_onnx(shipped, weights=weights).SerializeToString())
    page = open_play(prepare=prepare)
    content = generate.content_codes(shipped, [5])
    noise, action = generate.motion_noise(shipped, [6]), shipped.action_names.index("jack")
    want = np.asarray(shipped.predict_on_batch([content, noise, np.array([action], np.int32)]))[0]
    got = frames_of_page(page, shipped, content[0], noise[0], action)
    print(f"play page, weights {weights}: worst difference to Keras {np.abs(got - want).max():.2g}")
    assert np.abs(got - want).max() < tolerance


def test_stage_shows_the_person_of_the_lessons(open_play, shipped):
    """Seeds mean the same: person 12 with motion 3 is that of `generate.content_codes(..., [12])`."""
    action = shipped.action_names.index("wave2")
    page = open_play(query=f"?person=12&motion=3&action={action}")
    content, noise = generate.content_codes(shipped, [12]), generate.motion_noise(shipped, [3])
    clip = generate.make_clips(shipped, content, noise, [action])[0]
    shown = Image.fromarray(picture(page).astype(np.uint8))
    small = np.asarray(shown.resize((shipped.size, shipped.size), Image.Resampling.BOX))
    errors = np.abs(clip.astype(float) - small).mean(axis=(1, 2, 3))
    assert errors.min() < 4
    assert "Person 12: wave2" in page.get_by_role("img", name=re.compile("Person 12")).get_attribute(
        "aria-label"
    )


def test_random_numbers_are_numpys(open_play):
    page = open_play()
    drawn = page.evaluate(
        """async seeds => {
        const { standardNormal } = await import(new URL('_static/play/random.js', location.href));
        return seeds.map(([seed, stream]) => Array.from(standardNormal(seed, stream, 300)));
    }""",
        arg := [[seed, stream] for seed in [*range(60), 999, 2**32 - 1] for stream in (0, 1)],
    )
    want = [np.random.default_rng(pair).standard_normal(300, np.float32) for pair in arg]
    np.testing.assert_allclose(drawn, want, rtol=3e-7)


def test_interpolation_looks_and_loops_are_those_of_the_package(open_play, shipped):
    page = open_play()
    start, end = generate.content_codes(shipped, [4, 9])
    shares = [0, 0.25, 0.5, 1]
    arcs = page.evaluate(
        """async ([start, end, shares]) => {
        const { slerp } = await import(new URL('_static/play/latents.js', location.href));
        const codes = [start, end].map(code => Float32Array.from(code));
        return shares.map(share => Array.from(slerp(...codes, share)));
    }""",
        [start.tolist(), end.tolist(), shares],
    )
    np.testing.assert_allclose(arcs, generate.slerp(start, end, 5)[[0, 1, 2, 4]], atol=1e-6)

    shifted = page.evaluate(
        """async ([code]) => {
        const { shiftLooks } = await import(new URL('_static/play/latents.js', location.href));
        return Array.from(shiftLooks(Float32Array.from(code), [2, -1], [[1, 0, 0], [0, 0.6, 0.8]]));
    }""",
        [[0.5, 0.5, 0.5]],
    )
    np.testing.assert_allclose(shifted, [2.5, -0.1, -0.3], atol=1e-6)

    clips = generate.sample(shipped, num_clips=4, seed=3)[:, :, ::4, ::4]
    opaque = np.concatenate([clips, np.full_like(clips[..., :1], 255)], axis=-1)
    found = page.evaluate(
        """async clips => {
        const { bestLoop } = await import(new URL('_static/play/loops.js', location.href));
        return clips.map(clip => bestLoop(clip.map(frame => Uint8ClampedArray.from(frame))));
    }""",
        opaque.reshape(*opaque.shape[:2], -1).tolist(),
    )
    assert [tuple(loop) for loop in found] == [seams.best_loop(clip) for clip in clips]


# ---- controls --------------------------------------------------------------------------------------------


def test_every_control_changes_the_picture(open_play):
    page = open_play()
    number = lambda name: page.get_by_role("spinbutton", name=name, exact=True)  # noqa: E731
    acts = {
        "person": lambda: number("Person").fill("21"),
        "random person": lambda: page.get_by_role("button", name="Random person").click(),
        "motion": lambda: number("Motion").fill("8"),
        "random motion": lambda: page.get_by_role("button", name="Random motion").click(),
        "blend": lambda: set_slider(page, "Blend", 0.6),
        "with person": lambda: number("with person").fill("77"),
    }
    for action in ("walk", "wave2"):
        acts[action] = lambda action=action: page.get_by_role("radio", name=action).check(force=True)
    looks = page.locator("#play-looks input").count()
    assert looks >= 4
    for look in range(1, looks + 1):
        acts[f"look {look}"] = lambda look=look: set_slider(page, f"Look {look}", -3)
    acts["back to the start"] = lambda: page.get_by_role("button", name="Back to the start").click()
    first = picture(page)
    for name, act in acts.items():
        before = picture(page)
        change(page, act)
        assert np.abs(picture(page) - before).mean() > 0.5, name
    assert np.abs(picture(page) - first).max() <= ROUNDING  # the last one went back
    assert page.troubles == []


def test_speed_and_pause(open_play):
    page = open_play(reduced_motion="no-preference")
    steps = {}
    for speed in (0.2, 2.5):
        set_slider(page, "Speed", speed)
        page.wait_for_timeout(500)
        shown = [pixels(page)]
        until = time.perf_counter() + 2
        while time.perf_counter() < until:
            shown.append(pixels(page))
        steps[speed] = sum(a != b for a, b in zip(shown, shown[1:], strict=False))
    assert steps[2.5] >= 2 * steps[0.2] >= 2
    page.get_by_role("button", name="Pause").click()
    still = pixels(page)
    page.wait_for_timeout(700)
    assert pixels(page) == still
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"before => ({PIXELS})('canvas') !== before", arg=still)


def test_numbers_that_are_no_seeds_are_put_back(open_play):
    page = open_play()
    field = page.get_by_role("spinbutton", name="Person", exact=True)
    before = picture(page)
    for text in ("", "-3", "1000", "2.5"):
        field.fill(text)
        field.blur()
        assert field.input_value() == "7"
    assert np.abs(picture(page) - before).max() <= ROUNDING
    page.goto(page.url.split("?")[0] + "?person=-1&motion=x&blend=7&action=99&looks=9_9_9_9_9")
    page.wait_for_selector("#play-page[data-clips]")
    assert field.input_value() == "7"
    assert np.abs(picture(page) - before).max() <= ROUNDING


def test_a_reload_shows_the_same_person(open_play):
    page = open_play()
    change(page, lambda: page.get_by_role("button", name="Random person").click())
    change(page, lambda: set_slider(page, "Look 2", 2))
    before, person = picture(page), page.locator("#play-person").input_value()
    assert f"person={person}" in page.url or person == "7"
    page.reload()
    page.wait_for_selector("#play-page[data-clips]")
    assert page.locator("#play-person").input_value() == person
    assert np.abs(picture(page) - before).max() <= ROUNDING


def test_back_goes_to_the_person_before(open_play):
    """And not through all the places of a slider."""
    page = open_play(query="?person=12&speed=0.5&columns=motions")
    assert page.locator("#play-speed").input_value() == "0.5"
    assert page.locator("#play-columns").input_value() == "motions"
    before = picture(page)
    page.locator("body").click(position={"x": 2, "y": 2})  # no control has the focus
    change(page, lambda: page.keyboard.press("ArrowRight"))
    assert page.locator("#play-person").input_value() == "13"
    for value in (1, 2, 3):
        change(page, lambda value=value: set_slider(page, "Look 2", value))
    assert "person=13" in page.url
    assert "speed=0.5" in page.url
    change(page, page.go_back)
    assert page.locator("#play-person").input_value() == "12"
    assert page.locator("#play-look-2").input_value() == "0"
    assert np.abs(picture(page) - before).max() <= ROUNDING


def test_keys_of_the_whole_page(open_play):
    page = open_play()
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press(" ")
    assert page.locator("#play-pause").inner_text() == "Pause"  # it was paused: less motion is wanted here
    action = page.locator("#play-actions input:checked").input_value()
    change(page, lambda: page.keyboard.press("a"))
    assert page.locator("#play-actions input:checked").input_value() != action
    field = page.locator("#play-person")
    person = field.input_value()
    field.focus()
    page.keyboard.press("r")  # in a field it is a letter
    assert field.input_value() == person


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
def test_the_picture_stays_in_view_while_controls_are_used(open_play, stays_in_view, size):
    page = open_play(viewport=dict(zip(("width", "height"), size, strict=True)))
    if size[0] == 1280:
        assert page.locator("#play-canvas").bounding_box()["width"] >= 600
    stays_in_view(page, "#play-canvas", ["#play-look-5", "#play-speed"])
    wait_for_matrix(page)
    block = "center" if size[0] == 1280 else "end"  # on a phone the picture would lie over it
    page.locator("#play-matrix").evaluate("(matrix, block) => matrix.scrollIntoView({ block })", block)
    change(page, lambda: page.locator("#play-matrix").click(position={"x": 5, "y": 5}))
    box = page.locator("#play-canvas").bounding_box()
    assert min(size[1], box["y"] + box["height"]) - max(0, box["y"]) > 0.75 * box["height"]


def wait_for_matrix(page):
    """Wait until the matrix no longer changes; returns its pixels."""
    before, since = None, time.perf_counter()
    while time.perf_counter() - since < 40:
        now = pixels(page, "matrix")
        if now == before:
            return now
        before = now
        page.wait_for_timeout(1500)
    pytest.fail("the swap matrix is still changing after 40 s")


def test_swap_matrix(open_play, screenshot):
    page = open_play()
    first = wait_for_matrix(page)
    actions = page.locator("#play-actions input").count()
    assert page.locator("#play-heads button").count() == actions
    assert page.locator("#play-names button").count() == 4
    page.get_by_role("button", name="Other people").click()
    second = wait_for_matrix(page)
    assert second != first
    page.get_by_role("combobox", name="Columns").select_option("motions")
    third = wait_for_matrix(page)
    assert len(third) != len(second)
    assert page.locator("#play-heads button").first.inner_text().startswith("motion")
    # A name puts its row on the large picture, a click on a cell both its row and its column.
    name = page.locator("#play-names button").nth(2)
    person = name.inner_text().split()[1]
    change(page, name.click)
    assert page.locator("#play-person").input_value() == person
    box = page.locator("#play-matrix").bounding_box()
    change(page, lambda: page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.9))
    assert page.locator("#play-motion").input_value() == "3"
    page.locator("#play-matrix").scroll_into_view_if_needed()
    wait_for_matrix(page)
    screenshot(page, "play-matrix")
    assert page.troubles == []


# ---- saving ----------------------------------------------------------------------------------------------


def test_save_as_gif(open_play, tmp_path):
    page = open_play()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as GIF").click()
    assert saved.value.suggested_filename.startswith("person-7-")
    path = tmp_path / "clip.gif"
    saved.value.save_as(path)
    frames = iio.imread(path, plugin="pyav")
    assert 8 <= len(frames) <= 14  # a loop is at least half the clip, and at most all but two frames
    with Image.open(path) as gif:
        assert gif.n_frames == len(frames)
        assert gif.info["loop"] == 0
        assert gif.info["duration"] == 100
    assert b"these people do not exist" in path.read_bytes()
    assert np.abs(np.diff(frames.astype(float), axis=0)).mean() > 0.5  # it moves
    assert frames.shape[1:3] == (256, 256)


def test_save_as_webm(open_play, tmp_path):
    page = open_play()
    button = page.get_by_role("button", name="Save as WebM")
    if not button.is_visible():
        pytest.skip("this Chromium writes no WebM, and the page says so")
    with page.expect_download(timeout=60_000) as saved:
        button.click()
    path = tmp_path / "clip.webm"
    saved.value.save_as(path)
    with av.open(str(path)) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) >= 8
    assert frames[0].shape == (512, 512, 3)
    assert max(frame.std() for frame in frames) > 10


def test_webm_is_hidden_where_the_browser_cannot(open_play):
    page = open_play(prepare=lambda page: page.add_init_script("delete window.MediaRecorder"))
    assert not page.get_by_role("button", name="Save as WebM").is_visible()
    assert "cannot record video" in page.locator("#play-nowebm").inner_text()


# ---- what can go wrong -----------------------------------------------------------------------------------


def answer(pattern, **reply):
    return lambda page: page.route(pattern, lambda route: route.fulfill(**reply))


def damage(pattern):
    """The file with one byte changed in its middle."""

    def reply(route):
        body = bytearray(route.fetch().body())
        body[len(body) // 2] ^= 255
        route.fulfill(body=bytes(body))

    return lambda page: page.route(pattern, reply)


def crash_at_work(page):
    """The worker fails outside of anything that it watches, once it has something to do."""
    crash = "addEventListener('message', () => setTimeout(() => { throw new Error('out of memory'); }, 500));"

    def reply(route):
        route.fulfill(body=f"{route.fetch().text()}\n{crash}", content_type="text/javascript")

    page.route("**/_static/play/worker.js", reply)


FAILURES = {
    "no model": (answer("**/generator.onnx*", status=404), "could not be loaded"),
    "no description": (answer("**/model.json", status=404), "could not be loaded"),
    "description is no JSON": (answer("**/model.json", body="{"), "could not be loaded"),
    "damaged": (damage("**/generator.onnx*"), "is damaged"),
    "not a model": (use_model(b"no model at all"), "is damaged"),
    "no runtime": (answer("**/*.bundle.min.mjs", status=404), "onnxruntime-web"),
    "no runtime code": (answer("**/ort-wasm*.wasm", status=404), "onnxruntime-web"),
    "no worker": (answer("**/_static/play/worker.js", status=404), "worker could not be started"),
    "no WebAssembly": (lambda page: page.add_init_script("delete window.WebAssembly"), "WebAssembly"),
    "worker crashes": (crash_at_work, "stopped unexpectedly"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failures_are_told(open_play, failure, screenshot):
    prepare, message = FAILURES[failure]
    page = open_play(prepare=prepare, ready=False)
    alert = page.get_by_role("alert").filter(has_text=message)
    alert.wait_for(timeout=60_000)
    assert alert.get_by_role("button", name="Start again").is_visible()
    assert page.get_by_role("button", name="Save as GIF").is_disabled()
    # Never a blank picture: the poster, or the clip that was there.
    assert is_drawn(page)
    assert not page.locator("#play-matrix").is_visible()
    if failure == "damaged":
        screenshot(page, "play-damaged")
    assert page.errors == []


def test_after_a_failure_it_can_start_again(open_play):
    page = open_play(prepare=answer("**/generator.onnx*", status=404), ready=False)
    page.get_by_role("button", name="Start again").wait_for(timeout=60_000)
    page.unroute_all()
    page.get_by_role("button", name="Start again").click()
    page.wait_for_selector("#play-page[data-clips]", timeout=60_000)
    assert not page.locator("#play-alert").is_visible()


def test_a_tab_in_the_background_pauses(open_play):
    page = open_play(reduced_motion="no-preference")
    page.evaluate("""() => {
        Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true });
        window.away = true;
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    still = pixels(page)
    page.wait_for_timeout(700)
    assert pixels(page) == still
    assert "in the background" in page.get_by_role("status").filter(has_text="background").inner_text()
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function(f"before => ({PIXELS})('canvas') !== before", arg=still)


# ---- for everyone ----------------------------------------------------------------------------------------


def test_who_prefers_less_motion_begins_with_a_still_picture(open_play):
    page = open_play(reduced_motion="reduce")
    assert page.get_by_role("button", name="Play", exact=True).is_visible()
    still = pixels(page)
    assert is_drawn(page)
    page.wait_for_timeout(700)
    assert pixels(page) == still


def test_keyboard_alone(open_play):
    page = open_play()
    page.locator("#play-pause").focus()
    page.keyboard.press("Space")
    assert page.locator("#play-pause").inner_text() == "Pause"
    page.keyboard.press("Space")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focus = page.evaluate("""() => { const at = document.activeElement;
            return [at.id || at.value || at.textContent, getComputedStyle(at.type === 'radio'
                ? at.nextElementSibling : at).outlineStyle]; }""")
        reached.append(focus[0])
        assert focus[1] != "none", f"no visible focus on {focus[0]}"
        if focus[0] == "play-scroll":
            break
        if focus[0] == page.locator("#play-actions input:checked").input_value():
            change(page, lambda: page.keyboard.press("ArrowLeft"))
        if focus[0] == "play-look-1":
            change(page, lambda: page.keyboard.press("End"))
            assert page.locator("#play-look-1").input_value() == "3"
    expected = [
        "gif",
        "another",
        "person",
        "look-1",
        "blend",
        "with",
        "move",
        "motion",
        "speed",
        "reset",
        "columns",
    ]
    assert [name for name in expected if f"play-{name}" not in reached] == []


def test_narrow_and_dark(open_play, screenshot):
    page = open_play(viewport={"width": 360, "height": 900}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for name in ("pause", "gif", "another", "reset"):
        box = page.locator(f"#play-{name}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    page.wait_for_timeout(4000)
    screenshot(page, "play-narrow")
    page.set_viewport_size({"width": 1280, "height": 1100})
    page.wait_for_timeout(300)
    screenshot(page, "play-dark")
