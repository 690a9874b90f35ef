--- Equal bits: every operation, forward and gradient, for every instruction set and number of threads.
local T = require "tap"
local rp = require "repro"
local cases = require "cases"

local function run(op, dtype, scale)
  local hashes = {}
  for _, case in ipairs(cases.of(op, dtype, scale)) do
    local leaves = {}
    for i, x in ipairs(case.inputs) do leaves[i] = op.gradient and x:detach():requires_grad_() or x end
    local outputs = { case.call(table.unpack(leaves)) }
    for _, y in ipairs(outputs) do hashes[#hashes + 1] = y:hash() end
    if op.gradient then
      local y = outputs[1]
      local seed = rp.generator(7, "seed"):randn(y.shape, y.dtype)
      for _, g in ipairs(rp.grad(y, leaves, seed)) do hashes[#hashes + 1] = g:hash() end
    end
  end
  return table.concat(hashes, " ")
end

local isas = {}
for name in rp.isas():gmatch "%S+" do isas[#isas + 1] = name end
local first_isa, first_threads = rp.isa(), rp.threads()

local function all(dtype, scale, thread_counts)
  local want = {}
  for _, isa in ipairs(isas) do
    for _, threads in ipairs(thread_counts) do
      rp.isa(isa)
      rp.threads(threads)
      for _, op in ipairs(rp.core.ops()) do
        local got = run(op, dtype, scale)
        want[op.name] = want[op.name] or got
        if got ~= want[op.name] or isa == isas[#isas] and threads == 7 then
          T.ok(got == want[op.name], ("%s, %s, x%d"):format(op.name, dtype, scale), ("differs on %s with %d threads"):format(isa, threads))
        end
      end
    end
  end
end

-- A build with sanitizers, ten times slower, looks for errors of memory: there one number of threads will do.
local sanitized = rp.core.build.flags:find("-fsanitize", 1, true)
local counts = sanitized and { 7 } or { 1, 2, 3, 7 }

all("float32", 1, counts)
all("float32", 211, counts)  -- several blocks
all("float32", 4001, counts) -- several threads
all("float64", 3, counts)

-- Results too large for the caches are written past them: they are those of their pieces.
do
  local rows <const>, cols <const> = 3, 3000001
  local x = rp.rand(rows, cols + 1):slice(2, 2, cols + 1)
  local function add(t) return t + 0.5 end
  local function widen(t) return t:to "float64" end
  local function shift(t) return t:sub(t:slice(1, 1, 1)) end
  for _, isa in ipairs(isas) do
    for _, threads in ipairs { 1, 3 } do
      rp.isa(isa)
      rp.threads(threads)
      for name, fn in pairs { add = add, widen = widen, shift = shift } do
        local whole = fn(x)
        local same = true
        for i = 1, cols, 500000 do
          local last = math.min(i + 499999, cols)
          same = same and fn(x:slice(2, i, last)):hash() == whole:slice(2, i, last):hash()
        end
        T.ok(same, ("%s of %d rows of %d on %s with %d threads"):format(name, rows, cols, isa, threads))
      end
    end
  end
end

rp.isa(first_isa)
rp.threads(first_threads)
T.done()
