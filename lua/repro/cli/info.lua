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

local function build_facts()
  local build = rp.core.build
  if type(build) == "function" then build = build() end
  local facts = {}
  if type(build) == "string" then return { { "build", build } } end
  for _, name in ipairs(sorted(build or {})) do facts[#facts + 1] = { name, build[name] } end
  return facts
end

local function facts()
  local list = { { "version", rp.version }, { "lua", _VERSION }, { "isa", rp.isa() }, { "threads", rp.threads() } }
  for _, fact in ipairs(build_facts()) do list[#list + 1] = fact end
  local memory = rp.memory()
  for _, name in ipairs(sorted(memory)) do list[#list + 1] = { "memory_" .. name, memory[name] } end
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
    if type(value) == "table" then value = json.line(value) end
    io.stdout:write(("%-20s %s\n"):format(fact[1]:gsub("_", " "), tostring(value)))
  end
  return 0
end

return info
