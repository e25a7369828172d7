/** Small pictures at both ends of the person sliders: what lies there. */

import { at } from "./controls.js";
import { LOOK_RANGE, asTheyAre, clipKey, clipOf } from "./people.js";
import { makeEnlarger } from "./stage.js";

/**
 * @param generator as `openGenerator` gives it
 * @returns {(state: object) => void} paints them for a state
 */
export function makeEnds(generator) {
  const { facts } = generator;
  const enlarge = makeEnlarger(facts.size);
  let painted = [];

  return (state) => {
    const looks = facts.directions.flatMap((_, look) =>
      [-LOOK_RANGE, LOOK_RANGE].map((by) => ({ ...state, looks: state.looks.map((old, k) => (k === look ? by : old)) })),
    );
    const blends = [state.person, state.blendWith].map((person) => ({ ...state, ...asTheyAre(state, person) }));
    const canvases = at("controls").querySelectorAll(".play-ends canvas"); // looks, then blend
    painted = [...looks, ...blends].map((end, k) => {
      const key = clipKey(end);
      if (painted[k]?.key === key) return painted[k];
      painted[k]?.job.cancel();
      const order = [facts.start.frame];
      const job = generator.request(clipOf(facts, end), { order }, (_, [frame]) => enlarge(canvases[k], frame));
      return { key, job };
    });
  };
}
