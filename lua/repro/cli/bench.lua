--- repro bench: what operations and training steps cost on this machine.
local rp = require "repro"
local failure = require "repro.failure"
local json = require "repro.json"

local command = {
  name = "bench",
  usage = "[WORD ...] [--json] [--device D] [--threads N] [--milliseconds N]",
  summary = "Times operations and training steps, those whose group or name contains a WORD, or all. Groups: gemm, conv, "
    .. "pointwise, reduction, update, overhead, step. On a GPU products are timed by cuBLAS too, where it is installed. "
    .. "bench/peers.py compares with PyTorch and NumPy.",
  options = {
    { name = "json", help = "print JSON" },
    { name = "threads", value = "N", integer = 1, help = "number of threads; default: one for each core" },
    { name = "device", value = "D", choices = { "auto", "cpu", "cuda" }, prefix = true, default = "cpu",
      help = "where it runs; auto: on a GPU if there is one" },
    { name = "milliseconds", value = "N", integer = 1, help = "time for each row; default 150" },
  },
}

local function duration(s)
  if s < 1e-6 then return ("%.0f ns"):format(s * 1e9) end
  if s < 1e-3 then return ("%.4g us"):format(s * 1e6) end
  return ("%.4g ms"):format(s * 1e3)
end

local function rate_of(r)
  if not r.rate then return "" end
  if r.unit == "GFLOP/s" and r.rate >= 1e4 then return ("%8.2f %-7s"):format(r.rate / 1e3, "TFLOP/s") end
  return ("%8.1f %-7s"):format(r.rate, r.unit)
end

local function print_table(result)
  local peaks = result.peaks
  local card = rp.device() ~= "cpu" and rp.core.cuda()
  local where = card and card.name or ("%s, %d threads"):format(rp.isa(), rp.threads())
  io.stdout:write(("%s; at most %s GFLOP/s (fused multiply-adds) and %.1f GB/s (a copy, read and written)\n\n"):format(where,
    peaks.flop and ("%.1f"):format(peaks.flop / 1e9) or "?", peaks.bytes / 1e9))
  local has_cublas = false
  for _, r in ipairs(result.rows) do has_cublas = has_cublas or r.cublas ~= nil end
  io.stdout:write(("%-10s %-24s %-48s %10s %16s %6s%s\n"):format("group", "name", "shape", "median", "rate", "share",
    has_cublas and "  by cuBLAS" or ""))
  for _, r in ipairs(result.rows) do
    local share = r.share and ("%5.0f%%"):format(100 * r.share) or ""
    local cublas = r.cublas and ("%10s (%.2f)"):format(duration(r.cublas), r.cublas / r.best) or ""
    io.stdout:write((("%-10s %-24s %-48s %10s %16s %6s  %s"):format(r.group, r.name, r.shape, duration(r.seconds), rate_of(r),
      share, cublas):gsub("%s+$", "")), "\n")
  end
  if has_cublas then io.stdout:write "\nIn brackets: cuBLAS's least time divided by ours; above 1, repro is faster.\n" end
end

local function as_json(result)
  local rows = {}
  for i, r in ipairs(result.rows) do
    rows[i] = json.object { { "group", r.group }, { "name", r.name }, { "shape", r.shape }, { "seconds", r.seconds },
      { "best", r.best }, { "repeats", r.repeats }, { "rate", r.rate }, { "unit", r.unit }, { "share", r.share },
      { "memory", r.memory }, { "cublas", r.cublas } }
  end
  local card = rp.device() ~= "cpu" and rp.core.cuda()
  return json.object { { "version", rp.version }, { "device", rp.device() }, { "card", card and card.name or nil },
    { "isa", rp.isa() }, { "threads", rp.threads() },
    { "compiler", rp.core.build.compiler }, { "load", rp.core.bench.load() },
    { "peak_flop", result.peaks.flop }, { "peak_bytes", result.peaks.bytes }, { "rows", rows } }
end

--- Runs the command.
---@return integer code
function command.run(given, rest)
  local is_terminal = rp.core.isatty(2)
  if given.threads then rp.threads(given.threads) end
  if given.device == "auto" then given.device = require("repro.device").automatic()
  elseif given.device ~= "cpu" then
    local ok, message = pcall(rp.device, given.device)
    if not ok then failure.raise("environment", "bench: --device %s: %s", given.device, (message:gsub("^[^:]*:%d+: ", ""))) end
  end
  local result = require("repro.bench").run(rest, {
    budget = (given.milliseconds or 150) / 1000,
    progress = is_terminal and function(row) io.stderr:write("\r\27[K", row.name) end or nil,
  })
  if is_terminal then io.stderr:write "\r\27[K" end
  if #result.rows == 0 then failure.raise("usage", "bench: nothing is named like %s", table.concat(rest, " ")) end
  if given.json then io.stdout:write(json.encode(as_json(result)), "\n") else print_table(result) end
  return 0
end

return command
