--- Generated images by the features of a network trained for the purpose: what the Inception network is to large images.

local rp = require "repro"
local features = require "repro.metrics.features"
local fidelity = require "repro.metrics.fidelity"
local manifold = require "repro.metrics.manifold"
local misuse = require "repro.misuse"
local options = require "repro.options"

local judges = {}

-- Three convolutions, the second and third halving the side; map: what the second says; code: means of the third over places.
local function new_network(o, channels, classes, g)
  local nn, c = rp.nn, o.channels
  local Network = nn.class "ImageJudge"
  function Network:init()
    self.conv1 = nn.Conv2d(channels, c, 3, { padding = 1, generator = g })
    self.conv2 = nn.Conv2d(c, 2 * c, 3, { stride = 2, padding = 1, generator = g })
    self.conv3 = nn.Conv2d(2 * c, o.width, 3, { stride = 2, padding = 1, generator = g })
    self.last = nn.Linear(o.width, classes, { generator = g })
  end
  function Network:forward(x)
    local map = self.conv2(self.conv1(x):silu()):silu()
    local code = self.conv3(map):silu():mean({ 3, 4 })
    return self.last(code), code, map
  end
  return Network()
end

local function train(net, x, y, o, g)
  local optimiser = rp.optim.Adam(net, { lr = o.lr, schedule = rp.optim.cosine(o.steps, 0) })
  local step = rp.compile(function(rows)
    local loss = (net(x:index_select(1, rows))):cross_entropy(y:index_select(1, rows))
    optimiser:zero_grad()
    loss:backward()
    optimiser:step()
    return loss
  end)
  for _ = 1, o.steps do step(g:randint(1, x:size(1), { o.batch })) end
end

---@class ImageJudge
---@field net Module
local Judge = {}
Judge.__index = Judge

---What the network says of images, 500 at a time.
---@param x Tensor (n, C, S, S)
---@return table {code (n, width), map (n, spatial h w): the first channels of the second layer, p (n, classes)}
function Judge:see(x)
  local code, map, p = rp.nn.in_parts(function(part)
    local logits, c, m = self.net(part)
    return c, m:slice(2, 1, math.min(self.spatial, m:size(2))):flatten(2), logits:softmax(2)
  end, 500, x)
  return { code = code, map = map, p = p }
end

---Share of images of which the network names the class.
---@param x Tensor (n, C, S, S)
---@param y Tensor (n) int, as in training
---@return number
function Judge:accuracy(x, y)
  return features.agreement(self.classes:index_select(1, self:see(x).p:argmax(2)), features.labels("accuracy", y))
end

---Scores of generated against real images:
---  fd         Frechet distance of the codes, as FID
---  sfd        the same of the maps, where places count, as sFID      EQ: Nash et al. 2021, arXiv:2103.03841, sec. 4.1
---  is         Inception score
---  precision, recall      improved precision and recall, k = 3
---@param real table of `see`
---@param fake table of `see`
---@return table {fd, sfd, is, precision, recall}
function Judge.scores(_, real, fake)
  local precision, recall = manifold.precision_recall(real.code, fake.code, 3)
  return { fd = fidelity.frechet_distance(real.code, fake.code), sfd = fidelity.frechet_distance(real.map, fake.map),
           is = fidelity.inception_score(fake.p), precision = precision, recall = recall }
end

---A convolutional classifier trained on labelled images, by whose features others are judged.
---    local judge = metrics.image_judge(train.x, train.y, {channels = 16, width = 32, spatial = 4, steps = 300, batch = 128,
---                                                         lr = 3e-3, seed = 1})
---    local scores = judge:scores(judge:see(real), judge:see(fake))
---Distances by it compare with each other only.  Weights depend on data and seed.
---@param x Tensor (n, C, S, S), S a multiple of 4
---@param y Tensor (n) int
---@param given? table spatial: channels of the map
---@return ImageJudge
function judges.image_judge(x, y, given)
  local o = options("image_judge", given, { channels = 16, width = 32, spatial = 4, steps = 300, batch = 128, lr = 3e-3, seed = 1 })
  if not rp.is_tensor(x) or x.ndim ~= 4 then misuse "image_judge: images have shape (n, C, S, S)" end
  local classes, position = features.labels("image_judge", y, x:size(1)):unique()
  if classes:size(1) < 2 then misuse "image_judge: the images are of one class; at least 2 are needed" end
  local g = rp.generator(o.seed, "image_judge")
  local net = new_network(o, x:size(2), classes:size(1), g)
  train(net, x, position, o, g)
  return setmetatable({ net = net:requires_grad_(false):eval(), classes = classes, spatial = o.spatial }, Judge)
end

return judges
