--- Scales: from data to position, and the ticks that a reader expects.
-- Linear ticks are multiples of 1, 2 or 5 times a power of ten; logarithmic ticks are decades, with 2..9 between them.
local number = require "repro.plot.number"

local Scale = {}
Scale.__index = Scale

local floor, ceil, abs, max = math.floor, math.ceil, math.abs, math.max
local pow10, fixed, log = number.pow10, number.fixed, number.log

--- A scale over the data interval lo..hi. It maps to 0..1 until `place` says otherwise.
---@param kind "linear"|"log"
---@param lo number
---@param hi number above lo; for "log" both positive
---@param options table|nil {integer=, ticks={number|{number,label}}}
---@return Scale
function Scale.new(kind, lo, hi, options)
  options = options or {}
  local self = setmetatable({ kind = kind, lo = lo, hi = hi, a = 0, b = 1, integer = options.integer,
    fixed_ticks = options.ticks }, Scale)
  if kind == "log" then self.log_lo, self.log_span = log(lo), log(hi) - log(lo) end
  return self
end

--- Sets the positions of lo and hi.
---@param a number
---@param b number
---@return Scale
function Scale:place(a, b)
  self.a, self.b = a, b
  return self
end

--- Position of v; NaN where v cannot be drawn (not finite, or not positive on a logarithmic scale).
---@param v number
---@return number
function Scale:map(v)
  if not number.drawable(v) then return 0 / 0 end
  if self.kind == "linear" then return self.a + (v - self.lo) / (self.hi - self.lo) * (self.b - self.a) end
  if v <= 0 then return 0 / 0 end
  return self.a + (log(v) - self.log_lo) / self.log_span * (self.b - self.a)
end

--- As `map`, with v moved into the interval first: for bars that start at zero on a logarithmic scale.
---@param v number
---@return number
function Scale:clamped(v)
  if v ~= v then return v end
  return self:map(math.min(max(v, self.lo), self.hi))
end

--- The least of 1, 2, 5 x 10^e that is at least x: returns the digit and e.
---@param x number positive
---@return integer, integer
function Scale.nice(x)
  local e = number.floor_log10(x)
  for _, m in ipairs { 1, 2, 5 } do
    local step = e < 0 and m / pow10(-e) or m * pow10(e)
    if step >= x * (1 - 1e-9) then return m, e end
  end
  return 1, e + 1
end

-- k * m * 10^e, rounded once: a division by an exact power of ten is correctly rounded, a product with 0.1 is not.
local function multiple(k, m, e)
  if e < 0 then return k * m / pow10(-e) end
  return k * m * pow10(e)
end

-- The common exponent to factor out of the labels: none between a thousandth and a hundred thousand.
local function common_exponent(largest)
  if largest == 0 then return 0 end
  local e = number.floor_log10(largest)
  return (e >= 5 or e < -3) and e or 0
end

local function linear_ticks(self, count)
  local m, e = Scale.nice((self.hi - self.lo) / max(count, 1))
  if self.integer and e < 0 then m, e = 1, 0 end
  local step = multiple(1, m, e)
  local exponent = common_exponent(max(abs(self.lo), abs(self.hi)))
  local major = {}
  for k = ceil(self.lo / step - 1e-6), floor(self.hi / step + 1e-6) do
    local shown = multiple(k, m, e - exponent)
    major[#major + 1] = { value = multiple(k, m, e), label = number.minus(fixed(shown, max(0, exponent - e))) }
  end
  return { major = major, minor = {}, exponent = exponent }
end

local function power_label(m, e, plain)
  if plain then return number.short(multiple(1, m, e), max(0, -e)) end
  local power = "10^{" .. number.minus(tostring(e)) .. "}"
  return "$" .. (m == 1 and "" or m .. "×") .. power .. "$"
end

local function within(self, v)
  local slack = 1e-9
  return v >= self.lo * (1 - slack) and v <= self.hi * (1 + slack)
end

local function add_decade(self, ticks, e, labelled, plain)
  for m = 1, 9 do
    local v = multiple(1, m, e)
    if within(self, v) then
      if labelled[m] then ticks.major[#ticks.major + 1] = { value = v, label = power_label(m, e, plain) }
      else ticks.minor[#ticks.minor + 1] = v end
    end
  end
end

local EVERY, ONE = { true, true, true, true, true, true, true, true, true }, { true }
local ONE_TWO_FIVE, ONE_THREE = { true, true, nil, nil, true }, { true, nil, true }

-- Which digits of a decade carry a label: as many as fit.
local function labelled_digits(decades, count)
  if decades * 9 <= count then return EVERY end
  if decades * 3 <= count then return ONE_TWO_FIVE end
  if decades * 2 <= count and decades <= 3.5 then return ONE_THREE end -- more are read more easily as powers of ten
  return ONE
end

local function log_ticks(self, count)
  local decades = self.log_span / log(10)
  if decades < 0.5 then return linear_ticks(self, count) end
  local first, last = number.floor_log10(self.lo), number.floor_log10(self.hi)
  local plain = self.lo >= 0.9e-3 and self.hi <= 1.1e4
  local ticks = { major = {}, minor = {}, exponent = 0 }
  local stride = max(1, ceil(decades / max(count, 1)))
  local digits = labelled_digits(decades, count)
  for e = first, last do
    if stride == 1 then add_decade(self, ticks, e, digits, plain)
    elseif within(self, pow10(e)) then
      if e % stride == 0 then ticks.major[#ticks.major + 1] = { value = pow10(e), label = power_label(1, e, plain) }
      else ticks.minor[#ticks.minor + 1] = pow10(e) end
    end
  end
  if #ticks.major < 2 then return linear_ticks(self, count) end
  return ticks
end

local function given_ticks(self)
  local major = {}
  for _, tick in ipairs(self.fixed_ticks) do
    local value, label = tick, nil
    if type(tick) == "table" then value, label = tick[1], tick[2] end
    if value >= self.lo and value <= self.hi then
      major[#major + 1] = { value = value, label = tostring(label or number.minus(number.significant(value, 6))) }
    end
  end
  return { major = major, minor = {}, exponent = 0 }
end

--- Ticks for at most about `count` labels: {major = {{value=, label=}...}, minor = {value...}, exponent = k}, where the
--- labels are in units of 10^k.
---@param count integer
---@return table
function Scale:ticks(count)
  if self.fixed_ticks then return given_ticks(self) end
  if self.kind == "log" then return log_ticks(self, count) end
  return linear_ticks(self, count)
end

local function widened(lo, hi)
  local around = max(abs(lo), abs(hi))
  if around == 0 then return -1, 1 end
  return lo - 0.1 * around, hi + 0.1 * around
end

--- Limits with room around the data.
---@param kind "linear"|"log"
---@param lo number|nil nil when there is no data
---@param hi number|nil
---@param pad number share of the span added at each end
---@param from_zero boolean|nil no room below a lower limit of exactly zero
---@return number, number
function Scale.limits(kind, lo, hi, pad, from_zero)
  if kind == "log" then
    if not lo then return 1, 10 end
    local span = log(hi) - log(lo)
    if span < 1e-6 then return lo / 2, hi * 2 end
    local factor = number.exp(pad * span)
    return lo / factor, hi * factor
  end
  if not lo then return 0, 1 end
  if hi - lo <= 1e-9 * max(abs(lo), abs(hi)) then
    if from_zero and lo == 0 then return 0, 1 end
    return widened(lo, hi)
  end
  local room = pad * (hi - lo)
  local low = (from_zero and lo == 0) and 0 or lo - room
  local high = (from_zero and hi == 0) and 0 or hi + room
  return low, high
end

return Scale
