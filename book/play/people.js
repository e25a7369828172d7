/** The page's state and what it means: {action, person, motion, blend, blendWith, looks, speed, columns, others}. */

import { contentCode, motionNoise, shiftLooks, slerp } from "./latents.js";

export const SEEDS = 1000; // people and ways of moving that the page offers, as the lessons' control panel does
const SPEEDS = [0.2, 2.5]; // as the slider
export const LOOK_RANGE = 3; // how far a look goes along its direction, in standard deviations of the content code

// Key of the state -> its name in an address.
const NAMES = { action: "action", person: "person", motion: "motion", blend: "blend", blendWith: "with" };
const MORE_NAMES = { speed: "speed", columns: "columns", looks: "looks" };

/** The state in which the page opens. */
export function startState(facts) {
  return {
    action: facts.actions.indexOf(facts.start.action),
    person: facts.start.person,
    motion: facts.start.motion,
    blend: 0,
    blendWith: 3,
    looks: facts.directions.map(() => 0),
    speed: 1,
    columns: "actions",
    others: [12, 25, 41],
  };
}

/** Changes of the state that make it show a person as they are: no blend, no other looks. */
export const asTheyAre = (state, person) => ({ person, blend: 0, looks: state.looks.map(() => 0) });

/** What the generator needs for the state's clip: {content (contentDim,), noise (numFrames * motionDim,), action}. */
export function clipOf(facts, { person, blendWith, blend, looks, motion, action }) {
  const code = slerp(contentCode(facts, person), contentCode(facts, blendWith), blend);
  return { content: shiftLooks(code, looks, facts.directions), noise: motionNoise(facts, motion), action };
}

/** A text that is the same for two states exactly when their clips are. */
export function clipKey({ person, blendWith, blend, looks, motion, action }) {
  return JSON.stringify([person, blend, blend && blendWith, looks, motion, action]);
}

/** One line for people who cannot see the picture. */
export function describe(facts, { person, blendWith, blend, looks, action }) {
  const mixed = blend ? `, ${Math.round(100 * blend)}% of the way to person ${blendWith}` : "";
  const changed = looks.some(Boolean) ? ", looks changed" : "";
  return `Person ${person}${mixed}${changed}: ${facts.actions[action]}`;
}

/** A number that the reader typed as a seed, or null. */
export function asSeed(text) {
  return /^\d+$/.test(text) && Number(text) < SEEDS ? Number(text) : null;
}

/** State -> "?person=12&...": only what differs from the start. A link or a reload shows the same page. */
export function toAddress(state, start, facts) {
  const texts = { ...state, action: facts.actions[state.action], looks: state.looks.join("_") };
  const usual = { ...start, action: facts.actions[start.action], looks: start.looks.join("_") };
  const query = new URLSearchParams();
  for (const [key, name] of Object.entries({ ...NAMES, ...MORE_NAMES })) {
    if (texts[key] !== usual[key]) query.set(name, texts[key]);
  }
  return query.size ? `?${query}` : "";
}

/** "?person=12&..." -> the part of a state that it names; what makes no sense is left out. */
export function fromAddress(text, start, facts) {
  const query = new URLSearchParams(text);
  const found = {};
  for (const [key, name] of Object.entries(NAMES)) {
    const [given, seed] = [query.get(name), asSeed(query.get(name) ?? "")];
    if (key === "action" && facts.actions.includes(given)) found.action = facts.actions.indexOf(given);
    else if (key === "blend" && given && given >= 0 && given <= 1) found.blend = Number(given);
    else if (key !== "blend" && seed !== null && (key !== "action" || seed < facts.actions.length)) found[key] = seed;
  }
  const speed = query.get("speed") ?? "";
  if (speed >= SPEEDS[0] && speed <= SPEEDS[1]) found.speed = Number(speed);
  if (query.get("columns") === "motions") found.columns = "motions";
  const looks = (query.get("looks") ?? "").split("_").map(Number);
  if (looks.length === start.looks.length && looks.every((by) => Math.abs(by) <= LOOK_RANGE)) found.looks = looks;
  return found;
}
