--- The same steps for every model, so that budgets are equal.

local misuse = require "repro.misuse"
local options = require "repro.options"
local rp = require "repro"

local train = {}

---Adam on batches drawn with replacement, the rate rising over the first `warmup` steps and falling linearly to `floor` of lr.
---    unsupervised.train(model, x, {steps = 800, batch = 128, lr = 2e-3, warmup = 100, floor = 0.05, clip = 1, seed = 1,
---                                  name = "unsupervised", labels = nil, watch = nil})
---Which images, views and noise come up depends on {seed, name} only.
---@param model Module with loss(x, g), or loss(x, g, y) where there are labels (n)
---@param x Tensor (n, ...)
---@param given? table clip: largest norm of the gradient, false for none; watch(loss, step): after each step
---@return number mean of the loss over the last tenth of the steps
function train.train(model, x, given)
  local o = options("unsupervised.train", given, { steps = 800, batch = 128, lr = 2e-3, warmup = 100, floor = 0.05, clip = 1,
                                                   seed = 1, name = "unsupervised", labels = false, watch = false })
  if type(model) ~= "table" or not model.loss then misuse "unsupervised.train: the model needs a method loss(x, g)" end
  if math.type(o.steps) ~= "integer" or o.steps < 1 then misuse("unsupervised.train: steps = %s", tostring(o.steps)) end
  local schedule = rp.optim.linear(o.steps, o.floor)
  if o.warmup > 0 then schedule = rp.optim.product(rp.optim.warmup(o.warmup), schedule) end
  local step = rp.optim.Adam(model, { lr = o.lr, schedule = schedule })
  local g, n, last = rp.generator(o.seed, o.name), x:size(1), math.max(1, o.steps // 10)
  local tail = 0.0
  for k = 1, o.steps do
    local rows = g:randint(1, n, { o.batch })
    local loss = model:loss(x:index_select(1, rows), g, o.labels and o.labels:index_select(1, rows) or nil)
    step:zero_grad()
    loss:backward()
    step:step { clip = o.clip or nil }
    if k > o.steps - last then tail = tail + loss:item() / last end
    if o.watch then o.watch(loss, k) end
  end
  return tail
end

---The codes of many images, `batch` at a time, without a gradient and in evaluation mode.
---@param model Module with encode(x)
---@param x Tensor (n, ...)
---@param batch? integer default 500
---@return Tensor (n, c)
function train.encode(model, x, batch)
  local was = model.training
  model:eval()
  local codes = rp.nn.in_parts(function(part) return (model:encode(part)) end, batch or 500, x)
  if was then model:train() end
  return codes
end

return train
