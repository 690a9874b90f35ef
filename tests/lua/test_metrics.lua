-- repro.metrics against scikit-learn, SciPy and cases solved by hand.
local T = require "tap"
local rp = require "repro"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "tests/lua"
local R = dofile(here .. "/../golden/metrics_reference.lua")
local M = rp.metrics

local function floats(t) return rp.tensor(t, "float64") end
local function ints(t) return rp.tensor(t, "int64") end
local x, y, test_x, test_y = floats(R.x), ints(R.y), floats(R.test_x), ints(R.test_y)
local fake, clusters = floats(R.fake), ints(R.clusters)

-- clustering
T.near(M.nmi(y, clusters), R.nmi, 1e-14, "nmi equals scikit-learn's")
T.near(M.nmi(clusters, y), R.nmi, 1e-14, "nmi is symmetric")
T.near(M.ari(y, clusters), R.ari, 1e-14, "ari equals scikit-learn's")
T.near((M.clustering_accuracy(clusters, y)), R.acc, 1e-15, "Hungarian accuracy")
T.eq(M.nmi({ 1, 1, 2 }, { 7, 7, 3 }), 1.0, "nmi of the same grouping under other names")
T.eq(M.ari({ 1, 1, 2 }, { 7, 7, 3 }), 1, "ari of the same grouping")
T.eq(M.nmi({ 5, 5, 5 }, { 2, 2, 2 }), 1, "nmi of two groupings into one group")
T.eq(M.nmi({ 1, 1, 2, 2 }, { 1, 2, 1, 2 }), 0, "nmi of independent groupings")
T.near(M.ari({ 1, 1, 2, 2 }, { 1, 2, 1, 2 }), -0.5, 1e-15, "ari below chance")
local acc, map = M.clustering_accuracy({ 1, 1, 2, 2, 3 }, { 8, 8, 9, 9, 9 })
T.near(acc, 0.8, 1e-15, "more groups than classes")
T.eq({ map[1], map[2], map[3] }, { 8, 9 }, "the map of groups to classes")
local blobs = M.cluster_scores(rp.concat(1, x, x + 100), rp.concat(1, rp.ones(90, "int64"), rp.ones(90, "int64") * 2))
T.eq({ blobs.nmi, blobs.acc, blobs.ari }, { 1.0, 1.0, 1.0 }, "k-means finds two far clusters")
T.raises(function() M.nmi({ 1, 2 }, { 1 }) end, "nmi: 1 labels for 2 examples", "nmi names the sizes")

-- classification
local scores = floats(R.scores)
T.near(M.accuracy(scores, test_y), R.accuracy, 1e-15, "accuracy of scores")
T.near(M.accuracy(scores:argmax(2), test_y), R.accuracy, 1e-15, "accuracy of predictions")
T.near(M.top_k(scores, test_y, 2), R.top2, 1e-15, "top-2 accuracy")
T.eq(M.confusion_matrix(scores, test_y), ints(R.confusion), "confusion matrix")
T.raises(function() M.confusion_matrix({ 1, 4 }, { 1, 2 }, 3) end, "1 to 4, but must lie in 1..3", "class out of range")

-- distances and neighbours
T.near(M.squared_distances(x, test_x)[1][1], (x[1] - test_x[1]):square():sum():item(), 1e-13, "a squared distance")
T.eq(M.squared_distances(x):diagonal():max():item(), 0.0, "distances of a set to itself have a zero diagonal")
local far = M.squared_distances(x + 1e6, test_x + 1e6) - M.squared_distances(x, test_x)
T.ok(far:abs():max():item() < 1e-8, "a common offset costs few digits")
T.eq(M.knn(x, y, test_x, { k = 1 }), ints(R.knn1), "1-NN predictions")
T.eq(M.knn(x, y, test_x, { k = 4 }), ints(R.knn4), "4-NN predictions, ties to the smallest class")
T.eq(M.knn(x, y, test_x), ints(R.knn5), "5-NN predictions")
T.eq(M.knn(x, y, test_x, { k = 4, metric = "cosine" }), ints(R.knn_cosine), "4-NN predictions by cosine")
T.near(M.knn_accuracy(x, y, test_x, test_y), ints(R.knn5):eq(test_y):to("float64"):mean():item(), 1e-15, "5-NN accuracy")
local positions, heights = rp.tensor { { 0 }, { 1 }, { 2 }, { 10 } }, rp.tensor { 0, 2, 4, 100 }
T.near(M.knn_r2(positions, heights, rp.tensor { { 0.4 }, { 1.6 } }, rp.tensor { 1, 4 }, { k = 2 }), 1 - 1 / 4.5, 1e-12,
       "knn_r2 by hand: estimates 1 and 3 of 1 and 4")
T.raises(function() M.knn_r2(positions, heights, positions, rp.ones(4), { k = 1 }) end, "are equal", "knn_r2: nothing to explain")
T.raises(function() M.knn_r2(positions, rp.ones(3), positions, heights, { k = 1 }) end, "3 and 4 values", "knn_r2: counts")
T.raises(function() M.knn(x, y, test_x, { k = 91 }) end, "k = 91 neighbours of 90", "more neighbours than vectors")
local mean, each = M.silhouette(x, y)
T.near(mean, R.silhouette, 1e-13, "silhouette equals scikit-learn's")
T.near(each, R.silhouettes, 1e-12, "silhouettes of the examples")
T.near(M.recall_at_k(x, floats(R.noisy), { 1, 5, 10 }), R.recall_pairs, 1e-15, "recall@k of pairs")
T.near(M.recall_at_k(test_x, x, 1, { query_labels = test_y, gallery_labels = y }), R.recall_labels, 1e-15, "recall@1 by label")
T.near(M.recall_at_k(x, nil, 1, { query_labels = y }), R.recall_own, 1e-15, "recall@1 among the queries")

-- probes
local accuracy, report = M.linear_probe(x, y, test_x, test_y, { tol = 1e-11 })
T.near(accuracy, R.logistic_accuracy, 1e-15, "logistic regression: accuracy")
T.near(report.probabilities, R.logistic_probability, 1e-8, "logistic regression: probabilities within 1e-8 of scikit-learn's")
T.near(report.weight, R.logistic_weight, 1e-8, "logistic regression: weights")
T.near(report.bias - report.bias:mean(), R.logistic_bias, 1e-8, "logistic regression: biases, up to their mean")
T.ok(report.iterations < 60, "L-BFGS converges in few iterations", tostring(report.iterations))
T.near((M.linear_probe(x * 50 + 3, y, test_x * 50 + 3, test_y, { standardise = true })),
       (M.linear_probe(x, y, test_x, test_y, { standardise = true })), 1e-15, "standardised features: scale does not matter")
local mlp, net = M.mlp_probe(x, y, test_x, test_y, { hidden = { 16 }, epochs = 60, batch = 30, lr = 1e-2 })
T.ok(mlp >= 0.75 and net.train_accuracy > mlp - 0.1, "MLP probe learns", ("%g"):format(mlp))
local _, again = M.mlp_probe(x, y, test_x, test_y, { hidden = { 16 }, epochs = 60, batch = 30, lr = 1e-2 })
T.eq(again.net:hash(), net.net:hash(), "MLP probe: same seed, same bits")
local svm_accuracy, svm = M.svm(x, y, test_x, test_y, { tol = 1e-9 })
T.near(svm.decisions, R.svm_decision, 1e-6, "SVM: decision values within 1e-6 of scikit-learn's at tol 1e-9")
T.eq(svm.predictions, ints(R.svm_prediction), "SVM: predictions")
T.eq(svm.support, R.svm_support, "SVM: support vectors")
T.near(svm_accuracy, svm.predictions:eq(test_y):to("float64"):mean():item(), 1e-15, "SVM: accuracy")
local _, loose = M.svm(x, y, test_x)
T.near(loose.decisions, R.svm_decision, 5e-3, "SVM: at the default tolerance within 5e-3")
T.raises(function() M.svm(x, rp.ones(90, "int64"), test_x) end, "have 1 class", "one class is refused")

-- generated against real
T.near(M.frechet_distance(x, fake), R.frechet, 1e-12, "Frechet distance")
T.near(M.frechet_distance({ M.gaussian(x) }, fake), R.frechet, 1e-12, "Frechet distance from statistics")
T.near(M.frechet_distance(x, x), 0, 1e-12, "Frechet distance of a set to itself")
T.near(M.inception_score(scores:softmax(2)), R.inception_score, 1e-13, "inception score")
T.near({ M.precision_recall(x, fake) }, { R.precision, R.recall }, 1e-15, "precision, recall")
T.near({ M.density_coverage(x, fake) }, { R.density, R.coverage }, 1e-14, "density, coverage")
T.near(M.mmd(x, fake, { gamma = 0.5 }), R.mmd_rbf, 1e-13, "MMD, Gaussian kernel")
T.near((M.kid(x, fake, { subsets = 0 })), R.kid, 1e-11, "KID over everything")
local kid = { M.kid(x, fake, { subsets = 20, size = 40 }) }
T.ok(math.abs(kid[1] - R.kid) < kid[2], "KID over subsets agrees within its deviation")
T.near((M.one_nn_accuracy(x, fake)), R.one_nn, 1e-15, "1-NN two-sample accuracy")
T.near(M.wasserstein(x:select(2, 1), fake:select(2, 1)), R.wasserstein1, 1e-14, "W1 of different sizes")
T.near(M.wasserstein(x:select(2, 1), fake:select(2, 1), 2), R.wasserstein2, 1e-14, "W2 of different sizes")
T.near(M.wasserstein(floats { 0, 1 }, floats { 3, 2 }), 2, 1e-15, "W1 by hand")
T.near(M.sliced_wasserstein(x, x + 1, { directions = 4000 }), 1, 2e-2, "sliced W2 of a shift is |shift| / sqrt(d)")
T.eq(M.sliced_wasserstein(x, x), 0.0, "sliced Wasserstein of a set to itself")

-- point clouds
local a, b = x[{ { 1, 40 }, { 1, 3 } }], fake[{ { 1, 40 }, { 1, 3 } }]
T.near(M.chamfer(a, b), R.chamfer, 1e-13, "Chamfer distance")
T.near(M.earth_mover(a, b), R.earth_mover, 1e-13, "earth mover's distance")
local one, two = x:slice(2, 1, 3):reshape(6, 15, 3), fake:slice(2, 1, 3):reshape(4, 15, 3)
local gr = M.cloud_distances(one, two, "earth_mover")
T.near(gr[3][2]:item(), M.earth_mover(one[3], two[2]), 1e-15, "distances between sets of clouds")
local perfect = M.cloud_scores(M.cloud_distances(one, one), M.cloud_distances(one, one), M.cloud_distances(one, one))
T.near({ perfect.cov, perfect.mmd, perfect.one_nn }, { 1, 0, 0 }, 1e-12, "a copy of the reference: all covered, 1-NN always wrong")

-- geometry
T.near({ M.scatter(x, y) }, { R.s_inner, R.s_inter }, 1e-13, "scatter within and between classes")
T.near({ M.scatter(floats { { 0 }, { 2 }, { 10 }, { 14 } }, { 1, 1, 2, 2 }) }, { 2.5, 121 }, 1e-13, "scatter by hand")
local blob = rp.concat(1, x, x + 30)
local embedding, divergence = M.tsne(blob, { perplexity = 15, steps = 400 })
T.eq(embedding.shape, { 180, 2 }, "t-SNE: shape")
T.eq(M.knn_accuracy(embedding, blob:select(2, 1):gt(15), embedding, blob:select(2, 1):gt(15)), 1.0, "t-SNE keeps two clusters apart")
T.ok(divergence > 0 and divergence < 1.2, "t-SNE: divergence", ("%g"):format(divergence))
T.bits((M.tsne(blob, { perplexity = 15, steps = 50 })), (M.tsne(blob, { perplexity = 15, steps = 50 })), "t-SNE: same bits again")
T.raises(function() M.tsne(x, { perplexity = 30 }) end, "perplexity 30 needs more than 90 vectors", "t-SNE: too few vectors")
local ring = floats { { 1, 0, 0 }, { -1, 0, 0 }, { 0, 1, 0 }, { 0, -1, 0 }, { 0, 0, 1 }, { 0, 0, -1 } }
T.near(M.effective_rank(ring), 3, 1e-12, "effective rank: as many as directions of equal variance")
T.near(M.effective_rank(ring * floats { math.sqrt(3), 1, 0 }), 4 / 3 ^ 0.75, 1e-12, "effective rank: variances 3/4 and 1/4")
T.near(M.effective_rank(ring:t() + 5), M.effective_rank((ring:t() - ring:t():mean(1)):matmul((rp.linalg.qr(rp.randn(6, 6, "float64"))))), 1e-9,
       "effective rank: more features than vectors; turned and moved it is the same")
T.raises(function() M.effective_rank(rp.ones(3, 2)) end, "all vectors are equal", "effective rank: no variance")
local ratings = floats { { 9, 2, 5, 8 }, { 6, 1, 3, 2 }, { 8, 4, 6, 8 }, { 7, 1, 2, 6 }, { 10, 5, 6, 9 }, { 6, 2, 4, 7 } }
T.near(M.icc(ratings), 0.1657418, 1e-6, "icc: Shrout and Fleiss' ratings, 0.17 there")
T.near(M.icc(ratings:unsqueeze(3):expand(6, 4, 3)), M.icc(ratings), 1e-12, "icc of vectors")
T.eq(M.icc(floats { { 1, 1 }, { 2, 2 }, { 4, 4 } }), 1.0, "icc: repetitions that agree")
T.near(M.icc(floats { { 1, 2 }, { 2, 1 } }), -1, 1e-12, "icc: least value for two repetitions")
T.raises(function() M.icc(floats { { 1, 2 } }) end, "1 things measured 2 times", "icc: too few")
local W = floats { { 1, -2 }, { 0.5, 3 }, { 0, 1 }, { 2, 2 } }
local source, other_source = rp.generator(5):randn(60, 4, "float64") * 3 + 1, rp.generator(6):randn(40, 4, "float64")
T.near(M.linear_r2(source, source:matmul(W) + 7, other_source, other_source:matmul(W) + 7, { ridge = 0 }), 1, 1e-12, "linear_r2: a linear map")
local noisy_target = source:matmul(W) + rp.generator(7):randn(60, 2, "float64")
local design = rp.concat(2, source, rp.ones(60, 1, "float64"))
local fitted = design:matmul(rp.linalg.lstsq(design, noisy_target))
T.near(M.linear_r2(source, noisy_target, source, noisy_target, { ridge = 0 }),
       1 - ((noisy_target - fitted):square():sum() / (noisy_target - noisy_target:mean(1)):square():sum()):item(), 1e-12, "linear_r2: least squares")
T.ok(M.linear_r2(source, noisy_target, source, noisy_target, { ridge = 10 }) < 0.5, "linear_r2: a large penalty")
T.raises(function() M.linear_r2(source, W, other_source, W) end, "4 and 4 values for 60 and 40", "linear_r2: counts")
T.near(M.spearman({ 1, 2, 3, 4, 5 }, { 5, 6, 7, 8, 7 }), 0.8207827, 1e-6, "spearman with a tie, as SciPy's")
T.eq({ M.spearman({ 1, 2, 9 }, { -1, 0, 100 }), M.spearman({ 1, 2, 9 }, { 3, 2, 1 }) }, { 1.0, -1.0 }, "spearman: orders alone count")
T.raises(function() M.spearman({ 1 }, { 1 }) end, "lists of 1 and 1", "spearman: too few")

-- features may carry a gradient and any shape
local tracked = rp.randn(12, 2, 3):requires_grad_() * 2
T.eq(M.gaussian(tracked)[1]:item(), M.gaussian(tracked:detach():reshape(12, 6))[1]:item(), "features are detached and flattened")
T.raises(function() M.frechet_distance(rp.zeros(4, 3), rp.zeros(4, 2)) end, "width 3 and 2", "widths that differ")
T.raises(function() M.knn(x, rp.zeros(90), test_x) end, "labels must be a tensor %(n%) of integers, got float32%(90%)", "labels of a wrong type")
T.done()
