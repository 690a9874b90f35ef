--- Image files as data: addresses, so that a page needs no other file.
local files = require "repro.files"
local rp = require "repro"

local embed = {}

--- Width in pixels of a PNG file's image; nil if it is none.
---@param bytes string
---@return integer|nil
function embed.png_width(bytes)
  if bytes:sub(1, 8) ~= "\137PNG\r\n\26\n" or #bytes < 24 then return nil end
  return (string.unpack(">I4", bytes, 17))
end

--- The data: address of an image file.
---@param path string .svg or .png
---@return string|nil address nil if the file cannot be read
---@return integer|nil width in pixels, of a PNG
function embed.image(path)
  local bytes = files.read(path)
  if not bytes then return nil end
  local width = embed.png_width(bytes)
  local kind = width and "image/png" or "image/svg+xml"
  return ("data:%s;base64,%s"):format(kind, rp.io.base64(bytes)), width
end

return embed
