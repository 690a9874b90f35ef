--- Inputs that PyTorch's side writes down as well, and comparison with its values (tests/golden/torch_reference.py).

local rp = require "repro"

local here = debug.getinfo(1, "S").source:match("^@(.*)reference%.lua$") or "tests/lua/"
local golden = dofile(here .. "../golden/torch_reference.lua")

local reference = {}

---((i k) mod 11 - 5) / 8 for i = 0, 1, ... in row-major order.
function reference.ramp(k, shape, dtype)
  local n, values = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  for i = 0, n - 1 do values[i + 1] = ((i * k) % 11 - 5) / 8 end
  return rp.tensor(values, dtype or "float64"):reshape(shape)
end

---Gives the j-th parameter (from 0) the values ramp(3 + 2 j).
function reference.fill(parameters)
  rp.no_grad(function()
    for j, p in ipairs(parameters) do p:copy_(reference.ramp(1 + 2 * j, p.shape, p.dtype)) end
  end)
end

local function flat(values)
  if type(values) == "number" then return { values } end
  if type(values) == "table" then return values end
  return values:detach():reshape(-1):totable()
end

---The largest absolute difference from the golden values called `name`; infinite if the numbers of elements differ.
function reference.difference(name, values)
  local got, want = flat(values), assert(golden[name], "no golden values called " .. name)
  if #got ~= #want then return math.huge end
  local largest = 0
  for i, value in ipairs(got) do
    local d = math.abs(value - want[i])
    largest = d <= largest and largest or d                       -- NaN counts
  end
  return largest
end

---Checks values against PyTorch's.
function reference.check(T, name, values, tolerance)
  local d = reference.difference(name, values)
  T.ok(d <= (tolerance or 1e-12), ("%s agrees with PyTorch (difference %.2g)"):format(name, d))
end

---Checks a gradient in float64 by finite differences.
function reference.gradient(T, name, f, inputs, options)
  local ok, message = rp.gradcheck(f, inputs, options)
  T.ok(ok, "gradient of " .. name .. (ok and "" or ": " .. tostring(message)))
end

return reference
