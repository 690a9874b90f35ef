"""Reference values from PyTorch (float64) for the Lua tests.

    python3 tests/golden/torch_reference.py > tests/golden/torch_reference.lua

Inputs are not random: ramp(k, shape) is ((i k) mod 11 - 5) / 8 for i = 0, 1, ..., which both sides write down exactly.
"""
import math
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
results = []


def ramp(k, *shape):
    n = math.prod(shape)
    return (((torch.arange(n) * k) % 11 - 5) / 8.0).reshape(*shape).double()


def put(name, x):
    """Records a tensor, flattened, or a number."""
    x = torch.as_tensor(x, dtype=torch.float64).detach().reshape(-1).tolist()
    results.append((name, x))


def fill(parameters):
    """Gives the j-th parameter the values ramp(3 + 2 j)."""
    with torch.no_grad():
        for j, p in enumerate(parameters):
            p.copy_(ramp(3 + 2 * j, *p.shape))


def statistics():
    x = ramp(3, 4, 5)
    put("var", x.var(1)), put("var0", x.var((0, 1), correction=0)), put("std", x.std(0))
    put("quantile", torch.quantile(x, 0.3, dim=1)), put("median", torch.quantile(x, 0.5, dim=0))
    put("norm3", torch.linalg.vector_norm(x, 3, dim=1))
    put("cosine", F.cosine_similarity(ramp(3, 4, 5), ramp(7, 4, 5), dim=1))
    put("unit", F.normalize(x, dim=1))


def losses():
    logits, target = ramp(3, 4, 5) * 3, torch.tensor([1, 4, 0, 2])
    put("cross_entropy", F.cross_entropy(logits, target))
    put("cross_entropy_smooth", F.cross_entropy(logits, target, label_smoothing=0.1))
    maps, labels = ramp(7, 2, 3, 2, 2) * 3, torch.tensor([[[0, 1], [2, 0]], [[1, 1], [0, 2]]])
    put("cross_entropy_map", F.cross_entropy(maps, labels))
    soft = torch.softmax(ramp(5, 4, 5), 1)
    put("cross_entropy_soft", F.cross_entropy(logits, soft))
    put("bce", F.binary_cross_entropy_with_logits(logits, (ramp(5, 4, 5) > 0).double()))
    mu, s, mu2, s2 = ramp(3, 4, 5), ramp(5, 4, 5), ramp(7, 4, 5), ramp(9, 4, 5)
    p, q = torch.distributions.Normal(mu, (s / 2).exp()), torch.distributions.Normal(mu2, (s2 / 2).exp())
    put("kl_normal", torch.distributions.kl_divergence(p, torch.distributions.Normal(0.0, 1.0)).sum(1))
    put("kl_normal2", torch.distributions.kl_divergence(p, q).sum(1))
    put("mse", F.mse_loss(mu, s)), put("l1", F.l1_loss(mu, s))


def layers():
    x = ramp(3, 2, 6, 4, 4)
    w, b = ramp(5, 6), ramp(7, 6)
    put("group_norm", F.group_norm(x, 3, w, b))
    put("layer_norm", F.layer_norm(ramp(3, 4, 6), (6,), w, b))
    running_mean, running_var = torch.zeros(6), torch.ones(6)
    put("batch_norm", F.batch_norm(x, running_mean, running_var, w, b, training=True))
    put("running_mean", running_mean), put("running_var", running_var)
    put("batch_norm_eval", F.batch_norm(x, running_mean, running_var, w, b, training=False))
    put("batch_norm2", F.batch_norm(ramp(3, 5, 6), None, None, w, b, training=True))
    put("avg_pool2d", F.avg_pool2d(x, 3, 2, 1)), put("max_pool2d", F.max_pool2d(x, 3, 2, 1))
    put("avg_pool1d", F.avg_pool1d(x[:, :, 0], 2)), put("max_pool3d", F.max_pool3d(ramp(7, 1, 2, 4, 4, 4), 2))
    put("conv1d", F.conv1d(ramp(3, 2, 3, 7), ramp(5, 4, 3, 3), ramp(7, 4), 2, 1))
    put("conv_transpose2d", F.conv_transpose2d(ramp(3, 2, 4, 3, 3), ramp(5, 4, 2, 3, 3), ramp(7, 2), 2, 1, 1))
    put("upsample", F.interpolate(ramp(3, 1, 2, 2, 3), scale_factor=2))
    q, k, v = ramp(3, 2, 3, 4, 5), ramp(5, 2, 3, 6, 5), ramp(7, 2, 3, 6, 5)
    put("attention", F.scaled_dot_product_attention(q, k, v))
    mask = (ramp(9, 4, 6) > -0.3)
    put("attention_mask", F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    put("attention_causal", F.scaled_dot_product_attention(q, k[:, :, :4], v[:, :, :4], is_causal=True))


def modules():
    x = ramp(3, 2, 4, 6)
    attention = torch.nn.MultiheadAttention(6, 2, batch_first=True)
    fill([attention.in_proj_weight, attention.in_proj_bias, attention.out_proj.weight, attention.out_proj.bias])
    put("multihead", attention(x, x, x)[0])
    block = torch.nn.TransformerEncoderLayer(6, 2, 12, dropout=0, activation="gelu", batch_first=True, norm_first=True)
    a = block.self_attn
    fill([block.norm1.weight, block.norm1.bias, a.in_proj_weight, a.in_proj_bias, a.out_proj.weight, a.out_proj.bias,
          block.norm2.weight, block.norm2.bias, block.linear1.weight, block.linear1.bias, block.linear2.weight,
          block.linear2.bias])
    block.train()
    y = block(x)
    put("transformer", y)
    y.square().sum().backward()
    put("transformer_gradient", a.in_proj_weight.grad)
    conv = torch.nn.Conv2d(4, 6, (2, 2), stride=2)
    fill(conv.parameters())
    put("patches", conv(ramp(3, 2, 4, 4, 4)).flatten(2).transpose(1, 2))


def optimisers():
    def run(make):
        p = [ramp(3, 2, 3).requires_grad_(), ramp(5, 4).requires_grad_()]
        optimiser = make(p)
        for step in range(6):
            for j, t in enumerate(p):
                t.grad = ramp(2 * step + 3 + 4 * j, *t.shape) + t.detach() * 0.5
            optimiser.step()
        return torch.cat([t.detach().reshape(-1) for t in p])
    o = torch.optim
    put("sgd", run(lambda p: o.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)))
    put("nesterov", run(lambda p: o.SGD(p, lr=0.1, momentum=0.9, nesterov=True)))
    put("plain_sgd", run(lambda p: o.SGD(p, lr=0.1)))
    put("adam", run(lambda p: o.Adam(p, lr=0.1, weight_decay=0.05)))
    put("adamw", run(lambda p: o.AdamW(p, lr=0.1, betas=(0.8, 0.95), weight_decay=0.1)))
    p = [torch.zeros(1, requires_grad=True)]
    cosine = o.lr_scheduler.CosineAnnealingLR(o.SGD(p, lr=1.0), 10, eta_min=0.1)
    rates = []
    for _ in range(11):
        rates.append(cosine.get_last_lr()[0])
        cosine.optimizer.step(), cosine.step()
    put("cosine_rates", rates)


def contrastive():
    a, b, tau = ramp(3, 4, 5), ramp(7, 4, 5), 0.2
    s = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    index = torch.arange(4)
    put("info_nce", F.cross_entropy(s / tau, index))
    put("clip", (F.cross_entropy(s / tau, index) + F.cross_entropy(s.T / tau, index)) / 2)
    z = 2 * torch.eye(4) - 1
    put("siglip", -F.logsigmoid(z * (s * 10 - 10)).sum() / 4)
    both = F.normalize(torch.cat([a, b]), dim=1)
    t = (both @ both.T / tau).masked_fill(torch.eye(8, dtype=torch.bool), -math.inf)
    put("nt_xent", F.cross_entropy(t, torch.cat([index + 4, index])))
    labels = torch.tensor([1, 2, 1, 3])
    t = (F.normalize(a, dim=1) @ F.normalize(a, dim=1).T / tau)
    terms = []
    for i in range(4):
        rest = [j for j in range(4) if j != i]
        positive = [j for j in rest if labels[j] == labels[i]]
        if positive:
            terms.append(torch.logsumexp(t[i, rest], 0) - torch.logsumexp(t[i, positive], 0))
    put("label_info_nce", torch.stack(terms).mean())
    dcr()


def dcr():
    """Equation 12 of the DCR paper, anchor by anchor as it is written."""
    p = ramp(3, 4, 4, 5).requires_grad_()
    q, r, tau = ramp(7, 4, 5), ramp(9, 4, 5), 0.3

    def d(u, v):
        return (F.cosine_similarity(u, v, dim=0) / tau).exp()
    losses = []
    for i in range(4):
        positives = [q[i], r[i]]
        candidates = positives + [p[i, j] for j in range(4) if j != i]
        total = sum(d(p[i, i], c) for c in candidates)
        losses.append(-0.5 * sum((d(p[i, i], x) / total).log() for x in positives))
    loss = torch.stack(losses).mean()
    loss.backward()
    put("dcr", loss), put("dcr_gradient", p.grad)


for part in (statistics, losses, layers, modules, optimisers, contrastive):
    part()
print("-- Written by torch_reference.py with PyTorch", torch.__version__.split("+")[0] + "; do not edit.")
print("return {")
for name, values in results:
    numbers = ["%.17g" % v for v in values]
    line = "  %s = {" % name
    for number in numbers:
        if len(line) + len(number) > 112:
            print(line.rstrip())
            line = "   "
        line += " " + number + ","
    print(line.rstrip(",") + " },")
print("}")
