#!/usr/bin/env python3
"""Reference values for tests/c/test_linalg.c, printed as C arrays:

    python3 tests/golden/linalg_reference.py > tests/golden/linalg.h

Special functions and Hilbert eigenvalues come from mpmath in 60 digits; matrix results from LAPACK and assignments
from scipy.optimize, on matrices drawn by the linear congruential generator that the test repeats.
"""
import mpmath as mp
import numpy as np
import scipy.linalg
import scipy.optimize

mp.mp.dps = 60


class Draw:
    """s' = 6364136223846793005 s + 1442695040888963407 mod 2^64; the upper 53 bits make a number in [0,1)."""

    def __init__(self, seed):
        self.s = (seed * 0x9E3779B97F4A7C15 + 1) % 2**64

    def __call__(self):
        self.s = (self.s * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.s >> 11) * 2.0**-53

    def matrix(self, m, n):
        """Entries in [-1,1), row by row."""
        return np.array([[2 * self() - 1 for _ in range(n)] for _ in range(m)]).reshape(m, n)


def number(x):
    x = float(x)
    return "INFINITY" if x == np.inf else "-INFINITY" if x == -np.inf else repr(x)


def table(comment, name, values, per_line=4):
    print(f"/* {comment} */")
    print(f"static const double {name}[] = {{")
    texts = [number(v) for v in values]
    for i in range(0, len(texts), per_line):
        print("  " + ", ".join(texts[i:i + per_line]) + ",")
    print("};\n")


def pairs(comment, name, function, points):
    """x, f(x), x, f(x), ..., f correctly rounded."""
    table(comment, name, [v for x in points for v in (x, function(mp.mpf(x)))], per_line=2)


def spread(low, high, n, seed):
    draw = Draw(seed)
    return [low + (high - low) * draw() for _ in range(n)]


def decades(low, high, n, seed):
    return [10.0 ** e for e in spread(low, high, n, seed)]


def symmetric(n, seed):
    a = Draw(seed).matrix(n, n)
    return a + a.T


def costs(case):
    draw = Draw(1000 + case)
    m, n = 1 + int(12 * draw()), 1 + int(12 * draw())
    if case % 4 == 0:
        n = m
    scale = 3.0 if case % 2 else 1000.0
    c = scale * draw.matrix(m, n)
    return np.floor(c) if case % 2 else c


def main():
    print("/* Printed by linalg_reference.py: values from mpmath, LAPACK and SciPy.  Do not edit. */\n")

    n = 50
    table("eigenvalues of the symmetric matrix of seed 1 (LAPACK)", "golden_eigenvalues",
          np.linalg.eigvalsh(symmetric(n, 1)))
    hilbert = sorted(mp.eigsy(mp.matrix(10, 10) + mp.hilbert(10), eigvals_only=True))
    table("eigenvalues of the 10x10 Hilbert matrix (60 digits)", "golden_hilbert", hilbert)
    table("singular values of the 50x30 matrix of seed 2 (LAPACK)", "golden_singular_values",
          np.linalg.svd(Draw(2).matrix(n, 30), compute_uv=False))

    a, b = Draw(3).matrix(n, n), Draw(4).matrix(n, 2)
    table("X, (50,2): A X = B of seeds 3 and 4 (LAPACK)", "golden_solution", np.linalg.solve(a, b).ravel())
    sign, logabs = np.linalg.slogdet(a)
    table("det, sign and log|det| of seed 3 (LAPACK)", "golden_determinant", [np.linalg.det(a), sign, logabs])
    a, b = Draw(5).matrix(n, 12), Draw(6).matrix(n, 2)
    table("X, (12,2): least squares of seeds 5 and 6 (LAPACK)", "golden_least_squares",
          np.linalg.lstsq(a, b, rcond=None)[0].ravel())
    a, b = Draw(7).matrix(20, 40), Draw(8).matrix(20, 40)
    a, b = a @ a.T, b @ b.T
    table("the first row of A^1/2, A = F F^T of seed 7, (20,40) (SciPy)", "golden_root", scipy.linalg.sqrtm(a)[0].real)
    table("tr((A^1/2 B A^1/2)^1/2) for seeds 7 and 8 (SciPy)", "golden_trace",
          [np.trace(scipy.linalg.sqrtm(a @ b)).real])

    best = []
    for case in range(200):
        c = costs(case)
        rows, columns = scipy.optimize.linear_sum_assignment(c)
        best.append(c[rows, columns].sum())
    table("least costs of 200 assignments (SciPy)", "golden_costs", best)

    zero = [0.37, 0.3725, 0.3725074107813666, 0.37250741078136665, 0.3725074107813668, 0.373, 0.25, 0.6]
    pairs("Ei", "golden_ei", mp.ei,
          zero + spread(0, 2, 60, 11) + spread(2, 45, 60, 12) + spread(45, 716, 40, 13) + spread(-40, 0, 60, 14)
          + decades(-300, 0, 30, 15) + [-1.0, -0.5, 1.0, 40.0, 39.999, 700.0, 716.0, -700.0])
    pairs("E1", "golden_e1", mp.e1,
          [0.5, 0.4999, 1.0, 2.0, 10.0, 700.0] + spread(0, 3, 60, 16) + spread(3, 700, 60, 17) + decades(-300, 0, 30, 18))
    pairs("erf", "golden_erf", mp.erf, [0.0, 0.5, -0.5, 1.0, 5.0] + spread(-6, 6, 60, 29) + decades(-300, 0, 20, 30))
    pairs("erfc", "golden_erfc", mp.erfc,
          [0.0, 0.5, -0.5, 1.0, 26.0] + spread(-6, 6, 60, 19) + spread(6, 26, 40, 20) + decades(-300, 0, 20, 21))
    pairs("the inverse of erf", "golden_erfinv", mp.erfinv,
          [0.1, 0.0999, 0.5, 0.4999, 1 - 2.0**-53, 1 - 1e-10, 1 - 1e-5] + spread(-1, 1, 80, 22) + decades(-300, 0, 30, 23))
    pairs("log|Gamma|", "golden_lgamma", lambda x: mp.log(abs(mp.gamma(x))),
          [0.5, 1.5, 2.5, 10.0, 9.999, 1.001, 0.999, 2.001, 1.999] + spread(0, 12, 80, 24) + decades(1, 15, 30, 25)
          + decades(-300, 0, 30, 26))
    pairs("log|Gamma| below 0", "golden_lgamma_negative", lambda x: mp.log(abs(mp.gamma(x))), spread(-30, 0, 60, 27))
    pairs("digamma", "golden_digamma", mp.digamma,
          [1.0, 1.25, 1.4616, 1.461632144968362, 1.4616321449683623, 1.4616321449683625, 1.7] + spread(0, 12, 80, 28)
          + decades(1, 300, 30, 29) + decades(-300, 0, 30, 30))
    pairs("digamma below 0", "golden_digamma_negative", mp.digamma, spread(-30, 0, 60, 31))


if __name__ == "__main__":
    main()
