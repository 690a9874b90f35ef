--- repro help: commands, operations and library functions.
local rp = require "repro"
local annotations = require "repro.annotations"
local doc = require "repro.doc"
local failure = require "repro.failure"
local files = require "repro.files"
local nearest = require "repro.nearest"
local options = require "repro.cli.options"

local help = {
  name = "help",
  usage = "[NAME] | --annotations FILE",
  summary = "Explains a command, an operation (gelu) or a library function (nn.Linear, P:claim).",
  options = {
    { name = "annotations", value = "FILE", help = "write LuaCATS annotations, with which an editor completes and checks scripts" },
  },
}

local function operation_text(op)
  local names = {}
  for i, arg in ipairs(annotations.arguments(op.args or "")) do
    names[i] = arg.many and "..." or arg.name
    if arg.default ~= "" then names[i] = names[i] .. " = " .. arg.default end
  end
  local lines = { ("rp.%s(%s)"):format(op.name, table.concat(names, ", ")) }
  if op.formula then lines[#lines + 1] = "  " .. op.formula end
  if op.n_out and op.n_out > 1 then lines[#lines + 1] = ("  returns %d tensors"):format(op.n_out) end
  return table.concat(lines, "\n")
end

local function operation(name)
  local plain = name:gsub("^rp[.:]", "")
  for _, op in ipairs(rp.core.ops()) do
    if op.name == plain then return operation_text(op) end
  end
  return nil
end

local function known_names(commands)
  local names = {}
  for _, name in ipairs(commands.names()) do names[#names + 1] = name end
  for _, op in ipairs(rp.core.ops()) do names[#names + 1] = op.name end
  for _, entry in ipairs(doc.entries()) do
    names[#names + 1] = entry.name:match "[^.:]+$"
    names[#names + 1] = entry.name
  end
  return names
end

local function explain(name)
  local commands, parts = require "repro.cli", {}
  local command = commands.find(name)
  if command then parts[1] = options.help(command):gsub("\n$", "") end
  parts[#parts + 1] = operation(name)
  for _, entry in ipairs(doc.find(name)) do parts[#parts + 1] = doc.format(entry) end
  if #parts == 0 then
    failure.raise("usage", "help: nothing is called %s%s", name, nearest.hint(name, known_names(commands)))
  end
  io.stdout:write(table.concat(parts, "\n\n"), "\n")
end

--- Runs the command.
---@return integer code
function help.run(given, rest)
  options.expect(help, rest, 0, 1)
  if given.annotations then
    files.write(given.annotations, require("repro.annotations").text())
    io.stdout:write(given.annotations, "\n")
  elseif rest[1] then
    explain(rest[1])
  else
    io.stdout:write(require("repro.cli").overview())
  end
  return 0
end

return help
