/** The stick figure: lines and handles as SVG, dragged by mouse or finger, or moved by the arrow keys. */

import { STICKS } from "./skeleton.js";

const NEAR = 20; // pixels of the frame around a handle that take hold of it
const STEP = 2; // pixels of the frame that an arrow key moves a joint

/**
 * @param {SVGElement} svg with a view box of the frame's size
 * @param skeleton as `makeSkeleton` gives it
 * @param {{pose: () => Float32Array, begin: () => void, move: (pose: Float32Array) => void, end: () => void,
 *   choose: (label: string) => void}} reader what the figure asks and tells
 * @param {Element[]} surfaces elements on which the pointer drags, all showing the same frame
 */
export function makeFigure(svg, skeleton, size, reader, surfaces) {
  const draw = (tag, className, more = {}) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries({ class: className, ...more })) shape.setAttribute(name, value);
    svg.append(shape);
    return shape;
  };
  const lines = STICKS.map(([joint]) => draw("line", joint.split("_")[0]));
  const face = draw("circle", "face", { r: 6 });
  const dots = skeleton.handles.map(() => draw("circle", "handle", { r: 2.6 }));
  const holds = skeleton.handles.map(() => draw("circle", "hold", { r: 7 })); // a finger is wider than a dot
  let chosen = skeleton.handles.findIndex(({ joint }) => joint === "right_wrist");

  function show(pose) {
    STICKS.forEach(([joint, parent], k) => {
      const [[x1, y1], [x2, y2]] = [skeleton.get(pose, parent), skeleton.get(pose, joint)];
      for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) lines[k].setAttribute(name, value.toFixed(2));
    });
    const put = (shape, joint) => {
      const [x, y] = skeleton.get(pose, joint);
      shape.setAttribute("cx", x.toFixed(2));
      shape.setAttribute("cy", y.toFixed(2));
    };
    put(face, "head");
    skeleton.handles.forEach(({ joint }, k) => [dots[k], holds[k]].forEach((shape) => put(shape, joint)));
  }

  function choose(index) {
    dots[chosen].classList.remove("chosen");
    chosen = index;
    dots[chosen].classList.add("chosen");
  }

  function placeOf(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const at = [((event.clientX - box.left) / box.width) * size, ((event.clientY - box.top) / box.height) * size];
    return at.map((value) => Math.min(size - 1, Math.max(1, value)));
  }

  function nearest(pose, [x, y]) {
    const far = skeleton.handles.map(({ joint }) => {
      const [a, b] = skeleton.get(pose, joint);
      return Math.hypot(a - x, b - y);
    });
    const least = Math.min(...far);
    return least < NEAR ? far.indexOf(least) : -1;
  }

  for (const surface of surfaces) {
    let from = null; // the pose in which the drag began: nothing adds up on the way
    surface.addEventListener("pointerdown", (event) => {
      if (event.button || (surface !== svg && svg.contains(event.target))) return;
      const found = nearest(reader.pose(), placeOf(event));
      if (found < 0) return;
      event.preventDefault();
      svg.focus({ preventScroll: true });
      choose(found);
      reader.begin();
      from = { pose: reader.pose(), pointer: placeOf(event) };
      surface.setPointerCapture(event.pointerId);
    });
    surface.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [handle, at] = [skeleton.handles[chosen], placeOf(event)];
      const start = skeleton.get(from.pose, handle.joint);
      reader.move(skeleton.drag(from.pose, handle, at.map((value, k) => start[k] + value - from.pointer[k])));
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      surface.addEventListener(kind, () => {
        if (from) reader.end();
        from = null;
      });
    }
  }
  svg.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    const next = { n: 1, p: -1 }[event.key];
    if (next) {
      choose((chosen + next + dots.length) % dots.length);
      reader.choose(skeleton.handles[chosen].label);
    }
    if (!by) return;
    event.preventDefault();
    reader.begin();
    const handle = skeleton.handles[chosen];
    const [x, y] = skeleton.get(reader.pose(), handle.joint);
    reader.move(skeleton.drag(reader.pose(), handle, [x + by[0], y + by[1]]));
    reader.end();
  });
  choose(chosen);
  return { show };
}
