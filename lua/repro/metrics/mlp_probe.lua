--- A small network trained on fixed features.

local rp = require "repro"
local features = require "repro.metrics.features"
local options = require "repro.options"

local probe = {}

-- Epochs of mini-batches in an order drawn from g.
local function train(net, x, y, o, g)
  local n = x:size(1)
  local batch = math.min(o.batch, n)
  local per_epoch = math.max(1, n // batch)
  local total = o.epochs * per_epoch
  local optimiser = rp.optim.AdamW(net, { lr = o.lr, weight_decay = o.weight_decay,
                                          schedule = rp.optim.cosine(total, 0) })
  local step = rp.compile(function(rows)
    local loss = net(x:index_select(1, rows)):cross_entropy(y:index_select(1, rows))
    optimiser:zero_grad()
    loss:backward()
    optimiser:step()
    return loss
  end)
  local loss
  for _ = 1, o.epochs do
    local order = g:randperm(n)
    for i = 1, per_epoch do loss = step(order:slice(1, (i - 1) * batch + 1, i * batch)) end
  end
  return loss:item()
end

---A multilayer perceptron on standardised features (mean and standard deviation of the training set), in float32: ReLU
---layers of widths `hidden`, AdamW, learning rate lr falling to 0 along half a cosine over all steps, batches of `batch`
---in a new order each epoch (a rest smaller than a batch is left out).  Weights and orders depend on the seed only.
---    metrics.mlp_probe(train_x, train_y, test_x, test_y, {hidden = {256}, epochs = 30, batch = 128, lr = 1e-3,
---                                                         weight_decay = 1e-4, dropout = 0, seed = 1})
---@param train_x Tensor (n, d)
---@param train_y Tensor (n) int
---@param test_x Tensor (m, d)
---@param test_y? Tensor (m) int
---@param given? table
---@return number accuracy on the test set, nil without test_y
---@return table {predictions (m), classes, net, loss: of the last batch, train_accuracy}
function probe.mlp_probe(train_x, train_y, test_x, test_y, given)
  local o = options("mlp_probe", given, { hidden = { 256 }, epochs = 30, batch = 128, lr = 1e-3, weight_decay = 1e-4,
                                          dropout = 0, seed = 1 })
  local s = features.classification("mlp_probe", train_x, train_y, test_x, test_y)
  local mean, deviation = features.moments(s.x)
  local x, test = ((s.x - mean) / deviation):to("float32"), ((s.test_x - mean) / deviation):to("float32")
  local g = rp.generator(o.seed, "mlp_probe")
  local widths = { x:size(2), table.unpack(o.hidden) }
  widths[#widths + 1] = s.n_classes
  local net = rp.nn.MLP(widths, { dropout = o.dropout, generator = g })
  local loss = train(net, x, s.position, o, g)
  net:eval()
  return rp.no_grad(function()
    local predictions = s.classes:index_select(1, net(test):argmax(2))
    local report = { predictions = predictions, classes = s.classes, net = net, loss = loss,
                     train_accuracy = features.agreement(net(x):argmax(2), s.position) }
    return s.test_y and features.agreement(predictions, s.test_y) or nil, report
  end)
end

return probe
