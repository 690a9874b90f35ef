--- The files of a checkpoint: checkpoint.safetensors, which says what run it belongs to and holds the loop in progress, and
--- the parts it names, checkpoint-N-DIGEST.safetensors, each with loops that have ended.
---
--- Every file is written whole or not at all (temporary file, fsync, rename), parts before the head that names them, so that
--- the head on disk always has its parts.  The head carries a SHA-256 over all it holds and those of its parts.
local rp = require "repro"
local failure = require "repro.failure"
local files = require "repro.files"
local inputs = require "repro.inputs"

local store = {}

local head_name = "checkpoint.safetensors"
local part_pattern = "^checkpoint%-%d+%-%x+%.safetensors$"
local digest_of = rp.core.memory_of.digest

---@return string path of the head
function store.path(directory)
  return files.join(directory, head_name)
end

local function sorted_names(t)
  local names = {}
  for name in next, t do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- SHA-256 over metadata and tensors: names, types, lengths, bytes.
local function digest(storages, notes)
  local lines = {}
  for _, key in ipairs(sorted_names(notes)) do
    if key ~= "digest" then lines[#lines + 1] = ("%s %d\n%s\n"):format(key, #notes[key], notes[key]) end
  end
  for _, name in ipairs(sorted_names(storages)) do
    local x = storages[name]
    lines[#lines + 1] = ("%s %s %d %s\n"):format(name, x.dtype, x:numel(), digest_of(x))
  end
  return files.sha256(table.concat(lines))
end

--- Writes a part.
---@param directory string
---@param number integer of the part
---@param units table[] JSON texts of the loops in it
---@param storages table name -> vector
---@return table part {name, sha256, units = how many}
function store.write_part(directory, number, units, storages)
  local text = "[" .. table.concat(units, ",\n") .. "]"
  local name = ("checkpoint-%d-%s.safetensors"):format(number, digest(storages, { units = text }):sub(1, 12))
  local path = files.join(directory, name)
  rp.io.write_safetensors(path, storages, { units = text })
  return { name = name, sha256 = rp.io.sha256(path), units = #units }
end

--- Writes the head, and removes the parts it does not name.
---@param directory string
---@param notes table metadata: texts
---@param storages table
---@param parts table[]
function store.write_head(directory, notes, storages, parts)
  notes.digest = digest(storages, notes)
  rp.io.write_safetensors(store.path(directory), storages, notes)
  pcall(store.remove, directory, parts)                    -- what is left lying does no harm
end

--- Removes parts of a checkpoint; with `parts` nil the head too, first.
---@param directory string
---@param parts table[]|nil those to keep
function store.remove(directory, parts)
  local keep = {}
  for _, part in ipairs(parts or {}) do keep[part.name] = true end
  if not parts then rp.io.remove(store.path(directory)) end
  for _, name in ipairs(files.list(directory)) do
    if name:find(part_pattern) and not keep[name] then rp.io.remove(files.join(directory, name)) end
  end
end

--- Removes what a process that was killed while it wrote has left behind.
function store.sweep(directory)
  for _, name in ipairs(files.list(directory)) do
    local process = name:match "^%.rp%-(%d+)%-%d+%.tmp$"
    if process and not files.exists("/proc/" .. process) then rp.io.remove(files.join(directory, name)) end
  end
end

local function corrupt(path, why)
  failure.raise("data", "%s is damaged and is not used: %s\n  start again without --resume", path, why)
end

local function read(path)
  local ok, storages, notes = pcall(inputs.plain.read_safetensors, path)
  if not ok then corrupt(path, (failure.plain(storages):gsub("^.*%.safetensors: ", ""))) end
  return storages, notes
end

--- The head.
---@return table|nil notes nil if there is no checkpoint
---@return table storages
function store.read_head(directory)
  local path = store.path(directory)
  if not files.exists(path) then return nil end
  local storages, notes = read(path)
  if digest(storages, notes) ~= notes.digest then corrupt(path, "its contents do not have the SHA-256 it states") end
  return notes, storages
end

--- Raises unless the parts that a head names are there as they were written.
---@param directory string
---@param parts table[]
function store.check_parts(directory, parts)
  for _, part in ipairs(parts) do
    local path = files.join(directory, part.name)
    if not files.exists(path) then corrupt(path, "the file is missing") end
    if rp.io.sha256(path) ~= part.sha256 then corrupt(path, "its SHA-256 is not the one the checkpoint states") end
  end
end

--- A part.
---@return table[] units
---@return table storages
function store.read_part(directory, part)
  local storages, notes = read(files.join(directory, part.name))
  return rp.io.json_decode(notes.units), storages
end

return store
