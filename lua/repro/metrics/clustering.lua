--- Clusterings against classes: which examples are together, whatever the names of the groups.

local rp = require "repro"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"
local options = require "repro.options"

local clustering = {}

-- n_ij: how many examples are in group i of a and group j of b, float64 (K, L); the distinct labels of both.
local function contingency(who, a, b)
  local la = features.labels(who, a)
  local lb = features.labels(who, b, la:size(1))
  if la:size(1) == 0 then misuse("%s: there are no examples", who) end
  local names_a, i = la:unique()
  local names_b, j = lb:unique()
  local k, l = names_a:size(1), names_b:size(1)
  local ones = rp.ones(la:size(1), "float64")
  return rp.zeros(k * l, "float64"):scatter_add(1, (i - 1) * l + j, ones):reshape(k, l), names_a, names_b
end

-- -sum p ln p of counts that add up to n.
local function entropy(counts, n)
  local h = 0
  for _, c in ipairs(counts:totable()) do
    if c > 0 then h = h - c / n * rp.math.log(c / n) end
  end
  return h
end

-- I = sum_ij p_ij ln [p_ij / (p_i p_j)]
local function mutual_information(table_ij, n)
  local rows, columns, sum = table_ij:sum(2):totable(), table_ij:sum(1):totable(), 0
  for i, row in ipairs(table_ij:totable()) do
    for j, c in ipairs(row) do
      if c > 0 then sum = sum + c / n * rp.math.log(c / rows[i] * (n / columns[j])) end
    end
  end
  return sum
end

---Normalised mutual information, I(a; b) / ((H(a) + H(b)) / 2): 1 for equal groupings, 0 for independent ones.
---Arithmetic mean of the entropies, the default of scikit-learn.  1 if both have a single group.
---EQ: Strehl, Ghosh 2002 (JMLR 3), eq. 2, with the arithmetic for the geometric mean
---@param a Tensor (n) int
---@param b Tensor (n) int
---@return number in [0, 1]
function clustering.nmi(a, b)
  local c = contingency("nmi", a, b)
  local n = c:sum():item()
  if c:size(1) == 1 and c:size(2) == 1 then return 1 end
  local information = mutual_information(c, n)
  if information <= 0x1p-52 then return 0 end
  return information / ((entropy(c:sum(2), n) + entropy(c:sum(1), n)) / 2)
end

---Adjusted Rand index: agreement over pairs of examples, 1 for equal groupings, 0 expected by chance.
---    s_ij = sum C(n_ij, 2), s_i = sum C(a_i, 2), s_j = sum C(b_j, 2), N = C(n, 2)
---    ARI = (s_ij - s_i s_j / N) / ((s_i + s_j) / 2 - s_i s_j / N)
---EQ: Hubert, Arabie 1985 (J. Classification 2), eq. 5
---@param a Tensor (n) int
---@param b Tensor (n) int
---@return number
function clustering.ari(a, b)
  local c = contingency("ari", a, b)
  local n = c:sum():item()
  local function pairs_in(counts) return (counts * (counts - 1)):sum():item() / 2 end
  local same, in_a, in_b = pairs_in(c), pairs_in(c:sum(2)), pairs_in(c:sum(1))
  if same == in_a and same == in_b then return 1 end
  local expected = in_a / (n * (n - 1) / 2) * in_b
  return (same - expected) / ((in_a + in_b) / 2 - expected)
end

---Share of examples that a one-to-one matching of groups to classes, the best there is, puts right.
---EQ: Yang et al. 2010 (IEEE TIP 19), eq. 18
---@param predicted Tensor (n) int, groups
---@param labels Tensor (n) int, classes
---@return number in [0, 1]
---@return table map group -> class; a group that is matched to none is absent
function clustering.clustering_accuracy(predicted, labels)
  local c, groups, classes = contingency("clustering_accuracy", predicted, labels)
  local column, cost = rp.linalg.assignment(-c)
  local map = {}
  for i, j in ipairs(column:totable()) do
    if j > 0 then map[groups[i]:item()] = classes[j]:item() end
  end
  return -cost / c:sum():item(), map
end

---NMI, accuracy and ARI of k-means clusters of the features.
---    metrics.cluster_scores(x, y, {k = number of classes, seed = 1, n_init = 10, unit = false})
---@param x Tensor (n, d)
---@param labels Tensor (n) int
---@param given? {k: integer, seed: integer, n_init: integer, unit: boolean} unit: scale rows to length 1 first
---@return table {nmi, acc, ari, clusters: Tensor (n)}
function clustering.cluster_scores(x, labels, given)
  local o = options("cluster_scores", given, { k = false, seed = 1, n_init = 10, unit = false })
  x = features.matrix("cluster_scores", x)
  labels = features.labels("cluster_scores", labels, x:size(1))
  local k = o.k or labels:unique():size(1)
  local _, clusters = rp.linalg.kmeans(o.unit and x:unit() or x, k, { seed = o.seed, n_init = o.n_init })
  local acc = clustering.clustering_accuracy(clusters, labels)
  return { nmi = clustering.nmi(clusters, labels), acc = acc, ari = clustering.ari(clusters, labels),
           clusters = clusters }
end

return clustering
