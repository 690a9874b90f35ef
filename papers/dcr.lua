local rp = require "repro"
local nn, optim, contrastive, metrics = rp.nn, rp.optim, rp.contrastive, rp.metrics
local mean, lazy = rp.runs.mean, rp.runs.lazy

local P = rp.paper{
  id = "dcr", arxiv = "2603.04803", year = 2026,
  title = "Guiding Diffusion-based Reconstruction with Contrastive Signals for Balanced Visual Representation",
  authors = "Boyu Han, Qianqian Xu, Shilong Bao, Zhiyong Yang, Ruochen Cui, Xilin Zhao, Qingming Huang",
  settings = {
    dataset    = {"glyphs", paper = "images", choices = {"glyphs", "mnist", "digits", "cifar10", "images"},
                  help = "drawn glyphs, or real images from --data DIR; images: a folder, with CLIP and Stable Diffusion"},
    seeds      = {smoke = 1, small = 5, paper = 1, min = 1, help = "independent runs, from the run's seed upwards"},
    n_train    = {smoke = 2000, small = 8000, paper = 8000, min = 64, help = "training images"},
    n_test     = {smoke = 500, small = 2000, paper = 2000, min = 20, help = "test images"},
    encoder    = {"cnn", choices = {"cnn", "vit"}, help = "image encoder: a small convolutional network, or a vision transformer"},
    side       = {16, min = 16, help = "side of the image that the encoder sees, a multiple of 16: pixels are repeated"},
    feature    = {32, paper = 768, min = 2, help = "K, size of a feature and of a condition"},
    light      = {0.5, min = 0, help = "strength of the glyphs' nuisance light, in units of rp.data.glyphs"},
    mention    = {0.0, min = 0, max = 1, help = "how often a pretraining caption names each attribute"},
    naming     = {0.0, min = 0, max = 1, help = "how often a pretraining caption names the class"},
    n_pairs    = {smoke = 40, small = 100, paper = 100, min = 1, help = "image pairs for each visual pattern"},
    clip_steps = {80, help = "steps of image-text pretraining, batch 128"},
    clip_loss  = {"softmax", choices = {"softmax", "sigmoid"}, help = "loss of image-text pretraining: CLIP's or SigLIP's"},
    v_steps    = {smoke = 200, small = 1200, paper = 1200, help = "steps of denoiser training, batch 256"},
    steps_1    = {smoke = 60, small = 300, paper = 4600, help = "steps of stage 1 (projector)"},
    steps_2    = {smoke = 60, small = 400, paper = 4600, help = "steps of stage 2 (encoder)"},
    lr_1       = {1e-3, paper = 1e-4, help = "learning rate of the projector"},
    lr_2       = {1e-4, paper = 1e-5, help = "learning rate of the encoder"},
    batch      = {16, min = 2, help = "images in a step of stages 1 and 2"},
    tau        = {0.1, min = 1e-3, help = "temperature of both contrastive losses"},
    pool       = {0, min = 0, help = "stages 1 and 2 see only the first so many training images; 0: all of them"},
    noises     = {1, min = 1, help = "noisy latents drawn for each image of a step"},
    positives  = {"twin", choices = {"twin", "class"}, help = "positives of L_con: the twin, or all images of the class"},
    lambda_con = {1.0, help = "weight of L_con in the naive loss, Eq. 9"},
    lambda_rec = {1.0, help = "weight of L_rec in the naive loss, Eq. 9"},
    prediction = {"v", choices = {"v", "eps"}, help = "what the denoiser predicts: velocity (the public code) or noise (the paper)"},
    stage_1    = {"rec", choices = {"rec", "dcr"}, help = "loss of stage 1"},
    lora       = {0, paper = 16, min = 0, help = "rank of the adapters trained in stage 2; 0 trains all weights"},
    latent     = {64, help = "D, size of a latent"},
    width      = {128, help = "hidden width of the denoiser"},
  },
}

--[[
# Diffusion contrastive reconstruction

**Abstract.** A CLIP image encoder tells classes apart (*D-ability*) better than it sees details (*P-ability*). Feeding its
features to a frozen diffusion model and asking for the image back teaches it details but not classes; adding a
contrastive loss on the features makes two losses that pull in different directions. Diffusion contrastive
reconstruction (DCR) moves the contrast to the *predictions of the denoiser*: one loss for both abilities.

This script is the whole method at a small scale: an image encoder and a text tower pretrained together, a denoiser
trained on captions and then frozen, the projector of stage 1, the encoder of stage 2, the loss of Eq. 12, the naive
sum of Eq. 9, reconstruction alone (as DIVA does) and end-to-end training. Letters are the paper's: $f$ the image encoder,
$z = f(x)$ its feature, $h$ the projector, $c = h(z)$ the condition, $v(x_t, t, c)$ the frozen denoiser, $B$ images in a batch.

## 1  The loss (Sec. 4.2, Eq. 12)
Write $p_{ij} = v(x_{t,i}, t_i, c_j)$ for the prediction on noisy image $i$ under the condition of image $j$. The anchor is
$p_{ii}$. It has two positives, the prediction $q_i = v(x_{t,i}, t_i, c_i^+)$ under the condition of an augmented twin and the true
target $r_i$, and the $B - 1$ negatives $p_{ij}$, $j \ne i$. With $s(a, b) = \langle a, b\rangle / (|a|\,|b|\,\tau)$
$$ \mathcal L_i = \log Z_i - \tfrac12 s(p_{ii}, q_i) - \tfrac12 s(p_{ii}, r_i), \qquad
   Z_i = e^{s(p_{ii}, q_i)} + e^{s(p_{ii}, r_i)} + \sum_{j \ne i} e^{s(p_{ii}, p_{ij})} . $$ ]]
local function similarities(p, q, r, tau)         -- p (B,B,D), q and r (B,D) -> s (B,B+1): s_q, s_r, negatives
  local own = p:diagonal():t():unit()             -- (B,D)  p_ii
  local s_q = rp.dot(own, q:unit(), 2, true)      -- (B,1)
  local s_r = rp.dot(own, r:unit(), 2, true)
  local s_p = rp.dot(own:unsqueeze(2), p:unit())  -- (B,B)
  return rp.concat(2, s_q, s_r, rp.off_diagonal(s_p)) / tau
end

local function dcr_terms(s)                       -- s (B,B+1) -> L_i (B)
  return s:logsumexp(2) - s:slice(2, 1, 2):sum(2) / 2
end

local function dcr_loss(p, q, r, tau)             -- -> scalar
  return dcr_terms(similarities(p, q, r, tau)):mean()
end

--[[ ### Two cases by hand
If the denoiser ignores its condition and predicts perfectly, every $s$ is $1/\tau$ and $\mathcal L = \log(B + 1)$: two positives and
$B - 1$ negatives. If conditions give orthogonal predictions, $\mathcal L = \log(2 + (B - 1) e^{-1/\tau})$: never below $\log 2$, so zero
is not the target. ]]
local B, D, tau = 8, 64, 0.1
local eye = rp.eye(B, "float64")                                            -- eight orthogonal vectors
local ones = rp.ones(B, D, "float64")
P:exact("loss.ignored", dcr_loss(ones:unsqueeze(1):expand(B, B, D), ones, ones, tau), math.log(B + 1), 1e-12,
        {where = "Eq. 12", text = "a denoiser that ignores its condition"})
P:exact("loss.separated", dcr_loss(eye:unsqueeze(1):expand(B, B, B), eye, eye, tau),
        math.log(2 + (B - 1) * math.exp(-1 / tau)), 1e-12, {where = "Eq. 12", text = "orthogonal predictions"})

--[[ The library has the same loss, so that other scripts need not copy it. ]]
local g = rp.generator(P.seed, "by hand")
local p, q, r = g:randn(B, B, D, "float64"), g:randn(B, D, "float64"), g:randn(B, D, "float64")
P:exact("loss.library", dcr_loss(p, q, r, tau), contrastive.dcr_loss(p, q, r, tau), 1e-12,
        {where = "Eq. 12", text = "rp.contrastive.dcr_loss is this loss"})

--[[ ### Its gradient (Eq. 30-31)
With $\pi(k)$ the softmax of the similarities, $\partial \mathcal L / \partial\,\mathrm{sim}_k = -\frac{1}{2\tau}(1 - 2\pi(k))$ for a positive and
$\frac1\tau \pi(k)$ for a negative. ]]
local sim = (g:rand(B, B + 1, "float64") * 2 - 1):requires_grad_()
local by_tape = rp.grad(dcr_terms(sim / tau):sum(), {sim})[1]
local pi = (sim:detach() / tau):softmax(2)
local is_positive = rp.arange(1, B + 1):le(2)
local by_formula = rp.where(is_positive, (pi * 2 - 1) / (2 * tau), pi / tau)
P:exact("gradient", (by_tape - by_formula):abs():max(), 0, 1e-12, {where = "Eq. 31", text = "gradient of the loss by the tape"})

--[[ The paper concludes that descent raises the similarity to *both* positives. It does so only while $\pi < \frac12$: the
gradient of a positive that already holds more than half of the softmax has the opposite sign, and the loss pushes it away. ]]
local lone = rp.tensor({{0.9, 0.2, -1, -1}}, "float64"):requires_grad_()    -- s_q, s_r, two negatives
local slope = rp.grad(dcr_terms(lone / tau):sum(), {lone})[1]
P:exact("gradient.turns", slope[{1, 1}]:item() > 0 and slope[{1, 2}]:item() < 0, true,
        {where = "after Eq. 31", text = "a positive with more than half of the softmax is pushed away"})

--[[ ### The positives alone (App. D, Eq. 74)
Without negatives, with $u$ and $w$ the two cosines, $\ell_{pos} = -\frac{u + w}{2\tau} + \log(e^{u/\tau} + e^{w/\tau}) = \log 2\cosh\frac{u - w}{2\tau}$. The
minimum is at $u = w$, *whatever their common value*: a prediction opposite to the truth is as good as a perfect one. What
makes DCR reconstruct is the negatives, which the theorem treats as a bounded remainder. ]]
local function l_pos(u, w) return dcr_terms(rp.concat(2, u:unsqueeze(2), w:unsqueeze(2)) / tau) end
local u, w = g:rand(100, "float64") * 2 - 1, g:rand(100, "float64") * 2 - 1
local half = (u - w) / (2 * tau)
P:exact("positives", (l_pos(u, w) - (half:exp() + (-half):exp()):log()):abs():max(), 0, 1e-12,
        {where = "Eq. 74", text = "l_pos = log 2cosh((u - w) / 2 tau)"})
P:exact("positives.opposite", l_pos(-rp.ones(1, "float64"), -rp.ones(1, "float64")), math.log(2), 1e-12,
        {where = "Eq. 74", text = "u = w = -1 reaches the minimum log 2"})

--[[ ## 2  The naive sum (Sec. 4.1, Eq. 7-11)
The contrastive loss on features takes an image and its twin as the only members of their class (Eq. 7 with
$\mathcal P(i)$ the twin; `--set positives=class` takes all of a class), reconstruction is the mean squared error of the prediction (Eq. 8):
$$ \mathcal L_{joint} = \lambda_{con} \mathcal L_{con} + \lambda_{rec} \mathcal L_{rec} . $$ ]]
local function con_loss(z, z_twin, y)             -- z, z_twin (B,K), y (B) -> scalar
  if P.positives == "twin" then return contrastive.nt_xent(z, z_twin, P.tau) end
  return contrastive.label_info_nce(rp.concat(1, z, z_twin), rp.concat(1, y, y), P.tau)
end

local function rec_loss(p_own, r)                 -- p_own, r (B,D) -> scalar
  return (p_own - r):square():mean()
end

--[[ How the two pull on the shared feature is the cosine of their gradients there (Eq. 11),
$\cos(g_{con}, g_{rec})$ with $g = \partial \mathcal L / \partial z$; below zero they are in conflict. `rp.conflict` measures it.

## 3  Images
The default are glyphs: ten stroke figures, 16x16 in colour, with nine binary attributes, one for each visual pattern of
MMVP-VLM (Table 1), which are small on the image, and nuisances of light. `--set dataset=mnist`, or `digits`, takes real digits with
four attributes measured on the image (stroke width, slant, size, aspect), `dataset=cifar10` photographs without any. A data set is two
splits `{x, y, attribute, context}`: images $(n, C, 16, 16)$ in $[-1, 1]$, classes from 1, attributes and context as 0 or 1; and pairs of
images of one class that differ in one attribute, the first of which has 0 and the second 1. ]]
local datasets = {}

function datasets.glyphs()
  local names, nuisance = rp.data.glyph_names, {scale = P.light}
  return {train = rp.data.glyphs{n = P.n_train, seed = P.seed, name = "train", nuisance = nuisance},
          test = rp.data.glyphs{n = P.n_test, seed = P.seed, name = "test", nuisance = nuisance},
          pairs = rp.data.glyph_pairs{n = P.n_pairs, seed = P.seed, nuisance = nuisance},
          classes = names.classes, attributes = names.attributes, coarse = names.coarse}
end

local function real(set, coarse, names)           -- images in [-1, 1]; attributes: what was measured, cut at the training images' median
  local middle = set.train.measured and set.train.measured:median(1)
  local function split(part)
    return {x = part.x, y = part.y, context = rp.zeros(part.y:size(1), 0),
            attribute = middle and part.measured:gt(middle):to("float32") or rp.zeros(part.y:size(1), 0)}
  end
  local data = {train = split(set.train), test = split(set.test), pairs = {}, classes = set.classes, attributes = names, coarse = coarse}
  for k = 1, #names do data.pairs[k] = {rp.data.pairs_differing(data.test, k, P.n_pairs)} end
  P:note("%s", set.note)
  return data
end
local function of_16(measure)
  return rp.data.labelled_images{name = P.dataset, side = 16, n_train = P.n_train, n_test = P.n_test, range = {-1, 1}, measure = measure}
end

local digit_groups = {1, 2, 3, 3, 4, 5, 1, 2, 5, 4}

function datasets.mnist() return real(of_16(rp.data.stroke_shape), digit_groups, rp.data.stroke_names) end      -- 28 -> 32 -> 16

function datasets.digits()                        -- 8 -> 16; 1,797 images in all
  local set = of_16(rp.data.stroke_shape)
  for _, part in ipairs{set.train, set.test} do part.x = part.x:upsample_nearest(2) end
  return real(set, digit_groups, rp.data.stroke_names)
end

function datasets.cifar10() return real(of_16(), {1, 2, 3, 4, 5, 4, 6, 5, 1, 2}, {}) end       -- nothing to measure: D-ability only

--[[ At `--scale paper` the networks are the published ones and the images a folder of PNG files, one folder in it for each class.
They are squares whose side is a multiple of CLIP's 224 and of 64, such as 448: Stable Diffusion's autoencoder sees all of it, CLIP the
means of 2x2 pixels. What is missing is listed, and the run ends with status 4. Where there is a folder `pairs`, with a folder for each
visual pattern, in it `NAME-0.png`, `NAME-1.png` and a sentence for each in `NAME-0.txt`, `NAME-1.txt` (as MMVP-VLM), P-ability is
measured. ]]
local given                                       -- the published networks: replacements, as `parts` in section 5

local function published(folder, side)
  local clip = rp.models.read_clip(folder .. "/clip-vit-large-patch14")
  local sd = rp.models.read_stable_diffusion(folder .. "/stable-diffusion-2-1", {image = side})
  if sd.prediction ~= P.prediction then error("this Stable Diffusion needs --set prediction=" .. sd.prediction) end
  local c = sd.unet.context
  return {sd = sd, encoder = function() return rp.models.CLIPVision(clip) end, denoiser = function() return sd end,
          text = function() return rp.models.CLIPText(clip) end,
          projector = function(g) return nn.MLP({clip.projection, c, c}, {activation = "gelu", generator = g}) end}
end

function datasets.images()
  local sd = "Stable Diffusion 2.1: stabilityai/stable-diffusion-2-1 on Hugging Face, or a copy of it"
  local folder = rp.models.locate{
    {"clip-vit-large-patch14/model.safetensors", "OpenAI's CLIP: openai/clip-vit-large-patch14 on Hugging Face"},
    {"stable-diffusion-2-1/unet/diffusion_pytorch_model.safetensors", sd},
    {"stable-diffusion-2-1/vae/diffusion_pytorch_model.safetensors", sd},
    {"images", "your own: DIR/images/CLASS/*.png, all of 448x448 pixels"}}
  local set, coarse = rp.data.image_folder{dir = folder .. "/images", channels = 3, range = {-1, 1}}, {}
  for k = 1, #set.classes do coarse[k] = 1 end
  given = published(folder, set.train.x:size(3))
  local data = real(set, coarse, {})
  if not rp.io.exists(folder .. "/pairs") then return data end
  local words = rp.models.Tokenizer(folder .. "/clip-vit-large-patch14")
  given.captions = {}                             -- of each pattern and value: (n, L) words, a caption for each pair
  for k, pattern in ipairs(rp.data.image_pairs{dir = folder .. "/pairs", range = {-1, 1}}) do
    data.attributes[k], data.pairs[k] = pattern.name, pattern.x
    given.captions[k] = {words:encode(pattern.texts[1]), words:encode(pattern.texts[2])}
  end
  return data
end

local data = datasets[P.dataset]()
local clip_steps, v_steps = given and 0 or P.clip_steps, given and 0 or P.v_steps
local n_train, n_test = data.train.y:size(1), data.test.y:size(1)
local n_class, n_coarse, n_attribute = #data.classes, math.max(table.unpack(data.coarse)), #data.attributes
local n_context, C = data.train.context:size(2), data.train.x:size(2)
collectgarbage()
rp.memory_trim()                                  -- hands back what drawing the images needed

--[[ ### Latents
In the place of Stable Diffusion's VAE stands principal component analysis: $\tilde x = (x - \bar x) V / \sigma$, $V$ the $D$ leading
eigenvectors of the covariance and $\sigma$ one number that makes the mean variance 1. ]]
local function principal(x, d)                    -- (n,C,H,W) -> (n,d)
  local pca = rp.linalg.pca(x, d)
  local basis = (pca.basis / math.sqrt(pca.variance:mean():item())):to("float32")
  return (x:reshape(x:size(1), -1) - pca.mean:to("float32")):matmul(basis)
end

local function given_latents(x)                   -- Stable Diffusion's own, a few images at a time
  local rows = {}
  for k, part in ipairs{x:split(4)} do rows[k] = rp.no_grad(given.sd.encode, given.sd, part) end
  return rp.concat(1, table.unpack(rows))
end

local latents = given and given_latents(data.train.x) or principal(data.train.x, P.latent)
local n_latent = latents:size(2)
collectgarbage()
rp.memory_trim()
if not given then P:exact("latents", latents:square():mean(), 1, 1e-4, {where = "Sec. 3", text = "latents have variance 1"}) end

--[[ ### Augmentation
The twin of Eq. 12 is the image moved by up to 1/16 of its side, in other light; amounts of light are standard deviations. ]]
local function twins(strength)                    -- 1: as here; experiments/dcr_augmentation.lua varies it
  local pixels = math.floor(strength * data.train.x:size(3) / 16 + 0.5)
  return rp.data.augment.chain{{"shift", pixels}, {"gain", 0.1 * strength}, {"offset", 0.3 * strength}, {"gradient", 0.4 * strength},
                               {"cast", 0.3 * strength}, {"noise", 0.05 * strength}}
end
local augment = twins(1)

--[[ ## 4  The frozen world: captions, CLIP, denoiser
A caption is a set of words: a superclass, a class, an attribute and its value, a context bit and its value. As a
vector it is 1 at its words. The rates say how often each is mentioned. ]]
local n_word = n_coarse + n_class + 2 * (n_attribute + n_context)
local coarse = rp.tensor(data.coarse, "int64")

local function mentioned(bits, rate, g)           -- bits (B,A) -> (B,2A): the words for 1, then those for 0
  local said = g:bernoulli(rate, bits.shape):to("float32")
  return rp.concat(2, said * bits, said * (1 - bits))
end

local function captions(split, i, rate, g)        -- i (B) indices -> (B, n_word)
  local n, y = i:size(1), split.y:index_select(1, i)
  local wrong = g:bernoulli(rate.wrong, {n})
  local group = rp.where(wrong, g:randint(1, n_coarse, {n}), coarse:index_select(1, y))
  local said = rp.concat(2, group:one_hot(n_coarse) * g:bernoulli(rate.coarse, {n, 1}):to("float32"),
                         y:one_hot(n_class) * g:bernoulli(rate.class, {n, 1}):to("float32"),
                         mentioned(split.attribute:index_select(1, i), rate.attribute, g),
                         mentioned(split.context:index_select(1, i), rate.context, g))
  return said * g:bernoulli(1 - rate.dropped, {n, 1}):to("float32")
end

local function attribute_caption(k, bit)          -- the k-th attribute alone -> (1, n_word)
  if given then return given.captions[k][bit + 1] end
  local word = n_coarse + n_class + k + (1 - bit) * n_attribute
  return rp.tensor({word}, "int64"):one_hot(n_word)
end

--[[ The encoder $f$ is a small convolutional network (`--set encoder=vit`: a transformer whose class token is the feature and whose
patch tokens lie in the same space), the text tower a sum of word vectors and two layers; both end in $\mathbb R^{K}$. ]]
local K = P.feature

local function enlarged(x) return P.side > 16 and x:upsample_nearest(P.side // 16) or x end

local encoders = {}

function encoders.cnn(g)
  return nn.Sequential{enlarged, nn.Conv2d(C, 16, 3, {stride = 2, padding = 1, generator = g}), "relu",
                       nn.Conv2d(16, 32, 3, {stride = 2, padding = 1, generator = g}), "relu",
                       function(x) return x:flatten(2) end,
                       nn.Linear(2 * P.side * P.side, 96, {generator = g}), "relu", nn.Linear(96, K, {generator = g})}
end

local Transformer = nn.class "Transformer"
function Transformer:init(g)
  self.vit = nn.ViT{size = P.side, patch = 4, channels = C, width = 48, depth = 2, heads = 3, mlp_ratio = 2, output = K, generator = g}
end
function Transformer:forward(x)                   -- -> (B,K), and the patch tokens (B,N,K)
  local z, tokens = self.vit(enlarged(x))
  return z, self.vit.projection(tokens)
end
function encoders.vit(g) return Transformer(g) end

local TextTower = nn.class "TextTower"
function TextTower:init(g)
  self.word = (g:randn(n_word, 64) * 0.5):requires_grad_()
  self.mlp = nn.MLP({64, 64, K}, {activation = "gelu", generator = g})
end
function TextTower:forward(caption) return self.mlp(caption:matmul(self.word)) end

--[[ Pretraining is CLIP's, on captions that mostly name the superclass, sometimes a wrong one, and no detail of the figure: so the
encoder starts as CLIP does, decent at classes and at chance in details (`--set mention=0.06` names details now and then).
`--set clip_loss=sigmoid` takes SigLIP's loss, with a temperature and a bias that it learns. ]]
local clip_rates = {coarse = 0.9, wrong = 0.1, class = P.naming, attribute = P.mention, context = 0.03, dropped = 0}

-- A training step is recorded and repeated (`rp.compile`), but not that of the published networks, where Lua costs nothing and
-- recording takes memory twice, nor where an experiment's step differs from time to time (`parts.plain`).
local function repeated(parts, step) return (given or parts and parts.plain) and step or rp.compile(step) end

local clip_losses = {}                            -- -> loss of (z, u), and what it learns itself

function clip_losses.softmax() return function(z, u) return contrastive.clip_loss(z, u, 0.07) end end

function clip_losses.sigmoid()
  local log_t, bias = rp.tensor(math.log(10)):requires_grad_(), rp.tensor(-10.0):requires_grad_()
  return function(z, u) return contrastive.siglip_loss(z, u, log_t:exp(), bias) end, {log_t, bias}
end

local function pretrain(seed, parts)              -- -> f, text
  local g = rp.generator(seed, "clip")
  local f, text = (parts and parts.encoder or encoders[P.encoder])(g), (parts and parts.text or TextTower)(g)
  local clip_loss, own = clip_losses[P.clip_loss]()
  local step = optim.AdamW({{params = f:parameters()}, {params = text:parameters()}, own and {params = own}}, {lr = 1e-3})
  local once = repeated(parts, function()
    local i = g:randint(1, n_train, {128})
    local z = f(data.train.x:index_select(1, i))
    local loss = clip_loss(z, text(captions(data.train, i, clip_rates, g)))
    step:zero_grad()
    loss:backward()
    step:step()
    return loss
  end)
  for _ in P:training(clip_steps, "image-text pretraining") do P:watch(once()) end
  return f, text:requires_grad_(false)
end

--[[ The denoiser $v$ predicts the velocity (or, with `--set prediction=eps`, the noise) of a latent under a condition
$c \in \mathbb R^K$: an embedding $e = \mathrm{SiLU}(W_t\,\mathrm{waves}(t) + W_c c)$ modulates two residual blocks. It is trained on the
text condition $c = \mathrm{LN}(u)$ of captions that say nearly everything, and then frozen. ]]
local Block = nn.class "Block"                    -- y = x + W2 SiLU(W1 [(1 + gamma(e)) LN(x) + beta(e)])
function Block:init(d, d_e, g)
  self.film = nn.FiLM(d_e, d, {generator = g})
  self.w1 = nn.Linear(d, d, {generator = g})
  self.w2 = nn.Linear(d, d, {generator = g})
end
function Block:forward(x, e) return x + self.w2(self.w1(self.film(x:layer_norm(), e)):silu()) end

local Denoiser = nn.class "Denoiser"
function Denoiser:init(d, width, g)
  self.waves = nn.SinusoidalEmbedding(64)
  self.w_t = nn.Linear(64, 64, {generator = g})
  self.w_c = nn.Linear(K, 64, {bias = false, generator = g})
  self.first = nn.Linear(d, width, {generator = g})
  self.blocks = {Block(width, 64, g), Block(width, 64, g)}
  self.last = nn.Linear(width, d, {init = "zeros", generator = g})
end
function Denoiser:forward(x, t, c)                -- x (B,D), t (B), c (B,K) -> (B,D)
  local e, y = (self.w_t(self.waves(t)) + self.w_c(c)):silu(), self.first(x)
  for _, block in ipairs(self.blocks) do y = block(y, e) end
  return self.last(y)
end

local vp = rp.diffusion.VP{steps = 1000, schedule = "scaled_linear", predict = P.prediction}
local v_rates = {coarse = 0, wrong = 0, class = 0.9, attribute = 0.8, context = 0.8, dropped = 0.1}

local function noised(x0, g)                      -- x0 (B,D) -> x_t, t, r: the noisy latents, their times, the targets
  local t, eps = g:randint(1, 1000, {x0:size(1)}), g:randn(x0.shape)
  local a, s = vp:at(t, x0)
  return x0 * a + eps * s, t, vp.kind.target(x0, eps, a, s)
end

local function caption_condition(text, caption) return rp.no_grad(text.forward, text, caption):layer_norm() end

local function train_denoiser(text, seed, width, steps, parts) -- parts: another denoiser or condition, see below
  local g = rp.generator(seed, "denoiser")
  local v = (parts and parts.denoiser or Denoiser)(n_latent, width, g)
  if steps == 0 then return v:requires_grad_(false), 0 end
  local condition = parts and parts.caption_condition or caption_condition
  local step, tail = optim.Adam(v, {lr = 2e-3}), 0
  local once = repeated(parts, function()
    local i = g:randint(1, n_train, {256})
    local c = condition(text, captions(data.train, i, v_rates, g))
    local x_t, t, r = noised(latents:index_select(1, i), g)
    local loss = rec_loss(v(x_t, t, c), r)
    step:zero_grad()
    loss:backward()
    step:step()
    return loss
  end)
  for k in P:training(steps, "denoiser") do
    local loss = once()
    if k > steps - 100 then tail = tail + loss:item() / math.min(steps, 100) end
    P:watch(loss)
  end
  return v:requires_grad_(false), tail
end

--[[ ## 5  Two stages (Sec. 4.2, Alg. 1, Fig. 3)

    image i     -- f --> z_i  -- h --> c_i  -+
    its twin    -- f --> z_i+ -- h --> c_i+ -+-->  v(x_t, t, .)  -->  p_ii, q_i, p_ij
    image j     -- f --> z_j  -- h --> c_j  -+                              |
                                                 the target  r_i  -->    Eq. 12

In all three rows $v$ sees $x_t$, the noisy latent of image $i$. Stage 1 trains $h$ with $f$ and $v$ frozen, stage 2 trains $f$ with $h$
and $v$ frozen. The projector is a residual two-layer MLP, $h(z) = \mathrm{LN}(z) + W_2\,\mathrm{GELU}(W_1 \mathrm{LN}(z))$, with $W_2 =
0$ at the start. ]]
local Projector = nn.class "Projector"
function Projector:init(g)
  self.w1 = nn.Linear(K, 64, {generator = g})
  self.w2 = nn.Linear(64, K, {init = "zeros", generator = g})
end
function Projector:forward(z)
  z = z:layer_norm()
  return z + self.w2(self.w1(z):gelu())
end

--[[ A *world* is what training starts from: `f`, `text`, `v`, `h`. Its `parts`, if it has any, replace the ones of this script:
`encoder(g)`, `text(g)`, `denoiser(d, width, g)`, `projector(g)`, `caption_condition(text, caption)` for the denoiser's training, and
`condition(h, z, tokens)` in the place of $c = h(z)$. Its `lora`, `lr_2` and `twin` go before the settings.

A batch is the same for every method: images, twins, noisy latents, times and targets come from a stream of their own. ]]
local function draw_batch(g, twin)                -- twin = another augmentation
  local i, b = g:randint(1, P.pool > 0 and P.pool or n_train, {P.batch}), {noisy = {}}
  b.x, b.y = data.train.x:index_select(1, i), data.train.y:index_select(1, i)
  local x0 = latents:index_select(1, i)
  for n = 1, P.noises do
    local x_t, t, r = noised(x0, g)
    b.noisy[n] = {x_t = x_t, t = t, r = r}
  end
  b.twin = (twin or augment)(b.x, g)
  return b
end

local function features(f, b)                     -- -> z, z_twin (B,K), in one pass; the tokens of both stay in b
  local z, tokens = f(rp.concat(1, b.x, b.twin))
  if tokens then b.tokens, b.tokens_twin = tokens:chunk(2) end
  return z:chunk(2)
end

local function condition(m, z, tokens)            -- -> c
  return m.parts and m.parts.condition and m.parts.condition(m.h, z, tokens) or m.h(z)
end

local function over_noises(b, f)                  -- mean of f over the noisy copies of a batch
  local sum = f(b.noisy[1])
  for n = 2, #b.noisy do sum = sum + f(b.noisy[n]) end
  return #b.noisy > 1 and sum / #b.noisy or sum
end

--[[ Three losses of a batch, given what they need: reconstruction (Eq. 8), the naive sum (Eq. 9), DCR (Eq. 12). ]]
local losses = {}

function losses.rec(m, b, z)
  local c = condition(m, z, b.tokens)
  return over_noises(b, function(o) return rec_loss(m.v(o.x_t, o.t, c), o.r) end)
end

function losses.naive(m, b, z, z_twin, record)
  local l_con, l_rec = con_loss(z, z_twin, b.y), losses.rec(m, b, z)
  local pull = rp.conflict{losses = {l_con, l_rec}, at = z}
  rp.live(function()
    record[#record + 1] = {con = l_con:item(), rec = l_rec:item(), cos = pull.cosine, ratio = pull.norms[1] / pull.norms[2]}
  end)
  return l_con * m.lambda[1] + l_rec * m.lambda[2]
end

function losses.dcr(m, b, z, z_twin, record)
  local c, c_twin = condition(m, z, b.tokens), condition(m, z_twin, b.tokens_twin)
  local p = {}
  local l_dcr = over_noises(b, function(o)
    p[o] = contrastive.pairwise(m.v, o.x_t, o.t, c)
    return dcr_loss(p[o], m.v(o.x_t, o.t, c_twin), o.r, P.tau)
  end)
  local l_rec = over_noises(b, function(o) return rec_loss(p[o]:diagonal():t(), o.r) end)
  local pull = rp.conflict{losses = {l_dcr, l_rec}, at = z}
  rp.live(function() record[#record + 1] = {dcr = l_dcr:item(), rec = l_rec:item(), cos = pull.cosine} end)
  return l_dcr
end

local function train(m, what)                     -- what = {loss, groups, steps, stream, name}; returns records of its steps
  local g, step, record = rp.generator(m.seed, what.stream), optim.AdamW(what.groups, {weight_decay = 0.01}), {}
  local once = repeated(m.parts, function()
    local b = draw_batch(g, m.twin)
    local z, z_twin = features(m.f, b)
    local loss = losses[what.loss](m, b, z, z_twin, record)
    step:zero_grad()
    loss:backward()
    step:step{clip = 1}
    return loss
  end)
  for _ in P:training(what.steps, what.name) do P:watch(once()) end
  return record
end

--[[ **Stage 1** trains the projector with the encoder frozen; **stage 2** trains the encoder with the projector frozen. ]]
local function new_projector(world, seed)
  return (world.parts and world.parts.projector or Projector)(rp.generator(seed, "projector"))
end

local function stage_1(world, seed)               -- -> h, frozen
  local h = new_projector(world, seed)
  local m = {f = world.f:requires_grad_(false), v = world.v, h = h, seed = seed, parts = world.parts}
  train(m, {loss = P.stage_1, groups = {{params = h:parameters(), lr = P.lr_1}}, steps = P.steps_1, stream = "stage 1",
            name = "stage 1"})
  return h:requires_grad_(false)
end

local function stage_2(world, seed, loss, lambda) -- -> model with its own encoder and the record of its training
  local f, rank, rate = world.f:clone():requires_grad_(true), world.lora or P.lora, world.lr_2 or P.lr_2
  if rank > 0 then f = nn.lora(f, rank, rank, {generator = rp.generator(seed, "lora")}) end
  local m = {f = f, v = world.v, h = world.h, text = world.text, seed = seed, lambda = lambda, twin = world.twin,
             parts = world.parts}
  m.record = train(m, {loss = loss, groups = {{params = f:trainable(), lr = rate}}, steps = P.steps_2, stream = "stage 2",
                       name = "stage 2, " .. loss})
  return m
end

local function denoiser_world(world, width, steps) -- the same start with another denoiser and its projector
  local other = {f = world.f, text = world.text, seed = world.seed, parts = world.parts, twin = world.twin}
  other.v, other.error_v = train_denoiser(world.text, world.seed, width, steps, world.parts)
  other.h = stage_1(other, world.seed)
  return other
end

local function new_world(seed, parts)             -- everything up to stage 2
  local start = {seed = seed, parts = parts}
  start.f, start.text = pretrain(seed, parts)
  return denoiser_world(start, P.width, v_steps)
end

--[[ A competitor without captions, as GenHancer: a denoiser and a projector trained from scratch on the condition $h(f(x))$ of the
frozen encoder, which is then trained by reconstruction. ]]
local function own_generator(world, seed)         -- -> a world with that denoiser and projector
  local g = rp.generator(seed, "generator")
  local other = {f = world.f, text = world.text, seed = seed, parts = world.parts, twin = world.twin,
                 v = Denoiser(n_latent, P.width, g), h = new_projector(world, seed)}
  local step = optim.Adam({{params = other.v:parameters()}, {params = other.h:parameters()}}, {lr = 2e-3})
  local once = repeated(world.parts, function()
    local i = g:randint(1, n_train, {256})
    local c = condition(other, rp.no_grad(world.f.forward, world.f, data.train.x:index_select(1, i)))
    local x_t, t, r = noised(latents:index_select(1, i), g)
    local loss = rec_loss(other.v(x_t, t, c), r)
    step:zero_grad()
    loss:backward()
    step:step()
    return loss
  end)
  for _ in P:training(v_steps, "denoiser of its own") do P:watch(once()) end
  other.v:requires_grad_(false)
  other.h:requires_grad_(false)
  return other
end

--[[ The other protocol, **end to end** (Table 4b): a new projector and the encoder together, for the steps of both stages. ]]
local function end_to_end(world, seed)
  local f, h = world.f:clone():requires_grad_(true), new_projector(world, seed)
  local m = {f = f, v = world.v, h = h, text = world.text, seed = seed, parts = world.parts}
  m.record = train(m, {loss = "dcr", steps = P.steps_1 + P.steps_2, stream = "stage 2", name = "end to end",
                       groups = {{params = f:parameters(), lr = P.lr_2}, {params = h:parameters(), lr = P.lr_1}}})
  return m
end

--[[ ## 6  What is measured (Sec. 5.1)
**D-ability**: $k$-means clusters of the test features against the classes: NMI, accuracy (ACC), adjusted Rand index (ARI).
**P-ability**: for each attribute, pairs of images that differ in it alone; the text of each value must be nearer to its
image than to the other, and both must be right: 25% by chance. ]]
local function embed(f, x)                        -- (n,C,H,W) -> (n,K), without a graph
  return nn.in_parts(function(part) return (f(part)) end, 500, x)
end

local function p_ability(m)                       -- -> list of the share of right pairs for each attribute
  local shares = {}
  for k, pair in ipairs(data.pairs) do
    local zero, one = embed(m.f, pair[1]):unit(), embed(m.f, pair[2]):unit()
    local t_zero, t_one = m.text(attribute_caption(k, 0)), m.text(attribute_caption(k, 1))
    local function nearer(d, t) return (t:size(1) == 1 and d:matmul(t:t()) or rp.dot(d, t, 2, true)):gt(0) end
    local right = nearer(zero - one, t_zero):logical_and(nearer(one - zero, t_one))
    shares[k] = right:to("float64"):mean():item()
  end
  return shares
end

local function evaluate(m)
  local z = embed(m.f, data.test.x)
  local d = metrics.cluster_scores(z, data.test.y, {k = n_class, seed = m.seed})
  local patterns = p_ability(m)
  local s_inner, s_inter = metrics.scatter(z:unit(), data.test.y)
  return {nmi = d.nmi, acc = d.acc, ari = d.ari, patterns = patterns, mmvp = mean(patterns), z = z,
          inner = s_inner, inter = s_inter}
end

if not P.main then
  return {settings = P, data = data, twins = twins, captions = captions, pretrain = pretrain, train_denoiser = train_denoiser,
          draw_batch = draw_batch, con_loss = con_loss, stage_1 = stage_1, new_world = new_world,
          own_generator = own_generator, stage_2 = stage_2, losses = losses, dcr_loss = dcr_loss,
          embed = embed, evaluate = evaluate}
end

--[[ ## 7  The runs
Every seed makes its own world (encoder, text tower, denoiser, projector) on the same images, and from it one encoder per
method; all methods see the same batches, twins, times and noises. A weaker and a middling denoiser serve Fig. 6. ]]
local names = {original = "Original", rec = "reconstruction only", generator = "its own denoiser", naive = "naive", dcr = "DCR",
               end_to_end = "DCR, end to end"}
local weights = {{"naive_01", 0.1}, {"naive", 1}, {"naive_10", 10}, {"naive_100", 100}} -- the naive sum, its lambda_rec
local strengths = {{"weak", 16, 0.08}, {"middle", 32, 0.3}}                    -- name, width, share of the steps

local makers = {                                  -- w: the models of one seed, each trained once, when something needs it
  original = function(w) return denoiser_world(w.start, P.width, v_steps) end,
  rec = function(w) return stage_2(w.original, w.seed, "rec") end,
  generator = function(w) return stage_2(own_generator(w.original, w.seed), w.seed, "rec") end,
  dcr = function(w) return stage_2(w.original, w.seed, "dcr") end,
  end_to_end = function(w) return end_to_end(w.original, w.seed) end,
}
for _, n in ipairs(weights) do
  makers[n[1]] = function(w) return stage_2(w.original, w.seed, "naive", {P.lambda_con, n[2] * P.lambda_rec}) end
end
for _, s in ipairs(strengths) do
  makers[s[1]] = function(w)
    local other = denoiser_world(w.start, s[2], math.ceil(v_steps * s[3]))
    local m = stage_2(other, w.seed, "dcr")
    m.error_v = other.error_v
    return m
  end
end

local of_seed = lazy(function(seed)
  local w
  w = lazy(function(method) return makers[method](w) end)
  w.seed, w.start = seed, {seed = seed, parts = given}
  w.start.f, w.start.text = pretrain(seed, given)
  return w
end)
local first = of_seed[P.seed]

local scores = lazy(function(method)              -- scores[method][seed]; records and errors alike
  return P:over_seeds(function(seed)
    local e = P:once("evaluation", evaluate, of_seed[seed][method])
    P:log{seed = seed, method = method, nmi = e.nmi, acc = e.acc, ari = e.ari, mmvp = e.mmvp}
    return e
  end)
end)
local records = lazy(function(method) return P:over_seeds(function(seed) return of_seed[seed][method].record end) end)
local errors = lazy(function(method) return P:over_seeds(function(seed) return of_seed[seed][method].error_v end) end)

local function column(method, key)                -- one number per seed
  return rp.runs.column(scores[method], key)
end

local function gain(a, b, key)                    -- mean over seeds of method a minus method b
  return mean(column(a, key)) - mean(column(b, key))
end

--[[ ## 8  The theorems, on the trained networks (Sec. 4.3)
**Lemma 1**, for the test features of seed 1: $\sum_i |e_i - \bar e|^2 = \frac{1}{2n} \sum_{ij} |e_i - e_j|^2$. ]]
local n_theory = math.min(100, n_test)
local Z = embed(first.dcr.f, data.test.x:slice(1, 1, n_theory)):to("float64")
local Y = data.test.y:slice(1, 1, n_theory)

local function squared(a)                         -- (n,d) -> (n,n): |a_i - a_j|^2
  return (a:unsqueeze(1) - a:unsqueeze(2)):square():sum(3)
end
P:exact("lemma1", (Z - Z:mean(1)):square():sum() / (squared(Z):sum() / (2 * n_theory)), 1, 1e-12,
        {where = "Lemma 1", text = "left side over right side"})

--[[ **Theorem 1.** Fix $x_t$ and $t$ and let $T(z) = v(x_t, t, h(z))$. If $m |z - z'| \le |T(z) - T(z')| \le L |z - z'|$, then
$$ S_{inner} \le \tfrac{1}{m^2} S_{inner}^{(\epsilon)}, \qquad S_{inter} \ge \kappa\, S_{inter}^{(\epsilon)} - \eta\, S_{inner}^{(\epsilon)},
   \qquad \kappa = \tfrac{1}{2L^2}, \quad \eta = \tfrac{4}{m^2} . $$
The constants are measured over all pairs of 100 test features and their class means, which the proof also maps by $T$. ]]
local function class_means(z, y)
  local _, position = y:unique()
  local member = position:one_hot(nil, "float64")
  return member:t():matmul(z) / member:sum(1):unsqueeze(2)
end

local x_t, t = noised(latents:slice(1, 1, 1), rp.generator(P.seed, "theory"))
local function T(z)                               -- (n,K) -> (n,D)
  local n = z:size(1)
  local c = first.dcr.h(z:to("float32"))
  return rp.no_grad(first.dcr.v.forward, first.dcr.v, x_t:expand(n, n_latent), t:expand(n), c):to("float64")
end

local set = rp.concat(1, Z, class_means(Z, Y))
local n_set = set:size(1)
local apart = rp.eye(n_set):eq(0)
local ratio = squared(T(set)) / rp.where(apart, squared(set), 1)
local m_2 = rp.where(apart, ratio, math.huge):min():item()                    -- m^2
local L_2 = ratio:max():item()                                                -- L^2
local inner, inter = metrics.scatter(Z, Y)
local inner_eps, inter_eps = metrics.scatter(T(Z), Y)
P:exact("theorem1.inner", inner, {op = "<=", bound = inner_eps / m_2},
        {where = "Eq. 13", text = "S_inner is bounded by the predictions' scatter"})
local lower = inter_eps / (2 * L_2) - 4 * inner_eps / m_2
P:exact("theorem1.inter", inter, {op = ">=", bound = lower},
        {where = "Eq. 14", text = "S_inter is bounded by the predictions' scatters"})
P:note("Measured m = %.3g and L = %.3g. The bound on $S_{inner}$ is %.3g times its value. The lower bound on $S_{inter}$ is %.3g: %s.",
       math.sqrt(m_2), math.sqrt(L_2), inner_eps / m_2 / inner, lower,
       lower <= 0 and "negative, so it says nothing (any $S_{inter}$ satisfies it)" or "positive")

--[[ **Theorem 2.** With norms in $[\alpha, \beta]$, $\mathrm{sim}(p_{ii}, p_{ij}) \le u - \Delta$ for every negative and $\delta = (B - 1) e^{-\Delta/\tau}$, Eq. 98 is
$$ \tfrac{1}{4\tau\beta^2} R + \tilde C_{min} - \tfrac{1}{2\tau} \le \mathcal L_i \le \tfrac{1}{4\tau\alpha^2} R + \tilde C_{max} + \log(1 + \delta),
   \qquad R = |p_{ii} - r_i|^2, $$
where $0 \le d^2 \le 4$ gives $\tilde C_{min} = \log 2 - 2/\tau$ and $\tilde C_{max} = \log 2 + 1/\tau$. ]]
local b = draw_batch(rp.generator(P.seed, "theory batch"))
local z, z_twin = rp.no_grad(features, first.dcr.f, b)
local o = b.noisy[1]
local pairs_p = contrastive.pairwise(first.dcr.v, o.x_t, o.t, first.dcr.h(z)):to("float64")
local twin_p, target = first.dcr.v(o.x_t, o.t, first.dcr.h(z_twin)):to("float64"), o.r:to("float64")
local s = similarities(pairs_p, twin_p, target, P.tau)
local L_i, own = dcr_terms(s), pairs_p:diagonal():t()
local R = (own - target):square():sum(2)
local norms = rp.concat(1, own:square():sum(2), target:square():sum(2))
local alpha_2, beta_2 = norms:min():item(), norms:max():item()
local delta = (s:slice(2, 3, -1) - s:slice(2, 2, 2)):max():exp():item() * (P.batch - 1)  -- (B-1) e^(-Delta/tau)
local low = R / (4 * P.tau * beta_2) + math.log(2) - 2 / P.tau - 1 / (2 * P.tau)
local high = R / (4 * P.tau * alpha_2) + math.log(2) + 1 / P.tau + math.log(1 + delta)
P:exact("theorem2.lower", (L_i - low):min(), {op = ">=", bound = 0}, {where = "Eq. 98", text = "the loss is above the lower line"})
P:exact("theorem2.upper", (high - L_i):min(), {op = ">=", bound = 0}, {where = "Eq. 98", text = "the loss is below the upper line"})
P:note("The two lines are %.3g apart on average, while the loss varies by %.3g over the batch: the sandwich holds, but "
       .. "reconstruction error alone does not determine the loss.", (high - low):mean():item(), (L_i:max() - L_i:min()):item())

--[[ ## 9  Results
### Table 2: both abilities ]]
local keys = {"nmi", "acc", "ari", n_attribute > 0 and "mmvp" or nil}
local key_names = {"NMI", "ACC", "ARI", n_attribute > 0 and "MMVP-like" or nil}
local function table_rows(list)                   -- of {method, label}
  local out = {}
  for i, method in ipairs(list) do
    out[i] = {method[2] or names[method[1]]}
    for j, key in ipairs(keys) do out[i][j + 1] = rp.runs.text(column(method[1], key)) end
  end
  return out
end
local function best_weight()                      -- the weight of the naive sum whose scores are best in the mean: {method, label}
  local best, best_sum
  for _, n in ipairs(weights) do
    local sum = 0
    for _, key in ipairs(keys) do sum = sum + mean(column(n[1], key)) end
    if not best or sum > best_sum then best, best_sum = n, sum end
  end
  return {best[1], ("naive, best weight: λ_rec = %g"):format(best[2])}
end
local function compared()
  local list = {{"original"}, {"rec"}, {"naive"}, best_weight(), {"dcr"}}
  if v_steps > 0 then table.insert(list, 3, {"generator"}) end
  return list
end
P:table("Table 2", {"Method", table.unpack(key_names)}, table_rows(compared()),
        "Mean over seeds (range). Clustering of test features, and pairs of which both are right (chance 0.25). Reconstruction only is "
        .. "what DIVA does, its own denoiser what GenHancer does; the best weight is chosen on these very scores, in its favour.")

--[[ ### Table 4: the naive sum under four weights, and the training protocol ]]
local function weight_rows()
  local list = {}
  for i, n in ipairs(weights) do list[i] = {n[1], ("naive, λ_rec = %g"):format(n[2])} end
  list[#list + 1] = {"dcr"}
  return table_rows(list)
end
P:table("Table 4a", {"Method", table.unpack(key_names)}, weight_rows(), "Naive sum against DCR.")
P:table("Table 4b", {"Protocol", table.unpack(key_names)}, table_rows{{"end_to_end", "end to end"}, {"dcr", "two stages"}},
        "Training protocol.")

--[[ ### Table 1: each visual pattern ]]
local header = {"Method", table.unpack(data.attributes)}
header[n_attribute + 2] = "mean"
local function pattern_rows()
  local rows = {}
  for i, method in ipairs(compared()) do
    rows[i] = {method[2] or names[method[1]]}
    for k = 1, n_attribute do
      local list = {}
      for j, e in ipairs(scores[method[1]]) do list[j] = e.patterns[k] end
      rows[i][k + 1] = ("%.2f"):format(mean(list))
    end
    rows[i][n_attribute + 2] = rp.runs.text(column(method[1], "mmvp"))
  end
  return rows
end
if n_attribute > 0 then P:table("Table 1", header, pattern_rows(), "P-ability by pattern: means over seeds, and the range of the mean.") end

--[[ ### Fig. 1d: the balance ]]
local function abilities()
  local fig = rp.plot.figure{width = 560, height = 420, desc = "Radar chart of NMI, ACC, ARI and MMVP by method"}
  local series = {}
  for i, name in ipairs{"original", "rec", "naive", "dcr"} do
    series[i] = {label = names[name], values = {}}
    for j, key in ipairs(keys) do series[i].values[j] = mean(column(name, key)) end
  end
  fig:axes():radar(key_names, series)
  return fig
end
P:figure("Figure 1d", abilities(), "D-ability (NMI, ACC, ARI) and P-ability (MMVP-like), means over seeds.")

--[[ ### Fig. 2: two losses and their gradients under the naive sum ]]
local function curve(method, key, window)         -- (seeds, T): means over `window` steps
  local runs = {}
  for s, record in ipairs(records[method]) do
    runs[s] = {}
    for k = 1, #record // window do
      local sum = 0
      for j = (k - 1) * window + 1, k * window do sum = sum + record[j][key] end
      runs[s][k] = sum / window
    end
  end
  return runs
end

local window = math.max(1, P.steps_2 // 40)
local function steps_of(runs)
  local list = {}
  for k = 1, #runs[1] do list[k] = k * window end
  return list
end
local panels = {{"Figure 2a", "naive", "con", "$L_{con}$", "The contrastive loss under the naive sum."},
                {"Figure 2b", "naive", "rec", "$L_{rec}$", "The reconstruction loss under the naive sum."},
                {"Figure 2c", "naive", "cos", "$\\cos(g_{con}, g_{rec})$",
                 "The cosine of the two gradients at $z$; below zero they conflict."}}
local function over_time(panel)
  local runs = curve(panel[2], panel[3], window)
  local figure = rp.plot.figure{desc = panel[5]}
  local ax = figure:axes{xlabel = "step of stage 2", ylabel = panel[4]}
  ax:line(steps_of(runs), runs, {label = "naive"})
  if panel[3] ~= "con" then ax:line(steps_of(runs), curve("dcr", panel[3], window), {label = "DCR"}) end
  if panel[3] == "cos" then ax:hline(0) end
  return figure
end
for _, panel in ipairs(panels) do
  local averaged = window > 1 and (" Means of %d steps."):format(window) or ""
  P:figure(panel[1], over_time(panel), panel[5] .. averaged .. " Band: standard deviation over seeds.")
end

--[[ ### Fig. 5: t-SNE of test features ]]
if P:wants("Figure 5") then
  local n = math.min(n_test, P.scale == "smoke" and 120 or 400)
  local figure = rp.plot.figure{cols = 3, width = 780, height = 280, desc = "t-SNE of features by class"}
  for _, name in ipairs{"original", "rec", "dcr"} do
    local y = metrics.tsne(scores[name][1].z:slice(1, 1, n),
                           {perplexity = math.min(20, (n - 1) // 3), steps = P.scale == "smoke" and 100 or 400, seed = P.seed})
    local ax = figure:axes{title = names[name], legend = false}
    ax:scatter(y:select(2, 1), y:select(2, 2), {classes = data.test.y:slice(1, 1, n), size = 2})
  end
  P:figure("Figure 5", figure, "Test features of seed 1, coloured by class.")
end

--[[ ### Fig. 6: the denoiser
The paper exchanges the Stable Diffusion; here the denoiser is narrower and trained for fewer steps. ]]
local function capacity()                         -- -> list of {method, label, mean loss of its denoiser}
  local list = {}
  for i, s in ipairs(strengths) do
    list[i] = {s[1], ("width %d, %g%% of the steps"):format(s[2], 100 * s[3]), mean(errors[s[1]])}
  end
  list[#list + 1] = {"dcr", ("width %d, all steps"):format(P.width), mean(errors.original)}
  return list
end
local function capacity_rows()
  local list = capacity()
  local rows = table_rows(list)
  for i, row in ipairs(rows) do table.insert(row, 2, ("%.3f"):format(list[i][3])) end
  return rows
end
local function capacity_figure()
  local figure, list, x = rp.plot.figure{desc = "Scores of DCR over the loss of its denoiser"}, capacity(), {}
  local ax = figure:axes{xlabel = "loss of the denoiser", ylabel = "score", legend = true}
  for i, row in ipairs(list) do x[i] = row[3] end
  for j, key in ipairs(keys) do
    local y, low, high = {}, {}, {}
    for i, row in ipairs(list) do
      local values = column(row[1], key)
      y[i], low[i], high[i] = mean(values), rp.runs.range(values)
    end
    ax:line(x, y, {label = key_names[j], marker = ({"circle", "square", "triangle", "diamond"})[j], band = {low, high}})
  end
  return figure
end
if v_steps > 0 then
  P:figure("Figure 6", capacity_figure(),
           "DCR with weaker (right) and stronger (left) denoisers; means over seeds, the band is their range.")
  P:table("Figure 6 in numbers", {"Denoiser", "its loss", table.unpack(key_names)}, capacity_rows())
end

--[[ ### The paper's claims
A claim that does not hold here is reported as *not reproduced*, with what was measured. First, D-ability: ]]
P:claim("rec.d", "Reconstruction brings little gain or even harm to D-ability",
        {value = gain("rec", "original", "nmi"), op = "<=", bound = 0.01},
        {where = "Sec. 1, Table 2"})
P:claim("dcr.d.acc", "DCR improves clustering accuracy over the original",
        {value = gain("dcr", "original", "acc"), op = ">=", bound = 0.03},
        {where = "Table 2"})
P:claim("dcr.d.ari", "DCR improves ARI over the original", {value = gain("dcr", "original", "ari"), op = ">=", bound = 0.03},
        {where = "Table 2"})
P:claim("dcr.rec", "DCR has better D-ability than reconstruction alone (NMI)",
        {value = gain("dcr", "rec", "nmi"), op = ">=", bound = 0.02},
        {where = "Table 2"})
local function least_gain(a, b, key)              -- over seeds
  local least = math.huge
  for s = 1, P.seeds do least = math.min(least, scores[a][s][key] - scores[b][s][key]) end
  return least
end
P:claim("dcr.naive.d", "DCR has better D-ability than the naive sum (NMI)",
        {value = gain("dcr", "naive", "nmi"), op = ">", bound = 0},
        {where = "Table 4a"})
P:claim("remark1.d", "No weighting reconciles the naive sum: with lambda_rec = 10 its D-ability (ACC) stays below DCR's",
        {value = gain("dcr", "naive_10", "acc"), op = ">=", bound = 0.015}, {where = "Remark 1"})
P:claim("stages", "Two stages are better than end-to-end training (NMI)",
        {value = gain("dcr", "end_to_end", "nmi"), op = ">=", bound = 0.05},
        {where = "Table 4b"})

--[[ P-ability: ]]
local no_attributes = "the images of this data set have no attributes to tell apart"
if n_attribute > 0 then
  P:claim("rec.p", "Reconstruction improves P-ability", {value = gain("rec", "original", "mmvp"), op = ">=", bound = 0.05},
          {where = "Sec. 1, Table 1"})
  P:claim("dcr.p", "DCR improves P-ability over the original", {value = gain("dcr", "original", "mmvp"), op = ">=", bound = 0.05},
          {where = "Table 1"})
  P:claim("dcr.naive.p", "DCR has better P-ability than the naive sum",
          {value = gain("dcr", "naive", "mmvp"), op = ">=", bound = 0.015},
          {where = "Table 4a"})
  P:claim("dcr.naive.p.every", "... in every seed", {value = least_gain("dcr", "naive", "mmvp"), op = ">", bound = 0}, {where = "Table 4a"})
  P:claim("remark1.p", "... with lambda_rec = 10 its P-ability stays below DCR's too",
          {value = gain("dcr", "naive_10", "mmvp"), op = ">=", bound = 0.015}, {where = "Remark 1"})
  P:claim("stages.p", "Two stages are better than end-to-end training in P-ability",
          {value = gain("dcr", "end_to_end", "mmvp"), op = ">", bound = 0}, {where = "Table 4b"})
else
  for _, id in ipairs{"rec.p", "dcr.p", "dcr.naive.p", "dcr.naive.p.every", "remark1.p", "stages.p"} do P:not_run(id, no_attributes) end
end

--[[ The denoiser: ]]
if v_steps > 0 then
  P:claim("denoiser.d", "A stronger denoiser gives better D-ability (NMI)",
          {value = gain("dcr", "weak", "nmi"), op = ">", bound = 0}, {where = "Fig. 6"})
  if n_attribute > 0 then
    P:claim("denoiser.p", "A stronger denoiser gives better P-ability",
            {value = gain("dcr", "weak", "mmvp"), op = ">", bound = 0}, {where = "Fig. 6"})
  end
else
  P:not_run("denoiser.d", "the denoiser is given, not trained", {where = "Fig. 6"})
end

--[[ What happens while it trains: ]]
local function over_steps(method, key, from, to, f)   -- mean of f(record) over a part of the steps and all seeds
  local sum, n = 0, 0
  for _, record in ipairs(records[method]) do
    for k = math.floor(from * #record) + 1, math.floor(to * #record) do sum, n = sum + f(record[k][key]), n + 1 end
  end
  return sum / n
end
local function itself(x) return x end
local function negative(x) return x < 0 and 1 or 0 end

P:claim("fig2a", "Under the naive sum L_con falls: by half at least",
        {value = over_steps("naive", "con", 0.9, 1, itself) / over_steps("naive", "con", 0, 0.1, itself), op = "<=", bound = 0.5},
        {where = "Fig. 2a"})
P:claim("fig2b", "... while L_rec stalls or rises",
        {value = over_steps("naive", "rec", 0.5, 1, itself) / over_steps("naive", "rec", 0, 0.1, itself), op = ">=", bound = 1},
        {where = "Fig. 2b"})
P:claim("conflict", "Most steps are in conflict: cos(g_con, g_rec) < 0 in at least 60%",
        {value = over_steps("naive", "cos", 0, 1, negative), op = ">=", bound = 0.6}, {where = "Sec. 4.1, Fig. 2c"})
P:claim("conflict.grows", "Conflict grows: more of the last quarter of the steps than of the first",
        {value = over_steps("naive", "cos", 0.75, 1, negative) - over_steps("naive", "cos", 0, 0.25, negative), op = ">", bound = 0},
        {where = "Fig. 2c"})
P:claim("dominates", "L_con dominates the gradient: |g_con| / |g_rec| at least 2",
        {value = over_steps("naive", "ratio", 0, 1, itself), op = ">=", bound = 2}, {where = "Sec. 4.1"})
P:claim("dcr.harmony", "DCR avoids gradient conflict: its gradient opposes g_rec in at most 1% of the steps",
        {value = over_steps("dcr", "cos", 0, 1, negative), op = "<=", bound = 0.01}, {where = "Sec. 4.2"})

--[[ And the scatter of the features (Eq. 3-5): ]]
P:claim("scatter.inner", "DCR lowers S_inner (of unit features)",
        {value = mean(column("dcr", "inner")) / mean(column("original", "inner")), op = "<", bound = 1},
        {where = "Remark 2"})
P:claim("scatter.inter", "DCR raises S_inter (of unit features)",
        {value = mean(column("dcr", "inter")) / mean(column("original", "inter")), op = ">", bound = 1},
        {where = "Remark 2"})

--[[ ### Verdict
The *direction* of the paper appears on the glyphs, means over five seeds. Reconstruction alone doubles P-ability and costs
D-ability; DCR raises P-ability too and keeps D-ability where it was; it is above the naive sum on both. The rest does not:

- DCR does not *raise* D-ability beyond the original by a margin, only beyond every other way of training.
- The naive sum with $\lambda_{rec} = 10$ is about as good as DCR, against Remark 1, and with 100 it sees as many details as reconstruction
  alone while it keeps more of the classes: the weight matters more than the form.
- End-to-end training is better at details, and at accuracy, and worse in NMI than two stages, not worse at all of them.
- A stronger denoiser gives more P-ability; D-ability is the same with all three (Fig. 6).
- A denoiser of its own, trained on the encoder's features, asks them for nothing new: the encoder stays where it was.
- The gradients of the naive sum are nearly orthogonal *at the feature*, where Eq. 11 takes them: their cosine is below zero in some 40%
  of the steps, not 86%, more often late than early. `experiments/dcr_conflict_map.lua` looks for the reason. No single factor brings it
  above 60% there (feature size, steps, batch, noises, classes as positives, transformer, LoRA, data, denoiser, noise prediction). *At the
  encoder's weights*, where the images' gradients are added, the same losses are opposed in two thirds of the steps, and in 90% with 64
  images and eight noises an image; with a class's images as positives, a batch of 32 and a temperature of 0.5, in 92%, and in 77% at the
  feature. The paper's 86.3% depends on where, and over how much noise, the cosine is taken, and on labels. DCR's own gradient
  seldom opposes reconstruction.
- $S_{inner}$ rises under DCR, against Remark 2; $S_{inter}$ rises too, and more evenly spread features have more of both.

How much of an image is light decides it. The default light and captions make the *start* what the paper needs: an encoder decent
at classes (NMI 0.74) and at chance in details. With `--set light=1.3`, where light is most of an image's variance, reconstruction fills the
features with light, and DCR loses D-ability as well.

How good the start is decides it too. Over four data sets (`experiments/dcr_datasets.lua`: glyphs, MNIST, CIFAR-10, 8x8 digits) DCR *is* the first of
all methods in the averages of NMI, ACC and ARI, as in Table 2. On the digits it adds 0.10 to the NMI of the original; on MNIST the naive
sum loses D-ability and DCR does not. Whether the denoiser predicts noise or velocity matters little (`dcr_prediction.lua`), and adapters
trade one ability for the other as all weights do, by how far they move the features (`dcr_lora.lua`).

### Where the rest of the paper is
In `experiments/`, each with its claims:

- Table 1, several encoders and both pretraining losses: `dcr_backbones.lua`; Table 2, several data sets: `dcr_datasets.lua`
- Table 6, zero-shot classification and retrieval: `dcr_retrieval.lua`; Table 7, local tokens: `dcr_tokens.lua`; Table 8, cost: `dcr_cost.lua`
- Sec. 4.1, where conflict appears and whether DCR pays there: `dcr_conflict_map.lua`; Remark 1, the weight: `dcr_lambda.lua`
- Sec. 5.1 and Eq. 12: ranks of adapters `dcr_lora.lua`, noise or velocity `dcr_prediction.lua`, the twin `dcr_augmentation.lua`

### The authors' numbers, beside ours
OpenAI CLIP ViT-L@224: averages over six data sets (Table 2), MMVP-VLM (Table 1). The sizes cannot agree; the signs can. ]]
P:quoted("paper.conflict", 0.863,
        {where = "Sec. 4.1", ours = over_steps("naive", "cos", 0, 1, negative), text = "share of steps in conflict"})
for _, row in ipairs{{"original", 0.71, 0.61, 0.49, 0.192}, {"rec", 0.71, 0.60, 0.48, 0.259}, {"generator", 0.65, 0.55, 0.41, 0.318},
                     {"naive", 0.72, 0.65, 0.50, 0.2296}, {"dcr", 0.76, 0.67, 0.54, 0.333}, {"end_to_end", 0.73, 0.65, 0.51, 0.2593}} do
  for j, key in ipairs{"nmi", "acc", "ari", "mmvp"} do
    local ours = keys[j] and (v_steps > 0 or row[1] ~= "generator") and mean(column(row[1], key)) or nil
    P:quoted("paper." .. row[1] .. "." .. key, row[j + 1], {where = key == "mmvp" and "Tables 1, 4" or "Tables 2, 4", ours = ours,
             text = names[row[1]] .. ": " .. (key == "mmvp" and "MMVP" or key:upper())})
  end
end

P:not_run("table3", "LLaVA-1.5 needs a 7-billion-parameter language model and its training data", {where = "Table 3"})
P:quoted("table3.original", 24.7, {where = "Table 3", text = "MMVP-MLLM accuracy (%) of LLaVA-1.5 with the original encoder"})
P:quoted("table3.dcr", 31.3, {where = "Table 3", text = "... and with DCR's"})
P:not_run("backbones", "the six CLIP backbones are hundreds of millions of trained weights each; --scale paper takes one of them",
          {where = "Tables 1, 2"})
P:not_run("un2clip", "un2CLIP inverts a generator that was trained on CLIP's image features; there is none for these",
          {where = "Tables 1-3"})

--[[ ### Our own numbers, to the last bit ]]
P:pinned("weights.original", first.original.f:hash(), {small = "59497bc5fe3189f0", smoke = "0c6b5fa0fcb25416"})
P:pinned("weights.denoiser", first.original.v:hash(), {small = "b4613996057258e4", smoke = "8446216f891b3b17"})
P:pinned("weights.projector", first.original.h:hash(), {small = "160ae193444f5cba", smoke = "ecfa9e16ec31d3b8"})
P:pinned("weights.rec", first.rec.f:hash(), {small = "a019f9edf301b3fc", smoke = "d07791da5eecd604"})
P:pinned("weights.naive", first.naive.f:hash(), {small = "76ebb5891c579191", smoke = "9898a05a6d19de1d"})
P:pinned("weights.dcr", first.dcr.f:hash(), {small = "56b41f1aab17ea04", smoke = "147b7265b743bab8"})
P:pinned("weights.end_to_end", first.end_to_end.f:hash(), {small = "11fcebb7780befdf", smoke = "d077a19c46c8567d"})
P:pinned("original.nmi", mean(column("original", "nmi")), {small = 0.7404341637135275, smoke = 0.6734926279263704})
P:pinned("dcr.nmi", mean(column("dcr", "nmi")), {small = 0.7210978707816407, smoke = 0.6739220917213344})
P:pinned("dcr.acc", mean(column("dcr", "acc")), {small = 0.6292, smoke = 0.586})
P:pinned("dcr.ari", mean(column("dcr", "ari")), {small = 0.5390307641975165, smoke = 0.4441569237945476})
P:pinned("naive.conflict", over_steps("naive", "cos", 0, 1, negative), {small = 0.3855, smoke = 0.25})
if n_attribute > 0 then
  P:pinned("original.mmvp", mean(column("original", "mmvp")), {small = 0.22666666666666666, smoke = 0.34444444444444444})
  P:pinned("dcr.mmvp", mean(column("dcr", "mmvp")), {small = 0.35866666666666674, smoke = 0.41666666666666663})
end
if v_steps > 0 then P:pinned("generator.nmi", mean(column("generator", "nmi")), {smoke = 0.687021614131901, small = 0.7429558516214894}) end
