/** The controls of puppet.html: what they say goes into the state, what the state says shows on them. */

import { SEEDS } from "./state.js";

export const at = (name) => document.getElementById(`puppet-${name}`);
export const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

const SLIDERS = { blend: (value) => `${Math.round(100 * value)}%`, speed: (value) => `${value.toFixed(1)}×` };
Object.assign(SLIDERS, { steps: String, guidance: (value) => value.toFixed(1) });

/** Let the reader use the controls, or not. */
export function enableControls(enabled) {
  for (const part of at("controls").querySelectorAll("fieldset")) part.disabled = !enabled;
  at("reset").disabled = !enabled;
}

/**
 * Make the controls of the state work.
 * @param facts what puppet.json says
 * @param {object} start the state to which "Back to the start" goes
 * @param {(changes: object) => void} change called with the part of the state that the reader changed
 */
export function connectControls(facts, start, change) {
  for (let person = 0; person < facts.num_people; person++) {
    const face = element("span");
    face.style.backgroundPosition = `${(100 * person) / (facts.num_people - 1)}% 0`;
    addRadio(at("wall"), "person", person, `Person ${person}`, face, () => change({ person }));
    at("with").append(element("option", { value: person, textContent: `person ${person}` }));
  }
  for (const action of facts.actions) {
    const text = element("span", { textContent: action });
    addRadio(at("actions"), "action", action, action, text, () => change({ action, own: null }));
  }
  for (const name of Object.keys(SLIDERS)) {
    const made = name === "steps" || name === "guidance" ? { own: null } : {};
    at(name).addEventListener("input", () => change({ [name]: Number(at(name).value), ...made }));
  }
  at("with").addEventListener("change", () => change({ with: Number(at("with").value) }));
  at("by").addEventListener("change", () => change({ by: at("by").value, own: null }));
  at("three").addEventListener("change", () => change({ three: at("three").checked }));
  const any = (count) => Math.floor(Math.random() * count);
  const presses = {
    // A draw is a mixture, so there are more people than the wall holds.
    random: () => ({ person: any(facts.num_people), with: any(facts.num_people), blend: Math.round(60 * Math.random()) / 100 }),
    move: () => ({ motion: any(SEEDS), own: null }),
    reset: () => ({ ...start, own: null }),
  };
  for (const [name, changes] of Object.entries(presses)) {
    at(name).addEventListener("click", () => change(changes()));
  }
  at("controls").addEventListener("submit", (event) => event.preventDefault());
}

function addRadio(place, name, value, label, shown, pick) {
  const radio = element("input", { type: "radio", name, value, ariaLabel: label });
  // A click on the one that is chosen counts, too: it brings the action back after a pose of one's own.
  radio.addEventListener("click", pick);
  const row = element("label", { title: label });
  row.append(radio, shown);
  place.append(row);
}

/** Make the controls show a state; `own` are the reader's poses, or null. */
export function showState(state, own) {
  for (const radio of at("wall").querySelectorAll("input")) radio.checked = Number(radio.value) === state.person;
  for (const radio of at("actions").querySelectorAll("input")) radio.checked = !own && radio.value === state.action;
  for (const name of ["with", "by", ...Object.keys(SLIDERS)]) at(name).value = state[name];
  for (const [name, say] of Object.entries(SLIDERS)) {
    at(`${name}-out`).textContent = say(state[name]);
    at(name).setAttribute("aria-valuetext", say(state[name]));
  }
  at("three").checked = state.three;
  for (const name of ["steps", "guidance"]) at(name).disabled = state.by !== "flow";
}

/**
 * A slider for each joint, for those who cannot drag.
 * @param skeleton as `makeSkeleton` gives it
 * @param {{pose: () => Float32Array, begin: () => void, move: (pose: Float32Array) => void, end: () => void}} reader
 * @returns {(pose: Float32Array) => void} makes them show a pose
 */
export function connectJoints(skeleton, size, reader) {
  const shown = [];
  const add = (label, min, max, read, set) => {
    const id = `puppet-joint-${shown.length}`;
    const row = element("div", { className: "play-slider" });
    const slider = element("input", { id, type: "range", min, max, step: 1 });
    const out = element("output", {});
    row.append(element("label", { htmlFor: id, textContent: label }), slider, out);
    at("joints").append(row);
    slider.addEventListener("input", () => {
      reader.begin();
      reader.move(set(reader.pose(), Number(slider.value)));
      reader.end();
    });
    shown.push((pose) => {
      const value = Math.round(read(pose));
      if (document.activeElement !== slider) slider.value = value;
      out.textContent = max === 180 ? `${value}°` : value;
    });
  };
  for (const handle of skeleton.handles) {
    if (handle.pivot) {
      const set = (pose, value) => skeleton.setAngle(pose, handle, value);
      add(handle.label, -180, 180, (pose) => skeleton.angle(pose, handle), set);
      continue;
    }
    const place = (pose) => skeleton.get(pose, handle.joint);
    add("Body across", 0, size, (pose) => place(pose)[0], (pose, x) => skeleton.drag(pose, handle, [x, place(pose)[1]]));
    add("Body down", 0, size, (pose) => place(pose)[1], (pose, y) => skeleton.drag(pose, handle, [place(pose)[0], y]));
  }
  return (pose) => shown.forEach((show) => show(pose));
}
