/** Recording: two seconds of the poses that the reader drags through. */

const EASE = 5; // last frames that lead back to the first pose, so that the motion repeats without a jump

/**
 * @param {{num_frames: number, fps: number}} facts
 * @param skeleton as `makeSkeleton` gives it
 * @param {() => Float32Array} pose what the figure shows now
 * @param {(share: number) => void} onProgress called ten times a second
 * @returns {{done: Promise<Float32Array[]|null>, stop: () => void}} the motion, or null if it was stopped
 */
export function record({ num_frames: numFrames, fps }, skeleton, pose, onProgress) {
  const poses = [];
  let timer;
  let finish;
  const done = new Promise((resolve) => (finish = resolve));
  timer = setInterval(() => {
    poses.push(pose().slice());
    onProgress(poses.length / numFrames);
    if (poses.length < numFrames) return;
    clearInterval(timer);
    finish(close(poses, skeleton));
  }, 1000 / fps);
  const stop = () => {
    clearInterval(timer);
    finish(null);
  };
  return { done, stop };
}

/** The motion with its last frames led back to the first pose. */
export function close(poses, skeleton) {
  return poses.map((pose, k) => {
    const share = (k - poses.length + EASE + 1) / (EASE + 1);
    if (share <= 0) return pose;
    const eased = share * share * (3 - 2 * share);
    return skeleton.withLengths(pose.map((value, n) => value + eased * (poses[0][n] - value)), pose);
  });
}
