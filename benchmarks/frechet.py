"""Frechet distance without a matrix square root: how much faster, and is it the same number?

    python benchmarks/frechet.py [--repeats 3]

Three pairs of feature sets, feature dimension 2048, float64:
- "few clips": 1,000 clips each, so the covariances are singular;
- "known answer": the same sizes, made so that both covariances have the same eigenvectors. Then
  d^2 = |mean gap|^2 + sum (a - b)^2 with a, b the standard deviations along them: the truth, exactly;
- "many clips": 4,096 clips each, covariances of full rank, where both methods are well conditioned.

"classical" is the usual code: `scipy.linalg.sqrtm` of the product of the covariances. "symmetric" takes the
eigenvalues of S_r^(1/2) S_f S_r^(1/2) instead: a second opinion that is slow too, but sound.
"""

import argparse
import statistics
import time

import numpy as np
import scipy.linalg

from vgcourse.evaluate import metrics

DIM = 2048


def correlated(n, seed):
    """Features with a decaying spectrum, turned at random, as a CNN's are; shape (n, DIM)."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0]
    spread = np.arange(1, DIM + 1) ** -0.5
    return rng.normal(size=(n, DIM)) * spread @ turn + 0.05 * rng.normal(size=DIM)


def known_answer(n):
    """Two sets with covariances V diag(a^2) V^T and V diag(b^2) V^T of rank n - 1, and their distance."""
    rng, rank = np.random.default_rng(0), n - 1
    axes = np.linalg.qr(rng.normal(size=(DIM, rank)))[0]
    a, b, gap = rng.uniform(0.1, 2, rank), rng.uniform(0.1, 2, rank), 0.05 * rng.normal(size=DIM)

    def rows(spread):
        noise = rng.normal(size=(n, rank))
        orthonormal = np.linalg.qr(np.column_stack([np.ones(n), noise]))[0][:, 1:]  # columns of mean 0
        return np.sqrt(n - 1) * orthonormal * spread @ axes.T

    return rows(a), rows(b) + gap, gap @ gap + np.sum((a - b) ** 2)


def classical(real, fake):
    covariances = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    return float(gap @ gap + np.trace(covariances[0] + covariances[1]) - 2 * np.trace(root).real)


def symmetric(real, fake):
    covariances = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    values, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    inner = np.linalg.eigvalsh(root @ covariances[1] @ root).clip(0)
    return float(gap @ gap + np.trace(covariances[0] + covariances[1]) - 2 * np.sqrt(inner).sum())


def timed(function, real, fake, repeats):
    """The result and the median time in seconds."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function(real, fake)
        seconds.append(time.perf_counter() - start)
    return result, statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser(description="Speed and accuracy of metrics.frechet_distance.")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each method; medians are shown")
    repeats = parser.parse_args().repeats
    cases = {
        "few clips (n 1000)": (correlated(1000, 1), correlated(1000, 2), None),
        "known answer (n 1000)": known_answer(1000),
        "many clips (n 4096)": (correlated(4096, 1), correlated(4096, 2), None),
    }
    for name, (real, fake, truth) in cases.items():
        print(f"{name}, d {DIM}", flush=True)
        ours, our_time = timed(metrics.frechet_distance, real, fake, repeats)
        print(f"  vgcourse   {ours:.12g}  {our_time:.2f} s", flush=True)
        for method in (classical, symmetric):
            value, seconds = timed(method, real, fake, repeats)
            ratio = f"{seconds / our_time:.1f} times ours"
            print(f"  {method.__name__:10} {value:.12g}  {seconds:.2f} s, {ratio}; "
                  f"relative difference to ours {abs(value / ours - 1):.1e}", flush=True)  # fmt: skip
        if truth is not None:
            print(
                f"  truth      {truth:.12g}; relative error of ours {abs(ours / truth - 1):.1e}", flush=True
            )


if __name__ == "__main__":
    main()
