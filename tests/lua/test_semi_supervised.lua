-- repro.semi_supervised and repro.unsupervised: against scikit-learn, dense solutions and cases solved by hand.
local T = require "tap"
local rp = require "repro"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "tests/lua"
local R = dofile(here .. "/../golden/semi_supervised_reference.lua")
local S, U, M = rp.semi_supervised, rp.unsupervised, rp.metrics

local function floats(t) return rp.tensor(t, "float64") end
local function ints(t) return rp.tensor(t, "int64") end
local function shape(x) return table.concat(x.shape, "x") end
local z, labels = floats(R.z), ints(R.labels)

-- the graph
local W = S.knn_graph(z, { k = 5, power = 3, symmetry = "sum" })
T.near(W:dense(), R.W_sum, 1e-14, "graph A + A', power 3, normalised")
T.near(S.knn_graph(z, { k = 5 }):dense(), R.W_max, 1e-14, "graph max(A, A'), normalised")
T.eq(W:dense():hash(), W:dense():t():contiguous():hash(), "the graph is symmetric to the last bit")
local X = rp.generator(3):randn(60, 4, "float64")
T.near(W:product(X), W:dense():matmul(X), 1e-13, "product with a dense matrix")
T.near(S.knn_graph(z * 7, { k = 5 }):dense(), R.W_max, 1e-14, "lengths do not matter")
local lone = S.knn_graph(floats { { 1, 0 }, { 1, 0.1 }, { -1, 0 } }, { k = 1 })
T.eq(lone:dense()[3]:totable(), { 0.0, 0.0, 0.0 }, "a vector with no similar one is alone, and nothing is divided by zero")
T.raises(function() S.knn_graph(z, { k = 60 }) end, "k = 60 neighbours of 60", "more neighbours than vectors")
T.raises(function() S.knn_graph(z, { symmetry = "min" }) end, '"max" or "sum"', "an unknown symmetry")
T.raises(function() S.knn_graph(z, { k = 5, power = 0 }) end, "power = 0", "a power of zero")

-- propagation
local F, report = S.propagate(W, labels, { tol = 1e-13 })
T.near(F, R.F, 1e-9, "propagation: the dense solution")
T.ok(report.converged and report.residual < 1e-12, "propagation: residual", ("%g"):format(report.residual))
local dense = rp.linalg.solve(rp.eye(60, "float64") - W:dense() * 0.99, labels:maximum(1):one_hot(3, "float64")
  * labels:gt(0):to("float64"):unsqueeze(2))
T.near(F, dense, 1e-9, "propagation: rp.linalg.solve of the dense system")
local G = S.propagate(W, labels, { mu = 0.9, tol = 1e-13 })
T.near(G / G:sum(2, true), R.spread, 1e-10, "propagation: scikit-learn's LabelSpreading, rows brought to sum 1")
T.eq(G:argmax(2), ints(R.transduction), "propagation: scikit-learn's labels")
local loose, early = S.propagate(W, labels, { max_iter = 3 })
T.ok(not early.converged and early.iterations == 3 and early.residual > 1e-6, "three steps are not enough, and it says so")
T.ok((loose - F):abs():max():item() > 1e-3, "three steps: not the solution")
local none = S.propagate(W, labels, { mu = 0 })
T.eq(none:sum():item(), labels:gt(0):to("float64"):sum():item(), "mu = 0 leaves the labels where they are")
T.eq(shape(S.propagate(W, labels, { classes = 5 })), "60x5", "classes without a label")
T.eq(S.propagate(W, labels, { classes = 5 }):slice(2, 4, 5):abs():max():item(), 0.0, "... stay at 0")
T.raises(function() S.propagate(W, labels, { mu = 1 }) end, "outside %[0, 1%)", "mu = 1")
T.raises(function() S.propagate(W, labels:slice(1, 1, 9)) end, "9 labels for 60 examples", "too few labels")
T.raises(function() S.propagate(W, labels * 0) end, "no example has a label", "no label at all")
T.raises(function() S.propagate(W, labels, { classes = 2 }) end, "run from 0 to 3, but must lie in 0..2", "a label beyond the classes")
T.raises(function() S.propagate(z, labels) end, "a graph is expected", "not a graph")

-- pseudo-labels
local guess = S.pseudo_labels(F, labels)
T.near(guess.weight, R.weight, 1e-9, "weights 1 - H / ln C, by SciPy's entropy")
T.near(guess.class_weight, R.class_weight, 1e-12, "weights of the classes")
T.eq((guess.y - labels):mul_(labels:gt(0):to("int64")):abs():max():item(), 0, "labelled examples keep their label")
T.near((guess.class_weight:index_select(1, guess.y)):mean():item(), 1, 1e-12, "the weights of the classes have mean 1 over the examples")
local flat = S.pseudo_labels(rp.zeros(3, 4), ints { 2, 0, 0 })
T.near(flat.weight, { 1, 0, 0 }, 1e-15, "what the graph does not reach has no weight")
T.near(S.pseudo_labels(floats { { 1, 0, 0 }, { 0, 3, 0 } }, ints { 1, 0 }).weight, { 1, 1 }, 1e-15, "one class alone is certain")
local known, unknown = S.labelled(labels)
T.eq(known:size(1), 10, "how many labels are known")
T.eq({ unknown:size(1), unknown[1]:item(), unknown[2]:item(), unknown[3]:item() }, { 50, 2, 5, 13 }, "where labels are unknown")
local free_F = F[unknown]
local aligned = S.align(free_F:maximum(0) / free_F:maximum(0):sum(2, true), floats { 0.2, 0.5, 0.3 })
T.near(aligned, R.aligned, 1e-8, "alignment of the classes' frequencies, as by loops in NumPy")
local balanced = S.pseudo_labels(F, labels, { prior = floats { 0.2, 0.5, 0.3 } })
T.near(balanced.shares[unknown], R.aligned, 1e-8, "alignment inside pseudo_labels leaves the labelled alone")
T.near(balanced.shares:sum(2):min():item(), 1, 1e-12, "shares sum to 1")
T.raises(function() S.align(rp.ones(2, 3), floats { 0.5, 0.5 }) end, "a prior of %(2%) for 3 classes", "a prior of the wrong size")

-- mixup
local g = rp.generator(5)
local function moments(a, b)
  local sum, square, n = 0, 0, 4000
  for _ = 1, n do
    local l = S.beta(a, b, g)
    sum, square = sum + l / n, square + l * l / n
  end
  return sum, square - sum * sum
end
for _, ab in ipairs { { 0.3, 0.3 }, { 1, 1 }, { 2, 5 }, { 0.5, 3 } } do
  local a, b = ab[1], ab[2]
  local mean, variance = moments(a, b)
  local exact = a * b / ((a + b) ^ 2 * (a + b + 1))
  T.near(mean, a / (a + b), 4 * math.sqrt(exact / 4000), ("Beta(%g, %g): mean, within four standard errors"):format(a, b))
  T.near(variance / exact, 1, 0.15, ("Beta(%g, %g): variance"):format(a, b))
end
local x, q = rp.generator(6):randn(5, 2, 3), rp.eye(5)
local mixed, target, l, p = S.mixup(x, q, 0.4, rp.generator(7))
T.near(mixed, x * l + x:index_select(1, p) * (1 - l), 1e-7, "mixup of images")
T.near(target:sum(2), rp.ones(5), 1e-6, "mixup of targets keeps their sum")
T.ok(l > 0 and l < 1, "mixup: the share lies between 0 and 1")
T.raises(function() S.mixup(x, rp.eye(4), 1, g) end, "5 examples and 4 targets", "mixup of unequal batches")
T.raises(function() S.beta(0, 1, g) end, "must be above 0", "Beta of 0")

-- probes at their defaults, ten classes
local px, py = floats(R.probe_x), ints(R.probe_y)
local tx, ty, vx, vy = px:slice(1, 1, 400), py:slice(1, 1, 400), px:slice(1, 401, 800), py:slice(1, 401, 800)
local svm_accuracy, svm = M.svm(tx, ty, vx, vy)
T.eq(svm.predictions, ints(R.svc_prediction), "SVM with default options: predictions of scikit-learn's SVC()")
T.near(svm_accuracy, R.svc_accuracy, 1e-15, "SVM with default options: accuracy")
local total = 0
for seed = 1, 5 do
  local o = { hidden = { 64 }, epochs = 50, batch = 50, weight_decay = 0, seed = seed }
  total = total + M.mlp_probe(tx, ty, vx, vy, o) / 5
end
T.near(total, R.mlp_mean, 4 * R.mlp_sd, "MLP probe, 50 epochs: within four deviations of MLPClassifier's mean accuracy")

-- rounds: ten classes with two labels each; the graph finds what training on twenty labels cannot
local Net = rp.nn.class "Net"
function Net:init(generator)
  self.body = rp.nn.Linear(8, 64, { generator = generator })
  self.head = rp.nn.Linear(64, 10, { generator = generator })
end
function Net:hidden(v) return self.body(v):relu() end
function Net:forward(v) return self.head(self:hidden(v)) end
local points = tx:to("float32")
local few = ty * rp.arange(1, 400):le(20):to("int64")
local function laplace(more)
  local net = Net(rp.generator(4, "net"))
  local given = { supervised_steps = 60, rounds = 6, steps = 25, batch = 64, labelled_batch = 16, k = 10, lr = 3e-3,
                  truth = ty, generator = rp.generator(4, "rounds"), max_iter = 50 }
  for name, value in pairs(more or {}) do given[name] = value end
  local history = S.laplacenet(net, points, few, given)
  return M.accuracy(net(vx:to("float32")), vy), history, net
end
local supervised = laplace { rounds = 0 }
local accuracy, history, net = laplace()
T.ok(accuracy > supervised + 0.03, "pseudo-labels improve on the labels alone", ("%g against %g"):format(accuracy, supervised))
T.eq(#history, 6, "one record a round")
T.ok(history[6].pseudo_accuracy > supervised and history[6].certainty > 0, "pseudo-labels are better than its predictions", ("%g"):format(history[6].pseudo_accuracy))
local _, _, again = laplace()
T.eq(again:hash(), net:hash(), "rounds: same seed, same bits")
local with_mixup, mixed_history, other = laplace { mixup = 0.4 }
T.ok(other:hash() ~= net:hash() and with_mixup > supervised and #mixed_history == 6, "rounds with mixup", ("%g"):format(with_mixup))
local seen = 0
laplace { rounds = 2, steps = 3, after = function(round, record) seen = seen + round; record.note = true end }
T.eq(seen, 3, "after() is called for each round")
T.raises(function() S.laplacenet(rp.nn.Linear(2, 2), points, few) end, "needs a method hidden", "a model without hidden features")
T.raises(function() S.laplacenet(Net(), points, ty) end, "every example has a label", "nothing to guess")
T.raises(function() S.laplacenet(Net(), points, few, { batch = 8, labelled_batch = 8 }) end, "leave no room", "no room for the unlabelled")

-- autoencoders
local images = rp.data.glyphs { n = 64, seed = 3 }.x
local function encoder(c, seed) return rp.nn.Sequential { rp.nn.Flatten(), rp.nn.Linear(768, c, { generator = rp.generator(seed or 1, "encoder") }) } end
local function decoder(c, seed) return rp.nn.Linear(c, 768, { generator = rp.generator(seed or 1, "decoder") }) end
local ae = U.AE(encoder(8, 1), decoder(8, 1), { l1 = 0.5 })
local code = ae:encode(images)
local by_hand = (ae.decoder(code) - images:flatten(2)):square():mean() + code:abs():sum() * 0.5 / 64
T.near(ae:loss(images):item(), by_hand:item(), 1e-5, "AE: mean squared error and L1 of the code")
local vae = U.VAE(encoder(16, 2), decoder(8, 2), { sd = 0.5, beta = 2 })
local mu, s = vae:posterior(images)
local kl = ((mu:square() + s:exp() - s - 1) * 0.5):sum(2)
local seed_z = mu + (s * 0.5):exp() * rp.generator(9):randn(mu.shape)
local nll = (vae.decoder(seed_z) - images:flatten(2)):square():sum(2) * 2
T.near(vae:loss(images, rp.generator(9)):item(), ((nll + kl * 2):mean() / 768):item(), 1e-5, "VAE: likelihood and KL by hand")
T.eq(vae:encode(images):hash(), mu:hash(), "VAE: the code is the mean")
local bits = images:gt(0):to("float32")
local bernoulli = U.AE(encoder(8, 1), decoder(8, 1), { likelihood = "bernoulli" })
T.near(bernoulli:loss(bits):item(), bernoulli.decoder(bernoulli:encode(bits)):bce_with_logits(bits:flatten(2)):item(), 1e-5,
       "AE with binary cross-entropy")
T.raises(function() U.AE(encoder(8), decoder(8), { likelihood = "laplace" }) end, '"gauss" or "bernoulli"', "an unknown likelihood")
T.raises(function() U.AE(encoder(8), rp.nn.Linear(8, 10)):loss(images) end, "10 numbers for an image of 768", "a decoder of the wrong size")

-- contrast
local gauss = U.SimCLR(encoder(8, 1), rp.nn.Linear(8, 4, { generator = rp.generator(3) }), { views = U.views.gauss(0.2) })
local h = rp.generator(8)
local first = images + h:randn(images.shape) * 0.2
local second = images + h:randn(images.shape) * 0.2
local expected = rp.contrastive.nt_xent(gauss.projector(gauss.encoder(first)), gauss.projector(gauss.encoder(second)), 0.5)
T.near(gauss:loss(images, rp.generator(8)):item(), expected:item(), 1e-6, "SimCLR-Gauss: NT-Xent of two noisy views")
local view = U.views.augmented { flip = true, cast = 0.1, gradient = 0.1 }
T.eq(shape(view(images, rp.generator(1))), shape(images), "augmented views keep the shape")
T.eq(view(images, rp.generator(1)):hash(), view(images, rp.generator(1)):hash(), "same generator, same views")

-- hidden patches, and labels
local masked = U.MaskedAE(encoder(8, 1), decoder(8, 1), { patch = 4, ratio = 0.5, fill = 0.25 })
local hidden = masked:mask(images, rp.generator(4))
T.eq({ shape(hidden), shape(hidden:unique()) }, { "64x1x16x16", "2" }, "MaskedAE: a mask of zeros and ones")
T.eq(hidden:sum({ 2, 3, 4 }), rp.full({ 64 }, 128), "MaskedAE: half of each image is hidden")
T.eq(hidden:avg_pool2d(4):unique(), rp.tensor { 0, 1 }, "MaskedAE: whole patches")
T.ok((hidden:mean(1) - 0.5):abs():max():item() < 0.35, "MaskedAE: every patch is hidden at times")
local partly = masked.encoder(rp.where(hidden, 0.25, images))
local wrong = (masked.decoder(partly):reshape(images.shape) - images):square()
T.near(masked:loss(images, rp.generator(4)):item(), (wrong * hidden):sum():item() / (64 * 128 * 3), 1e-5, "MaskedAE: the error of what is hidden")
T.eq(masked:encode(images):hash(), masked.encoder(images):hash(), "MaskedAE: the code is that of the whole image")
T.raises(function() masked:mask(rp.zeros(1, 1, 6, 6), rp.generator(1)) end, "6x6 do not divide into patches of 4", "MaskedAE: patches")
T.raises(function() U.MaskedAE(encoder(8), decoder(8), { ratio = 1 }) end, "not between 0 and 1", "MaskedAE: everything hidden")
local glyph_labels = rp.data.glyphs { n = 64, seed = 3 }.y
local function classifier() return U.Supervised(encoder(8, 1), rp.nn.Linear(8, 10, { generator = rp.generator(4) }), { views = view }) end
local told = classifier()
T.near(told:loss(images, rp.generator(2), glyph_labels):item(),
       told.head(told.encoder(view(images, rp.generator(2)))):cross_entropy(glyph_labels):item(), 1e-6, "Supervised: cross-entropy of a view")
T.raises(function() told:loss(images, rp.generator(2)) end, "labels are missing", "Supervised: without labels")
local start = rp.metrics.accuracy(told(images), glyph_labels)
U.train(told, images, { steps = 200, batch = 32, lr = 5e-3, warmup = 5, seed = 2, labels = glyph_labels })
T.ok(rp.metrics.accuracy(told(images), glyph_labels) > start + 0.3, "Supervised learns its labels")

-- training
local function trained(model, steps) return U.train(model, images, { steps = steps, batch = 32, warmup = 5, seed = 2 }) end
for _, make in ipairs { function() return U.AE(encoder(8, 1), decoder(8, 1)) end,
                        function() return U.VAE(encoder(16, 1), decoder(8, 1)) end,
                        function() return U.MaskedAE(encoder(8, 1), decoder(8, 1)) end,
                        function() return U.SimCLR(encoder(8, 1), rp.nn.Linear(8, 4, { generator = rp.generator(3) })) end } do
  local a, b = make(), make()
  local before, after = trained(a, 2), trained(b, 150)
  T.ok(after < 0.9 * before, a.class_name .. " learns", ("%g to %g"):format(before, after))
  local c = make()
  trained(c, 150)
  T.eq(c:hash(), b:hash(), a.class_name .. ": same seed, same bits")
  T.eq(shape(U.encode(b, images, 50)), "64x8", a.class_name .. ": codes of many images")
  T.ok(b.training, a.class_name .. ": encode leaves the mode as it was")
end
T.raises(function() U.train(rp.nn.Linear(2, 2), images) end, "needs a method loss", "a model without a loss")
T.raises(function() trained(U.AE(encoder(8, 1), decoder(8, 1)), 0) end, "steps = 0", "no steps")

T.done()
