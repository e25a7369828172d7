/** The large picture: one clip that plays in a loop, while its frames are still coming in. */

/**
 * @param {HTMLCanvasElement} canvas drawn at its own width and height
 * @param {{size: number, num_frames: number}} facts
 */
export function makeStage(canvas, { size, num_frames: numFrames }) {
  const enlarge = makeEnlarger(size);
  const frames = new Array(numFrames).fill(null);
  let loop = [0, numFrames];
  let place = 0;

  const draw = () => frames[place] && enlarge(canvas, frames[place]);
  return {
    get place() {
      return place;
    },
    /** Frames of the loop that plays, RGBA, in order. */
    get loopFrames() {
      return frames.slice(...loop);
    },
    /** Frames in the order in which they will be seen from now on: what a new clip is painted in. */
    order: () => frames.map((_, k) => (place + k) % numFrames),
    show(index, arrived) {
      index.forEach((frame, k) => (frames[frame] = arrived[k]));
      if (index.includes(place)) draw();
    },
    setLoop(next) {
      loop = next;
    },
    goTo(frame) {
      place = frame;
      draw();
    },
    step() {
      place = place + 1 < loop[1] && place + 1 >= loop[0] ? place + 1 : loop[0];
      draw();
    },
  };
}

/**
 * A function that draws a small frame over a whole canvas, smoothly.
 * @param {number} size pixels of the frame's side
 * @returns {(canvas: HTMLCanvasElement, rgba: Uint8ClampedArray) => void}
 */
export function makeEnlarger(size) {
  const small = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = small.getContext("2d");
  return (canvas, rgba) => {
    context.putImageData(new ImageData(rgba, size, size), 0, 0);
    const large = canvas.getContext("2d");
    large.imageSmoothingEnabled = true;
    large.imageSmoothingQuality = "high";
    large.drawImage(small, 0, 0, canvas.width, canvas.height);
  };
}

/**
 * A clock for everything that moves. It stands still while the tab is hidden.
 * @param {() => void} onTick called once a frame
 */
export function makeClock(onTick) {
  let playing = false;
  let frameTime = 100; // ms
  let last = 0;
  const turn = (now) => {
    if (!playing) return;
    if (now - last >= frameTime) {
      // After a long break the clock starts anew instead of catching up.
      last = now - last > 4 * frameTime ? now : last + frameTime;
      onTick();
    }
    requestAnimationFrame(turn);
  };
  return {
    get playing() {
      return playing;
    },
    setRate(framesPerSecond) {
      frameTime = 1000 / framesPerSecond;
    },
    set(play) {
      if (play === playing) return;
      playing = play;
      if (play) requestAnimationFrame(turn);
    },
  };
}
