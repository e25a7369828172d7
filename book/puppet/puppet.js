/** The puppet page: a state, the pictures that follow it, dragging, recording, saving, and what to say when it fails. */

import { standardNormal } from "../play/random.js";
import { makeClock } from "../play/stage.js";
import { makeClip, toRgba } from "./clip.js";
import { at, connectControls, connectJoints, element, enableControls, showState } from "./controls.js";
import { openEngine } from "./engine.js";
import { makeFigure } from "./figure.js";
import { MESSAGES } from "./messages.js";
import { record } from "./recording.js";
import { asGif, asWebm, download, whyNoWebm } from "./saving.js";
import { makeSkeleton } from "./skeleton.js";
import { describe, fromAddress, lookOf, ownFromAddress, peopleOf, startState, toAddress } from "./state.js";

const MOTION_STREAM = 1; // of the random numbers, as in vgcourse/generate
const WIDE = matchMedia("(min-width: 992px)");

placeFigure();
WIDE.addEventListener("change", placeFigure);
openEngine(fail, (share) => {
  at("progress").value = share;
  say(`Loading the painter … ${Math.round(100 * share)}%`);
}).then(run);

/** Beside the picture where there is room, over it on a phone. */
function placeFigure() {
  at(WIDE.matches ? "slot" : "surface").append(at("figure"));
}

function fail(reason) {
  const again = element("button", { type: "button", textContent: "Start again" });
  again.addEventListener("click", () => location.reload());
  at("alert").replaceChildren(MESSAGES[reason], again);
  at("alert").hidden = false;
  at("page").classList.add("play-failed"); // hides controls that would do nothing
  say("The painter is not running.");
  enableControls(false);
}

function say(text) {
  at("status").textContent = text;
}

async function run(engine) {
  const { facts, looks } = engine;
  const start = startState(facts);
  let state = { ...start, ...fromAddress(location.search, facts) };
  let own = ownFromAddress(location.hash, facts);
  let made = null; // {key, poses}: the motion that the model made last
  let turn = 0; // of `follow`: only the last one is of use
  let lastLook = null; // {key, look}
  const show = showPictures(facts.size);
  const clip = makeClip(engine, show);
  const skeleton = makeSkeleton(facts.joints);

  const playing = connectPlaying(() => {
    if (clip.step()) showPose(clip.pose);
  });
  const reader = connectDragging({ engine, look, show, playing, pose: () => clip.pose, showPose, keep });
  const figure = makeFigure(at("svg"), skeleton, facts.size, reader, [at("svg"), at("surface")]);
  const showJoints = connectJoints(skeleton, facts.size, reader);

  function showPose(pose) {
    figure.show(pose);
    if (at("joints").open) showJoints(pose);
  }

  /** The row of numbers of the person shown; the same array as long as it is the same person. */
  function look() {
    const key = JSON.stringify([state.person, state.blend, state.blend && state.with]);
    if (lastLook?.key !== key) lastLook = { key, look: lookOf(looks, state) };
    return lastLook.look;
  }

  function everybody() {
    const others = state.three ? peopleOf(state, facts.num_people).slice(1) : [];
    return [look(), ...others.map((person) => looks[person])];
  }

  async function motion() {
    const { by, action, motion: seed, steps, guidance } = state;
    const key = JSON.stringify([by, action, seed, ...(by === "flow" ? [steps, guidance] : [])]);
    if (made?.key === key) return made.poses;
    const noise = standardNormal(seed, MOTION_STREAM, facts.num_components);
    const joints = await engine.move({ kind: by, noise, action: facts.actions.indexOf(action), steps, guidance });
    const numbers = joints.length / facts.num_frames;
    const poses = Array.from({ length: facts.num_frames }, (_, k) => joints.slice(k * numbers, (k + 1) * numbers));
    made = { key, poses };
    return poses;
  }

  /** Make pictures of what the state says. */
  async function follow() {
    const mine = ++turn;
    const begin = performance.now();
    const poses = own ?? (await motion());
    if (mine !== turn) return;
    at("other-1").hidden = at("other-2").hidden = !state.three;
    at("page").classList.toggle("puppet-three", state.three);
    at("canvas").ariaLabel = describe(state, own);
    const done = clip.set(poses, everybody());
    showPose(clip.pose);
    await done;
    if (mine !== turn) return;
    const { duration } = performance.measure("clip", { start: begin });
    const count = poses.length * (state.three ? 3 : 1);
    say(`${describe(state, own)}. ${count} ${count > 1 ? "pictures" : "picture"}, painted here in ${Math.round(duration)} ms.`);
    at("page").dataset.clips = Number(at("page").dataset.clips ?? 0) + 1; // for whoever waits for the clip
  }

  function change({ own: nextOwn = own, ...changes }) {
    const person = JSON.stringify([state.person, state.with, state.blend]);
    state = { ...state, ...changes };
    if (nextOwn !== own && !nextOwn) playing.release();
    own = nextOwn;
    showState(state, own);
    playing.setRate(facts.fps * state.speed);
    follow();
    const address = location.pathname + toAddress(state, start, own);
    // The back button goes through people; other changes stay on the same step.
    const met = "person" in changes && person !== JSON.stringify([state.person, state.with, state.blend]);
    history[met ? "pushState" : "replaceState"](null, "", address);
  }

  /** What the reader has dragged is theirs from now on: one pose, or two seconds of them. */
  function keep(poses) {
    own = poses;
    change({});
  }

  addEventListener("popstate", () => {
    state = { ...start, ...fromAddress(location.search, facts) };
    own = ownFromAddress(location.hash, facts);
    showState(state, own);
    follow();
  });
  at("joints").addEventListener("toggle", () => showJoints(clip.pose));
  connectControls(facts, start, change);
  connectRecording({ facts, skeleton, reader, playing, keep, name: () => describe(state, own) });
  connectSaving(facts, clip, () => ({ ...state, own }));
  enableControls(true);
  showState(state, own);
  playing.setRate(facts.fps * state.speed);
  clip.goTo(facts.start.frame);
  at("progress").hidden = true;
  await follow();
}

/** A function that shows pictures: the first person large, the others small. */
function showPictures(size) {
  const contexts = [at("canvas"), at("other-1"), at("other-2")].map((canvas) => canvas.getContext("2d"));
  return (person, picture) => {
    contexts[person].putImageData(new ImageData(picture, size, size), 0, 0);
    if (!person) at("poster").hidden = true;
  };
}

/** Pause and play. A hidden tab pauses by itself; who prefers less motion begins with a still picture. */
function connectPlaying(onTick) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const clock = makeClock(onTick);
  let wanted = !still.matches;
  let before = null; // whether it played until the reader took hold of the figure
  const play = (want) => {
    wanted = want;
    clock.set(wanted && !document.hidden);
    at("pause").textContent = wanted ? "Pause" : "Play";
  };
  at("pause").addEventListener("click", () => {
    before = null;
    play(!wanted);
  });
  still.addEventListener("change", () => play(!still.matches));
  document.addEventListener("visibilitychange", () => play(wanted));
  play(wanted);
  return {
    setRate: clock.setRate,
    hold() {
      before ??= wanted;
      play(false);
    },
    /** Play again if it did. */
    release() {
      if (before !== null) play(before);
      before = null;
    },
  };
}

/**
 * Dragging: the picture follows the figure, always the latest pose, and one picture at a time.
 * @returns what figure and sliders tell: `pose`, `begin`, `move`, `end`, `choose`; and `record`
 */
function connectDragging({ engine, look, show, playing, pose, showPose, keep }) {
  let latest = null;
  let since = 0;
  let busy = false;
  let held = false;
  let late = false; // whether what is held was held when a recording ended: it moves nothing any more
  let free = false; // whether `end` keeps the pose; a recording keeps the poses itself

  async function follow() {
    if (busy) return;
    busy = true;
    for (let drawn = null; latest && drawn !== latest; ) {
      drawn = latest;
      const begin = since;
      const picture = toRgba(await engine.paint(drawn, look(), { urgent: true }).done);
      if (latest) show(0, picture);
      if (performance.getEntriesByName("drag").length > 99) performance.clearMeasures("drag");
      performance.measure("drag", { start: begin });
    }
    busy = false;
  }

  return {
    pose: () => latest ?? pose(),
    begin() {
      held = true;
      late = false;
      playing.hold();
    },
    move(next) {
      if (late) return;
      [latest, since] = [next, performance.now()];
      showPose(next);
      follow();
    },
    end() {
      held = false;
      if (!latest || free || late) return;
      keep([latest]);
      latest = null;
    },
    choose: (label) => say(`${label}: arrow keys move it.`),
    /** While a recording runs, poses follow each other without being kept. */
    record(on) {
      free = on;
      if (on) return;
      late = held;
      latest = null;
    },
  };
}

function connectRecording({ facts, skeleton, reader, playing, keep, name }) {
  let running = null;
  const end = () => {
    at("page").classList.remove("puppet-recording");
    Object.assign(at("record"), { textContent: "Record two seconds", ariaPressed: "false" });
    running = null;
    reader.record(false);
    playing.release();
  };
  at("record").addEventListener("click", async () => {
    if (running) {
      running.stop();
      return;
    }
    playing.hold();
    reader.record(true);
    at("page").classList.add("puppet-recording");
    Object.assign(at("record"), { textContent: "Stop", ariaPressed: "true" });
    say("Recording begins when you move a joint.");
    let stopped = false;
    running = { stop: () => (stopped = true) };
    const first = reader.pose();
    while (reader.pose() === first && !stopped) await new Promise(requestAnimationFrame);
    if (stopped) {
      end();
      say(`${name()}. Nothing recorded.`);
      return;
    }
    running = record(facts, skeleton, reader.pose, (share) => say(`Recording … ${(2 * share).toFixed(1)} s of 2 s`));
    const poses = await running.done;
    end();
    if (poses) keep(poses);
  });
}

function connectSaving(facts, clip, current) {
  for (const [kind, make] of Object.entries({ gif: asGif, webm: asWebm })) {
    at(kind).addEventListener("click", async () => {
      const { person, action, own, speed } = current();
      const name = `person-${person}-${own ? "own" : action}.${kind}`;
      at(kind).disabled = true;
      say(`Making ${name} …`);
      try {
        while (!clip.whole) await new Promise((resolve) => setTimeout(resolve, 50));
        download(await make(clip.moments, { size: facts.size, fps: facts.fps * speed }), name);
        say(`Saved ${name}.`);
      } catch (error) {
        say(`${name} could not be made: ${error.message}`);
      }
      at(kind).disabled = false;
    });
  }
  const reason = whyNoWebm();
  at("webm").hidden = Boolean(reason);
  if (reason) at("gif").title = reason;
  at("link").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link is copied: it holds person, motion and all settings.");
    } catch {
      say("Copy the address of this page: it holds person, motion and all settings.");
    }
  });
}
