--- Colours: the categorical palette, continuous colour maps, and reading a colour that a script gives.
local arguments = require "repro.plot.arguments"
local number = require "repro.plot.number"

local colormap = {}

--- Categorical colours. Found by maximising the least OKLab distance (Ottosson 2020) between any two, as seen with
--- normal vision, deuteranopia, protanopia and tritanopia (simulation: Machado, Oliveira & Fernandes 2009), among colours
--- whose contrast is at least 2.4 both on white and on a near-black page. Earlier colours are further apart.
colormap.palette = {
  "#2c7ac8", "#de6f0b", "#00a664", "#c83790", "#9b9bff", "#2c6f59", "#f47aa6", "#bc2c00",
}

-- Polynomials in t, constant first: a curve of constant lightness slope in OKLab (L = 0.25 + 0.68 t) from indigo to yellow,
-- fitted per sRGB channel. Lightness steps over t stay within 11% of their mean.
local SEQUENTIAL = {
  { 0.1706, -0.1744, 5.2472, -51.6675, 173.488, -260.4517, 185.3729, -51.0419 },
  { 0.0605, 0.7533, 2.5669, -10.6555, 22.3997, -25.753, 15.302, -3.7363 },
  { 0.2885, 1.4906, -3.8166, 7.2943, -9.1723, 7.1823, -4.0539, 1.2304 },
}
-- Polynomials in |2t - 1|: from a neutral light gray to blue (t = 0) and to brick red (t = 1).
local BLUE = {
  { 0.941, -1.1127, 0.6261, -1.1392, 0.6675 }, { 0.941, -0.7299, 0.1561, -0.3031, 0.1755 },
  { 0.941, -0.1657, -0.5892, 1.1904, -0.8286 },
}
local RED = {
  { 0.941, -0.2183, -0.5267, 0.9733, -0.6695 }, { 0.941, -0.876, 0.5139, -1.0525, 0.6655 },
  { 0.941, -1.2356, 1.4383, -2.7594, 1.5941 },
}

local function horner(c, t)
  local sum = 0.0
  for i = #c, 1, -1 do sum = sum * t + c[i] end
  return sum
end

local function byte(x)
  return math.floor(math.min(math.max(x, 0), 1) * 255 + 0.5)
end

local function evaluate(polynomials, t)
  return byte(horner(polynomials[1], t)), byte(horner(polynomials[2], t)), byte(horner(polynomials[3], t))
end

--- The maps by name: each takes t in [0,1] and returns three bytes.
colormap.maps = {
  sequential = function(t) return evaluate(SEQUENTIAL, t) end,
  gray = function(t) local g = byte(t); return g, g, g end,
  diverging = function(t)
    if t < 0.5 then return evaluate(BLUE, 1 - 2 * t) end
    return evaluate(RED, 2 * t - 1)
  end,
}
colormap.names = { "sequential", "diverging", "gray" }

--- A map by name, or the function given.
---@param map string|function|nil default "sequential"
---@param where string
---@return fun(t: number): integer, integer, integer
function colormap.get(map, where)
  if type(map) == "function" then return map end
  local found = colormap.maps[map or "sequential"]
  if not found then
    arguments.fail("%s: no colour map '%s'; use %s, or a function of t in [0,1] returning r, g, b in 0..255", where,
      tostring(map), table.concat(colormap.names, ", "))
  end
  return found
end

--- "#rrggbb" of three bytes.
---@return string
function colormap.hex(r, g, b)
  return string.format("#%02x%02x%02x", r, g, b)
end

--- Three bytes of "#rrggbb".
---@param hex string
---@return integer, integer, integer
function colormap.bytes(hex)
  return tonumber(hex:sub(2, 3), 16), tonumber(hex:sub(4, 5), 16), tonumber(hex:sub(6, 7), 16)
end

--- Black or white, whichever reads better on the colour (relative luminance of WCAG 2 against 0.179).
---@return string
function colormap.contrasting(r, g, b)
  local function linear(c)
    c = c / 255
    if c <= 0.04045 then return c / 12.92 end
    return number.exp(2.4 * number.log((c + 0.055) / 1.055))
  end
  local luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  return luminance > 0.179 and "#000000" or "#ffffff"
end

--- The k-th categorical colour; beyond the last it begins again.
---@param k integer from 1
---@return string
function colormap.category(k)
  return colormap.palette[(k - 1) % #colormap.palette + 1]
end

--- A colour as a script writes it: "#rrggbb", "#rgb", an index into the palette, "ink" (the page's text colour) or "muted".
---@param colour string|integer
---@param where string
---@return string
function colormap.parse(colour, where)
  if math.type(colour) == "integer" and colour >= 1 then return colormap.category(colour) end
  if type(colour) == "string" then
    local low = colour:lower()
    if low == "ink" or low == "muted" or low:match("^#%x%x%x%x%x%x$") then return low end
    local r, g, b = low:match("^#(%x)(%x)(%x)$")
    if r then return "#" .. r .. r .. g .. g .. b .. b end
  end
  arguments.fail("%s: color = %s is not a colour; use \"#rrggbb\", a palette index from 1, \"ink\" or \"muted\"", where,
    tostring(colour))
end

return colormap
