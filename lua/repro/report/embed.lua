--- Image files as data: addresses, so that a page needs no other file.
local files = require "repro.files"

local embed = {}

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local digits = {}
for i = 0, 63 do digits[i] = alphabet:sub(i + 1, i + 1) end

--- Base64 (RFC 4648) of a byte string.
---@param bytes string
---@return string
function embed.base64(bytes)
  local out = {}
  for i = 1, #bytes - 2, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | b << 8 | c
    out[#out + 1] = digits[n >> 18] .. digits[n >> 12 & 63] .. digits[n >> 6 & 63] .. digits[n & 63]
  end
  local rest = #bytes % 3
  if rest == 1 then
    local n = bytes:byte(-1) << 4
    out[#out + 1] = digits[n >> 6] .. digits[n & 63] .. "=="
  elseif rest == 2 then
    local a, b = bytes:byte(-2, -1)
    local n = a << 10 | b << 2
    out[#out + 1] = digits[n >> 12] .. digits[n >> 6 & 63] .. digits[n & 63] .. "="
  end
  return table.concat(out)
end

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
  return ("data:%s;base64,%s"):format(kind, embed.base64(bytes)), width
end

return embed
