--- repro.bench: times of operations and training steps, beside what the machine can do at most.
local rp = require "repro"
local timing = require "repro.bench.timing"

local bench = {}

local function all_rows()
  local rows = {}
  for _, part in ipairs { "kernels", "models" } do
    for _, row in ipairs(require("repro.bench." .. part)) do rows[#rows + 1] = row end
  end
  return rows
end

--- The best of several short measurements: other work on the machine can only lower them.
local function peak(times, measure, ...)
  local best
  for _ = 1, times do
    local value = measure(...)
    if value and (not best or value > best) then best = value end
  end
  return best
end

--- Float operations, and bytes read and written by a copy, per second on the threads, or the GPU, in use.
---@param budget number seconds for a row; with less than 10 ms a GPU is measured in little work
---@return {flop: number?, bytes: number}
function bench.peaks(budget)
  if rp.device() ~= "cpu" then
    local long = budget >= 0.01
    local flop, bytes = rp.core.cuda_peaks(long and 20000 or 100, long and 1 << 28 or 1 << 20)
    return { flop = flop, bytes = bytes }
  end
  return { flop = peak(50, rp.core.bench.peak_fma), bytes = peak(10, rp.core.bench.peak_copy, 1 << 26) }
end

-- What counts bytes where new tensors lie: {live, peak}, and how to set the peak anew.
local function counters()
  if rp.device() == "cpu" then return rp.memory, rp.core.memory_reset_peak end
  return rp.core.cuda, rp.core.cuda_reset_peak
end

--- The most bytes at once that making the row's function and three calls of it take.
local function memory_of(row)
  local memory, reset = counters()
  collectgarbage()
  collectgarbage()
  reset()
  local before = memory().live
  local fn = row.make()
  for _ = 1, 3 do fn() end
  return memory().peak - before
end

--- The least time of a matrix product by cuBLAS in float32, if this is a GPU and cuBLAS is there.
local function cublas_time(row, fn, budget)
  if row.group ~= "gemm" or rp.device() == "cpu" or not rp.core.cuda_math "fast" then return nil end
  local ok, t = pcall(rp.no_grad, timing, fn, budget)
  rp.core.cuda_math "exact"
  if not ok then error(t, 0) end
  return t.best
end

local function measure(row, peaks, budget)
  local memory = row.memory and memory_of(row) or nil
  local fn = row.make()
  local function timed() return timing(fn, budget) end
  local needs_tape = row.tape or row.name == "small_backward" or row.group == "conv"
  local t = needs_tape and timed() or rp.no_grad(timed)
  local flop = row.flop or row.group == "step" and rp.profile(fn).flop or nil
  local work, most = flop or row.bytes, flop and peaks.flop or row.bytes and peaks.bytes
  return {
    group = row.group, name = row.name, shape = row.shape, seconds = t.median, best = t.best, repeats = t.repeats,
    unit = flop and "GFLOP/s" or row.bytes and "GB/s" or nil,
    memory = memory,
    cublas = cublas_time(row, fn, budget),
    rate = work and work / t.median / 1e9,
    share = most and work / t.median / most,
  }
end

--- Measures the rows whose group or name contains one of the given words (all, if there are none).
---@param words string[]
---@param given {budget: number?, progress: fun(row: table)?}
---@return table {peaks, rows}
function bench.run(words, given)
  local function wanted(row)
    for _, word in ipairs(words) do
      if row.group:find(word, 1, true) or row.name:find(word, 1, true) then return true end
    end
    return #words == 0
  end
  local result = { peaks = bench.peaks(given.budget or 0.15), rows = {} }
  for _, row in ipairs(all_rows()) do
    if wanted(row) then
      if given.progress then given.progress(row) end
      result.rows[#result.rows + 1] = measure(row, result.peaks, given.budget)
      collectgarbage()
      rp.core.memory_trim()
    end
  end
  return result
end

return bench
