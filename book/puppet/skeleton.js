/**
 * The skeleton that the reader moves. A pose is a Float32Array (joint * 3): x and y in pixels of the frame, depth in
 * pixels towards the viewer; names and order of the joints are `facts.joints`. Limbs keep their lengths, in depth too:
 * an arm that looks shorter points at the viewer.
 */

const SIDES = ["right", "left"];
const PARENTS = { waist: "pelvis", neck: "waist", nape: "neck", head: "neck", hair: "head", nose: "head" };
for (const side of SIDES) {
  const chain = ["shoulder", "elbow", "wrist", "hand"];
  chain.forEach((joint, k) => (PARENTS[`${side}_${joint}`] = k ? `${side}_${chain[k - 1]}` : "neck"));
  const leg = ["hip", "knee", "ankle", "toe"];
  leg.forEach((joint, k) => (PARENTS[`${side}_${joint}`] = k ? `${side}_${leg[k - 1]}` : "pelvis"));
  PARENTS[`${side}_heel`] = `${side}_ankle`;
}

// What can be dragged: the joint, what it turns about, and what turns with it (null: the joint and all beyond it).
const HANDLES = [
  { joint: "pelvis", label: "Pelvis" },
  { joint: "neck", label: "Trunk", pivot: "pelvis", branch: ["waist"] },
  { joint: "head", label: "Head", pivot: "neck", branch: ["head", "nape"] },
];
for (const side of SIDES) {
  const add = (joint, pivot, more = {}) =>
    HANDLES.push({ joint: `${side}_${joint}`, label: `${side} ${joint}`, pivot: pivot.includes("_") || pivot === "neck" || pivot === "pelvis" ? pivot : `${side}_${pivot}`, ...more });
  add("shoulder", "neck");
  add("elbow", "shoulder");
  add("wrist", "elbow", { root: `${side}_shoulder` });
  add("hand", "wrist");
  add("hip", "pelvis");
  add("knee", "hip");
  add("ankle", "knee", { root: `${side}_hip`, flat: true });
  add("toe", "ankle", { branch: [`${side}_toe`, `${side}_heel`] });
}

/** Lines of the stick figure: pairs of names of joints. */
export const STICKS = Object.entries(PARENTS).filter(([joint]) => !["nape", "hair", "nose"].includes(joint));

/**
 * @param {string[]} names of the joints, in the order of a pose
 * @returns handles and what can be done with a pose; nothing changes a pose that it is given
 */
export function makeSkeleton(names) {
  const place = Object.fromEntries(names.map((name, k) => [name, k]));
  const beyond = (joint) => [joint, ...names.filter((name) => PARENTS[name] === joint).flatMap(beyond)];
  const handles = HANDLES.map((handle) => ({
    ...handle,
    label: handle.label[0].toUpperCase() + handle.label.slice(1),
    moved: (handle.branch ?? [handle.joint]).flatMap(beyond),
  }));
  const order = beyond("pelvis");
  const get = (pose, name) => Array.from(pose.subarray(3 * place[name], 3 * place[name] + 3));

  /** Turn joints about a pivot: `turn` takes and gives an offset of three numbers. */
  function turned(pose, pivot, moved, turn) {
    const next = pose.slice();
    const about = get(pose, pivot);
    for (const name of moved) next.set(plus(about, turn(minus(get(pose, name), about))), 3 * place[name]);
    return next;
  }

  function shifted(pose, moved, by) {
    const next = pose.slice();
    for (const name of moved) next.set(plus(get(pose, name), by), 3 * place[name]);
    return next;
  }

  /** A joint goes where the pointer is, as far as its limb reaches; what it hangs on stays. */
  function aim(pose, { joint, pivot, moved }, [x, y]) {
    const [about, at] = [get(pose, pivot), get(pose, joint)];
    const old = minus(at, about);
    const length = norm(old);
    let [dx, dy] = [x - about[0], y - about[1]];
    const far = Math.hypot(dx, dy) / length;
    if (far > 1) [dx, dy] = [dx / far, dy / far];
    const depth = Math.sqrt(Math.max(0, length ** 2 - dx ** 2 - dy ** 2)) * (old[2] < 0 ? -1 : 1);
    return turned(pose, pivot, moved, turnTo(old, [dx, dy, depth]));
  }

  /** A hand or a foot goes where the pointer is; elbow or knee bends the way it is bent. */
  function reach(pose, { joint, pivot: middle, root, moved, flat }, [x, y]) {
    const [start, bend, end] = [root, middle, joint].map((name) => get(pose, name));
    const [upper, lower] = [norm(minus(bend, start)), norm(minus(end, bend))];
    const goal = within([x - start[0], y - start[1], end[2] - start[2]], 1.001 * Math.abs(upper - lower), 0.999 * (upper + lower));
    const length = norm(goal);
    const along = scaled(goal, 1 / length);
    const arm = minus(bend, start);
    let aside = minus(arm, scaled(along, dot(arm, along)));
    if (norm(aside) < 1e-3) aside = [-along[1], along[0], 0.1];
    const cosine = (upper ** 2 + length ** 2 - lower ** 2) / (2 * upper * length);
    const sine = Math.sqrt(Math.max(0, 1 - cosine ** 2));
    const elbow = plus(scaled(along, upper * cosine), scaled(aside, (upper * sine) / norm(aside)));
    const next = pose.slice();
    next.set(plus(start, elbow), 3 * place[middle]);
    const turn = flat ? (offset) => offset : turnTo(minus(end, bend), minus(goal, elbow));
    for (const name of moved) next.set(plus(plus(start, goal), turn(minus(get(pose, name), end))), 3 * place[name]);
    return next;
  }

  /** The pose with a joint dragged to a place [x, y]. */
  function drag(pose, handle, target) {
    if (!handle.pivot) return shifted(pose, order, [...minus([...target, 0], [...get(pose, handle.joint).slice(0, 2), 0])]);
    return handle.root ? reach(pose, handle, target) : aim(pose, handle, target);
  }

  /** Where a limb points in the picture, degrees: 0 to the right, 90 down. */
  function angle(pose, { joint, pivot }) {
    const [dx, dy] = minus(get(pose, joint), get(pose, pivot));
    return (Math.atan2(dy, dx) * 180) / Math.PI;
  }

  /** The pose with a limb turned in the picture to an angle. */
  function setAngle(pose, handle, degrees) {
    const by = ((degrees - angle(pose, handle)) * Math.PI) / 180;
    const [cos, sin] = [Math.cos(by), Math.sin(by)];
    return turned(pose, handle.pivot, handle.moved, ([x, y, z]) => [cos * x - sin * y, sin * x + cos * y, z]);
  }

  /** A pose whose limbs point as in `pose` and are as long as in `like`. */
  function withLengths(pose, like) {
    const next = pose.slice();
    for (const name of order) {
      const parent = PARENTS[name];
      if (!parent) continue;
      const offset = minus(get(pose, name), get(pose, parent));
      const length = norm(minus(get(like, name), get(like, parent)));
      next.set(plus(get(next, parent), scaled(offset, length / (norm(offset) || 1))), 3 * place[name]);
    }
    return next;
  }

  return { handles, place, get, drag, angle, setAngle, withLengths };
}

/** A vector no shorter than `least` and no longer than `most`; its depth gives way first. */
function within([x, y, z], least, most) {
  const flat = Math.hypot(x, y);
  const length = Math.hypot(flat, z);
  const sign = z < 0 ? -1 : 1;
  if (flat > most) return [(x / flat) * most, (y / flat) * most, 0];
  if (length > most) return [x, y, sign * Math.sqrt(most ** 2 - flat ** 2)];
  if (length < least) return [x, y, sign * Math.sqrt(least ** 2 - flat ** 2)];
  return [x, y, z];
}

/** The smallest turn that makes `from` point like `to`, as a function of an offset (Rodrigues' formula). */
function turnTo(from, to) {
  const [a, b] = [scaled(from, 1 / norm(from)), scaled(to, 1 / (norm(to) || 1))];
  const cosine = dot(a, b);
  if (cosine < -0.999999) return ([x, y, z]) => [-x, -y, z]; // half a turn in the picture
  const axis = cross(a, b);
  return (offset) =>
    plus(plus(scaled(offset, cosine), cross(axis, offset)), scaled(axis, dot(axis, offset) / (1 + cosine)));
}

const plus = (a, b) => a.map((value, k) => value + b[k]);
const minus = (a, b) => a.map((value, k) => value - b[k]);
const scaled = (a, by) => a.map((value) => value * by);
const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
const norm = (a) => Math.sqrt(dot(a, a));
const cross = ([a, b, c], [x, y, z]) => [b * z - c * y, c * x - a * z, a * y - b * x];
