--- repro new: a skeleton paper that runs.
local failure = require "repro.failure"
local files = require "repro.files"
local options = require "repro.cli.options"

local new = {
  name = "new",
  usage = "NAME [-o FILE]",
  summary = "Makes a skeleton paper, papers/NAME.lua, that runs and checks itself.",
  options = {
    { name = "out", short = "o", value = "FILE", help = "where it is written" },
  },
}

local skeleton = [==[
local rp = require "repro"
local P = rp.paper{
  id = "NAME", title = "NAME", authors = "", year = YEAR,
  settings = {
    steps = {smoke = 50, small = 200, paper = 2000, help = "steps of gradient descent"},
    lr    = {0.1, help = "learning rate"},
  },
}

--[[
# NAME

Say here what the paper claims and how this script tests it.  Prose is Markdown; mathematics stands between dollars.

## 1  The model
A line through points, fitted by least squares:
$$ L(w, b) = \frac{1}{n} \sum_{i=1}^{n} (w x_i + b - y_i)^2 . $$
]]
local function loss(w, b, x, y)                   -- w, b (1); x, y (n) -> scalar
  return ((w * x + b - y):square()):mean()
end

--[[ ## 2  A case by hand
With $w = 2$, $b = 1$ and $y = 2x + 1$ the loss is zero; one unit off in $b$ it is one. ]]
local x = rp.linspace(-1, 1, 64)
local y = x * 2 + 1
P:exact("zero", loss(2, 1, x, y), 0, 1e-12, {where = "Sec. 2"})
P:exact("one", loss(2, 2, x, y), 1, 1e-6, {where = "Sec. 2"})

--[[ ## 3  Training
Gradient descent from $w = b = 0$. ]]
local w, b = rp.zeros(1):requires_grad_(), rp.zeros(1):requires_grad_()
for step in P:training(P.steps, "training") do                 -- a run that is stopped goes on with --resume
  local l = loss(w, b, x, y)
  l:backward()
  rp.no_grad(function()
    for _, p in ipairs{w, b} do
      p:add_(p.grad, -P.lr)
      p.grad:zero_()
    end
  end)
  P:log{step = step, loss = l}
end
P:claim("fits", "Gradient descent finds the line", {value = (w - 2):abs(), op = "<=", bound = 0.05}, {where = "Sec. 3"})
P:pinned("w", w)
]==]

--- Runs the command.
---@return integer code
function new.run(given, rest)
  options.expect(new, rest, 1, 1)
  local name = rest[1]
  if not name:find "^%w[%w_-]*$" then
    failure.raise("usage", "new: %s: a name is made of letters, digits, _ and -, and begins with a letter or digit", name)
  end
  local path = given.out or "papers/" .. name .. ".lua"
  if files.exists(path) then failure.raise("usage", "new: %s exists already", path) end
  files.make_directory(files.directory(path))
  files.write(path, (skeleton:gsub("NAME", name):gsub("YEAR", os.date "%Y")))
  io.stdout:write(path, "   now: repro run ", path, ", then repro pin ", path, "\n")
  return 0
end

return new
