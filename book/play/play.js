/** The play page: a state, the pictures that follow it, playing, saving, and what to say when something fails. */

import { at, connectControls, element, enableControls, showState } from "./controls.js";
import { makeEnds } from "./ends.js";
import { openGenerator } from "./generator.js";
import { MESSAGES } from "./messages.js";
import { SEEDS, asTheyAre, clipKey, clipOf, describe, fromAddress, startState, toAddress } from "./people.js";
import { asGif, asWebm, download, whyNoWebm } from "./saving.js";
import { makeClock, makeStage } from "./stage.js";
import { makeSwap } from "./swap.js";

const QUIET_TIME = 250; // ms without input before the small pictures follow

openGenerator(fail).then(run);

function fail(reason) {
  const again = element("button", { type: "button", textContent: "Start again" });
  again.addEventListener("click", () => location.reload());
  at("alert").replaceChildren(MESSAGES[reason], again);
  at("alert").hidden = false;
  at("page").classList.add("play-failed"); // hides controls that would do nothing
  say("The generator is not running.");
  enableControls(false);
}

function say(text) {
  at("status").textContent = text;
}

function run(generator) {
  const { facts } = generator;
  const start = startState(facts);
  let state = { ...start, ...fromAddress(location.search, start, facts) };

  const stage = makeStage(at("canvas"), facts);
  const swap = makeSwap(generator, (changes) => {
    change(changes);
    at("canvas").scrollIntoView({ block: "nearest" }); // what was picked is seen
  });
  const paintEnds = makeEnds(generator);
  const clock = makeClock(() => {
    stage.step();
    swap.step();
  });
  const paint = makePainter(generator, stage);

  let waiting = 0;
  function followLater() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      paintEnds(state);
      swap.show(state);
    }, QUIET_TIME);
  }

  function change(changes) {
    const before = state;
    show({ ...state, ...changes });
    const address = location.pathname + toAddress(state, start, facts) + location.hash;
    // Back goes to the person before, not through every place of a slider.
    if (state.person === before.person) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
  }

  function show(next) {
    const before = clipKey(state);
    state = next;
    showState(state);
    clock.setRate(facts.fps * state.speed);
    if (clipKey(state) !== before) paint(state);
    followLater();
  }

  connectControls(facts, start, () => state, change);
  addEventListener("popstate", () => show({ ...start, ...fromAddress(location.search, start, facts) }));
  connectKeys(facts, start, () => state, change);
  connectPlaying(clock, () => describe(facts, state));
  connectSaving(facts, stage, () => state);
  enableControls(true);
  showState(state);
  stage.goTo(facts.start.frame);
  paint(state).then(followLater);
}

/** A function that makes the clip of a state and shows it on the stage, frame by frame as they come. */
function makePainter(generator, stage) {
  const { facts } = generator;
  const page = at("page");
  let job = null;
  return async (state) => {
    const begin = performance.now();
    let first = true;
    job?.cancel();
    job = generator.request(clipOf(facts, state), { order: stage.order(), urgent: true }, (index, frames) => {
      stage.show(index, frames);
      if (first) performance.measure("first frame", { start: begin });
      first = false;
      at("poster").hidden = true;
    });
    at("canvas").ariaLabel = describe(facts, state);
    stage.setLoop(await job.done);
    const { duration } = performance.measure("clip", { start: begin });
    say(`${describe(facts, state)}. ${facts.num_frames} frames, made here in ${Math.round(duration)} ms.`);
    page.dataset.clips = Number(page.dataset.clips ?? 0) + 1; // for whoever waits for the clip
  };
}

/** Keys for the whole page, where no control has a use of its own for them. */
function connectKeys(facts, start, current, change) {
  const turn = (number, by, count) => (number + by + count) % count;
  const toPerson = (by) => change(asTheyAre(start, turn(current().person, by, SEEDS)));
  const toAction = (by) => change({ action: turn(current().action, by, facts.actions.length) });
  const keys = {
    " ": () => at("pause").click(),
    r: () => at("another").click(),
    ArrowLeft: () => toPerson(-1),
    ArrowRight: () => toPerson(1),
    a: () => toAction(1), // up and down scroll
  };
  document.addEventListener("keydown", (event) => {
    const taken = event.target.closest("input, select, textarea, button, a, summary, [tabindex]");
    if (taken || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault(); // the page stays where it is
    keys[event.key]();
  });
}

/** Pause and play. A hidden tab pauses by itself; who prefers less motion begins with a still picture. */
function connectPlaying(clock, describeState) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let wanted = !still.matches;
  const play = (want) => {
    wanted = want;
    clock.set(wanted && !document.hidden);
    at("pause").textContent = wanted ? "Pause" : "Play";
  };
  at("pause").addEventListener("click", () => play(!wanted));
  still.addEventListener("change", () => play(!still.matches));
  document.addEventListener("visibilitychange", () => {
    play(wanted);
    if (!wanted) return;
    say(document.hidden ? "Paused while this tab is in the background." : `${describeState()}. Playing again.`);
  });
  play(wanted);
}

function connectSaving(facts, stage, current) {
  const makers = { gif: asGif, webm: asWebm };
  for (const [kind, make] of Object.entries(makers)) {
    at(kind).addEventListener("click", async () => {
      const { person, action, speed } = current();
      const name = `person-${person}-${facts.actions[action]}.${kind}`;
      at(kind).disabled = true;
      say(`Making ${name} …`);
      try {
        download(await make(stage.loopFrames, { size: facts.size, fps: facts.fps * speed }), name);
        say(`Saved ${name}.`);
      } catch (error) {
        say(`${name} could not be made: ${error.message}`);
      }
      at(kind).disabled = false;
    });
  }
  at("link").addEventListener("click", async () => {
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    say(copied ? "Copied: the link shows what you see now." : `Copy the address of this page: ${location.href}`);
  });
  const reason = whyNoWebm();
  at("webm").hidden = Boolean(reason);
  if (reason) Object.assign(at("nowebm"), { hidden: false, textContent: reason });
}
