/** What all pictures of the page share: size, colours, places. */

/**
 * Makes a canvas as sharp as the screen, `ratio` times as high as wide.
 * @returns {{context, width, height}} sizes in CSS pixels
 */
export function prepare(canvas, ratio) {
  const width = Math.max(1, canvas.clientWidth), height = Math.round(width * ratio);
  const sharpness = Math.min(window.devicePixelRatio || 1, 2);
  const [across, down] = [Math.round(width * sharpness), Math.round(height * sharpness)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineJoin = "round";
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  return { context, width, height };
}

/** The page's colours as [red, green, blue], 0 to 255; they differ between the light and the dark theme. */
export function readColours(element) {
  const probe = document.createElement("span");
  element.append(probe);
  const read = (name) => {
    probe.style.color = `var(--mm-${name})`;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  };
  const names = ["real", "fake", "d", "push", "ground", "ink", "quiet", "line"];
  const colours = Object.fromEntries(names.map((name) => [name, read(name)]));
  probe.remove();
  return colours;
}

/** A colour for the canvas. */
export function paint([red, green, blue], alpha = 1) {
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

/** A function that takes [low, high] to [from, to]. */
export function scale(low, high, from, to) {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

/** An arrow; one that is shorter than a pixel is a dot, so that "no push" can be seen. */
export function arrow(context, x, y, dx, dy) {
  const long = Math.hypot(dx, dy);
  if (long < 1) {
    context.fillRect(x - 1, y - 1, 2, 2);
    return;
  }
  const head = Math.min(5, 2 + long / 4), angle = Math.atan2(dy, dx);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
  for (const side of [-0.5, 0.5]) {
    context.moveTo(x + dx, y + dy);
    context.lineTo(x + dx - head * Math.cos(angle + side), y + dy - head * Math.sin(angle + side));
  }
  context.stroke();
}

/** A line through points; a null lifts the pen. */
export function trace(context, xs, ys) {
  context.beginPath();
  let down = false;
  for (let k = 0; k < ys.length; k += 1) {
    if (ys[k] === null || !Number.isFinite(ys[k])) {
      down = false;
    } else {
      context[down ? "lineTo" : "moveTo"](xs[k], ys[k]);
      down = true;
    }
  }
  context.stroke();
}
