--- PNG files as strings (W3C PNG, 3rd ed.; DEFLATE: RFC 1951), the same bytes on every machine: a file from zlib would depend
-- on which zlib is installed. Made for figures: flat areas and repeated rows, matched against the pixel before and the row above.
local png = {}

local CRC = {}
for i = 0, 255 do
  local v = i
  for _ = 1, 8 do v = (v & 1 == 1) and (0xEDB88320 ~ (v >> 1)) or v >> 1 end
  CRC[i] = v
end

local function crc32(text)
  local v = 0xFFFFFFFF
  for i = 1, #text do v = CRC[(v ~ text:byte(i)) & 0xFF] ~ (v >> 8) end
  return v ~ 0xFFFFFFFF
end

local function adler32(text)
  local a, b = 1, 0
  for first = 1, #text, 3800 do -- the sums stay below 2^63 for far more, and are reduced once a block
    local last = math.min(first + 3799, #text)
    for i = first, last do
      a = a + text:byte(i)
      b = b + a
    end
    a, b = a % 65521, b % 65521
  end
  return b << 16 | a
end

-- Fixed Huffman codes of RFC 1951, 3.2.6, with their bits reversed for least-significant-first packing.
local function reversed(code, bits)
  local out = 0
  for _ = 1, bits do
    out = out << 1 | code & 1
    code = code >> 1
  end
  return out
end

local CODE, BITS = {}, {}
for symbol = 0, 287 do
  local code, bits
  if symbol < 144 then code, bits = 0x30 + symbol, 8
  elseif symbol < 256 then code, bits = 0x190 + symbol - 144, 9
  elseif symbol < 280 then code, bits = symbol - 256, 7
  else code, bits = 0xC0 + symbol - 280, 8 end
  CODE[symbol], BITS[symbol] = reversed(code, bits), bits
end

-- Length and distance symbols with their extra bits (3.2.5): {symbol, first value, extra bits} by value.
local LENGTH = {}
do
  local base = 3
  for symbol = 257, 284 do
    local extra = symbol < 265 and 0 or (symbol - 261) // 4
    for i = 0, (1 << extra) - 1 do LENGTH[base + i] = { symbol, i, extra } end
    base = base + (1 << extra)
  end
  LENGTH[258] = { 285, 0, 0 }
end

local function distance_symbol(distance)
  local base = 1
  for symbol = 0, 29 do
    local extra = symbol < 4 and 0 or symbol // 2 - 1
    if distance < base + (1 << extra) then return symbol, distance - base, extra end
    base = base + (1 << extra)
  end
end

local Bits = {}
Bits.__index = Bits

local function put(self, value, count)
  local held = self.held | value << self.count
  count = self.count + count
  while count >= 8 do
    self.bytes[#self.bytes + 1] = held & 0xFF
    held, count = held >> 8, count - 8
  end
  self.held, self.count = held, count
end

local function put_match(bits, length, symbol, rest, extra)
  local l = LENGTH[length]
  put(bits, CODE[l[1]], BITS[l[1]])
  put(bits, l[2], l[3])
  put(bits, reversed(symbol, 5), 5)
  put(bits, rest, extra)
end

-- The number of bytes equal at i and i - distance, at most 258.
local function match_length(data, i, distance, n)
  if i <= distance then return 0 end
  local k, last = 0, math.min(258, n - i + 1)
  while k < last and data[i + k] == data[i + k - distance] do k = k + 1 end
  return k
end

local function deflate(data, distances)
  local bits = setmetatable({ bytes = {}, held = 0, count = 0 }, Bits)
  put(bits, 1, 1) -- the last block
  put(bits, 1, 2) -- fixed codes
  local found = {}
  for k, distance in ipairs(distances) do found[k] = { distance, distance_symbol(distance) } end
  local i, n = 1, #data
  while i <= n do
    local best, which = 0, nil
    for _, candidate in ipairs(found) do
      local length = match_length(data, i, candidate[1], n)
      if length > best then best, which = length, candidate end
    end
    if best >= 3 then
      put_match(bits, best, which[2], which[3], which[4])
      i = i + best
    else
      put(bits, CODE[data[i]], BITS[data[i]])
      i = i + 1
    end
  end
  put(bits, CODE[256], BITS[256])
  put(bits, 0, 7)
  return bits.bytes
end

local function to_string(bytes)
  local parts = {}
  for i = 1, #bytes, 4096 do
    parts[#parts + 1] = string.char(table.unpack(bytes, i, math.min(i + 4095, #bytes)))
  end
  return table.concat(parts)
end

local function filtered_rows(picture)
  local stride, rows = picture.width * picture.channels, {}
  for y = 0, picture.height - 1 do rows[#rows + 1] = "\0" .. picture.bytes:sub(y * stride + 1, (y + 1) * stride) end
  return table.concat(rows), stride + 1
end

local function to_bytes(text)
  local out = {}
  for i = 1, #text, 4096 do table.move({ text:byte(i, i + 4095) }, 1, 4096, i, out) end
  return out
end

local function chunk(kind, body)
  return string.pack(">I4", #body) .. kind .. body .. string.pack(">I4", crc32(kind .. body))
end

--- A PNG file.
---@param picture table {width=, height=, channels= 1|3, bytes= string of height x width x channels}
---@return string
function png.encode(picture)
  local text, stride = filtered_rows(picture)
  local distances = { picture.channels }
  for _, d in ipairs { stride, stride - picture.channels, stride + picture.channels } do
    if d > 0 and d <= 32768 and d ~= picture.channels then distances[#distances + 1] = d end
  end
  local body = "\x78\x01" .. to_string(deflate(to_bytes(text), distances)) .. string.pack(">I4", adler32(text))
  local header = string.pack(">I4I4BBBBB", picture.width, picture.height, 8, picture.channels == 1 and 0 or 2, 0, 0, 0)
  return "\x89PNG\r\n\x1a\n" .. chunk("IHDR", header) .. chunk("IDAT", body) .. chunk("IEND", "")
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local PAIRS = {}
for i = 0, 4095 do
  PAIRS[i] = ALPHABET:sub((i >> 6) + 1, (i >> 6) + 1) .. ALPHABET:sub((i & 63) + 1, (i & 63) + 1)
end

--- Base 64 (RFC 4648).
---@param text string
---@return string
function png.base64(text)
  local parts = {}
  for i = 1, #text - 2, 3 do
    local a, b, d = text:byte(i, i + 2)
    local v = a << 16 | b << 8 | d
    parts[#parts + 1] = PAIRS[v >> 12] .. PAIRS[v & 4095]
  end
  local left = #text % 3
  if left == 1 then parts[#parts + 1] = PAIRS[text:byte(-1) << 4] .. "=="
  elseif left == 2 then
    local v = (text:byte(-2) << 8 | text:byte(-1)) << 2
    parts[#parts + 1] = PAIRS[v >> 6] .. ALPHABET:sub((v & 63) + 1, (v & 63) + 1) .. "="
  end
  return table.concat(parts)
end

return png
