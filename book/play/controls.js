/** The controls of play.html: what they say goes into the state, what the state says shows on them. */

import { LOOK_RANGE, SEEDS, asSeed, asTheyAre } from "./people.js";

export const at = (name) => document.getElementById(`play-${name}`);
export const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

const SEED_FIELDS = { person: "person", motion: "motion", with: "blendWith" }; // id -> key of the state
const OTHERS = ["pause", "gif", "webm", "link", "reset", "columns", "others"]; // controls outside the field sets

/** Let the reader use the controls, or not. */
export function enableControls(enabled) {
  for (const part of at("controls").querySelectorAll("fieldset")) part.disabled = !enabled;
  for (const name of OTHERS) at(name).disabled = !enabled;
}

/**
 * Make the controls work.
 * @param facts what model.json says
 * @param {object} start the state to which "Back to the start" goes
 * @param {() => object} current the state as it is
 * @param {(changes: object) => void} change called with the part of the state that the reader changed
 */
export function connectControls(facts, start, current, change) {
  facts.actions.forEach((name, action) => {
    const radio = element("input", { type: "radio", name: "action", value: name });
    radio.addEventListener("change", () => change({ action }));
    const label = element("label");
    label.append(radio, element("span", { textContent: name }));
    at("actions").append(label);
  });
  facts.directions.forEach((_, look) => {
    const slider = addLook(look);
    slider.addEventListener("input", () => {
      change({ looks: current().looks.map((by, k) => (k === look ? Number(slider.value) : by)) });
    });
  });
  for (const [name, key] of Object.entries(SEED_FIELDS)) {
    at(name).addEventListener("input", () => {
      const seed = asSeed(at(name).value);
      if (seed !== null) change({ [key]: seed });
    });
    at(name).addEventListener("change", () => change({})); // what is no seed goes back to what it was
  }
  for (const name of ["blend", "speed"]) {
    at(name).addEventListener("input", () => change({ [name]: Number(at(name).value) }));
  }
  const anySeed = () => Math.floor(Math.random() * SEEDS);
  const presses = {
    another: () => asTheyAre(start, anySeed()),
    move: () => ({ motion: anySeed() }),
    others: () => ({ others: start.others.map(anySeed) }),
    reset: () => start,
  };
  for (const [name, changes] of Object.entries(presses)) {
    at(name).addEventListener("click", () => change(changes()));
  }
  at("columns").addEventListener("change", () => change({ columns: at("columns").value }));
  at("controls").addEventListener("submit", (event) => event.preventDefault());
}

/** Add the slider of a look, small pictures at both ends; returns the slider. */
function addLook(look) {
  const id = `play-look-${look + 1}`;
  const row = element("div", { className: "play-slider play-ends" });
  const label = element("label", { htmlFor: id, textContent: `Look ${look + 1}` });
  const slider = element("input", { id, type: "range", min: -LOOK_RANGE, max: LOOK_RANGE, step: 0.1, value: 0 });
  const pictures = [0, 1].map(() => element("canvas", { width: 96, height: 96, ariaHidden: "true" }));
  row.append(label, pictures[0], slider, pictures[1]);
  at("looks").append(row);
  return slider;
}

/** Make the controls show a state. */
export function showState(state) {
  at("actions").querySelectorAll("input")[state.action].checked = true;
  for (const [name, key] of Object.entries(SEED_FIELDS)) {
    // A field that is being typed in is left alone as long as it says the same.
    if (asSeed(at(name).value) !== state[key]) at(name).value = state[key];
  }
  for (const name of ["blend", "speed", "columns"]) at(name).value = state[name];
  at("blend").setAttribute("aria-valuetext", `${Math.round(100 * state.blend)}%`);
  at("speed-out").textContent = `${state.speed.toFixed(1)}×`;
  at("looks")
    .querySelectorAll("input")
    .forEach((slider, look) => (slider.value = state.looks[look]));
}
