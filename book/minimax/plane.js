/** The game on the plane: D as a map, real and generated points, and how D pushes them. */

import { arrow, paint, prepare, scale } from "./canvas.js";

export const REACH = 3.2; // the picture shows -REACH to REACH both ways
export const SIDE = 44; // D is asked on a grid of SIDE x SIDE
export const NET = 13; // the noise's net has NET lines each way, from -NET_REACH to NET_REACH
export const NET_REACH = 2.2;
const TINT = 0.5; // the strongest: points must still stand out
const PUSH_LENGTH = 0.6, PUSH_LIMIT = 0.9; // of an arrow, per unit of slope; at most

/** The places where D is asked: row after row from the top, (SIDE * SIDE, 2). */
export const GRID = Float32Array.from({ length: 2 * SIDE * SIDE }, (_, k) => {
  const place = k >> 1;
  const step = (index) => -REACH + (2 * REACH * (index + 0.5)) / SIDE;
  return k % 2 ? -step(Math.floor(place / SIDE)) : step(place % SIDE);
});

/** The noise whose images make the net: row after row, (NET * NET, 2). */
export const NET_NOISE = Float32Array.from({ length: 2 * NET * NET }, (_, k) => {
  const place = k >> 1, index = k % 2 ? Math.floor(place / NET) : place % NET;
  return -NET_REACH + (2 * NET_REACH * index) / (NET - 1);
});

/**
 * @param canvas where
 * @param view what `look` in view.js returns
 * @param colours what `readColours` returns
 * @param {{real, pushes, net: boolean, stamp: number[]|null}} show what to draw; where the stamp stands
 */
export function drawPlane(canvas, view, colours, show) {
  const { context, width, height } = prepare(canvas, 1);
  const x = scale(-REACH, REACH, 0, width), y = scale(-REACH, REACH, height, 0);
  drawMap(context, view.surface, colours, width);
  drawBorder(context, view.surface, colours, width / SIDE);
  if (show.real) drawReal(context, view.real, colours, x, y);
  if (show.net) drawNet(context, view.net, colours, x, y);
  drawFake(context, view.fake, colours, x, y);
  if (show.pushes) drawPushes(context, view.pushes, colours, x, y);
  if (show.stamp) drawStamp(context, colours, x(show.stamp[0]), y(show.stamp[1]));
}

/** D's opinion as a colour: towards that of real or of generated points, the ground where D cannot tell. */
function drawMap(context, surface, colours, width) {
  const small = document.createElement("canvas"), picture = new ImageData(SIDE, SIDE);
  small.width = small.height = SIDE;
  surface.forEach((opinion, place) => {
    const side = opinion > 0.5 ? colours.real : colours.fake;
    const share = TINT * Math.abs(2 * opinion - 1) ** 0.7; // near the border, too, one sees the side
    const colour = colours.ground.map((ground, band) => ground + share * (side[band] - ground));
    picture.data.set([...colour, 255], 4 * place);
  });
  small.getContext("2d").putImageData(picture, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, width, width); // enlarged smoothly
}

/** The line on which D cannot tell: in each square of four neighbours, between the sides that it crosses. */
function drawBorder(context, surface, colours, cell) {
  context.strokeStyle = paint(colours.ink, 0.75);
  context.lineWidth = 1.5;
  context.beginPath();
  for (let row = 0; row < SIDE - 1; row += 1) {
    for (let column = 0; column < SIDE - 1; column += 1) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
      const values = corners.map(([right, down]) => surface[(row + down) * SIDE + column + right] - 0.5);
      const crossings = corners.flatMap(([right, down], k) => {
        const next = (k + 1) % 4, [a, b] = [values[k], values[next]];
        if (a > 0 === b > 0) return [];
        const t = a / (a - b);
        const along = (from, to) => from + t * (to - from) + 0.5;
        return [[column + along(right, corners[next][0]), row + along(down, corners[next][1])]];
      });
      crossings.forEach(([across, below], k) => context[k % 2 ? "lineTo" : "moveTo"](across * cell, below * cell));
    }
  }
  context.stroke();
}

function drawReal(context, points, colours, x, y) {
  context.strokeStyle = paint(colours.real);
  context.fillStyle = paint(colours.ground, 0.6);
  context.lineWidth = 1.4;
  for (let k = 0; k < points.length; k += 2) {
    context.beginPath();
    context.arc(x(points[k]), y(points[k + 1]), 3, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

/** Diamonds with a rim of the ground's colour: shape and rim tell them from real points without colour. */
function drawFake(context, points, colours, x, y) {
  context.fillStyle = paint(colours.fake);
  context.strokeStyle = paint(colours.ground, 0.9);
  context.lineWidth = 0.8;
  for (let k = 0; k < points.length; k += 2) {
    const [across, down] = [x(points[k]), y(points[k + 1])];
    context.beginPath();
    [[0, -4], [4, 0], [0, 4], [-4, 0]].forEach(([dx, dy]) => context.lineTo(across + dx, down + dy));
    context.closePath();
    context.fill();
    context.stroke();
  }
}

function drawPushes(context, { at, by }, colours, x, y) {
  context.strokeStyle = context.fillStyle = paint(colours.push);
  context.lineWidth = 1.8;
  for (let k = 0; k < at.length; k += 2) {
    const long = Math.hypot(by[k], by[k + 1]);
    const factor = PUSH_LENGTH * Math.min(1, PUSH_LIMIT / (PUSH_LENGTH * long || 1));
    const [across, down] = [x(at[k]), y(at[k + 1])];
    arrow(context, across, down, x(at[k] + factor * by[k]) - across, y(at[k + 1] + factor * by[k + 1]) - down);
  }
}

/** Where G puts the lines of a square net of noise. */
function drawNet(context, images, colours, x, y) {
  context.strokeStyle = paint(colours.fake, 0.7);
  context.lineWidth = 1;
  context.beginPath();
  for (let line = 0; line < NET; line += 1) {
    for (let k = 0; k < NET; k += 1) {
      const place = 2 * (line * NET + k);
      context[k ? "lineTo" : "moveTo"](x(images[place]), y(images[place + 1]));
    }
    for (let k = 0; k < NET; k += 1) {
      const place = 2 * (k * NET + line);
      context[k ? "lineTo" : "moveTo"](x(images[place]), y(images[place + 1]));
    }
  }
  context.stroke();
}

function drawStamp(context, colours, across, down) {
  context.strokeStyle = paint(colours.ink);
  context.lineWidth = 2;
  context.beginPath();
  context.arc(across, down, 9, 0, 2 * Math.PI);
  context.moveTo(across - 14, down);
  context.lineTo(across + 14, down);
  context.moveTo(across, down - 14);
  context.lineTo(across, down + 14);
  context.stroke();
}
