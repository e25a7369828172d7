/** The page's state and its address: {person, with, blend, action, motion, by, steps, guidance, speed, three}. */

export const SEEDS = 1000; // ways of moving that the page offers
const LIMITS = { blend: [0, 1], steps: [1, 50], guidance: [0, 4], speed: [0.2, 2.5] };
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LEVELS = DIGITS.length ** 2;

/** The state in which the page opens. */
export function startState(facts) {
  const { person, action, motion } = facts.start;
  return { person, with: 9, blend: 0, action, motion, by: "flow", steps: 25, guidance: 1, speed: 1, three: false };
}

/** Whom three people are: the state's own and two others. */
export const peopleOf = ({ person }, count) => [person, (person + 8) % count, (person + 16) % count];

/** The row of numbers by which the painter knows the state's person. */
export function lookOf(looks, { person, with: other, blend }) {
  if (!blend) return looks[person];
  return looks[person].map((value, k) => value + blend * (looks[other][k] - value));
}

/** One line for people who cannot see the picture. */
export function describe({ person, with: other, blend, action }, own) {
  const mixed = blend ? `, ${Math.round(100 * blend)}% of the way to person ${other}` : "";
  const does = own ? (own.length > 1 ? "a motion of your own" : "a pose of your own") : action;
  return `Person ${person}${mixed}: ${does}`;
}

/** State -> "?person=12&...", only what differs from the start; "#own=..." holds the reader's own poses. */
export function toAddress(state, start, own) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value !== start[key]) query.set(key, typeof value === "boolean" ? Number(value) : value);
  }
  return (query.size ? `?${query}` : "") + (own ? `#own=${packPoses(own)}` : "");
}

/** The part of a state that an address names; what makes no sense is left out. */
export function fromAddress(text, facts) {
  const found = {};
  for (const [key, value] of new URLSearchParams(text)) {
    const number = value === "" ? NaN : Number(value);
    const whole = (below) => Number.isInteger(number) && number >= 0 && number < below;
    if ((key === "person" || key === "with") && whole(facts.num_people)) found[key] = number;
    else if (key === "motion" && whole(SEEDS)) found.motion = number;
    else if (key === "action" && facts.actions.includes(value)) found.action = value;
    else if (key === "by" && ["gan", "flow"].includes(value)) found.by = value;
    else if (key === "three") found.three = value === "1";
    else if (key in LIMITS && number >= LIMITS[key][0] && number <= LIMITS[key][1]) {
      found[key] = key === "steps" ? Math.round(number) : number;
    }
  }
  return found;
}

/** Poses of "#own=...", or null: one pose, or a motion of as many frames as the models make. */
export function ownFromAddress(hash, facts) {
  const text = /^#own=([\w-]+)$/.exec(hash)?.[1] ?? "";
  const numbers = 3 * facts.joints.length;
  const count = text.length / (2 * numbers);
  return count === 1 || count === facts.num_frames ? unpackPoses(text, numbers) : null;
}

/** Poses as text, two letters a number: from -64 to 192 pixels in steps of a sixteenth. */
export function packPoses(poses) {
  const level = (value) => Math.min(LEVELS - 1, Math.max(0, Math.round((value + 64) * 16)));
  const letters = (value) => DIGITS[Math.floor(level(value) / 64)] + DIGITS[level(value) % 64];
  return poses.map((pose) => Array.from(pose, letters).join("")).join("");
}

/** What `packPoses` wrote: an array of Float32Array. */
export function unpackPoses(text, numbers) {
  const value = (k) => (DIGITS.indexOf(text[k]) * 64 + DIGITS.indexOf(text[k + 1])) / 16 - 64;
  return Array.from({ length: text.length / (2 * numbers) }, (_, pose) =>
    Float32Array.from({ length: numbers }, (_, k) => value(2 * (pose * numbers + k))),
  );
}
