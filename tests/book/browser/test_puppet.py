"""The puppet page in a real browser: dragging, painting and motion are those of the package; failures say so.

Times are printed, and the best of three held against four times the bar; VGCOURSE_BROWSER_SLACK as there.
"""

import io
import os
import statistics

import av
import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from lessons.convert import ROOT
from vgcourse import generate, people, structure

pytestmark = pytest.mark.slow

PUPPET = "puppet.html"
# ms on two idle cores: median from drag to picture; 16 frames; the first of them
DRAG_BAR, CLIP_BAR, FIRST_BAR = 60, 700, 200
SLACK = float(os.environ.get("VGCOURSE_BROWSER_SLACK", "1"))
AXE = ROOT / "book" / "node_modules" / "axe-core" / "axe.min.js"
MODULE = "name => new URL(`_static/puppet/${name}`, location.href).href"
PICTURE = """name => { const canvas = document.getElementById(`puppet-${name}`);
    return Array.from(canvas.getContext('2d').getImageData(0, 0, 128, 128).data); }"""
ENGINE = """async () => {
    const { openEngine } = await import(new URL('_static/puppet/engine.js', location.href));
    window.engine = await openEngine(reason => { throw new Error(reason); }, () => {});
    return window.engine.facts;
}"""


@pytest.fixture
def open_puppet(open_site):
    """A function: opens the page; returns it, its clip painted."""

    def open_page(query="", *, prepare=None, ready=True, **settings):
        settings = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **settings}
        page = open_site(PUPPET + query, prepare=prepare, **settings)
        if ready:
            page.wait_for_selector("#puppet-page[data-clips]", timeout=120_000)
        return page

    return open_page


def picture(page, name="canvas"):
    """A canvas as float (128, 128, 3)."""
    return np.array(page.evaluate(PICTURE, name), np.float32).reshape(128, 128, 4)[..., :3]


def wait_for_clip(page, act):
    """Do something that makes a new clip; wait for it."""
    before = int(page.get_attribute("#puppet-page", "data-clips"))
    act()
    page.wait_for_function(
        "before => Number(document.getElementById('puppet-page').dataset.clips) > before",
        arg=before,
        timeout=120_000,
    )


def place_of(page, joint):
    """Where a handle is in the window; its place among the handles is that of the sliders."""
    box = page.locator("#puppet-svg .handle").nth(joint).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, joint, dx, dy, steps=5):
    x, y = place_of(page, joint)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.mouse.up()


RIGHT_WRIST = 5  # pelvis, neck, head, right shoulder, elbow, wrist


# ---- the same as in Python -------------------------------------------------------------------------------


def test_pictures_equal_those_of_keras(open_puppet):
    """Pose to picture: what the page's painter paints of all actions, against Keras, in the model range."""
    page, painter = open_puppet(), generate.load_painter()
    page.evaluate(ENGINE)
    errors = []
    for number, action in ((0, "walk"), (7, "jack"), (13, "bend"), (23, "dance")):
        joints = people.action_joints(action, 20_000 + number, size=128, num_frames=2, fps=3.0)
        frame, known = generate.reference_of(number, size=128)
        seen = frame[None, None].astype(np.float32) / 127.5 - 1
        drawings, reference = (
            structure.draw_skeleton(j, size=128) for j in (joints[None], known[None, None])
        )
        want = np.asarray(painter([drawings, seen, reference]))[0]
        for k in range(len(joints)):
            got = page.evaluate(
                """async ([joints, number]) => Array.from(
                    await engine.paint(Float32Array.from(joints), engine.looks[number]).done)""",
                [joints[k].ravel().tolist(), number],
            )
            errors.append(np.abs(np.reshape(got, want[k].shape) - want[k]).max())
        assert want.std() > 0.1  # else everything would agree
    print(f"puppet page: worst difference of a picture to Keras {max(errors):.2g} of 2")
    assert max(errors) < 1e-3


@pytest.mark.parametrize("by", ["gan", "flow"])
def test_motions_equal_those_of_keras(open_puppet, by):
    """Noise to motion, in pixels; the seed's noise is NumPy's."""
    page, model = open_puppet(), generate.load_motion_model(None if by == "gan" else "flow")
    page.evaluate(ENGINE)
    worst = 0
    for seed, action, steps, guidance in ((1, 9, 25, 1), (5, 0, 6, 2.5), (7, 3, 1, 0)):
        noise = np.random.default_rng([seed, 1]).standard_normal((1, model.num_components), np.float32)
        options = {"steps": steps, "guidance": guidance} if by == "flow" else {}
        want = np.asarray(model.make_joints(noise, np.array([action]), size=128, **options))[0]
        got = page.evaluate(
            """async ([seed, kind, action, steps, guidance]) => {
                const { standardNormal } = await import(new URL('_static/play/random.js', location.href));
                const noise = standardNormal(seed, 1, engine.facts.num_components);
                return Array.from(await engine.move({ kind, noise, action, steps, guidance }));
            }""",
            [seed, by, action, steps, guidance],
        )
        worst = max(worst, np.abs(np.reshape(got, want.shape) - want).max())
        assert np.ptp(want[..., 1]) > 50
    print(f"puppet page: worst difference of a {by} motion to Keras {worst:.2g} pixels")
    assert worst < 0.01


# ---- it runs ---------------------------------------------------------------------------------------------


def test_the_page_opens_with_a_person_and_shows_how_far_it_is(open_puppet, screenshot):
    page = open_puppet(ready=False)
    progress = page.locator("#puppet-progress")
    progress.wait_for()
    assert page.locator("#puppet-poster").is_visible()  # never a blank picture
    page.wait_for_function("document.getElementById('puppet-progress').value > 0.5", timeout=60_000)
    page.wait_for_selector("#puppet-page[data-clips]", timeout=120_000)
    assert not progress.is_visible()
    poster = io.BytesIO(page.request.get(page.url.replace(PUPPET, "_static/puppet/poster.png")).body())
    poster = np.asarray(Image.open(poster).convert("RGB"), np.float32)
    assert np.abs(picture(page) - poster).mean() < 1  # nothing jumps when the first picture comes
    assert picture(page).std() > 20
    box = page.locator("#puppet-canvas").bounding_box()
    assert box["width"] >= 600
    assert (
        page.evaluate("getComputedStyle(document.getElementById('puppet-canvas')).imageRendering")
        == "pixelated"
    )
    screenshot(page, "puppet-light")
    assert page.troubles == []


def test_drag_to_picture_and_clip_times(open_puppet):
    page = open_puppet()
    page.wait_for_timeout(4000)  # the second worker
    drags, clips, firsts = [], [], []
    for turn in range(3):
        page.evaluate("performance.clearMeasures()")
        x, y = place_of(page, RIGHT_WRIST)
        page.mouse.move(x, y)
        page.mouse.down()
        for k in range(20):
            page.mouse.move(x + 4 * np.cos(k), y - 2 * k)
            page.wait_for_timeout(150)
        page.mouse.up()
        times = page.evaluate("performance.getEntriesByName('drag').map(entry => entry.duration)")
        assert len(times) >= 10
        drags.append(statistics.median(times))
        first, whole = page.evaluate(
            """async turn => {
                const poses = Array.from({ length: 16 }, (_, k) => Float32Array.from({ length: 75 }, (_, n) =>
                    64 + 30 * Math.sin(n + k / 9 + turn)));
                const { openEngine } = await import(new URL('_static/puppet/engine.js', location.href));
                window.engine ??= await openEngine(() => {}, () => {});
                if (!turn) await new Promise(done => setTimeout(done, 4000));
                const begin = performance.now();
                const tasks = poses.map(pose => engine.paint(pose, engine.looks[3]).done);
                await tasks[0];
                const first = performance.now() - begin;
                await Promise.all(tasks);
                return [first, performance.now() - begin];
            }""",
            turn,
        )
        firsts.append(first)
        clips.append(whole)
    for name, found, bar in (("drag to picture", drags, DRAG_BAR), ("16 frames", clips, CLIP_BAR)):
        print(f"puppet page: {name} {', '.join(f'{ms:.0f}' for ms in found)} ms (bar {bar})")
    print(f"puppet page: first of them {', '.join(f'{ms:.0f}' for ms in firsts)} ms (bar {FIRST_BAR})")
    # The bars are for idle cores, and nobody knows what else runs here: four times as long is a fault.
    assert min(drags) < 4 * SLACK * DRAG_BAR
    assert min(clips) < 4 * SLACK * CLIP_BAR
    assert min(firsts) < 4 * SLACK * FIRST_BAR


def test_dragging_moves_the_joint_and_keeps_lengths(open_puppet):
    page = open_puppet()
    before, start = picture(page), place_of(page, RIGHT_WRIST)
    wait_for_clip(page, lambda: drag(page, RIGHT_WRIST, 20, -40))
    end = place_of(page, RIGHT_WRIST)
    assert np.hypot(end[0] - start[0] - 20, end[1] - start[1] + 40) < 12
    assert np.abs(picture(page) - before).mean() > 0.3
    assert "#own=" in page.url
    assert page.troubles == []


def test_limbs_keep_their_lengths_however_they_are_dragged(open_puppet):
    """Every joint to random places, one after the other: all distances along limbs are what they were."""
    page = open_puppet()
    joints = people.action_joints("dance", 3, size=128, num_frames=1)[0]
    poses = page.evaluate(
        """async ([joints, names]) => {
            const { makeSkeleton } = await import(new URL('_static/puppet/skeleton.js', location.href));
            const skeleton = makeSkeleton(names);
            let pose = Float32Array.from(joints), seed = 1;
            const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
            const poses = [];
            for (let k = 0; k < 200; k++) {
                const handle = skeleton.handles[Math.floor(random() * skeleton.handles.length)];
                pose = k % 2 ? skeleton.drag(pose, handle, [128 * random(), 128 * random()])
                    : handle.pivot ? skeleton.setAngle(pose, handle, 360 * random() - 180) : pose;
                poses.push(Array.from(pose));
            }
            return poses;
        }""",
        [joints.ravel().tolist(), list(people.JOINT_NAMES)],
    )
    poses = np.reshape(poses, (-1, *joints.shape))
    limbs = [
        pair
        for side in ("right", "left")
        for pair in (
            (f"{side}_shoulder", f"{side}_elbow"),
            (f"{side}_elbow", f"{side}_wrist"),
            (f"{side}_wrist", f"{side}_hand"),
            (f"{side}_hip", f"{side}_knee"),
            (f"{side}_knee", f"{side}_ankle"),
            (f"{side}_heel", f"{side}_toe"),
            (f"{side}_shoulder", "neck"),
            (f"{side}_hip", "pelvis"),
        )
    ]
    limbs += [("pelvis", "waist"), ("waist", "neck"), ("neck", "head"), ("head", "nose"), ("neck", "nape")]
    ends = np.array([[people.JOINT_NAMES.index(name) for name in pair] for pair in limbs])
    lengths = lambda p: np.linalg.norm(p[..., ends[:, 0], :] - p[..., ends[:, 1], :], axis=-1)  # noqa: E731
    assert np.isfinite(poses).all()
    assert np.abs(poses - joints).max() > 20
    np.testing.assert_allclose(lengths(poses), np.broadcast_to(lengths(joints), (200, len(limbs))), atol=0.02)


def test_sliders_and_keys_move_joints(open_puppet):
    page = open_puppet()
    page.get_by_text("A slider for each joint").click()
    assert page.locator("#puppet-joints input").count() >= 17
    before = picture(page)
    slider = page.get_by_role("slider", name="Right elbow", exact=True)
    wait_for_clip(page, lambda: slider.fill("-90"))
    assert np.abs(picture(page) - before).mean() > 0.3
    height = lambda: float(page.locator("#puppet-svg .handle").nth(RIGHT_WRIST).get_attribute("cy"))  # noqa: E731
    start = height()
    page.locator("#puppet-svg").focus()
    wait_for_clip(page, lambda: page.keyboard.press("ArrowUp"))
    assert height() < start - 1


def test_people_actions_and_models_change_the_picture(open_puppet):
    page = open_puppet()
    seen = [picture(page)]
    acts = [
        lambda: page.get_by_role("radio", name="Person 12", exact=True).check(force=True),
        lambda: page.get_by_role("radio", name="walk", exact=True).check(force=True),
        lambda: page.locator("#puppet-by").select_option("gan"),
        lambda: page.get_by_role("slider", name="Mix", exact=True).fill("0.5"),
    ]
    for act in acts:
        wait_for_clip(page, act)
        seen.append(picture(page))
        assert np.abs(seen[-1] - seen[-2]).mean() > 0.3
    assert "person=12" in page.url
    assert "action=walk" in page.url
    assert "by=gan" in page.url
    page.go_back()  # through people
    page.wait_for_function("!location.search.includes('blend')")
    assert page.troubles == []


def test_record_play_on_three_people_and_save(open_puppet, tmp_path, screenshot):
    page = open_puppet()
    page.get_by_role("button", name="Record two seconds").click()
    x, y = place_of(page, RIGHT_WRIST)
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(60):
        page.mouse.move(x + 20 * np.sin(k / 6), y - 2 * k)
        page.wait_for_timeout(40)
        if page.get_by_role("button", name="Record two seconds").is_visible():
            break
    page.mouse.up()
    page.wait_for_function("location.hash.startsWith('#own=')", timeout=30_000)
    wait_for_clip(page, lambda: page.get_by_label("Three people at once").check())
    parts = [picture(page, name) for name in ("canvas", "other-1", "other-2")]
    assert min(np.abs(parts[0] - other).mean() for other in parts[1:]) > 5
    screenshot(page, "puppet-three")
    for kind in ("gif", "webm"):
        with page.expect_download(timeout=60_000) as info:
            page.locator(f"#puppet-{kind}").click()
        info.value.save_as(tmp_path / f"motion.{kind}")
    moving = iio.imread(tmp_path / "motion.gif")
    assert moving.shape == (20, 256, 768, 3)
    assert np.ptp(moving.astype(int), axis=0).mean() > 1  # it moves
    assert b"generated by a painter" in (tmp_path / "motion.gif").read_bytes()
    with av.open(str(tmp_path / "motion.webm")) as file:
        assert sum(1 for _ in file.decode(video=0)) > 10
    assert page.troubles == []


def test_a_link_brings_back_all_of_it(open_puppet):
    page = open_puppet("?person=9&action=squat")
    wait_for_clip(page, lambda: drag(page, RIGHT_WRIST, 10, -50))
    want, address = picture(page), page.url.split("/")[-1].removeprefix(PUPPET)
    again = open_puppet(address)
    assert np.abs(picture(again) - want).max() <= 12  # poses are kept to a sixteenth of a pixel
    assert np.abs(picture(again) - want).mean() < 0.2


def test_nonsense_in_the_address_is_left_out(open_puppet):
    page = open_puppet("?person=99&action=fly&steps=0&guidance=x&blend=7#own=abc")
    assert page.locator("#puppet-status").inner_text().startswith("Person 5: dance")
    assert page.troubles == []


# ---- failures --------------------------------------------------------------------------------------------


def answer(pattern, **reply):
    return lambda context: context.route(pattern, lambda route: route.fulfill(**reply))


FAILURES = {
    "no model": (answer("**/painter.onnx*", status=404), "could not be loaded"),
    "no people": (answer("**/people.f32*", status=404), "could not be loaded"),
    "damaged": (answer("**/motion_gan.onnx*", body=b"no model"), "is damaged"),
    "no runtime": (answer("**/*.bundle.min.mjs", status=404), "onnxruntime-web"),
    "no runtime code": (answer("**/ort-wasm*.wasm", status=404), "onnxruntime-web"),
    "no worker": (answer("**/_static/puppet/worker.js", status=404), "worker could not be started"),
    "no WebAssembly": (lambda context: context.add_init_script("delete window.WebAssembly"), "WebAssembly"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failures_are_told(open_puppet, failure):
    prepare, message = FAILURES[failure]
    page = open_puppet(prepare=prepare, ready=False)
    alert = page.get_by_role("alert").filter(has_text=message)
    alert.wait_for(timeout=60_000)
    assert alert.get_by_role("button", name="Start again").is_visible()
    assert page.locator("#puppet-poster").is_visible()
    assert not page.locator("#puppet-controls").is_visible()


# ---- for everyone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_use_it(open_puppet, size, theme, screenshot):
    page = open_puppet(viewport=dict(zip(("width", "height"), size, strict=True)), color_scheme=theme)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.locator("#puppet-actions").scroll_into_view_if_needed()
    page.mouse.wheel(0, 200)
    page.wait_for_timeout(300)
    box = page.locator("#puppet-canvas").bounding_box()
    assert box["y"] + box["height"] > 0.8 * box["height"]  # the picture stays while controls are used
    screenshot(page, f"puppet-{size[0]}-{theme}")
