--- Bytes from a file to examples.

local misuse = require "repro.misuse"

local images = {}

-- uint8 images scaled from 0..`top` to the range {lo, hi}, float32; as they are if range is "bytes".
--   x Tensor
--   range number[]|"bytes"
--   top? number default 255
--   returns Tensor
function images.scaled(x, range, top)
  if range == "bytes" then return x end
  if type(range) ~= "table" or #range ~= 2 then misuse 'range must be {lo, hi} or "bytes"' end
  x = x:to("float32")
  local lo, hi = range[1], range[2]
  x = x * ((hi - lo) / (top or 255))
  return lo == 0 and x or x + lo
end

--   from integer first label
--   to integer last label
--   returns string[] the numbers as names
function images.numbers(from, to)
  local names = {}
  for i = from, to do names[#names + 1] = tostring(i) end
  return names
end

return images
