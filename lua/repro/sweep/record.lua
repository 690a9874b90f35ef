--- A finished cell on disk: what it measured, and everything that this depends on.
---
---   RUN/cells/SWEEP/CELL/cell.json
---     parts     text by name: what the result follows from.  script: the code up to the sweep, without comments, settings
---               and grid; program:
---               version and hash of the sources that decide numbers; one for each setting, for scale, seed and cell
---     inputs    the modules and data files that were read, with their SHA-256 (of a module: of its code without comments)
---     result    what the cell's function returned
--- A cell counts as finished if its parts are those of today and its inputs are unchanged.
local rp = require "repro"
local files = require "repro.files"
local inputs = require "repro.inputs"
local json = require "repro.json"
local lexer = require "repro.lexer"
local literate = require "repro.literate"

local record = {}

record.schema = "repro-cell/1"

--- SHA-256 of Lua code: of its tokens, without blanks and comments.
---@param source string
---@return string
function record.code_hash(source)
  local texts = {}
  for _, token in ipairs(lexer.tokens(source)) do
    if token.kind ~= "space" and token.kind ~= "comment" then texts[#texts + 1] = token.text end
  end
  return files.sha256(table.concat(texts, "\n"))
end

local opens = { ["function"] = true, ["do"] = true, ["then"] = true, ["repeat"] = true, ["("] = true, ["{"] = true, ["["] = true }
local closes = { ["end"] = true, ["until"] = true, ["elseif"] = true, [")"] = true, ["}"] = true, ["]"] = true }

-- Last byte of the statement at a line: the end of the first line, from this one on, at which all blocks and brackets are
-- closed.  Nothing after it has run when the line runs; nil if the line is inside a block, which may run again.
local function end_of_statement(source, line)
  local depth, last_line, last, begun = 0, 0, nil, false
  for _, token in ipairs(lexer.tokens(source)) do
    if token.kind ~= "space" and token.kind ~= "comment" then
      if begun and depth == 0 and token.line > last_line then return last end
      if token.line >= line and not begun then
        if depth > 0 then return nil end
        begun = true
      end
      if token.kind ~= "string" then
        if opens[token.text] then depth = depth + 1 end
        if closes[token.text] then depth = depth - 1 end
      end
      last_line, last = token.line, token.at + #token.text - 1
    end
  end
  return last
end

-- Token ranges that are no part of the script's hash, because their values are parts of the key by themselves: the fields of
-- rp.paper{...}, and those of rp.sweep{...} but its function.  So a longer grid keeps the cells there are.
local function known_by_value(code)
  local skip = {}
  for i = 1, #code - 2 do
    local name = code[i].kind == "name" and code[i].text
    local open = (name == "paper" or name == "sweep") and (code[i + 1].text == "(" and i + 2 or i + 1)
    if open and code[open].text == "{" then
      for _, item in ipairs((literate.members(code, open))) do
        if item.key and not (name == "sweep" and item.key == "run") then
          for k = item.from, item.to do skip[k] = true end
        end
      end
    end
  end
  return skip
end

--- SHA-256 of the code that has run when the main chunk of a script is at a line.
---@param source string
---@param line integer
---@return string
function record.script_hash(source, line)
  local code, texts, last = {}, {}, end_of_statement(source, line)
  for _, token in ipairs(lexer.tokens(source)) do
    if last and token.at > last then break end
    if token.kind ~= "space" and token.kind ~= "comment" then code[#code + 1] = token end
  end
  local skip = known_by_value(code)
  for i, token in ipairs(code) do
    if not skip[i] then texts[#texts + 1] = token.text end
  end
  return files.sha256(table.concat(texts, "\n"))
end

-- Lua files of the package that decide no numbers: the engine, the reports, the plots.
local engine = {}
for name in ([[annotations checks checkpoint compare confine crate doc failure figures files first_difference highlight inputs
               json lexer literate mathml mathml_symbols misuse nearest only options paper pin plot profile progress prose
               provenance report rundir schema settings sweep trace ulp weave]]):gmatch "%S+" do
  engine[name .. ".lua"] = true
end
for name in ("cli report plot bench resume sweep"):gmatch "%S+" do engine[name] = true end

local library = debug.getinfo(1, "S").source:match "^@(.*)/sweep/record%.lua$" or "lua/repro"

local function library_hash()
  local lines = {}
  local function add(directory, below)
    for _, name in ipairs(rp.io.list(directory)) do
      local path = directory .. "/" .. name
      local counts = below ~= "" or not engine[name]
      if counts and name:find "%.lua$" then
        lines[#lines + 1] = below .. name .. " " .. record.code_hash(assert(files.read(path)))
      elseif counts and not name:find "%." then
        add(path, below .. name .. "/")
      end
    end
  end
  add(library, "")
  return files.sha256(table.concat(lines, "\n"))
end

local program

--- What the numbers depend on in this program: its version, the sources of tensors and kernels, the Lua library without
--- engine, reports and plots.  Compiler, flags, instruction set and threads are no part of it: the bits do not depend on them.
---@return string
function record.program()
  program = program or ("repro %s, numerics %s, library %s"):format(rp.version, rp.core.build.numerics:sub(1, 16),
    library_hash():sub(1, 16))
  return program
end

local function setting_text(value)
  if type(value) == "table" then
    local items = {}
    for i, item in ipairs(value) do items[i] = setting_text(item) end
    return "{" .. table.concat(items, ", ") .. "}"
  end
  return type(value) == "number" and json.number(value) or tostring(value)
end

--- The parts of a cell's key.
---@param run table {scale, seed, settings = rows, script_hash}
---@param cell table from grid.cells
---@return table parts array of {name, text}
function record.parts(run, cell)
  local parts = { { "program", record.program() }, { "math", run.math or "exact" }, { "script", run.script_hash },
                  { "scale", run.scale }, { "seed of the run", tostring(run.seed) }, { "cell", cell.text } }
  for _, row in ipairs(run.settings) do parts[#parts + 1] = { "setting " .. row.name, setting_text(row.value) } end
  return parts
end

-- JSON has no NaN and no infinity.
local function pack(value)
  if type(value) == "number" and (value ~= value or value == math.huge or value == -math.huge) then
    return { number = json.number(value) }
  end
  if type(value) ~= "table" then return value end
  local list = {}
  for key, item in next, value do list[key] = pack(item) end
  return list
end

local special = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }

local function unpack_value(value)
  if type(value) ~= "table" then return value end
  if value.number and next(value, next(value)) == nil then return special[value.number] end
  local list = {}
  for key, item in next, value do list[key] = unpack_value(item) end
  return list
end

-- A module counts by its code, data by its bytes.
local function input_hash(role, path)
  if role ~= "module" then return inputs.hash(path) end
  local text = inputs.text(path)
  return text and record.code_hash(text)
end

local function input_rows()
  local rows = {}
  for _, row in ipairs(inputs.list()) do
    if row.role ~= "script" then
      rows[#rows + 1] = json.object { { "role", row.role }, { "path", row.path },
                                      { "sha256", row.role == "module" and input_hash(row.role, row.path) or row.sha256 } }
    end
  end
  return rows
end

local function vendor_math()
  local used = rp.core.cuda_math_used()
  return used ~= "exact" and used or nil
end

--- Writes a finished cell.
---@param path string of cell.json
---@param sweep string
---@param cell table
---@param parts table
---@param result table
---@param cost table {seconds, peak_bytes}
function record.write(path, sweep, cell, parts, result, cost)
  files.write(path, json.encode(json.object {
    { "schema", record.schema }, { "sweep", sweep }, { "name", cell.name }, { "seed", cell.seed }, { "values", cell.values },
    { "parts", json.object(parts) }, { "inputs", input_rows() }, { "result", pack(result) },
    { "sha256", files.sha256(json.line(pack(result))) }, { "math", vendor_math() },
    { "cost", json.object { { "seconds", cost.seconds }, { "peak_bytes", cost.peak_bytes } } } }) .. "\n")
end

local function shortened(text) return #text > 40 and text:sub(1, 16) .. "…" or text end

local function changed_input(saved)
  for _, row in ipairs(saved.inputs) do
    local sum = input_hash(row.role, row.path)
    if sum ~= row.sha256 then return ("%s %s %s"):format(row.role, row.path, sum and "changed" or "is gone") end
  end
  return nil
end

local function read(path)
  local text = files.read(path)
  if not text then return nil, "not run before" end
  local ok, saved = pcall(rp.io.json_decode, text)
  if not (ok and type(saved) == "table" and saved.schema == record.schema and type(saved.parts) == "table"
      and type(saved.inputs) == "table" and type(saved.result) == "table") then
    return nil, "its cell.json cannot be read"
  end
  if files.sha256(json.line(saved.result)) ~= saved.sha256 then return nil, "its result does not have the hash it states" end
  return saved
end

--- What is wrong with a cell.json by itself.
---@param path string
---@return string|nil problem
function record.problem(path)
  return select(2, read(path))
end

--- A finished cell, if what is on disk still holds.
---@param path string
---@param parts table what its key must be
---@return table|nil saved {result, cost, sha256, math = the vendor mode that it was computed in, if any}
---@return string|nil reason why it must be run
function record.load(path, parts)
  local saved, reason = read(path)
  if not saved then return nil, reason end
  local seen = {}
  for _, part in ipairs(parts) do
    local before = saved.parts[part[1]]
    seen[part[1]] = true
    if before == nil then return nil, part[1] .. " is new" end
    if before ~= part[2] then return nil, ("%s changed: %s -> %s"):format(part[1], shortened(before), shortened(part[2])) end
  end
  for name in next, saved.parts do
    if not seen[name] then return nil, name .. " is no more" end
  end
  reason = changed_input(saved)
  if reason then return nil, reason end
  return { result = unpack_value(saved.result), cost = saved.cost, sha256 = saved.sha256, math = saved.math }
end

return record
