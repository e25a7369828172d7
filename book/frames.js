/**
 * Pictures under sliders, without a kernel: every `figure.frames` holds its controls, its first picture, and as JSON
 * the positions of each control and one picture for each combination of them, the last control moving fastest.
 */

/** @param {number[]} places one place per control  @param {Array[]} values positions of each  @returns {number} */
export function frameAt(places, values) {
  return places.reduce((index, place, k) => index * values[k].length + place, 0);
}

/** @param {number|string} value  @returns {string} the value as a reader would write it */
function written(value) {
  return typeof value === "number" ? String(value).replace("-", "−") : value;
}

/** @param {HTMLElement} figure */
function enliven(figure) {
  const { prefix, values, frames } = JSON.parse(figure.querySelector("script").textContent);
  const controls = [...figure.querySelectorAll("input, select")];
  const image = figure.querySelector("img");
  const words = figure.querySelector(".frames-words");
  const place = (control) => (control.tagName === "SELECT" ? control.selectedIndex : Number(control.value));

  const label = () => controls.forEach((control, k) => {
    const value = written(values[k][place(control)]);
    control.parentElement.querySelector("output")?.replaceChildren(value);
    if (control.type === "range") control.setAttribute("aria-valuetext", value);
  });

  const show = () => {
    label();
    const frame = frames[frameAt(controls.map(place), values)];
    image.hidden = !frame.file;
    words.classList.toggle("frames-objection", !frame.file);
    words.textContent = frame.objection ?? frame.alt;
    if (frame.file) {
      image.alt = frame.alt;
      image.src = prefix + frame.file;
    }
  };

  // All pictures are fetched when the reader first reaches for a control: then none is waited for.
  const fetchAll = () => frames.forEach((frame) => { if (frame.file) new Image().src = prefix + frame.file; });
  const box = figure.querySelector(".frames-controls");
  for (const start of ["pointerenter", "focusin"]) box.addEventListener(start, fetchAll, { once: true });
  box.addEventListener("input", show);
  box.hidden = false;
  // A reload keeps the sliders where they were; the picture must agree.
  if (controls.some((control) => control.type === "range" && control.value !== control.defaultValue)
      || controls.some((control) => control.selectedIndex > 0)) show();
  else label();
}

document.querySelectorAll("figure.frames").forEach(enliven);
