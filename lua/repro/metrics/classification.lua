--- Predictions against labels.

local rp = require "repro"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"

local classification = {}

-- Class positions from predictions (n), or from scores (n, C) of which the first largest is taken.
local function predicted(who, predictions)
  if rp.is_tensor(predictions) and predictions.ndim == 2 then return predictions:detach():argmax(2) end
  return features.labels(who, predictions)
end

---Share of predictions that equal the label.
---@param predictions Tensor (n) int, or (n, C) scores of the classes 1..C
---@param labels Tensor (n) int
---@return number in [0, 1]
function classification.accuracy(predictions, labels)
  local p = predicted("accuracy", predictions)
  return features.agreement(p, features.labels("accuracy", labels, p:size(1)))
end

---Share of examples whose label is among the k classes of largest score (ties by position).
---@param scores Tensor (n, C)
---@param labels Tensor (n) int in 1..C
---@param k? integer default 5
---@return number in [0, 1]
function classification.top_k(scores, labels, k)
  k = k or 5
  if scores.ndim ~= 2 then misuse("top_k: scores must be (n, C), got %s", features.shape(scores)) end
  if k < 1 or k > scores:size(2) then misuse("top_k: k = %d of %d classes", k, scores:size(2)) end
  local y = features.labels("top_k", labels, scores:size(1))
  local _, index = scores:detach():topk(k, 2)
  return index:eq(y:unsqueeze(2)):any(2):to("float64"):mean():item()
end

---How often a class (row) is predicted as a class (column).
---@param predictions Tensor (n) int in 1..C, or (n, C) scores
---@param labels Tensor (n) int in 1..C
---@param n_classes? integer default the largest number that occurs
---@return Tensor (C, C) int64
function classification.confusion_matrix(predictions, labels, n_classes)
  local p = predicted("confusion_matrix", predictions)
  local y = features.labels("confusion_matrix", labels, p:size(1))
  local c = n_classes or math.max(p:max():item(), y:max():item())
  local smallest, largest = math.min(p:min():item(), y:min():item()), math.max(p:max():item(), y:max():item())
  if smallest < 1 or largest > c then
    misuse("confusion_matrix: classes run from %d to %d, but must lie in 1..%d", smallest, largest, c)
  end
  local ones = rp.ones(y:size(1), "float64")
  return rp.zeros(c * c, "float64"):scatter_add(1, (y - 1) * c + p, ones):reshape(c, c):to("int64")
end

return classification
