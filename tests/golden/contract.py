#!/usr/bin/env python3
"""The hashes of many results that docs/NUMERICS.md defines: prints contract.lua.

    python3 contract.py > contract.lua        needs numpy, a few seconds

The arithmetic is that of contract_definition.py.  tests/lua/test_contract.lua computes the same cases with the program.
"""
import sys

import numpy as np

sys.dont_write_bytecode = True                                 # this folder is packed as it lies
from contract_definition import (
    D, F, Conv, Generator, adam, cumsum, fma, fma64, larger, matmul, mean, prod_gradient, reduce, sgd, smaller, standardize,
    standardize_gradient, tensor_hash, values, values64)

cases = []


def case(name, *tensors):
    cases.append((name, tensor_hash(*tensors)))


def draws():
    g = Generator(1)
    case("rand", g.rand(1001))
    case("rand float64", g.rand64(7, 11))
    case("randint -3 8", g.randint(-3, 8, 100))
    case("randint wide", g.randint(-(2**53), 2**53, 33))
    case("bits", g.bits(50))
    case("randperm", g.randperm(1000))
    case("bernoulli 0.3", g.bernoulli(0.3, 500))
    case("categorical", g.categorical([[0.5, 0, 3, 1], [1, 1, 0, 0]], 40))
    case("ninth draw", g.rand(5))
    case("named", Generator(2**40 + 12345, "augment").rand(5, 3))
    case("negative seed", Generator(-1, "x").bits(9))
    case("data", values(3, 1000))


def reductions():
    for n in (1, 2, 31, 32, 33, 63, 100, 4095, 4096, 4097, 20000, 200003):
        x, wide = values(n, n), values64(n, n)
        near = F(1) + x * F(0.125)
        case(f"sum {n}", reduce(x))
        case(f"mean {n}", mean(x))
        case(f"prod {n}", reduce(near, how="prod"))
        case(f"max, min {n}", reduce(x, how="max"), reduce(x, how="min"))
        case(f"sum float64 {n}", reduce(wide))
    x = values(5, 100, 70)
    case("sum of columns", reduce(x, [0]))
    case("mean of rows", mean(x, [1]))
    case("sum of long columns", reduce(values(6, 5000, 3), [0]))
    x = values(7, 33, 5, 40)
    case("sum over 1 and 3", reduce(x, [0, 2]))
    case("max over 1 and 2", reduce(x, [0, 1], "max"))
    case("sum of a transpose", reduce(values(8, 90, 60).T))
    for n in (3, 7, 16, 33, 70):
        x = values(n, 500, n)
        case(f"rows of {n}", reduce(x, [1]), mean(x, [1]), reduce(F(1) + x, [1], "prod"), reduce(x, [1], "max"))
    case("sums of -0", *[reduce(np.full(n, -0.0, F)) for n in (1, 5, 33, 5000)])
    case("maxima of -inf", *[reduce(np.full(n, -np.inf, F), how="max") for n in (1, 5, 33, 5000)])
    case("sums of integers", reduce(np.arange(9000, dtype=np.int64) * 2**50), reduce(np.ones(77, np.int64)))
    special = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1.0], F)
    case("max of specials", reduce(special, how="max"), reduce(special[[1, 0]], how="max"), reduce(special[:2], how="min"))
    g = values(9, 1)[0]
    case("gradient of prod", prod_gradient(g, F(1) + values(10, 50)))


def rows():
    for n in (1, 33, 300, 4097):
        x, g = values(n + 1, 3, n), values(n + 2, 3, n)
        y, r = standardize(x)
        case(f"standardize {n}", y)
        case(f"gradient of standardize {n}", standardize_gradient(g, y, r))
        case(f"cumsum {n}", cumsum(x))
        case(f"gradient of cumsum {n}", cumsum(g[:, ::-1])[:, ::-1])


def products():
    for k in (0, 1, 2, 255, 256, 257, 600):
        a, b, g = values(k + 1, 5, k), values(k + 2, k, 19), values(k + 3, 5, 19)
        case(f"matmul {k}", matmul(a, b))
        case(f"gradients of matmul {k}", matmul(g, b.T), matmul(a.T, g))
    case("matmul 40x513x70", matmul(values(1, 40, 513), values(2, 513, 70)))
    case("matmul column", matmul(values(3, 300, 400), values(4, 400, 1)))
    case("matmul float64", matmul(values64(5, 3, 300), values64(6, 300, 4)))
    a, b, g = values(7, 6, 50, 9), values(8, 9, 4), values(9, 6, 50, 4)
    case("matmul of a batch", matmul(a, b))
    case("gradients of a batch", matmul(g, b.T), matmul(a.reshape(300, 9).T, g.reshape(300, 4)))
    a, b, g = values(10, 1, 5, 7), values(11, 6, 7, 3), values(12, 6, 5, 3)
    case("matmul repeated", matmul(a, b))
    case("gradients repeated", reduce(matmul(g, np.swapaxes(b, 1, 2)), [0])[None], matmul(np.swapaxes(a, 1, 2), g))
    x, w, b, g = values(13, 290, 70), values(14, 11, 70), values(15, 11), values(16, 290, 11)
    case("linear", matmul(x, w.T) + b)
    case("gradients of linear", matmul(g, w), matmul(g.T, x), reduce(g, [0]))


CONVOLUTIONS = [  # x, w, stride, padding, dilation, groups
    ((2, 3, 9, 8), (4, 3, 3, 3), 1, 1, 1, 1), ((2, 3, 9, 8), (5, 3, 3, 3), 2, 1, 1, 1),
    ((1, 4, 11, 10), (6, 2, 3, 2), 1, 2, 2, 2), ((2, 4, 12, 9), (4, 1, 3, 3), 3, 1, 1, 4),
    ((1, 40, 6, 7), (13, 40, 3, 3), 1, 1, 1, 1), ((3, 2, 13, 17), (3, 2, 5, 5), 1, 0, 1, 1),
    ((2, 3, 5, 4), (270, 3, 2, 2), 1, 1, 1, 1), ((2, 6, 8, 8), (7, 6, 1, 1), 1, 0, 1, 1),
    ((1, 2, 7, 9), (3, 2, 3, 3), 2, 3, 2, 1)]


def convolutions():
    for i, (xs, ws, stride, padding, dilation, groups) in enumerate(CONVOLUTIONS):
        c = Conv(xs, ws, stride, padding, dilation, groups)
        x, w, b, g = values(i, *xs), values(i + 1, *ws), values(i + 2, ws[0]), values(i + 3, xs[0], ws[0], *c.out)
        case(f"conv {i + 1}", c.forward(x, w, b))
        case(f"gradient of x in conv {i + 1}", c.input_gradient(g, w))
        case(f"gradient of w in conv {i + 1}", c.weight_gradient(x, g))
        case(f"gradient of b in conv {i + 1}", c.bias_gradient(g))
    t = Conv((2, 3, 9, 7), (5, 3, 3, 3), 2, 1)                 # the convolution whose adjoint it is
    x, w, b, g = values(1, 2, 5, 5, 4), values(2, 5, 3, 3, 3), values(3, 3), values(4, 2, 3, 9, 7)
    case("conv_transpose", t.input_gradient(x, w) + b[None, :, None, None])
    case("gradients of conv_transpose", t.forward(g, w), t.weight_gradient(g, x), reduce(g, [0, 2, 3]))


def pointwise():
    a, b, c, g = (values(i, 300) for i in range(4))
    one = F(1)
    case("arithmetic", a + b, a - b, a * b, a / b, -a, np.abs(a), a * a)
    case("roots", np.sqrt(np.abs(a)), one / np.sqrt(np.abs(a)), one / a)
    case("fused", fma(a, b, c), fma(c, b - a, a))
    case("remainder, floor_div", fma(-b, np.floor(a / b), a), np.floor(a / b))
    d = np.abs(a - b)
    case("huber_loss", np.where(d <= F(0.1), F(0.5) * d * d, F(0.1) * (d - F(0.5) * F(0.1))))
    case("leaky_relu", np.where(a > 0, a, F(0.01) * a))
    case("gradients of div", g * (one / b), g * (-(a / b) / b))
    case("gradient of rsqrt", g * (F(-0.5) * (one / np.sqrt(c * c)) / (c * c)) * (F(2) * c))
    case("gradient of huber_loss", g * np.clip(a - b, F(-0.1), F(0.1)))
    case("broadcast gradient", reduce(values(5, 40, 30) * values(6, 30)[None], [1])[:, None],
         reduce(values(5, 40, 30) * values(7, 40, 1), [0]))
    case("order of gradients", (values(10, 20) + values(9, 20)) + values(8, 20))
    big = np.array([0.5, 1.5, -2.5, 3e9, -3e9, np.nan, np.inf, -np.inf, 1e19, -0.7], F)
    ints = [np.nan_to_num(np.trunc(big.astype(D)), nan=0, posinf=2.0**100, neginf=-(2.0**100))]
    clip = lambda lo, hi, t: np.array([min(max(int(v), lo), hi) for v in ints[0]], t)
    case("float to integer", clip(-2**31, 2**31 - 1, np.int32), clip(-2**63, 2**63 - 1, np.int64), clip(0, 255, np.uint8),
         big != 0)
    step = fma64(np.arange(50.0), np.array(0.1), np.array(-1.0))
    case("arange", step.astype(F), step)
    case("linspace", fma64(np.arange(7.0), np.array((2.5 - 0.3) / 6), np.array(0.3)).astype(F))


def selection():
    x, g = values(1, 6, 4), values(2, 9, 4)
    at = np.array([2, 0, 2, 5, 2, 2, 0, 1, 5])
    gx = np.zeros_like(x)
    for i, j in enumerate(at):
        gx[j] = gx[j] + g[i]
    case("index_select", x[at])
    case("gradient of index_select", gx)
    y = x.copy()
    for i, j in enumerate(at):
        y[j] = y[j] + g[i]
    case("scatter_add", y)
    x, g = values(3, 12), values(4, 9, 4)
    gx = np.zeros_like(x)
    for k in range(4):
        gx[k:k + 9] = gx[k:k + 9] + g[:, k]
    case("gradient of unfold", gx)
    keys = np.array([3, -0.0, np.nan, 0.0, 3, np.inf, -1, np.nan, 2], F)
    order = np.array([6, 1, 3, 8, 0, 4, 5, 2, 7])
    down = np.array([5, 0, 4, 8, 1, 3, 6, 2, 7])
    case("sort", keys[order], order + 1)
    case("sort descending", keys[down], down + 1)
    case("topk", keys[down[:4]], down[:4] + 1)


def specials():
    """Every pair of these."""
    v = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 1e30, -1e-40, np.inf, -np.inf, np.nan], F)
    return np.repeat(v, len(v)), np.tile(v, len(v))


def floor_divide(a, b):
    q = np.array([0 if y == 0 else int(x) // int(y) for x, y in zip(a, b)], object)
    r = np.array([0 if y == 0 else int(x) % int(y) for x, y in zip(a, b)], object)
    return (np.array([(int(v) + 2**31) % 2**32 - 2**31 for v in q], np.int32), r.astype(np.int32))


def special_values():
    a, b = specials()
    zero, one = F(0), F(1)
    case("sign, relu", np.where(a > 0, one, np.where(a < 0, -one, a)), np.where(a <= 0, zero, a))
    case("floor, ceil, round", np.floor(a), -np.floor(-a), np.rint(a))
    case("minimum, maximum", smaller(a, b), larger(a, b))
    case("arithmetic of specials", a + b, a - b, a * b, a / b, -a, np.abs(a), np.sqrt(a), one / np.sqrt(a))
    case("division of specials", np.floor(a / b), fma(-b, np.floor(a / b), a))
    case("comparisons", a == b, a != b, a < b, a <= b, a > b, a >= b)
    case("logic", a == 0, (a != 0) & (b != 0), (a != 0) | (b != 0), (a != 0) != (b != 0), np.isnan(a), a - a == 0)
    case("where", np.where(a != 0, a, b))
    lo, hi = F(-0.75), F(2)
    t = np.where(a < lo, lo, a)
    case("clamp", np.where(t > hi, hi, t))
    s = np.where(a < b, b, a)
    case("clamp by tensors", np.where(s > F(0.25), F(0.25), s))
    case("lerp, addcmul, leaky_relu", fma(F(0.3), b - a, a), fma(b, b, a), np.where(a > 0, a, F(0.01) * a))
    g = values(21, len(a))
    case("gradients of minimum, maximum", g * (a <= b), g * ~(a <= b), g * (a >= b), g * ~(a >= b))
    case("gradients of where", g * (a != 0), g * ~(a != 0))
    case("gradients of clamp", g * ((s >= b) & (a >= b) & (a <= F(0.25))), g * ((a < b) & (b <= F(0.25))))
    d = [np.where(a > 0, one, np.where(a < 0, -one, a)), F(2) * a, np.where(a > 0, one, zero), -(one / a) * (one / a)]
    case("gradients of abs, square, relu, reciprocal", *[g * e for e in d])
    case("gradients of remainder", g, g * -np.floor(a / b))
    case("gradients of lerp", g * (one - F(0.3)), g * F(0.3), g * (b - a))
    case("gradients of addcmul", g, g * b, g * a)
    case("gradients of leaky_relu", g * np.where(a > 0, one, F(0.01)))


def integers():
    a = np.array([5, -7, 7, -7, 2**31 - 1, -2**31, -2**31, 0, 9], np.int32)
    b = np.array([3, 2, -2, -2, 2, -1, 3, 4, 0], np.int32)
    q, r = floor_divide(a, b)
    case("integers", a + b, a - b, a * b, -a, np.abs(a), a * a, q, r)
    case("smallest integers", np.minimum(a, b), np.maximum(a, b), np.where(a > 0, a, np.int32(0)), np.sign(a))
    u = np.array([200, 100, 255], np.uint8)
    case("bytes", u.astype(np.int32) + u, u.astype(np.int32) * u, u.astype(F) / u.astype(F))
    w = np.array([2**62, -2**63, 7], np.int64)
    case("wide integers", w + w, w * np.int64(3), w.astype(F), w.astype(D))
    x = values(5, 40) * F(300)
    i = np.clip(np.trunc(x.astype(D)), -2**31, 2**31 - 1).astype(np.int32)
    case("narrowing", np.clip(np.trunc(x), 0, 255).astype(np.uint8), i, np.clip(i, 0, 255).astype(np.uint8), i != 0)


def extremes():
    x, g = values(31, 6, 50), values(32, 6)
    x[1, 7] = x[1, 30] = np.nan
    x[2, 5] = x[2, 9] = x[2].max() + F(1)
    x[3, :] = F(0.5)
    first = [int(np.argmax(np.isnan(r))) if np.isnan(r).any() else int(np.argmax(r)) for r in x]
    last = [int(np.argmax(np.isnan(r))) if np.isnan(r).any() else int(np.argmin(r)) for r in x]
    case("argmax, argmin", np.array(first, np.int64) + 1, np.array(last, np.int64) + 1)
    gx = np.zeros_like(x)
    gx[np.arange(6), first] = g
    case("gradient of max", gx)
    gx = np.zeros_like(x)
    gx[np.arange(6), last] = g
    case("gradient of min", gx)
    case("gradient of mean", np.repeat((g / F(50))[:, None], 50, 1))


def rearranging():
    x, g = values(41, 5, 7), values(42, 5, 4)
    at = np.array([[6, 0, 6, 2], [1, 1, 1, 1], [0, 6, 5, 4], [3, 2, 3, 2], [0, 0, 6, 6]])
    gx = np.zeros_like(x)
    for j in range(4):
        for i in range(5):
            gx[i, at[i, j]] = gx[i, at[i, j]] + g[i, j]
    case("gather", np.take_along_axis(x, at, 1))
    case("gradient of gather", gx)
    case("gradients of scatter_add", values(43, 5, 7), np.take_along_axis(values(43, 5, 7), at, 1))
    order = np.argsort(x, 1, kind="stable")
    gx = np.zeros_like(x)
    np.put_along_axis(gx, order, values(44, 5, 7), 1)
    case("gradient of sort", gx)
    down = np.argsort(-x, 1, kind="stable")[:, :3]
    gx = np.zeros_like(x)
    np.put_along_axis(gx, down, values(45, 5, 3), 1)
    case("gradient of topk", gx)
    case("padding", np.pad(x, ((2, 0), (1, 3)), constant_values=F(1.5)), np.pad(x, ((0, 0), (1, 0)))[:, :-2])
    case("views", x[::-1, ::-1], x.T, x[1:4:2], x[:, 3], np.diagonal(x), np.diagonal(x, 2), np.concatenate([x, x[:2]], 0))
    gd = np.zeros_like(x)
    gd[np.arange(5), np.arange(5) + 1] = values(46, 5)
    case("gradient of diagonal", gd)
    case("gradient of expand", reduce(values(47, 6, 5, 7), [0]))
    keys = np.array([3, -0.0, np.nan, 0.0, 3, np.inf, -1, np.nan, 2], F)
    case("unique", np.array([-1, -0.0, 2, 3, np.inf, np.nan, np.nan], F), np.array([4, 2, 6, 2, 4, 5, 1, 7, 3], np.int64),
         np.array([1, 2, 1, 2, 1, 1, 1], np.int64))
    z = values(48, 33)
    case("in place", z + values(49, 33) * F(0.3), z * values(49, 33), z - values(49, 33))


def line_convolutions():
    for i, (xs, ws, stride, padding, dilation, groups) in enumerate([
            ((2, 3, 20), (4, 3, 5), 2, 2, 1, 1), ((1, 2, 5, 6, 4), (3, 2, 2, 3, 2), 1, 1, 1, 1)]):
        c = Conv(xs, ws, stride, padding, dilation, groups)
        x, w, g = values(i + 61, *xs), values(i + 62, *ws), values(i + 63, xs[0], ws[0], *c.out)
        case(f"conv in {len(xs) - 2} dimensions", c.forward(x, w, np.zeros(ws[0], F)))
        case(f"gradients in {len(xs) - 2} dimensions", c.input_gradient(g, w), c.weight_gradient(x, g))


def doubles():
    a, b, g = values64(51, 200), values64(52, 200), values64(53, 200)
    case("arithmetic float64", a + b, a * b, a / b, fma(b, b, a), fma(-b, np.floor(a / b), a), np.sqrt(np.abs(a)))
    case("gradients of div float64", g * (1.0 / b), g * (-(a / b) / b))
    x = values64(54, 3, 77)
    y, r = standardize(x)
    case("standardize float64", y, standardize_gradient(values64(55, 3, 77), y, r))
    c = Conv((1, 2, 6, 6), (3, 2, 3, 3), 1, 1)
    case("conv float64", c.forward(values64(56, 1, 2, 6, 6), values64(57, 3, 2, 3, 3), np.zeros(3)))
    p, v = values64(58, 30), np.zeros(30)
    for i in range(2):
        p, v = sgd(p, values64(59 + i, 30), v, 0.05, 0.9, True, 0.01, 0.5)
    case("sgd float64", p, v)


def optimisers():
    settings = [("plain", 0, False, 0, 1), ("momentum", 0.9, False, 0.01, 0.25), ("nesterov", 0.9, True, 0.001, 1)]
    for name, momentum, nesterov, wd, scale in settings:
        p, v = values(1, 500), np.zeros(500, F) if momentum else None
        for i in range(4):
            p, v = sgd(p, values(i + 2, 500), v, 0.1 / (i + 1), momentum, nesterov, wd, scale)
        case("sgd " + name, *([p] if v is None else [p, v]))
    for name, wd, decoupled, scale in [("plain", 0, False, 1), ("decay", 0.02, False, 0.3), ("decoupled", 0.02, True, 1)]:
        p, m, v = values(1, 500), np.zeros(500, F), np.zeros(500, F)
        for i in range(5):
            p, m, v = adam(p, values(i + 2, 500), m, v, 1e-3, 0.9, 0.999, 1e-8, wd, decoupled, i + 1, scale)
        case("adam " + name, p, m, v)
    p, m, v = values64(1, 20), np.zeros(20), np.zeros(20)
    for i in range(3):
        p, m, v = adam(p, values64(i + 2, 20), m, v, 1e-2, 0.8, 0.95, 1e-6, 0.1, True, i + 1, 1)
    case("adam float64", p, m, v)
    s, p = values(1, 100), values(2, 100)
    for _ in range(3):
        s = fma(F(0.99), s, F(1 - 0.99) * p)
    case("ema", s)
    total = 0.0
    for i in range(3):
        x = values(i, 1000 * i + 7).astype(D)
        total = total + reduce(x * x)
    case("gradient norm", np.array(np.sqrt(total), D))


def main():
    for part in (draws, reductions, rows, products, convolutions, line_convolutions, pointwise, special_values, integers,
                 extremes, selection, rearranging, optimisers, doubles):
        part()
    print("-- Made by contract.py from docs/NUMERICS.md alone: {case, SHA-256 of its results}.")
    print("return {")
    for name, digest in cases:
        print(f'  {{ "{name}", "{digest}" }},')
    print("}")


if __name__ == "__main__":
    main()
