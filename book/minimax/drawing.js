/** Lets the reader draw a target: with a pointer, or with keys that move a stamp. */

import { lineScale } from "./line.js";
import { REACH } from "./plane.js";
import { HIGH, LOW } from "./theory.js";

const APART = 0.06; // two dabs of one stroke are at least so far apart
const MOST = 600; // dabs
const STRIDE = 0.2; // of the stamp, per key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @param canvas the stage
 * @param {() => object|null} target the target to draw into; null while nothing is to be drawn
 * @param {() => void} changed is called after each change
 * @returns {{stamp: () => number[]|null}} where the stamp stands while the picture has the focus
 */
export function makeDrawable(canvas, target, changed) {
  let place = [0, 0];
  const add = (at) => {
    const { dim, centres } = target();
    const dab = at.slice(0, dim).map((value) => Number(value.toFixed(3)));
    const last = centres.at(-1);
    if (centres.length >= MOST || (last && Math.hypot(...dab.map((v, axis) => v - last[axis])) < APART)) return;
    centres.push(dab);
    changed();
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!target() || event.button > 0) return;
    canvas.setPointerCapture(event.pointerId);
    add(placeOf(canvas, event, target().dim));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (target() && canvas.hasPointerCapture(event.pointerId)) add(placeOf(canvas, event, target().dim));
  });
  canvas.addEventListener("keydown", (event) => {
    if (!target() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) {
      const reach = target().dim === 1 ? HIGH : REACH;
      place = place.map((value, axis) => Math.max(-reach, Math.min(reach, value + STRIDE * ARROWS[event.key][axis])));
      changed();
    } else if (event.key === " " || event.key === "Enter") {
      add(place);
    } else if (event.key === "Backspace" || event.key === "Delete") {
      target().centres.pop();
      changed();
    } else {
      return;
    }
    event.preventDefault();
  });
  canvas.addEventListener("focus", changed);
  canvas.addEventListener("blur", changed);
  return { stamp: () => (target() && document.activeElement === canvas && canvas.matches(":focus-visible") ? place : null) };
}

/** Where on the line or plane a pointer is. */
function placeOf(canvas, event, dim) {
  const box = canvas.getBoundingClientRect();
  const [right, down] = [event.clientX - box.left, event.clientY - box.top];
  if (dim === 1) {
    const x = lineScale(box.width);
    const value = LOW + ((right - x(LOW)) / (x(HIGH) - x(LOW))) * (HIGH - LOW);
    return [Math.max(LOW, Math.min(HIGH, value)), 0];
  }
  return [(right / box.width) * 2 * REACH - REACH, REACH - (down / box.height) * 2 * REACH];
}
