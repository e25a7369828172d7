/** The clip that plays: poses, and for everybody the pictures of them, while these are still being painted. */

/**
 * @param engine as `openEngine` gives it
 * @param {(person: number, picture: Uint8ClampedArray) => void} show called for every picture to be seen now
 */
export function makeClip(engine, show) {
  let poses = [];
  let pictures = []; // [person][frame], RGBA or undefined
  let looks = [];
  let tasks = [];
  let place = 0;

  const shown = () => pictures.forEach((of, person) => of[place] && show(person, of[place]));

  /** Play other poses, or other people in them; the place in the loop stays. */
  function set(nextPoses, nextLooks) {
    const same = nextPoses === poses;
    pictures = nextLooks.map((look, person) => (same && looks[person] === look ? pictures[person] : []));
    [poses, looks] = [nextPoses, nextLooks];
    place %= poses.length;
    for (const task of tasks) task.cancel();
    tasks = [];
    const mine = pictures;
    const done = [];
    for (let k = 0; k < poses.length; k++) {
      const frame = (place + k) % poses.length;
      mine.forEach((of, person) => {
        if (of[frame]) return;
        const task = engine.paint(poses[frame], looks[person], { urgent: k === 0 });
        tasks.push(task);
        done.push(
          task.done.then((values) => {
            of[frame] = toRgba(values);
            if (pictures === mine && frame === place) show(person, of[frame]);
          }),
        );
      });
    }
    shown();
    return Promise.all(done);
  }

  return {
    set,
    get pose() {
      return poses[place];
    },
    get poses() {
      return poses;
    },
    get whole() {
      return pictures.every((of) => poses.every((_, frame) => of[frame]));
    },
    /** For every frame the pictures of all people. */
    get moments() {
      return poses.map((_, frame) => pictures.map((of) => of[frame]));
    },
    /** Begin there, with the next poses that are set. */
    goTo(frame) {
      place = frame;
    },
    /** One frame on, if it is painted; returns whether. */
    step() {
      const next = (place + 1) % poses.length;
      if (!pictures[0]?.[next]) return false;
      place = next;
      shown();
      return true;
    },
  };
}

/** Floats from -1 to about 1, three a pixel -> bytes, four a pixel. */
export function toRgba(values) {
  const rgba = new Uint8ClampedArray((values.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < values.length; from += 3, to += 4) {
    for (let k = 0; k < 3; k++) rgba[to + k] = (values[from + k] + 1) * 127.5;
  }
  return rgba;
}
