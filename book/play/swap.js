/** The swap matrix and the names at its edges, made from the page's state. */

import { at, element } from "./controls.js";
import { makeMatrix } from "./matrix.js";
import { SEEDS, asTheyAre, clipKey, clipOf } from "./people.js";

const MOTIONS = 6; // columns when they are ways of moving

/**
 * @param generator as `openGenerator` gives it
 * @param {(changes: object) => void} change called when the reader picks a cell, a row or a column
 * @returns {{show: (state: object) => void, step: () => void}}
 */
export function makeSwap(generator, change) {
  const { facts } = generator;
  const canvas = at("matrix");
  const matrix = makeMatrix(canvas, generator);

  function show(state) {
    const people = [{}, ...state.others.map((person) => asTheyAre(state, person))]; // the first is the state's own
    const columns = columnsOf(facts, state);
    const cellAt = (row, column) => ({ ...state, ...people[row], ...columns[column].changes });
    matrix.set(
      people.map((_, row) =>
        columns.map((_, column) => {
          const cell = cellAt(row, column);
          return { key: clipKey(cell), clip: clipOf(facts, cell) };
        }),
      ),
    );
    const names = people.map(({ person = state.person }) => `person ${person}`);
    addNames(at("names"), names, 0, (row) => change(people[row]));
    const shown = columns.findIndex(({ changes }) => clipKey({ ...state, ...changes }) === clipKey(state));
    addNames(at("heads"), columns.map(({ name }) => name), shown, (column) => change(columns[column].changes));
    canvas.ariaLabel = `Rows: ${names.join(", ")}. Columns: ${columns.map(({ name }) => name).join(", ")}.`;
    canvas.onclick = ({ offsetX, offsetY }) => {
      const row = Math.floor((offsetY / canvas.clientHeight) * people.length);
      const column = Math.floor((offsetX / canvas.clientWidth) * columns.length);
      change({ ...people[row], ...columns[column].changes });
    };
  }

  return { show, step: matrix.step };
}

/** Columns of the matrix: a name, and the changes of the state that make its cells. */
function columnsOf(facts, { columns, motion }) {
  if (columns === "actions") return facts.actions.map((name, action) => ({ name, changes: { action } }));
  return Array.from({ length: MOTIONS }, (_, k) => {
    const seed = (motion - (motion % MOTIONS) + k) % SEEDS; // the same six while one of them is chosen
    return { name: `motion ${seed}`, changes: { motion: seed } };
  });
}

/** Buttons at an edge of the matrix; the one at `current` is marked. */
function addNames(place, names, current, press) {
  const focused = [...place.children].indexOf(document.activeElement);
  const buttons = names.map((textContent, k) => {
    const button = element("button", { type: "button", textContent });
    if (k === current) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => press(k));
    return button;
  });
  place.replaceChildren(...buttons);
  buttons[focused]?.focus();
}
