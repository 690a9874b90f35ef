--- Files and directories as the engine needs them: whole files, written so that a reader never sees half of one.
local rp = require "repro"

local files = {}

--- The text of a file.
---@param path string
---@return string|nil text nil and a message if it cannot be read
---@return string|nil message
function files.read(path)
  local file, message = io.open(path, "rb")
  if not file then return nil, message end
  local text
  text, message = file:read "a"
  file:close()
  if not text then return nil, path .. ": " .. message end
  return text
end

--- Writes a file, and the directories above it: a temporary one beside it, forced to disk, then renamed over it.
---@param path string
---@param text string
function files.write(path, text)
  local directory = files.directory(path)
  if not rp.io.exists(directory) then rp.io.mkdir(directory) end
  rp.io.write_text(path, text)
end

--- SHA-256 of a text, as 64 hexadecimal digits.
---@param text string
---@return string
function files.sha256(text)
  return rp.io.sha256_text(text)
end

--- The directory and those above it, as far as they are missing.
---@param path string
function files.make_directory(path)
  rp.io.mkdir(path)
end

---@return boolean
function files.exists(path)
  return rp.io.exists(path)
end

--- Names in a directory, in ascending byte order; none if there is no such directory.
---@param path string
---@return string[]
function files.list(path)
  if not rp.io.exists(path) then return {} end
  return rp.io.list(path)
end

--- Directory part of a path, "." if it has none.
---@param path string
---@return string
function files.directory(path)
  return path:match "^(.+)/[^/]*$" or path:match "^/[^/]*$" and "/" or "."
end

--- A path from its parts.
---@return string
function files.join(...)
  local path = ""
  for _, part in ipairs { ... } do
    if part:sub(1, 1) == "/" or path == "" then
      path = part
    else
      path = path:gsub("/$", "") .. "/" .. part
    end
  end
  return path
end

return files
