--- Whose a checkpoint is: the run it was made by, and whether that is the run which wants to go on.
---
--- The number of threads, the instruction set and the device are no part of it: the bits do not depend on them.
local rp = require "repro"
local failure = require "repro.failure"
local inputs = require "repro.inputs"
local json = require "repro.json"
local provenance = require "repro.provenance"

local identity = {}

--- What a checkpoint says of its run.
---@param run table {header, settings, script, scale, seed}
---@param context table {only, math} of the command line
---@return table
function identity.of(run, context)
  local settings = {}
  for _, row in ipairs(run.settings) do settings[row.name] = json.line { row.value } end
  return { paper = run.header.id, script = rp.io.sha256_text(context.text or inputs.text(run.script)),
           scale = run.scale, seed = run.seed, settings = settings,
           only = context.only or "", math = context.math or "exact",
           version = rp.version, library = provenance.library_hash(), contract = rp.core.contract }
end

--- Refuses a checkpoint.
---@param path string
---@param message string a format
function identity.refuse(path, message, ...)
  failure.raise("usage", "%s is of another run and is not used: %s\n  start again without --resume", path, message:format(...))
end

local function given(value) return value == "" and "not given" or tostring(value) end

--- Refuses the checkpoint of another run.
---@param path string
---@param theirs table as the checkpoint has it
---@param ours table from identity.of
function identity.check(path, theirs, ours)
  local function refuse(...) identity.refuse(path, ...) end
  if theirs.paper ~= ours.paper then refuse("it belongs to the paper %s", theirs.paper) end
  if theirs.contract ~= ours.contract then
    refuse("its numbers follow version %s of the same-bits contract, this program version %s", theirs.contract, ours.contract)
  end
  if theirs.version ~= ours.version or theirs.library ~= ours.library then
    refuse("it was written by another repro (%s, library %s...; this is %s, library %s...)", theirs.version,
      theirs.library:sub(1, 12), ours.version, ours.library:sub(1, 12))
  end
  if theirs.script ~= ours.script then
    refuse("the script has changed since (SHA-256 %s... then, %s... now)", theirs.script:sub(1, 12), ours.script:sub(1, 12))
  end
  for _, name in ipairs { "scale", "seed", "only", "math" } do
    if theirs[name] ~= ours[name] then refuse("--%s is %s there and %s here", name, given(theirs[name]), given(ours[name])) end
  end
  for name, value in next, ours.settings do
    local other = theirs.settings[name]
    if other ~= value then refuse("the setting %s is %s there and %s here", name, tostring(other), value) end
  end
end

--- The files that the run has read so far but the script itself: data, and modules that the script requires.
---@return table[] {name, sha256}
function identity.files()
  local list = {}
  for _, file in ipairs(inputs.list()) do
    if file.role ~= "script" then
      list[#list + 1] = { name = file.path:match "[^/]+/[^/]+$" or file.path, sha256 = file.sha256 }
    end
  end
  return list
end

--- Refuses a checkpoint if a file read so far is not the one of its name that its run had read.
---@param path string
---@param files table[] as the checkpoint has them
function identity.check_files(path, files)
  local known = {}
  for _, file in ipairs(files) do known[file.name .. " " .. file.sha256], known[file.name] = true, true end
  for _, file in ipairs(identity.files()) do
    if known[file.name] and not known[file.name .. " " .. file.sha256] then
      failure.raise("data", "%s is not used: %s has changed since", path, file.name)
    end
  end
end

-- What a unit has read is known to later ones, to provenance.json and to the cells of a sweep, also where the unit is not run
-- again.  What lies in the folder of --data is looked for in the one of today.
local function is_in(folder, path) return folder and path:sub(1, #folder + 1) == folder .. "/" end

--- Files first read since there were `n`.
---@param n integer
---@param data string|nil folder of --data
---@return table[] rows {role, path, sha256, whether the path is below the folder}
function identity.inputs_since(n, data)
  local rows = {}
  for i, file in ipairs(inputs.list()) do
    local below = is_in(data, file.path)
    if i > n then rows[#rows + 1] = { file.role, below and file.path:sub(#data + 2) or file.path, file.sha256, below } end
  end
  return rows
end

--- Notes what a unit had read as read; refuses a checkpoint whose files are not there as they were.
---@param path string of the checkpoint
---@param rows table[] from identity.inputs_since
---@param data string|nil folder of --data
function identity.note_inputs(path, rows, data)
  for _, row in ipairs(rows) do
    local file = row[4] and (data or "data") .. "/" .. row[2] or row[2]
    local sum = inputs.hash(file)
    if sum ~= row[3] then
      failure.raise("data", "%s is not used: %s %s\n  start again without --resume", path, file,
        sum and "has changed since" or "is not there any more")
    end
    inputs.note(row[1], file, sum)
  end
end

return identity
