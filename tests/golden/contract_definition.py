"""An independent implementation of docs/NUMERICS.md, for contract.py.

Written from that page alone, with numpy as the only arithmetic and every operation one at a time.  It knows nothing of
vectors, tiles or threads.  Functions that need an elementary function (exp, log, ...) are left out: their hashes stand in
docs/SCALAR.md.
"""
import hashlib
import itertools
import math
from fractions import Fraction

import numpy as np

F, D = np.float32, np.float64
np.seterr(all="ignore")

# ---- fused multiply-add -----------------------------------------------------------------------------------------------


def fma32(a, b, c):
    """a b + c rounded once: exact product in double, sum rounded to odd, then to float32."""
    a, b, c = np.broadcast_arrays(np.asarray(a, F), np.asarray(b, F), np.asarray(c, F))
    p, c = a.astype(D) * b.astype(D), c.astype(D)
    s = p + c
    z = s - p
    error = (p - (s - z)) + (c - z)
    bits = s.view(np.int64) if s.shape else np.asarray(s).view(np.int64)
    even = (bits & 1) == 0
    away = (error > 0) == (s > 0)                              # the exact sum is larger in magnitude
    odd = np.where((error != 0) & even & np.isfinite(s), np.where(away, bits + 1, bits - 1), bits)
    return odd.view(D).astype(F)


def fma64(a, b, c):
    """The same in float64, by exact fractions; finite arguments, no zero result of interest."""
    def one(x, y, z):
        exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
        return float(exact) if exact else float(x) * float(y) + float(z)
    a, b, c = np.broadcast_arrays(np.asarray(a, D), np.asarray(b, D), np.asarray(c, D))
    return np.array([one(*t) for t in zip(a.ravel(), b.ravel(), c.ravel())], D).reshape(a.shape)


def fma(a, b, c):
    wide = any(getattr(x, "dtype", None) == D for x in (a, b, c))
    return fma64(a, b, c) if wide else fma32(a, b, c)


# ---- random numbers ---------------------------------------------------------------------------------------------------


def philox(seed, stream, blocks):
    """Four words for each block: (n, 4), uint64 arrays that hold 32 bits."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    block = np.arange(blocks, dtype=np.uint64)
    c = [block & low, block >> half, np.full(blocks, stream & 0xFFFFFFFF, np.uint64),
         np.full(blocks, stream >> 32, np.uint64)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> half) ^ c[1] ^ np.uint64(k0), p1 & low, (p0 >> half) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
    return np.stack(c, 1)


def fnv1a(name):
    if not name:
        return 0
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return h


class Generator:
    def __init__(self, seed, name=""):
        self.seed, self.name, self.ordinal = seed & (1 << 64) - 1, fnv1a(name), 0

    def _words(self, n, per_block):
        stream = self.name << 32 | self.ordinal
        self.ordinal += 1
        return philox(self.seed, stream, -(-n // per_block))

    def bits(self, n):
        return self._words(n, 4).ravel()[:n].astype(np.int64)

    def rand(self, *shape):
        n = int(np.prod(shape))
        w = self._words(n, 4).ravel()[:n]
        return ((w >> np.uint64(8)).astype(F) * F(2.0**-24)).reshape(shape)

    def _pairs(self, n):
        w = self._words(n, 2)
        v = w[:, 1::2] << np.uint64(32) | w[:, 0::2]
        return v.ravel()[:n]

    def rand64(self, *shape):
        n = int(np.prod(shape))
        return ((self._pairs(n) >> np.uint64(11)).astype(D) * 2.0**-53).reshape(shape)

    def randint(self, a, b, n):
        return np.array([a + (int(v) * (b - a + 1) >> 64) for v in self._pairs(n)], np.int64)

    def randperm(self, n):
        return np.argsort(self.rand64(n), kind="stable").astype(np.int64) + 1

    def bernoulli(self, p, n):
        return (self.rand(n).astype(D) < p).astype(F)

    def categorical(self, weights, count):
        rows, result = np.atleast_2d(np.asarray(weights, D)), []
        u = self.rand64(len(rows), count)
        for row, draws in zip(rows, u):
            total = D(0)
            for w in row:
                total = total + w
            last = max(i for i, w in enumerate(row) if w > 0)
            for v in draws:
                s, at = D(0), last
                for i, w in enumerate(row):
                    s = s + w
                    if s > v * total:
                        at = i
                        break
                result.append(at + 1)
        return np.array(result, np.int64).reshape(len(rows), count)


def values(seed, *shape):
    """Test data: t^3 8 for t uniform in [-1/2, 1/2), which fills all bits of many binades."""
    t = Generator(seed).rand(*shape) - F(0.5)
    return t * t * t * F(8)


def values64(seed, *shape):
    t = Generator(seed).rand64(*shape) - 0.5
    return t * t * t * 8.0


# ---- hashes -----------------------------------------------------------------------------------------------------------

NAMES = {np.dtype(F): "float32", np.dtype(D): "float64", np.dtype(np.int64): "int64", np.dtype(np.int32): "int32",
         np.dtype(np.uint8): "uint8", np.dtype(bool): "bool"}


def tensor_hash(*tensors):
    sha = hashlib.sha256()
    for x in tensors:
        x = np.array(x)
        sha.update(f"{NAMES[x.dtype]} ({'x'.join(map(str, x.shape))})\n".encode())
        if x.dtype == F:
            x.view(np.uint32)[np.isnan(x)] = 0x7FC00000
        elif x.dtype == D:
            x.view(np.uint64)[np.isnan(x)] = 0x7FF8000000000000
        sha.update(np.ascontiguousarray(x).tobytes())
    return sha.hexdigest()


# ---- reductions -------------------------------------------------------------------------------------------------------

LANES, BLOCK, KB = 32, 4096, 256


def larger(a, b):
    return np.where((a >= b) | np.isnan(a), a, b)


def smaller(a, b):
    return np.where((a <= b) | np.isnan(a), a, b)


COMBINE = {"sum": np.add, "prod": np.multiply, "max": larger, "min": smaller}


def reduce_block(x, combine):
    """x (n, ...): one block along the first dimension."""
    n = len(x)
    lane = [x[i] for i in range(min(n, LANES))]
    for i in range(LANES, n):
        lane[i % LANES] = combine(lane[i % LANES], x[i])
    half = LANES // 2
    while half:
        for i in range(half):
            if i + half < len(lane):
                lane[i] = combine(lane[i], lane[i + half])
        half //= 2
    return lane[0]


def reduce_first(x, how="sum"):
    combine = COMBINE[how]
    if len(x) == 0:
        return np.full(x.shape[1:], 1 if how == "prod" else 0, x.dtype)
    while len(x) > BLOCK:
        x = np.stack([reduce_block(x[i:i + BLOCK], combine) for i in range(0, len(x), BLOCK)])
    return np.asarray(reduce_block(x, combine), x.dtype)


def reduce(x, dims=None, how="sum"):
    """Over a set of dimensions, row-major in the order of the tensor."""
    dims = range(x.ndim) if dims is None else sorted(dims)
    kept = [d for d in range(x.ndim) if d not in dims]
    x = np.transpose(x, list(dims) + kept)
    return reduce_first(x.reshape((-1,) + x.shape[len(dims):]), how)


def mean(x, dims=None):
    s = reduce(x, dims)
    return s / x.dtype.type(x.size // max(s.size, 1))


def dot_rows(a, b):
    return reduce(a * b, [1])


def standardize(x, eps=1e-5):
    t = x.dtype.type
    n = t(x.shape[1])
    c = x - (reduce(x, [1]) / n)[:, None]
    r = t(1) / np.sqrt(dot_rows(c, c) / n + t(eps))
    return c * r[:, None], r


def standardize_gradient(g, y, r):
    n = g.dtype.type(g.shape[1])
    a, b = reduce(g, [1]) / n, dot_rows(g, y) / n
    return r[:, None] * ((g - a[:, None]) - y * b[:, None])


def cumsum(x):
    y = x.copy()
    for i in range(1, x.shape[1]):
        y[:, i] = y[:, i - 1] + x[:, i]
    return y


def prod_gradient(g, x):
    p, q, n = x.copy(), x.copy(), len(x)
    p[0], q[n - 1] = g, 1
    for i in range(1, n):
        p[i] = p[i - 1] * x[i - 1]
    for i in range(n - 1, 0, -1):
        q[i - 1] = q[i] * x[i]
    return p * q


# ---- products ---------------------------------------------------------------------------------------------------------


def chain(terms, n, like):
    """The blocks of an fma chain; terms(i) gives the two factors of term i, shaped like the result."""
    total = None
    for begin in range(0, n, KB):
        s = np.zeros_like(like)
        for i in range(begin, min(n, begin + KB)):
            a, b = terms(i)
            s = fma(a, b, s)
        total = s if total is None else total + s
    return np.zeros_like(like) if total is None else total


def matmul(a, b):
    like = np.zeros(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + (a.shape[-2], b.shape[-1]), a.dtype)
    return chain(lambda k: (a[..., :, k, None], b[..., k, None, :]), a.shape[-1], like)


class Conv:
    """In any number of dimensions; the formulas of section 8 for one group after the other."""

    def __init__(self, x_shape, w_shape, stride=1, padding=0, dilation=1, groups=1):
        self.x, self.w, self.s, self.pad, self.d, self.groups = x_shape, w_shape, stride, padding, dilation, groups
        self.out = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(x_shape[2:], w_shape[2:])]
        self.q, self.P = list(itertools.product(*map(range, w_shape[2:]))), math.prod(self.out)

    def windows(self, x):
        """x_c(p, q) as (K, B, C, P)."""
        padded = np.pad(x, ((0, 0), (0, 0)) + ((self.pad,) * 2,) * len(self.out))
        pick = [padded[(slice(None),) * 2 + np.ix_(*(np.arange(n) * self.s + i * self.d for n, i in zip(self.out, q)))]
                for q in self.q]
        return np.stack([p.reshape(p.shape[0], p.shape[1], -1) for p in pick])

    def split(self, n):
        return [range(g * n // self.groups, (g + 1) * n // self.groups) for g in range(self.groups)]

    def forward(self, x, w, bias=None):
        y = np.zeros((x.shape[0], w.shape[0], self.P), x.dtype)
        win, K = self.windows(x), len(self.q)
        for outs, ins in zip(self.split(w.shape[0]), self.split(x.shape[1])):
            wg, xg = w[outs.start:outs.stop].reshape(len(outs), -1, K), win[:, :, ins.start:ins.stop]
            y[:, outs.start:outs.stop] = chain(
                lambda i: (wg[None, :, i // K, i % K, None], xg[i % K][:, i // K][:, None, :]), len(ins) * K,
                y[:, outs.start:outs.stop])
        if bias is not None:
            y = y + bias[None, :, None]
        return y.reshape(y.shape[:2] + tuple(self.out))

    def weight_gradient(self, x, gy):
        win, P, B = self.windows(x), self.P, x.shape[0]
        g = gy.reshape(B, gy.shape[1], P)
        gw = np.zeros((self.w[0], self.w[1], len(self.q)), x.dtype)
        for outs, ins in zip(self.split(self.w[0]), self.split(self.x[1])):
            part = gw[outs.start:outs.stop]
            gw[outs.start:outs.stop] = chain(
                lambda i: (g[i // P, outs.start:outs.stop, i % P][:, None, None],
                           win[:, i // P, ins.start:ins.stop, i % P].T[None]), B * P, part)
        return gw.reshape(self.w)

    def input_gradient(self, gy, w):
        B, C, *size = self.x
        gx = np.zeros((B, C, math.prod(size)), gy.dtype)
        g = gy.reshape(B, gy.shape[1], -1)
        for q, at in enumerate(self.q):
            places = np.meshgrid(*(np.arange(n) * self.s + i * self.d - self.pad for n, i in zip(self.out, at)), indexing="ij")
            inside = np.logical_and.reduce([(r >= 0) & (r < n) for r, n in zip(places, size)])
            r = np.ravel_multi_index([place[inside] for place in places], size)
            p = np.flatnonzero(inside.ravel())
            for outs, ins in zip(self.split(self.w[0]), self.split(C)):
                t = chain(lambda o: (w[outs.start + o].reshape(len(ins), -1)[None, :, q, None],
                                     g[:, outs.start + o, p][:, None, :]), len(outs),
                          np.zeros((B, len(ins), len(p)), gy.dtype))
                part = gx[:, ins.start:ins.stop]
                part[:, :, r] = part[:, :, r] + t
        return gx.reshape(self.x)

    def bias_gradient(self, gy):
        return reduce(gy, [0, *range(2, gy.ndim)])


# ---- optimisers -------------------------------------------------------------------------------------------------------


def power(b, t):
    r = 1.0
    while t > 0:
        if t % 2:
            r = r * b
        b = b * b
        t //= 2
    return r


def sgd(p, g, v, lr, momentum, nesterov, wd, scale):
    t = p.dtype.type
    d = fma(t(wd), p, t(scale) * g)
    if v is not None:
        v = fma(t(momentum), v, d)
        d = fma(t(momentum), v, d) if nesterov else v
    return fma(t(-lr), d, p), v


def adam(p, g, m, v, lr, b1, b2, eps, wd, decoupled, step, scale):
    t = p.dtype.type
    d = fma(t(0 if decoupled else wd), p, t(scale) * g)
    m = fma(t(b1), m, t(1 - b1) * d)
    v = fma(t(b2), v, t(1 - b2) * d * d)
    keep = t(1 - lr * wd) if decoupled else t(1)
    size, root = t(lr / (1 - power(b1, step))), t(1 / (1 - power(b2, step)))
    return keep * p - size * m / (np.sqrt(v * root) + t(eps)), m, v
