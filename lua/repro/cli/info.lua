--- repro info: what this build is and what it runs on.
local rp = require "repro"
local json = require "repro.json"
local options = require "repro.cli.options"

local info = {
  name = "info",
  usage = "[--json]",
  summary = "Shows version, build, instruction set, threads, memory and features.",
  options = {
    { name = "json", help = "print JSON" },
  },
}

local function sorted(t)
  local names = {}
  for name in next, t do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function add_sorted(list, prefix, t)
  for _, name in ipairs(sorted(t)) do list[#list + 1] = { prefix .. name, t[name] } end
end

-- The GPU, or why there is none; what would run on it, and what stays on the CPU.
local function add_cuda(list)
  local _, stays = rp.core.cuda_build()
  local card, why = rp.core.cuda()
  if card then add_sorted(list, "cuda_", card) else list[#list + 1] = { "cuda_device", "none: " .. why } end
  list[#list + 1] = { "cuda_stays_on_cpu", stays }
  list[#list + 1] = { "cuda_math", "exact: repro's kernels, the CPU's bits; fast: matrix products by cuBLAS in float32, "
    .. "uniform and normal numbers by cuRAND; tf32, bf16: and factors of products in float32 rounded to 10 or 7 bits; opened when "
    .. "--math asks for them" }
end

-- Why the first instruction set of x86-64 is slow: it has no fused multiply-add, which every product of matrices is made of.
local without_fma <const> = "baseline makes each fused multiply-add of other instructions: in float32 of about 12, in float64 by "
  .. "the C library's fma; the bits are those of the other instruction sets, products take many times as long"

local function facts()
  local list = { { "version", rp.version }, { "isa", rp.isa() }, { "isas", rp.core.isas() }, { "threads", rp.threads() } }
  if rp.isa() == "baseline" then list[#list + 1] = { "isa_note", without_fma } end
  list[#list + 1] = { "sandbox", "kernel: " .. require("repro.confine").kernel() }
  add_sorted(list, "", rp.core.build)
  add_sorted(list, "memory_", rp.memory())
  add_cuda(list)
  return list
end

--- Runs the command.
---@return integer code
function info.run(given, rest)
  options.expect(info, rest, 0, 0)
  local list = facts()
  if given.json then
    io.stdout:write(json.encode(json.object(list)), "\n")
    return 0
  end
  for _, fact in ipairs(list) do
    local value = fact[2]
    if value ~= "" then io.stdout:write(("%-20s %s\n"):format(fact[1]:gsub("_", " "), tostring(value))) end
  end
  return 0
end

return info
