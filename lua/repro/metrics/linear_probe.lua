--- Multinomial logistic regression on fixed features.

local rp = require "repro"
local features = require "repro.metrics.features"
local lbfgs = require "repro.metrics.lbfgs"
local options = require "repro.options"

local probe = {}

-- The objective and its gradient at theta = (W row by row, b), for features (n, d) and classes as 0/1 rows (n, K).
--     f = -1/n sum_i ln softmax(W x_i + b)_(y_i) + |W|^2 / (2 C n)
local function objective(x, target, C)
  local n, d, k = x:size(1), x:size(2), target:size(2)
  return function(theta)
    local W, b = theta:slice(1, 1, k * d):reshape(k, d), theta:slice(1, k * d + 1, k * d + k)
    local log_p = x:linear(W, b):log_softmax(2)
    local value = -(log_p * target):sum() / n + W:square():sum() / (2 * C * n)
    local residual = (log_p:exp() - target) / n
    local gradient_W = residual:t():matmul(x) + W / (C * n)
    return value:item(), rp.concat(1, gradient_W:reshape(-1), residual:sum(1))
  end
end

---Multinomial logistic regression with an L2 penalty on the weights, not on the biases, minimised by full-batch L-BFGS
---from 0 in double precision: the problem of scikit-learn's LogisticRegression(C) with three or more classes.
---    metrics.linear_probe(train_x, train_y, test_x, test_y, {C = 1, standardise = false, max_iter = 500, tol = 1e-6})
---@param train_x Tensor (n, d)
---@param train_y Tensor (n) int
---@param test_x Tensor (m, d)
---@param test_y? Tensor (m) int
---@param given? table C: inverse strength of the penalty; standardise: scale features by the mean and standard
---  deviation of the training set; tol: largest component of the gradient at the end
---@return number accuracy on the test set, nil without test_y
---@return table {predictions (m), probabilities (m, K), classes (K), weight (K, d), bias (K), value, iterations,
---  gradient, train_accuracy}
function probe.linear_probe(train_x, train_y, test_x, test_y, given)
  local o = options("linear_probe", given, { C = 1, standardise = false, max_iter = 500, tol = 1e-6 })
  local s = features.classification("linear_probe", train_x, train_y, test_x, test_y)
  if o.standardise then
    local mean, deviation = features.moments(s.x)
    s.x, s.test_x = (s.x - mean) / deviation, (s.test_x - mean) / deviation
  end
  local k, d = s.n_classes, s.x:size(2)
  local f = objective(s.x, s.position:one_hot(k, "float64"), o.C)
  local theta, report = lbfgs.minimise(f, rp.zeros(k * d + k, "float64"), { max_iter = o.max_iter, tol = o.tol })
  report.weight, report.bias = theta:slice(1, 1, k * d):reshape(k, d), theta:slice(1, k * d + 1, k * d + k)
  report.classes = s.classes
  report.probabilities = s.test_x:linear(report.weight, report.bias):softmax(2)
  report.predictions = s.classes:index_select(1, report.probabilities:argmax(2))
  report.train_accuracy = features.agreement(s.x:linear(report.weight, report.bias):argmax(2), s.position)
  return s.test_y and features.agreement(report.predictions, s.test_y) or nil, report
end

return probe
