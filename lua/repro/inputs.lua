--- The files that a run reads: its script, the modules that the script requires, and data read by rp.io.read_... and
--- rp.data.  Each is noted with its SHA-256 when it is first read.  A script and its modules are read once: the text that a
--- run began with is the one it keeps to, whatever becomes of the file, and the one that the cells of its sweeps are given.
local inputs = {}

local list, by_path, texts, io_library = {}, {}, {}, nil

--- The readers of rp.io as they were, for those who note what they read by themselves.
inputs.plain = {}

--- Forgets what has been noted; a run begins.
---@param known table|nil path -> text of scripts and modules that have been read for this run by another process
function inputs.start(known)
  list, by_path, texts = {}, {}, known or {}
end

--- The text of a script or module, as this run first read it.
---@param path string
---@return string|nil text nil and a message if it cannot be read
---@return string|nil message
function inputs.text(path)
  if texts[path] then return texts[path] end
  local text, message = require "repro.files".read(path)
  texts[path] = text
  return text, message
end

--- All of them.
---@return table texts path -> text
function inputs.texts() return texts end

--- SHA-256 of a file, or of a folder: of the lines "NAME SHA-256" of what is in it, in the order of names.
---@param path string
---@return string|nil sum nil if there is nothing there
function inputs.hash(path)
  local ok, sum = pcall(io_library.sha256, path)
  if ok then return sum end
  local listed, names = pcall(io_library.list, path)
  if not listed then return nil end
  local lines = {}
  for i, name in ipairs(names) do lines[i] = name .. " " .. (inputs.hash(path .. "/" .. name) or "unreadable") end
  return io_library.sha256_text(table.concat(lines, "\n") .. "\n")
end

--- Notes a file or folder.
---@param role "script"|"module"|"data"
---@param path string
---@param sum string|nil its SHA-256; if left out it is taken here
function inputs.note(role, path, sum)
  if by_path[path] then return end
  sum = sum or inputs.hash(path)
  if not sum then return end                               -- not there: whoever reads it says so
  local row = { role = role, path = path, sha256 = sum }
  list[#list + 1], by_path[path] = row, row
end

--- The files noted so far, in the order in which they were read.
---@param role string|nil only those of this role
---@return table rows array of {role, path, sha256}
function inputs.list(role)
  local rows = {}
  for _, row in ipairs(list) do
    if not role or row.role == role then rows[#rows + 1] = row end
  end
  return rows
end

--- Makes the readers of rp.io note what they read.
---@param library table rp.io
function inputs.watch(library)
  io_library = library
  for name, read in pairs(library) do                      -- each is replaced by itself; their order does not matter
    if name:find "^read_" then
      inputs.plain[name] = read
      library[name] = function(path, ...)
        if type(path) ~= "string" then
          require "repro.misuse"("%s: expected a path as argument 1, not %s", name, type(path))
        end
        inputs.note("data", path)
        return read(path, ...)
      end
    end
  end
end

return inputs
