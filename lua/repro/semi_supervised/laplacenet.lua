--- Rounds of pseudo-labels and training.

local rp = require "repro"
local features = require "repro.metrics.features"
local graph = require "repro.semi_supervised.graph"
local known = require "repro.semi_supervised.known"
local misuse = require "repro.misuse"
local mix = require "repro.semi_supervised.mixup"
local options = require "repro.options"
local propagation = require "repro.semi_supervised.propagation"
local pseudo_label = require "repro.semi_supervised.pseudo_label"

local laplacenet = {}

local defaults = { supervised_steps = 100, rounds = 20, steps = 50, batch = 128, labelled_batch = 32, mixup = false,
  augment = false, k = 50, power = 1, symmetry = "max", mu = 0.99, tol = 1e-3, max_iter = 20, align = true, confidence = true,
  optimiser = false, lr = 1e-3, classes = false, truth = false, generator = false, watch = false, after = false }

-- Features of all examples, without a gradient, a part at a time.
local function hidden_of(model, x)
  return rp.no_grad(function()
    local parts, n = {}, x:size(1)
    for first = 1, n, 500 do
      parts[#parts + 1] = model:hidden(x:slice(1, first, math.min(first + 499, n))):reshape(math.min(500, n - first + 1), -1)
    end
    return rp.concat(1, parts)
  end)
end

-- One step of weighted cross-entropy on the given rows: -1/B sum_i w_i sum_c q_ic ln p_c(x_i).
local function train_step(s, rows, q)
  local x = s.x:index_select(1, rows)
  local target = q:index_select(1, rows)
  if s.o.augment then x = s.o.augment(x, s.g) end
  if s.o.mixup then x, target = mix.mixup(x, target, s.o.mixup, s.g) end
  local loss = -(s.model(x):log_softmax(2) * target):sum() / rows:size(1)
  s.optimiser:zero_grad()
  loss:backward()
  s.optimiser:step()
  if s.o.watch then s.o.watch(loss) end
  return loss:item()
end

local function draw(g, from, n) return from:index_select(1, g:randint(1, from:size(1), { n })) end

local function supervised(s)
  for _ = 1, s.o.supervised_steps do train_step(s, draw(s.g, s.labelled, s.o.batch), s.own) end
end

-- Pseudo-labels from the hidden features as they are now.
local function relabel(s)
  local o = s.o
  s.model:eval()
  local W = graph.knn_graph(hidden_of(s.model, s.x), { k = o.k, power = o.power, symmetry = o.symmetry })
  s.model:train()
  local F, solved = propagation.propagate(W, s.y, { mu = o.mu, tol = o.tol, max_iter = o.max_iter, classes = s.c })
  return pseudo_label.pseudo_labels(F, s.y, { align = o.align }), solved
end

-- Targets times weights (n, C) float32, and a record of the round.
local function targets_of(s, guess)
  local w = guess.class_weight:index_select(1, guess.y)
  if s.o.confidence then w = w * guess.weight end
  local q = (guess.y:one_hot(s.c, "float64") * w:unsqueeze(2)):to("float32")
  local record = { certainty = guess.weight:index_select(1, s.free):mean():item() }
  if s.o.truth then
    record.pseudo_accuracy = features.agreement(guess.y:index_select(1, s.free), s.o.truth:index_select(1, s.free))
  end
  return q, record
end

local function start(model, x, labels, given)
  local o = options("laplacenet", given, defaults)
  if type(model) ~= "table" or type(model.hidden) ~= "function" then
    misuse "laplacenet: the model needs a method hidden(x) that gives the features (n, d) for the graph"
  end
  local n = x:size(1)
  local y, c = known.labels("laplacenet", labels, n, o.classes or nil)
  local s = { model = model, x = x, y = y, c = c, o = o, g = o.generator or rp.generator(1, "laplacenet") }
  s.labelled, s.free = known.labelled(y)
  if s.free:size(1) == 0 then misuse "laplacenet: every example has a label" end
  if o.labelled_batch >= o.batch then
    misuse("laplacenet: %d labelled examples of a batch of %d leave no room", o.labelled_batch, o.batch)
  end
  s.own = known.targets(y, c):to("float32")
  s.optimiser = o.optimiser or rp.optim.AdamW(model, { lr = o.lr })
  return s
end

---LaplaceNet's training: steps on the labelled examples alone, then rounds; each round takes pseudo-labels from the graph of
---the model's hidden features (knn_graph, propagate, pseudo_labels) and makes `steps` steps on batches of `labelled_batch`
---labelled examples, the rest with pseudo-labels, drawn with replacement.  The loss of a batch is
---    -1/B sum_i w_i ln p_{y_i}(x_i),   w_i = class_weight(y_i) certainty_i   (without certainty_i if confidence = false),
---on mixed examples and targets if `mixup` is the alpha of semi_supervised.mixup.
---EQ: Sellars et al. 2021, arXiv:2106.04527, alg. 1; weights of Iscen et al. 2019, arXiv:1904.04717, eq. 10
---    semi_supervised.laplacenet(model, x, labels, {supervised_steps = 100, rounds = 20, steps = 50, batch = 128,
---      labelled_batch = 32, mixup = false, augment = nil, k = 50, mu = 0.99, align = true, confidence = true, optimiser = nil,
---      lr = 1e-3, truth = nil, generator = nil, watch = nil, after = nil})
---@param model Module model(x) -> logits (B, C); model:hidden(x) -> (B, d)
---@param x Tensor (n, ...)
---@param labels Tensor (n) int, 0 where unknown
---@param given? table augment(x, g); optimiser: default AdamW(model, {lr = lr}); truth (n): the labels, to record how many guesses
---  are right, never to train; watch(loss): after each step; after(round, record): at the end of each round; power, symmetry: of
---  knn_graph; tol, max_iter: of propagate
---@return table[] one record a round: {loss, certainty, iterations, pseudo_accuracy}
function laplacenet.laplacenet(model, x, labels, given)
  local s, history = start(model, x, labels, given), {}
  local o = s.o
  supervised(s)
  for round = 1, o.rounds do
    local guess, solved = relabel(s)
    local q, record = targets_of(s, guess)
    record.iterations, record.loss = solved.iterations, 0.0
    for _ = 1, o.steps do
      local rows = rp.concat(1, draw(s.g, s.labelled, o.labelled_batch), draw(s.g, s.free, o.batch - o.labelled_batch))
      record.loss = record.loss + train_step(s, rows, q) / o.steps
    end
    history[round] = record
    if o.after then o.after(round, record) end
  end
  return history
end

return laplacenet
