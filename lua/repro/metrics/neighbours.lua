--- What the nearest neighbours and the mean distances say of labels.

local rp = require "repro"
local distance = require "repro.metrics.distance"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"
local options = require "repro.options"

local neighbours = {}

---The label most frequent among the k nearest training vectors; of equally frequent ones the smallest, as in
---scikit-learn's KNeighborsClassifier.
---    metrics.knn(train_x, train_y, test_x, {k = 5, metric = "euclidean"})
---@param train_x Tensor (n, d)
---@param train_y Tensor (n) int
---@param test_x Tensor (m, d)
---@param given? {k: integer, metric: string}
---@return Tensor (m) int64
function neighbours.knn(train_x, train_y, test_x, given)
  local o = options("knn", given, { k = 5, metric = "euclidean" })
  local x = features.matrix("knn", train_x)
  local classes, position = features.labels("knn", train_y, x:size(1)):unique()
  local _, index = distance.nearest(test_x, x, o.k, o.metric)
  local votes = position:index_select(1, index:reshape(-1)):one_hot(classes:size(1))
  local winner = votes:reshape(index:size(1), o.k, classes:size(1)):sum(2):argmax(2)
  return classes:index_select(1, winner)
end

---Accuracy of `knn` on a test set.
---@param train_x Tensor (n, d)
---@param train_y Tensor (n) int
---@param test_x Tensor (m, d)
---@param test_y Tensor (m) int
---@param given? {k: integer, metric: string}
---@return number in [0, 1]
function neighbours.knn_accuracy(train_x, train_y, test_x, test_y, given)
  local predictions = neighbours.knn(train_x, train_y, test_x, given)
  return features.agreement(predictions, features.labels("knn_accuracy", test_y, predictions:size(1)))
end

---How much of a number the nearest vectors tell: R^2 = 1 - sum (v_i - v^_i)^2 / sum (v_i - mean v)^2 over a test set, v^_i the
---mean over the k nearest training vectors, as scikit-learn's KNeighborsRegressor(k).score.
---    metrics.knn_r2(train_x, train_v, test_x, test_v, {k = 10, metric = "euclidean"})
---@param train_x Tensor (n, d)
---@param train_v Tensor (n)
---@param test_x Tensor (m, d)
---@param test_v Tensor (m), not all equal
---@param given? {k: integer, metric: string}
---@return number at most 1; 0 for the mean of the test set, below 0 for worse
function neighbours.knn_r2(train_x, train_v, test_x, test_v, given)
  local o = options("knn_r2", given, { k = 10, metric = "euclidean" })
  local _, index = distance.nearest(test_x, train_x, o.k, o.metric)
  if train_v.ndim ~= 1 or train_v:size(1) ~= train_x:size(1) or test_v:size(1) ~= test_x:size(1) then
    misuse("knn_r2: %d and %d values for %d and %d vectors", train_v:size(1), test_v:size(1), train_x:size(1), test_x:size(1))
  end
  local v, truth = train_v:to "float64", test_v:to "float64"
  local estimate = v:index_select(1, index:reshape(-1)):reshape(index.shape):mean(2)
  local spread = (truth - truth:mean()):square():sum():item()
  if spread == 0 then misuse "knn_r2: all values of the test set are equal" end
  return 1 - (estimate - truth):square():sum():item() / spread
end

-- s_i of some rows from sums (rows, K) of distances to each cluster, own cluster (rows, K) as 0/1 and counts (K).
local function silhouettes(sums, own, counts)
  local own_count = (own * counts):sum(2)
  local inside = (sums * own):sum(2) / (own_count - 1):maximum(1)
  local outside = rp.where(own, math.huge, sums / counts):min(2)
  local s = (outside - inside) / outside:maximum(inside)
  return rp.where(own_count:le(1):logical_or(s:is_nan()), 0, s)
end

---Silhouette: s_i = (b_i - a_i) / max(a_i, b_i), a_i the mean Euclidean distance to the other vectors of the cluster,
---b_i the least mean distance to another cluster; 0 for a cluster of one vector.
---EQ: Rousseeuw 1987 (J. Comput. Appl. Math. 20), eq. 2
---@param x Tensor (n, d)
---@param labels Tensor (n) int, of 2 to n - 1 clusters
---@return number mean of s_i
---@return Tensor s (n) float64
function neighbours.silhouette(x, labels)
  x = features.matrix("silhouette", x)
  local n = x:size(1)
  local classes, position = features.labels("silhouette", labels, n):unique()
  local k = classes:size(1)
  if k < 2 or k > n - 1 then misuse("silhouette: %d clusters of %d vectors; 2 to n - 1 are possible", k, n) end
  local member = position:one_hot(k, "float64")
  local counts, parts = member:sum(1), {}
  distance.each_chunk(x, x, function(d, first)
    d:diagonal(1, 2, first - 1):zero_()
    local own = member:slice(1, first, first + d:size(1) - 1)
    parts[#parts + 1] = silhouettes(d:sqrt():matmul(member), own, counts)
  end)
  local s = rp.concat(1, parts)
  return s:mean():item(), s
end

-- Labels by which a query and an entry of the gallery are relevant to each other.
local function relevance(o, n, m, own)
  if o.query_labels then
    local q = features.labels("recall_at_k", o.query_labels, n)
    return q, own and q or features.labels("recall_at_k", o.gallery_labels or misuse "recall_at_k: no gallery_labels", m)
  end
  if own then misuse "recall_at_k: without a gallery, query_labels are needed" end
  if n ~= m then misuse("recall_at_k: %d queries and %d entries do not form pairs; give labels", n, m) end
  local position = rp.arange(1, n, 1, "int64")
  return position, position
end

---Share of queries that find something relevant among their k nearest entries of the gallery: the entry of their own
---row, or one of the same label if labels are given.
---    metrics.recall_at_k(q, g, 5)     metrics.recall_at_k(q, g, {1, 5, 10}, {query_labels = a, gallery_labels = b})
---    metrics.recall_at_k(x, nil, 1, {query_labels = y})          -- among the other vectors of x
---@param queries Tensor (n, d)
---@param gallery? Tensor (m, d) default the queries, each without itself
---@param k integer|integer[]
---@param given? {query_labels: Tensor, gallery_labels: Tensor, metric: string} metric: default "cosine"
---@return number|number[] in [0, 1], one for each k
function neighbours.recall_at_k(queries, gallery, k, given)
  local o = options("recall_at_k", given, { query_labels = false, gallery_labels = false, metric = "cosine" })
  local list, most = type(k) == "table" and k or { k }, 0
  for _, value in ipairs(list) do most = math.max(most, value) end
  local n, m = queries:size(1), gallery and gallery:size(1) or queries:size(1)
  local a, b = relevance(o, n, m, gallery == nil)
  local _, index = distance.nearest(queries, gallery, most, o.metric)
  local hit = b:index_select(1, index:reshape(-1)):reshape(n, most):eq(a:unsqueeze(2))
  local result = {}
  for i, value in ipairs(list) do result[i] = hit:slice(2, 1, value):any(2):to("float64"):mean():item() end
  return type(k) == "table" and result or result[1]
end

return neighbours
