local rp = require "repro"
local nn, optim, transport, models = rp.nn, rp.optim, rp.transport, rp.models

local P = rp.paper{
  id = "transport_imagenet", arxiv = "2606.00514", year = 2026,
  title = "The authors' configuration: a one-step DiT-B/2 on ImageNet, matched in a masked autoencoder's keys",
  authors = "after Hugues Van Assel and others",
  settings = {
    net     = {smoke = "tiny", small = "tiny", paper = "published", choices = {"tiny", "published"},
               help = "networks of no size and random weights on drawn digits, or the published ones from --data DIR"},
    side    = {smoke = 16, small = 16, paper = 256, help = "pixels of an image's side"},
    latent  = {smoke = 4, small = 4, paper = 32, help = "side of its latent"},
    n_class = {smoke = 10, small = 10, paper = 1000, min = 1, help = "classes"},
    width   = {smoke = 24, small = 48, paper = 768, help = "width of the transformer"},
    depth   = {smoke = 2, small = 3, paper = 12, min = 1, help = "its blocks"},
    heads   = {smoke = 2, small = 4, paper = 12, min = 1, help = "heads of attention"},
    registers = {smoke = 2, small = 4, paper = 16, min = 0, help = "register tokens"},
    styles  = {smoke = 8, small = 16, paper = 64, min = 1, help = "entries of the codebook of styles"},
    codes   = {smoke = 4, small = 8, paper = 32, min = 1, help = "style codes of a sample"},
    every   = {smoke = 1, small = 1, paper = 8, min = 1, help = "keys of every so many layers of the featurizer are matched"},
    steps   = {smoke = 2, small = 12, paper = 400000, min = 1, help = "steps"},
    classes = {smoke = 3, small = 5, paper = 128, min = 1, help = "classes in a step"},
    n_gen   = {smoke = 4, small = 8, paper = 64, min = 2, help = "N: generated samples of a class in a step"},
    n_pos   = {smoke = 6, small = 16, paper = 128, min = 1, help = "M: real samples of a class in a step"},
    n_unc   = {smoke = 4, small = 8, paper = 32, min = 1, help = "U: real samples of any class in a step"},
    push    = {smoke = 16, small = 64, paper = 64, min = 1, help = "new real samples in a step"},
    queue   = {smoke = 16, small = 32, paper = 128, min = 1, help = "real samples of a class that are kept"},
    any     = {smoke = 64, small = 200, paper = 1000, min = 1, help = "real samples of any class that are kept"},
    lr      = {4e-4, help = "AdamW's learning rate"},
    warmup  = {smoke = 1, small = 4, paper = 10000, min = 0, help = "steps in which it rises"},
    ema     = {0.999, help = "decay of the average of the weights"},
    part    = {smoke = 64, small = 64, paper = 64, min = 1, help = "images whose features are computed at a time"},
  },
}

--[[
# The authors' configuration

`papers/semantic_transport.lua` compares feature spaces with small networks. This is the run that the paper reports, with the sizes of its
appendix: the same step, other networks. `--scale paper` reads from `--data DIR` the VAE of Stable Diffusion, a masked autoencoder and
latents of ImageNet; elsewhere networks of the same construction are tiny and random, and what is checked is that they fit together.

## 1  The generator (App. D)
A DiT-B/2 run once: adaLN-zero, RMSNorm, SwiGLU, normalised queries and keys, rotary positions, register tokens. Its embedding is that of the
guidance $\alpha$, in the place of time, of the class, and of style codes. ]]
local function new_generator(o, g)
  return nn.OneStepDiT{size = o.latent, patch = 2, channels = 4, width = o.width, depth = o.depth, heads = o.heads, classes = o.n_class,
                       registers = o.registers, rotary = true, mlp = "swiglu", norm = "rms", qk_norm = true, time_scale = 100,
                       styles = o.styles, style_codes = o.codes, generator = g}
end

--[[ Its weights, counted by hand: with width $d$ and heads of $e$ features a block has $3 d^2 + 3 d$ for queries, keys and values, $2 e$
for the norms of queries and keys, $d^2 + d$ behind the attention, $12 d^2 + 9 d$ for SwiGLU with $4 d$ hidden units, and $6 (d^2 + d)$ for the
modulation. ]]
local function weights_of(module)
  local n = 0
  for _, p in ipairs(module:parameters()) do n = n + p:numel() end
  return n
end
local function by_hand(o)
  local d, p = o.width, 4 * 2 * 2
  local block = (3 * d * d + 3 * d) + 2 * (d // o.heads) + (d * d + d) + (12 * d * d + 9 * d) + 6 * (d * d + d)
  local ends = (256 * d + d) + (d * d + d) + (p * d + d) + 2 * (d * d + d) + (d * p + p)       -- alpha, patches, modulation, last layer
  return o.depth * block + ends + (o.n_class + 1 + o.styles + o.registers) * d
end

--[[ ## 2  Latents and features
The generation space is the VAE's latent space; the features are the keys of the attention of every eighth layer of a masked
autoencoder, ViT-H, as maps. The authors' was trained on latents; in its place is the published one for images, so that latents are
decoded first. ]]
local function tiny_networks(g)
  local vae = models.AutoencoderKL{channels = {4, 8, 8}, groups = 4, init = 0.1, generator = g}
  local vit = models.ViTEncoder{size = 16, patch = 4, width = 16, depth = 3, heads = 2, hidden = 32, init = 0.1, generator = g}
  return {vae = vae, vit = vit}
end

local function published_networks()
  local folder = models.locate{
    {"stable-diffusion-2-1/vae/diffusion_pytorch_model.safetensors", "stabilityai/stable-diffusion-2-1 on Hugging Face"},
    {"vit-mae-huge/model.safetensors", "facebook/vit-mae-huge on Hugging Face"},
    {"imagenet-latents.safetensors", "u (n,4,32,32) and y (n) from 1: latents of ImageNet's training images at 256x256, of unit variance"}}
  local vae, scale = models.read_vae(folder .. "/stable-diffusion-2-1/vae")
  local latents = rp.io.read_safetensors(folder .. "/imagenet-latents.safetensors")
  return {vae = vae, scale = scale, vit = models.read_vit(folder .. "/vit-mae-huge"), u = latents.u, y = latents.y:to "int64"}
end

local mean, std = {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}

local function maps_of(world, u)                            -- latents -> feature maps of the images they decode to
  local x = world.vae:decode(u / world.scale)
  local cut = x:size(3) - world.vit.size                    -- 256 pixels, of which the transformer sees the 224 in the middle
  if cut > 0 then x = x:pad{-(cut // 2), -(cut - cut // 2), -(cut // 2), -(cut - cut // 2)} end
  x = (x / 2 + 0.5 - rp.tensor(mean):reshape(3, 1, 1)) / rp.tensor(std):reshape(3, 1, 1)
  return world.vit:taps(x, P.every)
end

local function blocks_of(world, u)                          -- without a graph, `part` images at a time
  return transport.in_parts(function(piece) return transport.feature_blocks(maps_of(world, piece), piece) end, P.part, u)
end

local function new_world(g)
  local world = P.net == "published" and published_networks() or tiny_networks(g)
  world.scale = world.scale or 0.18215                      -- of a latent, to unit variance
  world.vae:requires_grad_(false)
  world.vit:requires_grad_(false)
  if not world.u then
    local set = rp.data.numerals{n = 600, seed = P.seed, size = P.side, colour = true}
    world.u = rp.no_grad(function() return (world.vae:encode(set.x * 2 - 1)) end) * world.scale
    world.y = set.y:to "int64"
  end
  return world
end

--[[ ## 3  The training
Each step: 128 classes drawn at random, $p(\alpha) \propto \alpha^{-5}$ on $[1, 4]$, 64 samples, 128 positives and 32 unconditional
samples of each class from queues, three temperatures, AdamW with a warm-up and no decay of the rate, gradients of norm 2 at most. ]]
local function one_loss(world, net, queue, warm, g)
  local chosen = g:randperm(P.n_class):slice(1, 1, P.classes)
  local alpha = transport.guidance(P.classes, g, {low = 1, high = 4, power = 5})
  local u0, style = net:draw(P.classes * P.n_gen, g)
  local u = net(u0, chosen:repeat_interleave(P.n_gen), alpha:repeat_interleave(P.n_gen), style)
  local pos = blocks_of(world, queue:of_class(chosen:totable(), P.n_pos, g))
  local unc = blocks_of(world, queue:any(P.classes, P.n_unc, g))
  return transport.matching_loss(transport.feature_blocks(maps_of(world, u), u), pos, unc,
                                 {classes = P.classes, alpha = alpha, taus = {0.02, 0.05, 0.2}, warm = warm})
end

local function train(world, net, steps)
  local g, warm, losses = rp.generator(P.seed, "training"), {}, {}
  local adam = optim.AdamW(net, {lr = P.lr, betas = {0.9, 0.95}, weight_decay = 0, schedule = optim.warmup(P.warmup)})
  local average = optim.EMA(net, {decay = P.ema, warm_up = true})
  local queue = transport.Queue{classes = P.n_class, size = P.queue, all = P.any, shape = {4, P.latent, P.latent}}
  local order = g:randperm(world.y:size(1))
  queue:push(world.u:index_select(1, order), world.y:index_select(1, order))
  for k in P:training(steps, "one-step DiT") do
    local fresh = g:randint(1, world.y:size(1), {P.push})
    queue:push(world.u:index_select(1, fresh), world.y:index_select(1, fresh))
    local loss = one_loss(world, net, queue, warm, g)
    adam:zero_grad()
    loss:backward()
    adam:step{clip = 2}
    average:update()
    losses[k] = loss:item()
    P:watch(loss)
  end
  average:swap()
  return losses
end

--[[ ## 4  What is checked
The networks fit together, only the generator learns, and the loss has the bound of three temperatures (9). ]]
local g = rp.generator(P.seed, "networks")
local net = new_generator(P, g)
local before, world = net:hash(), new_world(g)
P:exact("weights", weights_of(net), by_hand(P), 0, {where = "App. D", text = "weights of the generator, by hand"})
P:note("With the authors' sizes the generator has %.1f million weights.",
       by_hand{width = 768, heads = 12, depth = 12, n_class = 1000, styles = 64, registers = 16} / 1e6)
local maps = rp.no_grad(maps_of, world, world.u:slice(1, 1, 2))
local keys = {}
for i, map in ipairs(maps) do keys[i] = table.concat(map.shape, "x") end
P:note("Keys that are matched: %s, of two images.", table.concat(keys, ", "))
local frozen = rp.hash(maps[1])
local losses = train(world, net, P.steps)
P:exact("bound", math.max(table.unpack(losses)) <= 9 and math.min(table.unpack(losses)) > 0, true,
        {where = "Sec. 3.2", text = "0 < loss <= 9 with three temperatures"})
P:exact("learns", net:hash() ~= before, true, {text = "the generator has changed"})
P:exact("frozen", rp.hash(rp.no_grad(maps_of, world, world.u:slice(1, 1, 2))[1]) == frozen, true, {text = "the features have not"})
P:pinned("weights.after", net:hash(), {smoke = "5f187dd7dc69e552", small = "9a93369703839d8c"})
P:not_run("fid", "ImageNet's images and the Inception network are needed, and 400,000 steps", {where = "Table 1",
          text = "FID 3.46 of the best features, 134 without"})
