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
-- A build with sanitizers, ten times slower, looks for errors of memory: there one number of threads will do, and one
-- instruction set where kernels are told from each other by their sizes.
local sanitized = rp.core.build.flags:find("-fsanitize", 1, true)
local few <const> = sanitized and { isas[#isas] } or isas
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

local counts = sanitized and { 7 } or { 1, 2, 3, 7 }

all("float32", 1, counts)
all("float32", 211, counts)  -- several blocks
all("float32", 4001, counts) -- several threads
all("float64", 3, counts)

-- Sines, cosines and logarithms of float64 are taken in groups, of which some go a shorter way: whatever stands beside an
-- argument, its result is that of the function of one argument; so are the factors of the gradient.
do
  local pi <const> = math.pi
  local hard <const> = { 0.0, -0.0, 1e-310, -3e-320, 0.5, pi / 2, -pi, 3 * pi / 2, 355.0, 65536.0, 65537.0, -1e22, 1e308, math.huge, -math.huge, 0 / 0, -1.0 }
  local function mixed(every) -- 700 plain numbers, every n-th of them replaced by a hard one
    local list = {}
    for i = 1, 700 do list[i] = every and i % every == 0 and hard[i // every % #hard + 1] or (i * 0.37) % 41 + 1e-3 end
    return list
  end
  for _, isa in ipairs(few) do
    rp.isa(isa)
    for _, every in ipairs { false, 1, 3, 97, 650 } do
      local list = mixed(every)
      local x = rp.tensor(list, "float64")
      for _, name in ipairs { "sin", "cos", "log" } do
        local want = {}
        for i, v in ipairs(list) do want[i] = rp.math[name](v) end
        T.ok(x[name](x):hash() == rp.tensor(want, "float64"):hash(), ("%s of float64 in groups, %s, every %s"):format(name, isa, every))
        for i = 0, 40 do want[i + 1] = rp.math[name](list[i + 301]) end
        T.ok(x[name](x:slice(1, 301, 341)):hash() == rp.tensor({ table.unpack(want, 1, 41) }, "float64"):hash(),
          ("%s of 41, %s, every %s"):format(name, isa, every))
      end
      local leaf = x:detach():requires_grad_()
      local d = rp.grad(leaf:sin():sum(), { leaf })[1]
      local want = {}
      for i, v in ipairs(list) do want[i] = rp.math.cos(v) end
      T.ok(d:hash() == rp.tensor(want, "float64"):hash(), ("gradient of sin, %s, every %s"):format(isa, every))
    end
  end
  rp.isa(first_isa)
end

-- The first extreme, wherever it stands, and NaN before all; a part of a sort.
do
  local function naive(list, largest)
    local at = 1
    for i, v in ipairs(list) do
      if v ~= v then return i end
      if largest and v > list[at] or not largest and v < list[at] then at = i end
    end
    return at
  end
  for _, isa in ipairs(few) do
    rp.isa(isa)
    for _, n in ipairs { 1, 63, 64, 65, 1000, 1023, 1024, 1025, 5000 } do
      for _, case in ipairs { "ties", "constant", "infinite", "late", "nan", "late nan" } do
        local list = {}
        for i = 1, n do list[i] = case == "ties" and i * 7919 % 13 or case == "infinite" and -math.huge or case == "late" and i // 2 or 0.0 * (-1) ^ i end
        if case == "nan" then list[n // 2 + 1] = 0 / 0; list[n] = 0 / 0 end
        if case == "late nan" then list[n] = 0 / 0 end
        for _, dtype in ipairs(case:find "nan" and { "float32", "float64" } or case == "infinite" and { "float32" } or { "float32", "float64", "int32", "int64" }) do
          local whole = {}
          for i, v in ipairs(list) do whole[i] = dtype:find "int" and math.tointeger(v) or v end
          local x = rp.tensor(whole, dtype)
          T.ok(x:argmax():item() == naive(whole, true) and x:argmin():item() == naive(whole, false),
            ("argmax and argmin of %d %s, %s, %s"):format(n, dtype, case, isa))
          for _, largest in ipairs { true, false } do
            local values, order = x:sort(1, largest)
            for _, k in ipairs { 1, math.min(n, 5), n // 8, n // 2 } do
              local v, at = x:topk(k, 1, largest)
              T.ok(k == 0 and v.shape[1] == 0 or v:hash() == values:slice(1, 1, k):hash() and at:hash() == order:slice(1, 1, k):hash(),
                ("topk(%d) of %d %s, %s, %s, is the beginning of the sort"):format(k, n, dtype, case, isa))
            end
          end
        end
      end
    end
  end
  rp.isa(first_isa)
end

-- Results too large for the caches are written past them: they are those of their pieces.
do
  local rows <const>, cols <const> = 3, 3000001
  local x = rp.rand(rows, cols + 1):slice(2, 2, cols + 1)
  local function add(t) return t + 0.5 end
  local function widen(t) return t:to "float64" end
  local function shift(t) return t:sub(t:slice(1, 1, 1)) end
  for _, isa in ipairs(few) do
    for _, threads in ipairs(sanitized and { 3 } or { 1, 3 }) do
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
