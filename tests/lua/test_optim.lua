local rp = require "repro"
local T = require "tap"
local R = require "reference"
local ramp, optim = R.ramp, rp.optim

---Six steps with the gradients of the reference; the parameters afterwards, joined.
local function run(make)
  local p = { ramp(3, { 2, 3 }):requires_grad_(), ramp(5, { 4 }):requires_grad_() }
  local optimiser = make(p)
  for step = 0, 5 do
    optimiser:zero_grad()
    local loss = 0
    for j, t in ipairs(p) do                                     -- d/dt (r t + t^2 / 4) = r + t / 2
      loss = loss + (ramp(2 * step + 4 * j - 1, t.shape) * t + t:square() * 0.25):sum()
    end
    loss:backward()
    optimiser:step()
  end
  return rp.concat(1, p[1]:detach():reshape(-1), p[2]:detach()), optimiser, p
end

R.check(T, "plain_sgd", (run(function(p) return optim.SGD(p, { lr = 0.1 }) end)))
R.check(T, "sgd", (run(function(p) return optim.SGD(p, { lr = 0.1, momentum = 0.9, weight_decay = 0.01 }) end)))
R.check(T, "nesterov", (run(function(p) return optim.SGD(p, { lr = 0.1, momentum = 0.9, nesterov = true }) end)))
R.check(T, "adam", (run(function(p) return optim.Adam(p, { lr = 0.1, weight_decay = 0.05 }) end)))
R.check(T, "adamw", (run(function(p)
  return optim.AdamW(p, { lr = 0.1, betas = { 0.8, 0.95 }, weight_decay = 0.1 })
end)))

-- Groups, frozen parameters.
local a, b, frozen = rp.ones(2):requires_grad_(), rp.ones(2):requires_grad_(), rp.ones(2)
local sgd = optim.SGD({ { params = { a, frozen } }, { params = { b }, lr = 0.5 } }, { lr = 0.1 })
rp.sum(a + b):backward()
sgd:step()
T.near(a:sum():item(), 1.8, 1e-6, "the first group has the common learning rate")
T.near(b:sum():item(), 1.0, 1e-6, "the second group has its own")
T.near(frozen:sum():item(), 2, 0, "a parameter without a gradient is left alone")
sgd:zero_grad()
T.ok(a.grad == nil, "zero_grad forgets the gradients")

-- Clipping.
local function with_gradient(values)
  local p = rp.zeros(#values):requires_grad_()
  p:dot(rp.tensor(values)):backward()
  return p
end
local p = with_gradient { 3, 4 }
T.near(optim.clip_grad_norm({ p }, 1), 5, 1e-12, "clip_grad_norm gives the norm before")
T.near(p.grad:norm():item(), 1, 1e-6, "clip_grad_norm scales to the maximum")
T.near(optim.clip_grad_norm({ p }, 10), 1, 1e-6, "a small gradient is left alone")
p = with_gradient { 3, -4 }
optim.clip_grad_value({ p }, 3.5)
T.near(p.grad:sum():item(), -0.5, 0, "clip_grad_value limits the elements")
p = with_gradient { 3, 4 }
local norm = optim.SGD({ p }, { lr = 1 }):step { clip = 0.5 }
T.near(norm, 5, 1e-12, "step{clip} gives the norm")
T.near(p:norm():item(), 0.5, 1e-6, "step{clip} limits the step")

-- Schedules.
local cosine, rates = optim.cosine(10, 0.1), {}
for k = 1, 11 do rates[k] = cosine(k) end
R.check(T, "cosine_rates", rates, 1e-12)
local warm = optim.warmup(4)
T.eq(table.concat({ warm(1), warm(3), warm(4), warm(9) }, " "), "0.25 0.75 1 1", "warmup")
local linear = optim.linear(10, 0.5)
T.eq(table.concat({ linear(1), linear(6), linear(11), linear(99) }, " "), "1.0 0.75 0.5 0.5", "linear")
local stairs = optim.step(3, 0.5)
T.eq(table.concat({ stairs(1), stairs(3), stairs(4), stairs(7) }, " "), "1 1 0.5 0.25", "step")
local both = optim.chain(4, warm, optim.step(2, 0.5))
T.eq(table.concat({ both(1), both(4), both(5), both(7) }, " "), "0.25 1 1 0.5", "chain")
T.eq(optim.product(warm, linear)(2), 0.5 * 0.95, "product")
T.eq(optim.constant()(5), 1, "constant")
T.raises(function() optim.chain(4, warm) end, "last schedule", "chain needs a last schedule")
p = with_gradient { 1 }
local scheduled = optim.SGD({ p }, { lr = 1, schedule = optim.warmup(2) })
scheduled:step()
T.near(p:item(), -0.5, 0, "the schedule is counted from 1")
scheduled:step()
T.near(p:item(), -1.5, 0, "the second step has the full rate")
T.near(scheduled:rate(), 1, 0, "rate() tells the learning rate")

-- States: six steps in one go, and interrupted after three.
local function make(params) return optim.Adam(params, { lr = 0.1 }) end
local function steps(params, optimiser, from, to)
  for k = from, to do
    optimiser:zero_grad()
    rp.sum(params[1]:square() * k):backward()
    optimiser:step()
  end
end
local whole = { ramp(3, { 5 }):requires_grad_() }
steps(whole, make(whole), 1, 6)
local first = { ramp(3, { 5 }):requires_grad_() }
local before = make(first)
steps(first, before, 1, 3)
local resumed = { first[1]:detach():clone():requires_grad_() }
local after = make(resumed)
after:load_state_dict(before:state_dict())
steps(resumed, after, 4, 6)
T.eq(resumed[1]:hash(), whole[1]:hash(), "a resumed Adam gives the same bits")
local file = os.tmpname()
rp.io.write_safetensors(file, before:state_dict())
local reread = { first[1]:detach():clone():requires_grad_() }
local from_file = make(reread)
from_file:load_state_dict((rp.io.read_safetensors(file)))
os.remove(file)
steps(reread, from_file, 4, 6)
T.eq(reread[1]:hash(), whole[1]:hash(), "also through a file")
T.raises(function() make({ rp.zeros(4) }):load_state_dict(before:state_dict()) end, "shape", "a state of other shapes is refused")

-- Averages.
local w = rp.zeros(2):requires_grad_()
local ema = optim.EMA({ w }, { decay = 0.75 })
w:detach():fill_(4)
ema:update()
T.near(ema.shadow[1]:sum():item(), 2, 0, "EMA moves a quarter of the way")
local inside = ema:use(function() return w:sum():item() end)
T.eq(inside .. " " .. w:sum():item(), "2.0 8.0", "EMA:use shows the averages and puts the weights back")
T.raises(function() ema:use(function() error "inside" end) end, "inside", "EMA:use passes errors on")
T.near(w:sum():item(), 8, 0, "... and puts the weights back all the same")
local slow = optim.EMA({ w }, { decay = 0.999, warm_up = true })
w:detach():fill_(0)
slow:update()
T.near(slow.shadow[1]:sum():item(), 8 * 2 / 11, 1e-6, "EMA warms up with (1 + n) / (10 + n)")

-- Mistakes.
T.raises(function() optim.SGD({ w }) end, "learning rate", "SGD needs a learning rate")
T.raises(function() optim.Adam({ w }, { learning_rate = 1 }) end, "unknown option", "an unknown option is refused")
T.raises(function() optim.Adam({ 1 }, {}) end, "not a tensor", "parameters must be tensors")
T.raises(function() optim.Adam({ w }, { beta = 1 }) end, "betas", "a misspelt option names the right one")

T.done()
