-- rp.linalg and rp.special as seen from Lua: values of SciPy 1.17.1, conversions, errors.
local T = require "tap"
local rp = require "repro"
local L, S = rp.linalg, rp.special

local function floats(t) return rp.tensor(t, "float64") end
local function close(a, b) return (a - b):abs():max():item() end
local A = floats { { 4, 1, -2 }, { 1, 3, 0 }, { -2, 0, 5 } }
local B = floats { { 1, 2 }, { 3, 4 }, { 5, 7 }, { -1, 0 } }

-- factorisations
local w, V = L.eigh(A)
T.near(w, { 1.8548973087995753, 3.4760236029181337, 6.669079088282288 }, 1e-14, "eigh: eigenvalues")
T.ok(close(A:matmul(V), V * w) < 1e-14, "eigh: A V = V diag(w)")
T.eq({ (L.eigh(A, false))[2]:item(), select("#", L.eigh(A, false)) }, { w[2]:item(), 1 }, "eigh: values only")
local Q, R = L.qr(B)
T.eq({ Q.shape[2], R.shape[1] }, { 2, 2 }, "qr: reduced")
T.ok(close(Q:matmul(R), B) < 1e-14 and R[{ 1, 1 }]:item() >= 0, "qr: A = Q R")
T.near(L.cholesky(A), { { 2, 0, 0 }, { 0.5, 1.6583123951777, 0 }, { -1, 0.30151134457776363, 1.9771421064483223 } }, 1e-15, "cholesky")
local U, s, W = L.svd(B)
T.near(s, { 10.208010653772597, 0.8924788470687315 }, 1e-14, "svd: singular values")
T.ok(close((U * s):matmul(W:t()), B) < 1e-14, "svd: A = U diag(s) V'")
T.near(L.sqrtm(A), { { 1.9185999786010615, 0.2804534977062329, -0.49022439528886985 },
  { 0.2804534977062328, 1.7088290810184263, 0.03534130006179868 },
  { -0.49022439528886974, 0.03534130006179868, 2.1813828262763986 } }, 1e-14, "sqrtm")

-- systems
T.near(L.solve(A, floats { 1, 2, 3 }), { 0.5348837209302326, 0.48837209302325574, 0.8139534883720931 }, 1e-15, "solve with one right-hand side")
T.eq(L.solve(A, rp.eye(3)), L.inverse(A), "solve with the identity is the inverse")
T.near(L.lstsq(B, floats { 1, 2, 3, 4 }), { -3.3373493975903656, 2.8192771084337376 }, 1e-14, "lstsq")
T.eq(L.lstsq(B, rp.ones(4, 3)).shape, { 2, 3 }, "lstsq with several right-hand sides")
T.near(L.det(A), 43, 1e-13, "det")
local sign, log_abs = L.logdet(-A)
T.near({ sign, log_abs }, { -1, math.log(43) }, 1e-14, "logdet")
T.near(L.trace_sqrt_product(A, floats { { 2, 1, 0 }, { 1, 2, 1 }, { 0, 1, 3 } }), 8.853196333602648, 1e-13, "trace_sqrt_product")

-- any element type, any strides
T.eq((L.eigh(A:to("int32"))), w, "integers are converted")
T.eq(L.solve(A:t(), rp.tensor({ 1, 2, 3 }, "uint8")).dtype, "float64", "results are float64")
local wide = rp.randn(6, 8, "float64")
T.eq((L.svd(wide[{ { 1, 6, 2 } }]:flip(2))), (L.svd(wide[{ { 1, 6, 2 } }]:flip(2):clone())), "views are taken as they look")
T.eq(L.eigh(rp.zeros(0, 0)).shape, { 0 }, "an empty matrix")
T.eq(L.det(rp.zeros(0, 0)), 1.0, "determinant of an empty matrix")

-- principal components, from the covariance and from the smaller Gram matrix
local tall = rp.randn(30, 4, "float64") * floats { 1, 2, 3, 4 }
local pca = L.pca(tall:reshape(30, 2, 2), 4)
T.eq({ pca.mean.shape, pca.basis.shape, pca.variance.shape }, { { 4 }, { 4, 4 }, { 4 } }, "pca: shapes")
T.near((tall - pca.mean):matmul(pca.basis):square():mean(1), pca.variance, 1e-13, "pca: variances along the components")
T.near(pca.kept, 1, 1e-15, "... which are all")
local flat = rp.randn(6, 40, "float64")
local few, centred = L.pca(flat, 9), flat - flat:mean(1)
T.eq(few.basis.shape, { 40, 5 }, "pca: of six examples five components")
T.ok(close(few.basis:t():matmul(few.basis), rp.eye(5, "float64")) < 1e-13, "... orthonormal")
T.ok(close(centred:matmul(few.basis):matmul(few.basis:t()), centred) < 1e-13, "... in which the examples lie")
local values = L.eigh(centred:t():matmul(centred) / 6)
T.near(few.variance, values:slice(1, 36, 40), 1e-13, "... with the covariance's spectrum")
T.eq(L.pca(flat, 2).basis.shape, { 40, 2 }, "... or fewer")
T.raises(function() L.pca(flat, 0) end, "pca: 0 is no number", "pca: none")
T.raises(function() L.pca(rp.ones(3), 1) end, "pca: examples", "pca: of a vector")

-- assignment
local column, cost = L.assignment(floats { { 4, 1, 3 }, { 2, 0, 5 }, { 3, 2, 2 } })
T.eq({ column:totable(), cost }, { { 2, 1, 3 }, 5.0 }, "assignment: columns from 1 and the cost")
column, cost = L.assignment(rp.tensor({ { 9 }, { 1 }, { 5 } }, "int32"))
T.eq({ column:totable(), cost }, { { 0, 1, 0 }, 1.0 }, "assignment: 0 for a row left out")
T.eq(column.dtype, "int64", "assignment: int64")

-- k-means
local points = rp.concat(1, rp.randn(20, 2), rp.randn(20, 2) + 50, rp.randn(20, 2) - 50)
local centres, labels, inertia = L.kmeans(points, 3, { seed = 2, n_init = 3 })
T.eq({ centres.shape, centres.dtype, labels.dtype }, { { 3, 2 }, "float64", "int64" }, "kmeans: shapes and types")
T.eq({ labels:min():item(), labels:max():item() }, { 1, 3 }, "kmeans: labels from 1")
T.near((points:to("float64") - centres:index_select(1, labels)):square():sum():item(), inertia, 1e-9, "kmeans: inertia")
T.eq(labels[{ { 1, 20 } }]:unique():numel(), 1, "kmeans: one cluster for one blob")
T.bits((L.kmeans(points, 3, { seed = 2 })), (L.kmeans(points, 3, { seed = 2 })), "kmeans: same seed, same bits")

-- errors name the operation, the shapes, the remedy
T.raises(function() L.eigh(rp.zeros(2, 3)) end, "eigh: argument 1 has shape %(2x3%); a square matrix", "not square")
T.raises(function() L.qr(rp.zeros(3)) end, "qr: argument 1 has shape %(3%); a matrix", "not a matrix")
T.raises(function() L.svd(nil) end, "svd: argument 1 is nil; a tensor is expected", "nil")
T.raises(function() L.svd() end, "svd: argument 1 is missing", "missing")
T.raises(function() L.solve(A, rp.zeros(2, 3)) end, "solve: %(3x3%) X = %(2x3%): .*%(3%) or %(3,k%)", "sizes that do not fit")
T.raises(function() L.lstsq(B:t(), rp.zeros(2)) end, "lstsq", "fewer equations than unknowns")
T.raises(function() L.inverse(rp.ones(2, 2)) end, "singular", "singular")
T.raises(function() L.cholesky(-A) end, "cholesky", "not positive definite")
T.raises(function() L.trace_sqrt_product(A, rp.eye(2)) end, "the shapes %(3x3%) and %(2x2%) differ", "shapes that differ")
T.raises(function() L.sqrtm(A:clone():mul_(0 / 0)) end, "sqrtm", "NaN")
T.raises(function() L.kmeans(points, 61) end, "k = 61 for 60 points", "more clusters than points")
T.raises(function() L.kmeans(points, 2, { sed = 1 }) end, "unknown option 'sed'; known: seed", "unknown option")
T.raises(function() L.kmeans(points, 2, { n_init = 1.5 }) end, "n_init is 1.5; an integer", "option of a wrong type")
local tracked = rp.eye(2):requires_grad_()
T.raises(function() L.eigh(tracked * 2) end, "part of a recorded graph.*detach", "no gradient: detach is asked for")
T.eq(rp.no_grad(L.det, tracked), 1.0, "inside no_grad nothing is recorded")

-- every allocation failed in turn: a clean error, nothing leaked
local spoilt = { eigh = { A }, qr = { B }, svd = { B }, cholesky = { A }, sqrtm = { A }, solve = { A:to("float32"), B[{ { 1, 3 } }] },
                 inverse = { A }, lstsq = { B, B }, det = { A:t() }, logdet = { A }, trace_sqrt_product = { A, A },
                 assignment = { B:to("int32") }, kmeans = { points, 3, { n_init = 1 } } }
for _, name in ipairs { "eigh", "qr", "svd", "cholesky", "sqrtm", "solve", "inverse", "lstsq", "det", "logdet", "trace_sqrt_product",
                        "assignment", "kmeans" } do
  collectgarbage()
  collectgarbage()
  local before, k, message = rp.memory().live, 0, "memory"
  while message and message:find "memory" and k < 200 do
    k = k + 1
    rp.memory_fail_at(k)
    local ok, result = pcall(L[name], table.unpack(spoilt[name]))
    rp.memory_fail_at(0)
    message = not ok and result or nil
  end
  collectgarbage()
  collectgarbage()
  T.ok(message == nil and k > 1 and rp.memory().live == before, name .. ": fails cleanly without memory, then works",
       ("after %d tries: %s, %d bytes more"):format(k, message, rp.memory().live - before))
end

-- special functions of numbers
T.near(S.ei(1.5), 3.3012854491297978, 1e-14, "ei")
T.near(S.e1(0.3), 0.9056766516758467, 1e-15, "e1")
T.near(S.erfc(2.5), 0.0004069520174449589, 1e-18, "erfc")
T.near(S.erfinv(0.3), 0.27246271472675443, 1e-15, "erfinv")
T.near(S.lgamma(7.5), 7.534364236758733, 1e-14, "lgamma")
T.near(S.digamma(0.25), -4.227453533376266, 1e-14, "digamma")
T.eq({ S.ei(0), S.erfinv(1), S.lgamma(0) }, { -math.huge, math.huge, math.huge }, "at the poles")
T.ok(S.e1(-1) ~= S.e1(-1), "e1 of a negative number is NaN")
T.raises(function() S.ei(rp.ones(1)) end, "ei: argument 1 is a tensor; a number is expected", "a tensor is refused")

-- every function has its description
for _, name in ipairs { "linalg", "special" } do
  local described, missing = require("repro." .. name), {}
  for key, value in pairs(rp[name]) do
    if described[key] ~= value then missing[#missing + 1] = key end
  end
  T.eq(missing, {}, "repro." .. name .. " describes every function")
end
T.done()
