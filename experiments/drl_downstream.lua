local rp = require "repro"
local drl = require "papers.drl"
local nn, metrics, unsupervised = rp.nn, rp.metrics, rp.unsupervised

local P = rp.paper{
  id = "drl_downstream", arxiv = "2105.14257", year = 2021,
  title = "Downstream classification with DRL, VDRL, autoencoders and SimCLR (Figs. 3, 13-16)",
  authors = "after Korbinian Abstreiter and others",
  settings = {
    dataset = {"numerals", choices = {"numerals", "colour", "mnist", "cifar10"},
               help = "drawn digits, grey or coloured, or MNIST or CIFAR-10 from --data DIR"},
    seeds   = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent runs, from the run's seed upwards"},
    n_train = {smoke = 300, small = 4000, paper = 50000, min = 200, help = "training images"},
    n_test  = {smoke = 200, small = 2000, paper = 10000, min = 20, help = "test images; the first half of them chooses t"},
    size    = {smoke = 14, small = 14, paper = 32, min = 4, help = "pixels of a side, a divisor of 28 (grey) or 32 (colour)"},
    net     = {smoke = "strided", small = "strided", paper = "wrn", choices = {"strided", "mlp", "conv", "wrn"},
               help = "encoders: two strided convolutions, a perceptron, the down-sampling half of a U-Net, or WRN-28-2"},
    steps   = {smoke = 12, small = 2000, paper = 90000, min = 1, help = "steps of every method's training"},
    batch   = {smoke = 32, small = 128, paper = 128, min = 2, help = "images in a step"},
    lr      = {2e-3, paper = 2e-4, help = "Adam's learning rate"},
    weight  = {"unit", choices = {"unit", "sigma2"}, help = "weight of |F - F*|^2 in the loss: 1, or the paper's lambda = sigma^2"},
    code    = {smoke = 8, small = 32, paper = 128, min = 1, help = "size of the code for Figs. 3 and 14-16"},
    few     = {8, min = 1, help = "size of the code for Fig. 13"},
    times   = {smoke = 3, small = 11, paper = 11, min = 2, help = "values of t, evenly spaced from 0 to 1"},
    epochs  = {smoke = 2, small = 50, paper = 50, min = 1, help = "epochs of the MLP probe"},
    blur    = {0.3, min = 0, help = "standard deviation of the noise of SimCLR-Gauss's views"},
  },
}

--[[
# Downstream classification

**Question.** The paper's central claim for the time-dependent code $E_\phi(x_0, t)$ of Eq. 9 is that for several $t$ a classifier on the
frozen code beats one on the code of an autoencoder (AE), a variational autoencoder (VAE) and SimCLR without knowledge of the
images (SimCLR-Gauss: the two views differ by pixel noise), while SimCLR with its augmentations beats all. At $t = 1$ the code is
"similar to a static code learned using the reconstruction objective" (Proposition 1).

Here the same encoder is trained for the same number of steps on the same batches' sizes by each method; `papers/drl.lua` has the
training of DRL and VDRL, the library that of the others (`rp.unsupervised`).

## 1  Encoders and their training ]]
local Code = nn.class "Code"                                -- a body with one output, read as a mean, or a mean and a log variance
function Code:init(body, probabilistic)
  self.body = body
  self.probabilistic = probabilistic
end
function Code:forward(x, t)
  local out = self.body(x, t)
  if not self.probabilistic then return out end
  return out:chunk(2, 2)
end

local function new_encoder(o, g)                            -- o = {C, S, net, code, time, probabilistic} -> encoder(x, t)
  local width, time = o.code * (o.probabilistic and 2 or 1), o.time and "fourier" or false
  if o.net == "strided" then
    return Code(nn.StridedEncoder{n_in = o.C, size = o.S, channels = {16, 32}, hidden = 128, output = width, time = time, generator = g},
                o.probabilistic)
  elseif o.net == "wrn" then                                -- App. G; group norm, so that a code does not depend on its batch
    return Code(nn.WideResNet{depth = 28, widen = 2, n_in = o.C, output = width, norm = "group", time = time, generator = g},
                o.probabilistic)
  else
    return drl.Encoder(drl.sizes({net = o.net, code = o.code, time = o.time, probabilistic = o.probabilistic},
                                 rp.empty(1, o.C, o.S, o.S), g))
  end
end

--[[ The score network is the perceptron of `papers/drl.lua` (a U-Net with `--set net=conv`), the decoder of AE and VAE a perceptron of
two hidden layers of 128. Both autoencoders have a normal likelihood; AE has the paper's L1 weight $10^{-5}$, VAE $\sigma = 0.1$
and $\beta = 1$. SimCLR has temperature 0.5, a projector of one hidden layer, and views moved by up to two pixels in other light. ]]
local function new_decoder(o, g)
  return nn.MLP({o.code, 128, 128, o.C * o.S * o.S}, {activation = "silu", generator = g})
end

local baselines = {}
function baselines.ae(o, g)
  return unsupervised.AE(new_encoder(o, g), new_decoder(o, g), {l1 = 1e-5})
end
function baselines.vae(o, g)
  local body = new_encoder({C = o.C, S = o.S, net = o.net, code = 2 * o.code}, g)
  return unsupervised.VAE(body, new_decoder(o, g), {sd = 0.1})
end
local function simclr(o, g, views)
  return unsupervised.SimCLR(new_encoder(o, g), nn.MLP({o.code, 64, 32}, {generator = g}), {views = views, tau = 0.5})
end
function baselines.simclr(o, g)
  local light = o.C == 3 and {gain = 0.2, offset = 0.1, cast = 0.05, noise = 0.05} or {gain = 0.2, offset = 0, noise = 0.05}
  return simclr(o, g, unsupervised.views.augmented(light))
end
function baselines.gauss(o, g) return simclr(o, g, unsupervised.views.gauss(P.blur)) end

--[[ `learn` trains one method and returns its encoder as a function of images and, for DRL and VDRL, a time. ]]
local function learn(what)                                  -- {method, data, net, code, seed, steps, batch, lr} -> encode(x, t), parts
  local g, x = rp.generator(what.seed, "encoder"), what.data.train.x
  local o = {C = x:size(2), S = x:size(3), net = what.net, code = what.code}
  if what.method == "drl" or what.method == "vdrl" then
    o.time, o.probabilistic = true, what.method == "vdrl"
    local model = drl.train{data = what.data, seed = what.seed, steps = what.steps, batch = what.batch, lr = what.lr,
      code = what.code, time = true, probabilistic = o.probabilistic, encoder = new_encoder(o, g),
      weight = what.weight, net = (what.net == "conv" or what.net == "wrn") and "conv" or "mlp", l1 = 1e-5, kl = 1e-7, name = what.method}
    return function(images, t) return drl.codes(model.encoder, images, t) end, model.encoder
  end
  local model = baselines[what.method](o, g)
  unsupervised.train(model, x, {steps = what.steps, batch = what.batch, lr = what.lr, warmup = math.min(100, what.steps // 10 + 1),
                                clip = false, seed = what.seed, name = what.method})
  return function(images) return unsupervised.encode(model, images) end, model.encoder
end

if not P.main then return {new_encoder = new_encoder, learn = learn, Code = Code} end

--[[ ## 2  Images and probes
The first half of the test images chooses $t$, the second half judges. ]]
local data = drl.load{dataset = P.dataset, n_train = P.n_train, n_test = P.n_test, size = P.size, seed = P.seed}
if data.note then P:note("%s", data.note) end
local middle = data.test.y:size(1) // 2

--[[ On frozen codes: a perceptron with one hidden layer, 50 epochs, on all labels (Fig. 3) and on few (Figs. 14-16); a support vector
machine with scikit-learn's defaults on 100 and 1000 labels (Fig. 13). Which $t$ is best is read off a validation set, never off the
images on which the accuracy is taken. ]]
local low = P.scale == "paper" and {1000, 5000, 10000} or P.scale == "small" and {100, 500, 1000} or {100, 200}
local supports = P.scale == "smoke" and {100} or {100, 1000}

local function both(predictions, y)                         -- accuracies on the two halves of the test images
  local hit = predictions:eq(y):to("float64")
  return hit:slice(1, 1, middle):mean():item(), hit:slice(1, middle + 1, -1):mean():item()
end

local function mlp(a, y, b, seed)
  local _, report = metrics.mlp_probe(a, y, b, nil, {hidden = {128}, epochs = P.epochs, seed = seed})
  return report.predictions
end

local function svm(a, y, b)
  local _, report = metrics.svm(a, y, b)
  return report.predictions
end

local function probes(cell)                                 -- name -> function(a, y, b) -> predictions, in order
  local list = {}
  if cell.code == "few" then
    for _, n in ipairs(supports) do list[#list + 1] = {"svm_" .. n, n, svm} end
  else
    list[1] = {"mlp", P.n_train, mlp}
    for _, n in ipairs(low) do list[#list + 1] = {"mlp_" .. n, n, mlp} end
  end
  return list
end

local function time_of(i) return (i - 1) / (P.times - 1) end

local function judge(cell, encode)                          -- -> {valid = {probe -> list over t}, test = likewise}
  local timed = cell.method == "drl" or cell.method == "vdrl"
  local order = rp.generator(cell.seed, "labelled"):randperm(data.train.y:size(1))
  local x, y = data.train.x:index_select(1, order), data.train.y:index_select(1, order)
  local valid, test = {}, {}
  for i = 1, timed and P.times or 1 do
    local t = timed and math.max(time_of(i), 1e-3) or nil
    local a, b = encode(x, t), encode(data.test.x, t)
    for _, probe in ipairs(probes(cell)) do
      local name, n, fit = table.unpack(probe)
      n = math.min(n, a:size(1))
      valid[name], test[name] = valid[name] or {}, test[name] or {}
      valid[name][i], test[name][i] = both(fit(a:slice(1, 1, n), y:slice(1, 1, n), b, cell.seed), data.test.y)
    end
  end
  return {valid = valid, test = test}
end

local methods = {{"drl", "DRL"}, {"vdrl", "VDRL"}, {"ae", "AE"}, {"vae", "VAE"}, {"simclr", "SimCLR"}, {"gauss", "SimCLR-Gauss"}}
local cells = {}
for _, method in ipairs(methods) do cells[#cells + 1] = {method = method[1], code = "wide"} end
for i = 1, 4 do cells[#cells + 1] = {method = methods[i][1], code = "few"} end

local sweep = rp.sweep{
  name = "methods", list = cells, seeds = P.seeds,
  run = function(cell)
    local encode, encoder = learn{method = cell.method, data = data, net = P.net, seed = cell.seed, steps = P.steps, batch = P.batch,
                                  lr = P.lr, weight = P.weight, code = cell.code == "few" and P.few or P.code}
    local result = judge(cell, encode)
    result.weights = encoder:hash()
    return result
  end,
}

--[[ ## 3  Accuracy against $t$ ]]
local function runs(method, probe, half)                    -- one list over t per seed
  local list = {}
  for _, cell in ipairs(sweep:cells()) do
    if cell.values.method == method and cell.result[half][probe] then list[#list + 1] = cell.result[half][probe] end
  end
  return list
end

local function mean_at(list, i) return rp.runs.mean(rp.runs.column(list, i)) end

local function score(method, probe)                         -- at the best t: {mean, low, high, i}, i chosen on the validation half
  local valid, test, best = runs(method, probe, "valid"), runs(method, probe, "test"), 1
  for i = 2, #valid[1] do
    if mean_at(valid, i) > mean_at(valid, best) then best = i end
  end
  local s = {mean = mean_at(test, best), low = math.huge, high = -math.huge, i = best}
  for _, run in ipairs(test) do s.low, s.high = math.min(s.low, run[best]), math.max(s.high, run[best]) end
  return s
end

local function percent(s)
  if P.seeds == 1 then return ("%.1f"):format(100 * s.mean) end
  return ("%.1f (%.1f to %.1f)"):format(100 * s.mean, 100 * s.low, 100 * s.high)
end

local marker = {drl = "circle", vdrl = "square"}
local style = {ae = "dashed", vae = "dotted", simclr = "dashdot", gauss = "solid"}
local function draw(axes, probe, names)
  local x = {}
  for i = 1, P.times do x[i] = time_of(i) end
  for _, name in ipairs(names) do
    local list = runs(name[1], probe, "test")
    if marker[name[1]] then
      local y, lower, upper = {}, {}, {}
      for i = 1, P.times do
        y[i], lower[i], upper[i] = mean_at(list, i), math.huge, -math.huge
        for _, run in ipairs(list) do lower[i], upper[i] = math.min(lower[i], run[i]), math.max(upper[i], run[i]) end
      end
      axes:line(x, y, {label = name[2], marker = marker[name[1]], band = {lower, upper}})
    else
      axes:hline(mean_at(list, 1), {label = name[2], style = style[name[1]]})
    end
  end
end

local function figure(name, list, names, caption)           -- list of {probe, title}
  local fig = rp.plot.figure{cols = math.min(#list, 3), width = 300 + 240 * math.min(#list, 3), height = 340}
  for i, panel in ipairs(list) do
    draw(fig:axes{title = panel[2], xlabel = "$t$", ylabel = i == 1 and "accuracy" or nil, legend = i == #list}, panel[1], names)
  end
  P:figure(name, fig, caption)
end

figure("Figure 3", {{"mlp", "all labels"}}, methods,
       ("MLP probe on codes of size %d. Means over seeds; the band is their range."):format(P.code))
local low_panels, svm_panels = {}, {}
for i, n in ipairs(low) do low_panels[i] = {"mlp_" .. n, n .. " labels"} end
for i, n in ipairs(supports) do svm_panels[i] = {"svm_" .. n, n .. " labels"} end
figure("Figures 14-16", low_panels, methods, "The same probe on few labels.")
figure("Figure 13", svm_panels, {methods[1], methods[2], methods[3], methods[4]},
       ("Support vector machine on codes of size %d."):format(P.few))

local function rows(list, names)
  local out = {}
  for i, name in ipairs(names) do
    out[i] = {name[2]}
    for _, panel in ipairs(list) do
      local s = score(name[1], panel[1])
      out[i][#out[i] + 1] = percent(s) .. (marker[name[1]] and (" at t = %.1f"):format(time_of(s.i)) or "")
    end
    if marker[name[1]] then
      local last = {name[2] .. ", t = 1"}
      for _, panel in ipairs(list) do
        last[#last + 1] = ("%.1f"):format(100 * mean_at(runs(name[1], panel[1], "test"), P.times))
      end
      out[i].last = last
    end
  end
  local flat = {}
  for _, row in ipairs(out) do
    flat[#flat + 1] = row
    if row.last then flat[#flat + 1], row.last = row.last, nil end
  end
  return flat
end
local function header(list)
  local names = {"Method"}
  for i, panel in ipairs(list) do names[i + 1] = panel[2] end
  return names
end
local mlp_panels = {{"mlp", "all labels"}, table.unpack(low_panels)}
P:table("Figures 3, 14-16", header(mlp_panels), rows(mlp_panels, methods),
        "MLP probe, accuracy in %: mean over seeds (range), at the t that is best on the validation images.")
P:table("Figure 13", header(svm_panels), rows(svm_panels, {methods[1], methods[2], methods[3], methods[4]}),
        "SVM probe, likewise.")

--[[ ## 4  The paper's claims ]]
local function gain(a, b, probe) return score(a, probe).mean - score(b, probe).mean end
local function least(list)                                  -- over probes
  local value = math.huge
  for _, x in ipairs(list) do value = math.min(value, x) end
  return value
end
local function over(list, f)
  local out = {}
  for i, panel in ipairs(list) do out[i] = f(panel[1]) end
  return out
end
local few_label, all_label = "svm_" .. supports[#supports], "mlp"

local function spread(method, probe)                        -- best minus worst mean over t
  local list, top, bottom = runs(method, probe, "test"), -math.huge, math.huge
  for i = 1, P.times do top, bottom = math.max(top, mean_at(list, i)), math.min(bottom, mean_at(list, i)) end
  return top - bottom
end
P:claim("depends", "Accuracies on the representations highly depend on the value of t (SVM, by 5 points at least)",
        {value = spread("drl", few_label), op = ">=", bound = 0.05}, {where = "App. F, Fig. 13"})
P:claim("t1", "... and DRL is comparable to AE for t = 1 (SVM, within 3 points)",
        {value = math.abs(mean_at(runs("drl", few_label, "test"), P.times) - score("ae", few_label).mean), op = "<=", bound = 0.03},
        {where = "App. F, Prop. 1"})
P:claim("fig3.drl.ae", "DRL at its best t outperforms AE (MLP probe, by a point)",
        {value = gain("drl", "ae", all_label), op = ">=", bound = 0.01}, {where = "Fig. 3"})
P:claim("fig3.vdrl.ae", "VDRL does", {value = gain("vdrl", "ae", all_label), op = ">=", bound = 0.01}, {where = "Fig. 3"})
P:claim("fig3.drl.vae", "DRL outperforms VAE", {value = gain("drl", "vae", all_label), op = ">=", bound = 0.01}, {where = "Fig. 3"})
P:claim("fig3.vdrl.vae", "VDRL does", {value = gain("vdrl", "vae", all_label), op = ">=", bound = 0.01}, {where = "Fig. 3"})
P:claim("fig3.drl.gauss", "DRL outperforms SimCLR-Gauss", {value = gain("drl", "gauss", all_label), op = ">=", bound = 0.01},
        {where = "Fig. 3"})
P:claim("fig3.vdrl.gauss", "VDRL does", {value = gain("vdrl", "gauss", all_label), op = ">=", bound = 0.01}, {where = "Fig. 3"})
P:claim("fig3.simclr", "SimCLR with its augmentations outperforms the other methods",
        {value = least{gain("simclr", "drl", all_label), gain("simclr", "vdrl", all_label), gain("simclr", "ae", all_label),
                       gain("simclr", "vae", all_label)}, op = ">", bound = 0}, {where = "Sec. 4.1.2"})
local function better_times()                               -- values of t at which DRL's mean is above AE's
  local n, list, bar = 0, runs("drl", all_label, "test"), score("ae", all_label).mean
  for i = 1, P.times do n = n + (mean_at(list, i) > bar and 1 or 0) end
  return n
end
P:claim("fig3.several", "... at a number of different t: at three of them at least", {value = better_times(), op = ">=", bound = 3},
        {where = "Sec. 4.1.2"})
P:claim("low.ae", "The trends are consistent in the low-data regime: DRL above AE for every number of labels",
        {value = least(over(low_panels, function(probe) return gain("drl", "ae", probe) end)), op = ">", bound = 0},
        {where = "Figs. 14-16"})
P:claim("low.gauss", "... and above SimCLR-Gauss",
        {value = least(over(low_panels, function(probe) return gain("drl", "gauss", probe) end)), op = ">", bound = 0},
        {where = "Figs. 14-16"})
for _, n in ipairs(supports) do
  P:claim("fig13.ae." .. n, ("DRL at its best t achieves better scores than AE (SVM, %d labels)"):format(n),
          {value = gain("drl", "ae", "svm_" .. n), op = ">=", bound = 0.01}, {where = "Fig. 13"})
  P:claim("fig13.vae." .. n, ("... and than VAE (SVM, %d labels)"):format(n),
          {value = gain("drl", "vae", "svm_" .. n), op = ">=", bound = 0.01}, {where = "Fig. 13"})
end

P:not_run("datasets", "CIFAR-100 and Mini-ImageNet (Fig. 3, Figs. 14-16) need the authors' networks and a GPU for days",
          {where = "Sec. 4.1.2"})

--[[ ### What it shows
How good the code is does depend on $t$: with 100 labels and codes of 8 numbers the support vector machine gains some thirty points from
$t = 0$ to $t = 0.5$. From there on nothing changes, for the noise is already larger than the image, and the code is an autoencoder's, as
Proposition 1 has it: at $t = 1$ DRL and AE are within a point (1000 labels). With all labels DRL has 97.9%, VDRL 97.6%, AE 98.6%,
VAE 98.3%, SimCLR-Gauss 97.2%, SimCLR 94.5%. With 100 labels the perceptron on DRL is two points above AE, with 1000 half a point
below. A maximum at a $t$ in the middle, above AE, does not appear. It was looked
for with more steps (5000, codes of 8 numbers: numerals 97.3% against AE's 97.7% with 1000 labels, MNIST 92.7% against 92.9%; with 100
labels 90.7% against 93.2%, and 73.4% against 76.3%), with the perceptron as encoder, and on CIFAR-10 at 16x16 (3000 steps, codes of 32
numbers: 22.3% at $t = 0.2$ against 20.7% with 100 labels, but 31.5% against 35.8% with 1000): a tie or a point or three below.

At full resolution on real digits the order turns. On MNIST at 28x28 (`--data DIR --set dataset=mnist --set size=28 --set seeds=1`) the
perceptron has 93.5% on DRL and 94.1% on VDRL against 92.9% on AE with all labels, at seven of the eleven $t$, and 92.0% on
SimCLR-Gauss; with 100 labels 66.7% on DRL at $t = 0.3$ against 57.9% on AE, with 1000 86.7% against 85.9%. Five claims that fail on
drawn digits at 14x14 hold there. The support vector machine on codes of 8 numbers does not follow (69.8% against 76.6% with 100
labels). This is one seed; whether it is the size, the digits or both was not found out.

The weight matters. Under the paper's $\lambda = \sigma^2$ (`--set weight=sigma2`) the loss at $t > 0.5$ is a few thousandths of that at
small $t$, and after 1000 steps the same encoder reaches 85% (all labels, $t = 1$) where AE has 98%; the default here weighs all times
alike. SimCLR's views, moved and in other light, are no help with digits: it stays below SimCLR-Gauss, which with 100 labels is even
the best of all.

## 5  Our own numbers, to the last bit ]]
local function weights(method, code)                        -- of the encoder of the first seed
  for _, cell in ipairs(sweep:cells()) do
    if cell.values.method == method and cell.values.code == code then return cell.result.weights end
  end
end
P:pinned("weights.drl", weights("drl", "wide"), {smoke = "563c03856c6c62fb", small = "df29769fc8888deb"})
P:pinned("weights.vdrl", weights("vdrl", "wide"), {smoke = "dc8d395f926d32f5", small = "db196ba458f7e8d6"})
P:pinned("weights.ae", weights("ae", "wide"), {smoke = "d2c81921ad0db340", small = "162fa2edf655d7a5"})
P:pinned("weights.vae", weights("vae", "wide"), {smoke = "d3321e6ccf2e8aea", small = "9cf9e794dd8749e5"})
P:pinned("weights.simclr", weights("simclr", "wide"), {smoke = "a2828e97071565d6", small = "d9983916c33429d4"})
P:pinned("weights.gauss", weights("gauss", "wide"), {smoke = "8700d47694f0486c", small = "885679f1a832eadb"})
P:pinned("mlp.drl", score("drl", "mlp").mean, {smoke = 0.08, small = 0.9793333333333333})
P:pinned("mlp.vdrl", score("vdrl", "mlp").mean, {smoke = 0.21, small = 0.976})
P:pinned("mlp.ae", score("ae", "mlp").mean, {smoke = 0.16, small = 0.9856666666666666})
P:pinned("mlp.vae", score("vae", "mlp").mean, {smoke = 0.22, small = 0.9826666666666667})
P:pinned("mlp.simclr", score("simclr", "mlp").mean, {smoke = 0.11, small = 0.9446666666666667})
P:pinned("mlp.gauss", score("gauss", "mlp").mean, {smoke = 0.19, small = 0.9716666666666667})
P:pinned("svm.drl", score("drl", few_label).mean, {smoke = 0.09, small = 0.9686666666666666})
P:pinned("svm.vdrl", score("vdrl", few_label).mean, {smoke = 0.09, small = 0.9643333333333333})
P:pinned("svm.ae", score("ae", few_label).mean, {smoke = 0.09, small = 0.9753333333333334})
P:pinned("svm.vae", score("vae", few_label).mean, {smoke = 0.09, small = 0.9726666666666667})
