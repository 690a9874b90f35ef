#!/usr/bin/env python3
"""Times PyTorch and NumPy on the work of `repro bench` and joins all into one table of ratios.

    bench/peers.py [--repro ./repro] [--device cpu|cuda] [--threads 1,2] [--rounds 3] [--milliseconds 60] [--write docs/PERFORMANCE.md] [WORD ...]

A round runs repro, then the peers, on the same rows; what is reported is the least time of each row over all rounds,
which other work on the machine disturbs least (a median of several threads' times does not survive it).  Rows are those of lua/repro/bench; WORDs choose among them.

On a GPU PyTorch computes in float32 without TF32, cuBLAS's times are those that repro itself takes of it, and --write replaces or
adds the section of that card and leaves the others.
"""
import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repro", default="./repro", help="the program")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", default="1" if cores == 1 else f"1,{cores}", help="numbers of threads, each measured in turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--milliseconds", type=int, default=60, help="time for each row, round and library")
    parser.add_argument("--write", metavar="FILE", help="write a Markdown page")
    parser.add_argument("--memory-of", metavar="ROW", help=argparse.SUPPRESS)  # a process of its own: prints PyTorch's bytes
    parser.add_argument("words", nargs="*")
    return parser.parse_args()


ARGS = arguments()
ON_GPU = ARGS.device == "cuda"
if ON_GPU:
    ARGS.threads = "1"
if "," in ARGS.threads:  # a process for each number of threads: the libraries read it when they load
    THREADS = None
else:
    THREADS = int(ARGS.threads)
    os.environ.update({v: str(THREADS) for v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(THREADS or 1)
if ON_GPU:
    torch.set_default_device("cuda")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def host(x):
    """For NumPy, which is no peer on a GPU."""
    return None if ON_GPU else x.numpy()


def seconds(fn, budget):
    """The least time of a call, measured as lua/repro/bench/timing.lua does."""
    def run(n):
        start = time.perf_counter()
        for _ in range(n):
            fn()
        if ON_GPU:
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / n
    fn()
    n = 1
    once = run(1)
    while once * n < budget / 20:
        n *= 2
        once = run(n)
    times, stop = [], time.perf_counter() + budget
    while len(times) < 3 or time.perf_counter() < stop:
        times.append(run(n))
    return min(times)


# ---- models: the architectures of lua/repro/bench/models.lua ----

class MLPUNetBlock(nn.Module):
    def __init__(self, d_in, d_out, d_embedding):
        super().__init__()
        self.norm0, self.norm1 = nn.LayerNorm(d_in), nn.LayerNorm(d_out)
        self.fc0, self.fc1 = nn.Linear(d_in, d_out), nn.Linear(d_out, d_out)
        self.affine = nn.Linear(d_embedding, 2 * d_out)
        self.skip = nn.Linear(d_in, d_out) if d_in != d_out else nn.Identity()

    def forward(self, x, e):
        scale, shift = self.affine(e).chunk(2, 1)
        h = self.norm1(self.fc0(F.silu(self.norm0(x))))
        return self.fc1(F.silu(torch.addcmul(shift, h, scale + 1))) + self.skip(x)


class MLPUNet(nn.Module):
    def __init__(self, d, layers, hidden, embedding=64):
        super().__init__()
        self.register_buffer("frequency", 2 * math.pi * torch.randn(embedding // 2))
        self.blocks = nn.ModuleList(MLPUNetBlock(hidden if i else d, hidden, embedding) for i in range(layers - 1))
        self.last = nn.Linear(hidden, d)

    def forward(self, x, t):
        angle = t[:, None] * self.frequency
        e = torch.cat([angle.sin(), angle.cos()], 1)
        for block in self.blocks:
            x = block(x, e)
        return self.last(x)


class TimeEmbedding(nn.Module):
    def __init__(self, width, features):
        super().__init__()
        half = features // 2
        self.register_buffer("frequency", torch.exp(-math.log(10000) / half * torch.arange(half)))
        self.fc1, self.fc2 = nn.Linear(features, width), nn.Linear(width, width)

    def forward(self, t):
        angle = t[:, None] * self.frequency
        return self.fc2(F.silu(self.fc1(torch.cat([angle.cos(), angle.sin()], 1))))


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class Stage(nn.Module):
    def __init__(self, c_in, c_out, width, attention):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, c_in), nn.GroupNorm(8, c_out)
        self.conv1, self.conv2 = nn.Conv2d(c_in, c_out, 3, padding=1), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.film = nn.Linear(width, 2 * c_out)
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()
        self.norm3, self.attention = (nn.GroupNorm(8, c_out), Attention(c_out, 1)) if attention else (None, None)

    def forward(self, x, e):
        gamma, beta = self.film(e)[:, :, None, None].chunk(2, 1)
        h = torch.addcmul(beta, self.norm2(self.conv1(F.silu(self.norm1(x)))), gamma + 1)
        y = self.conv2(F.silu(h)) + self.skip(x)
        if self.attention is None:
            return y
        tokens = self.norm3(y).flatten(2).transpose(1, 2)
        return y + self.attention(tokens).transpose(1, 2).reshape(y.shape)


class UNet(nn.Module):
    """Two resolutions, one block each."""
    def __init__(self, c):
        super().__init__()
        width = 4 * c
        self.time = TimeEmbedding(width, c)
        self.first = nn.Conv2d(1, c, 3, padding=1)
        self.down1, self.halve = Stage(c, c, width, False), nn.Conv2d(c, c, 3, stride=2, padding=1)
        self.down2 = Stage(c, 2 * c, width, False)
        self.middle1, self.middle2 = Stage(2 * c, 2 * c, width, True), Stage(2 * c, 2 * c, width, False)
        self.up = nn.ModuleList([Stage(4 * c, 2 * c, width, False), Stage(3 * c, 2 * c, width, False),
                                 Stage(3 * c, c, width, False), Stage(2 * c, c, width, False)])
        self.doubling = nn.Conv2d(2 * c, 2 * c, 3, padding=1)
        self.norm, self.last = nn.GroupNorm(8, c), nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x, t):
        e = F.silu(self.time(t))
        skips = [self.first(x)]
        skips.append(self.down1(skips[-1], e))
        skips.append(self.halve(skips[-1]))
        skips.append(self.down2(skips[-1], e))
        h = self.middle2(self.middle1(skips[-1], e), e)
        for i, stage in enumerate(self.up):
            h = stage(torch.cat([h, skips.pop()], 1), e)
            if i == 1:
                h = self.doubling(F.interpolate(h, scale_factor=2))
        return self.last(F.silu(self.norm(h)))


class DiTBlock(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.d, self.attention, self.modulation = d, Attention(d, heads), nn.Linear(d, 6 * d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def norm(self, x):
        return F.layer_norm(x, (self.d,), eps=1e-6)

    def forward(self, x, e):
        b1, s1, g1, b2, s2, g2 = self.modulation(e)[:, None].chunk(6, -1)
        x = torch.addcmul(x, self.attention(torch.addcmul(b1, self.norm(x), s1 + 1)), g1)
        return torch.addcmul(x, self.mlp(torch.addcmul(b2, self.norm(x), s2 + 1)), g2)


class DiT(nn.Module):
    def __init__(self, size, patch, d, depth, heads):
        super().__init__()
        self.d, self.patch, self.grid = d, patch, size // patch
        self.patches, self.time = nn.Linear(patch * patch, d), TimeEmbedding(d, 256)
        self.register_buffer("position", torch.randn(self.grid ** 2, d))
        self.blocks = nn.ModuleList(DiTBlock(d, heads) for _ in range(depth))
        self.modulation, self.last = nn.Linear(d, 2 * d), nn.Linear(d, patch * patch)

    def forward(self, x, t):
        b, p, g = x.shape[0], self.patch, self.grid
        e = F.silu(self.time(t))
        x = x.reshape(b, g, p, g, p).permute(0, 1, 3, 2, 4).reshape(b, g * g, p * p)
        x = self.patches(x) + self.position
        for block in self.blocks:
            x = block(x, e)
        shift, scale = self.modulation(e)[:, None].chunk(2, -1)
        y = self.last(torch.addcmul(shift, F.layer_norm(x, (self.d,), eps=1e-6), scale + 1))
        return y.reshape(b, g, g, p, p).permute(0, 1, 3, 2, 4).reshape(b, 1, g * p, g * p)


def training(net, loss):
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)

    def step():
        adam.zero_grad()
        loss().backward()
        adam.step()
    return step


def regression(net, *inputs):
    target = torch.randn(inputs[0].shape)
    return training(net, lambda: F.mse_loss(net(*inputs), target))


def classification():
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    x, labels = torch.randn(128, 784), torch.randint(0, 10, (128,))
    return training(net, lambda: F.cross_entropy(net(x), labels))


def tiny():
    return regression(nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2)), torch.randn(32, 2))


# ---- single operations: name -> (function for PyTorch, function for NumPy or None) ----

def both(shape, torch_fn, numpy_fn=None):
    x = torch.randn(*shape)
    return lambda: torch_fn(x), numpy_fn and not ON_GPU and (lambda a=host(x): numpy_fn(a))


def gemm(form, m, k, n):
    a = torch.randn(k, m).t() if form[0] == "T" else torch.randn(m, k)
    b = torch.randn(n, k).t() if form[1] == "T" else torch.randn(k, n)
    p, q = host(a), host(b)
    return lambda: torch.mm(a, b), not ON_GPU and (lambda: p @ q)


def conv(kind, batch, c_in, c_out, pixels, groups=1):
    x, w = torch.randn(batch, c_in, pixels, pixels), torch.randn(c_out, c_in // groups, 3, 3)
    if kind is None:
        return lambda: F.conv2d(x, w, padding=1, groups=groups), None
    leaf = (x if kind == "input" else w).requires_grad_()
    with torch.enable_grad():
        y = F.conv2d(x, w, padding=1, groups=groups)
    seed = torch.randn(y.shape)
    return lambda: torch.autograd.grad(y, leaf, seed, retain_graph=True), None


def batched():
    a, b = torch.randn(256, 16, 64), torch.randn(256, 64, 16)
    p, q = host(a), host(b)
    return lambda: torch.bmm(a, b), not ON_GPU and (lambda: p @ q)


def adam():
    p = torch.randn(1000000, requires_grad=True)
    p.grad = 2 * p.detach()
    optimiser = torch.optim.Adam([p], lr=1e-4, fused=True)
    return optimiser.step, None


def small_backward():
    a, w = torch.randn(4, 4), torch.randn(4, 4, requires_grad=True)
    return lambda: (a * w).sum().backward(), None


K = (1000, 1000)
KERNELS = {
    "bmm_256_16_64_16": batched,
    "add": lambda: both((2, *K), lambda x: x[0] + x[1], lambda x: x[0] + x[1]),
    "add_large": lambda: both((2, 16000000), lambda x: x[0] + x[1], lambda x: x[0] + x[1]),
    "add_column": lambda: both(K, lambda x: x + x[:, :1], lambda x: x + x[:, :1]),
    "transpose": lambda: both(K, lambda x: x.t().contiguous(), lambda x: np.ascontiguousarray(x.T)),
    "relu": lambda: both(K, torch.relu),
    "exp": lambda: both(K, torch.exp, np.exp),
    "tanh": lambda: both(K, torch.tanh, np.tanh),
    "gelu": lambda: both(K, F.gelu),
    "silu": lambda: both(K, F.silu),
    "sin": lambda: both(K, torch.sin, np.sin),
    "sum": lambda: both(K, torch.sum, np.sum),
    "sum_large": lambda: both((4000, 4000), torch.sum, np.sum),
    "sum_rows": lambda: both(K, lambda x: x.sum(1), lambda x: x.sum(1)),
    "sum_columns": lambda: both(K, lambda x: x.sum(0), lambda x: x.sum(0)),
    "max_rows": lambda: both(K, lambda x: x.amax(1), lambda x: x.max(1)),
    "argmax_rows": lambda: both(K, lambda x: x.argmax(1), lambda x: x.argmax(1)),
    "argmax_large": lambda: both((1000000,), torch.argmax, np.argmax),
    "topk_rows": lambda: both(K, lambda x: x.topk(10)),
    "topk_large": lambda: both((1000000,), lambda x: x.topk(100)),
    "sum_channels": lambda: both((32, 64, 32, 32), lambda x: x.sum((0, 2, 3)), lambda x: x.sum((0, 2, 3))),
    "mean_windows": lambda: both((32, 32, 32, 32), lambda x: F.avg_pool2d(x, 2)),
    "softmax": lambda: both(K, lambda x: torch.softmax(x, 1)),
    "softmax_narrow": lambda: both((64000, 16), lambda x: torch.softmax(x, 1)),
    "layer_norm": lambda: both(K, lambda x: F.layer_norm(x, (1000,))),
    "adam": adam,
    "small_add": lambda: both((4, 4), lambda x: x + x, lambda x: x + x),
    "small_sum": lambda: both((4, 4), torch.sum, np.sum),
    "small_reshape": lambda: both((4, 4), lambda x: x.reshape(16), lambda x: x.reshape(16)),
    "small_matmul": lambda: both((4, 4), lambda x: x @ x, lambda x: x @ x),
    "small_backward": small_backward,
    "step_tiny": lambda: (tiny(), None),
    "step_mlp": lambda: (classification(), None),
    "step_mlp_unet": lambda: (regression(MLPUNet(2, 5, 256), torch.randn(1024, 2), torch.rand(1024)), None),
    "step_unet": lambda: (regression(UNet(32), torch.randn(32, 1, 16, 16), torch.rand(32)), None),
    "step_dit": lambda: (regression(DiT(16, 2, 128, 4, 4), torch.randn(64, 1, 16, 16), torch.rand(64)), None),
}


def functions(name):
    words = name.split("_")
    if words[0] == "gemm":
        return gemm(words[1], *map(int, words[2:]))
    if words[0] in ("conv", "depthwise"):
        kind = words[1] if not words[1].isdigit() else None
        batch, channels, pixels = words[-3:]
        c_in, c_out = (int(c) for c in (channels.split("to") if "to" in channels else (channels, channels)))
        return conv(kind, int(batch), c_in, c_out, int(pixels), c_in if words[0] == "depthwise" else 1)
    return KERNELS[name]() if name in KERNELS else (None, None)


def time_peers(row):
    records = row["group"] == "step" or row["name"] == "small_backward" or row["group"] == "conv"
    with torch.set_grad_enabled(records):
        by_torch, by_numpy = functions(row["name"])
        budget = ARGS.milliseconds / 1000
        return {"torch": by_torch and seconds(by_torch, budget), "numpy": by_numpy and seconds(by_numpy, budget)}


def torch_memory(name):
    """By how much three steps raise the resident set of a fresh process in which PyTorch has already trained something."""
    def resident():
        with open("/proc/self/status", encoding="utf-8") as f:
            return 1024 * next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    small = tiny()
    small(), small()
    conv(None, 1, 4, 4, 8)[0]()
    before = torch.cuda.memory_allocated() if ON_GPU else resident()
    step = KERNELS[name]()[0]
    step(), step(), step()
    return (torch.cuda.max_memory_allocated() if ON_GPU else resident()) - before


def memory_of(name):
    command = [sys.executable, __file__, "--device", ARGS.device, "--threads", str(THREADS), "--memory-of", name]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_repro():
    command = [ARGS.repro, "bench", "--json", "--device", ARGS.device, "--threads", str(THREADS), "--milliseconds", str(ARGS.milliseconds)]
    return json.loads(subprocess.run(command + ARGS.words, check=True, capture_output=True, text=True).stdout)


def measure():
    rounds, loads = [], [os.getloadavg()[0]]
    for i in range(ARGS.rounds):
        print(f"round {i + 1} of {ARGS.rounds}", file=sys.stderr)
        ours = run_repro()
        rounds.append((ours, {row["name"]: time_peers(row) for row in ours["rows"]}))
        loads.append(os.getloadavg()[0])
    return rounds, loads


def least(values):
    return min((v for v in values if v), default=None)


def join(rounds):
    peak_flop = max((ours.get("peak_flop") or 0) for ours, _ in rounds)
    peak_bytes = max(ours["peak_bytes"] for ours, _ in rounds)
    rows = []
    for i, row in enumerate(rounds[0][0]["rows"]):
        ours = least(r["rows"][i]["best"] for r, _ in rounds)
        peers = {p: least(t[row["name"]][p] for _, t in rounds) for p in ("torch", "numpy")}
        peers["cublas"] = least(r["rows"][i].get("cublas") for r, _ in rounds)
        rate = row["rate"] * row["seconds"] / ours if row.get("rate") else None
        peak = peak_flop if row.get("unit") == "GFLOP/s" else peak_bytes
        rows.append({**row, "seconds": ours, **peers, "rate": rate, "share": rate * 1e9 / peak if rate and peak else None})
    for row in rows:
        row["torch_memory"] = memory_of(row["name"]) if row.get("memory") else None
    return rows, peak_flop, peak_bytes


def duration(s):
    if s is None:
        return ""
    return f"{s * 1e9:.0f} ns" if s < 1e-6 else f"{s * 1e6:.4g} us" if s < 1e-3 else f"{s * 1e3:.4g} ms"


def ratio(row, peer):
    return f"{row[peer] / row['seconds']:.2f}" if row[peer] else ""


def table(rows):
    third, name = ("cublas", "cuBLAS") if ON_GPU else ("numpy", "NumPy")
    lines = [f"| name | shape | repro | rate | of peak | PyTorch | ratio | {name} | ratio |", "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        rate = f"{row['rate']:.1f} {row['unit']}" if row["rate"] else ""
        share = f"{100 * row['share']:.0f}%" if row["share"] else ""
        lines.append(f"| {row['name']} | {row['shape']} | {duration(row['seconds'])} | {rate} | {share} | {duration(row['torch'])} "
                     f"| {ratio(row, 'torch')} | {duration(row[third])} | {ratio(row, third)} |")
    return lines


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())


INTRODUCTION = """# Performance

Generated by `bench/peers.py --write docs/PERFORMANCE.md`, all but its last section, which is kept.  A ratio is the peer's time divided by ours: above 1, repro is
faster.  Times are the least over rounds in which the libraries took turns.  Bytes are those that must be read and written; data of
1000x1000 lie in the caches, so that a rate may exceed that of the copy.  Memory of a training step: of repro the most that was
allocated at once, of PyTorch what three steps added to the resident set of a fresh process (on a GPU, to the most it had
allocated).
"""


def memory_table(rows):
    lines = ["| name | repro | PyTorch | ratio |", "|---|--:|--:|--:|"]
    for row in rows:
        lines.append(f"| {row['name']} | {row['memory'] / 1e6:.1f} MB | {row['torch_memory'] / 1e6:.1f} MB | {row['torch_memory'] / row['memory']:.2f} |")
    return lines


def driver():
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return "of unknown version"


def cpu_heading(first, loads, peak_flop, peak_bytes):
    return [f"## {THREADS} thread{'s' if THREADS > 1 else ''}", "",
             f"- {datetime.date.today()}, {processor()}, {os.cpu_count()} cores, {first['isa']}, "
             f"{first['compiler']}; {ARGS.rounds} rounds of {ARGS.milliseconds} ms per row and library",
             f"- load average before, between and after the rounds: {', '.join(f'{x:.1f}' for x in loads)} "
             f"({THREADS} would be this benchmark alone: with more, other programs took part of the cores from all three)",
             f"- measured peaks: {peak_flop / 1e9:.0f} GFLOP/s (fused multiply-adds in registers), {peak_bytes / 1e9:.1f} GB/s (memcpy of 64 MiB, "
             "read and written)",
             f"- PyTorch {torch.__version__}, eager, fused Adam; NumPy {np.__version__} with its OpenBLAS", ""]


def section(rounds, loads):
    rows, peak_flop, peak_bytes = join(rounds)
    first = rounds[0][0]
    if ON_GPU:
        lines = [f"## {first['card']}", "",
                 f"- {datetime.date.today()}, driver {driver()}, {processor()}; {ARGS.rounds} rounds of {ARGS.milliseconds} ms per row and library",
                 f"- measured peaks: {peak_flop / 1e12:.1f} TFLOP/s (fused multiply-adds in registers), {peak_bytes / 1e9:.0f} GB/s (a copy in "
                 "the card's memory, read and written)",
                 f"- PyTorch {torch.__version__}, eager, fused Adam, float32 without TF32; cuBLAS in float32, called by repro", ""]
    else:
        lines = cpu_heading(first, loads, peak_flop, peak_bytes)
    slower = []
    for group in dict.fromkeys(row["group"] for row in rows):
        members = [row for row in rows if row["group"] == group]
        ratios = [row["torch"] / row["seconds"] for row in members if row["torch"]]
        mean = statistics.geometric_mean(ratios) if ratios else float("nan")
        slower += [f"{row['name']} ({ratio(row, 'torch')})" for row in members if row["torch"] and row["torch"] < row["seconds"]]
        lines += [f"### {group}", "", f"Geometric mean of the ratios to PyTorch: {mean:.2f}", "", *table(members), ""]
        if any(row["torch_memory"] for row in members):
            lines += ["Memory:", "", *memory_table([row for row in members if row["torch_memory"]]), ""]
    lines += ["### Slower than PyTorch in this run", "", (", ".join(slower) or "none") + ".", ""]
    return "\n".join(lines)


def kept(path):
    """The sections of a page that this process does not measure: those of cards, or all others."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        parts = ("\n" + f.read()).split("\n## ")[1:]
    mine = torch.cuda.get_device_name(0) if ON_GPU else None
    return ["## " + p.strip() + "\n" for p in parts
            if (p.split("\n")[0] != mine if ON_GPU else not p.split("\n")[0].endswith(("thread", "threads")))]


def sections():
    """One section from this process, or one from each of several."""
    if THREADS:
        return section(*measure())
    rest = ["--repro", ARGS.repro, "--rounds", str(ARGS.rounds), "--milliseconds", str(ARGS.milliseconds), *ARGS.words]
    return "\n".join(subprocess.run([sys.executable, __file__, "--threads", n, *rest], check=True, stdout=subprocess.PIPE, text=True).stdout
                     for n in ARGS.threads.split(","))


LAST = "## What is missed, and what was tried\n"


def last_section(path):
    """What people have written into the page."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as f:
        _, mark, rest = f.read().partition(LAST)
    return f"\n{mark}{rest}" if mark else ""


def main():
    if ARGS.memory_of:
        print(torch_memory(ARGS.memory_of))
        return
    text = sections()
    if ARGS.write:
        others = kept(ARGS.write)
        page = "\n".join([INTRODUCTION, *others, text] if ON_GPU else [INTRODUCTION, text, *others])
        with open(ARGS.write, "w", encoding="utf-8") as f:
            f.write(page)
    print(text)


main()
