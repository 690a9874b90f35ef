--- Ten figures made of straight strokes, and the picture of any set of strokes by distance to the nearest one.

local rp = require "repro"

local strokes = {}

-- Strokes {x1, y1, x2, y2}; y points down, the half-height is 1.
local figures = {
  { "L", { -.6, -1, -.6, 1 }, { -.6, 1, .6, 1 } },
  { "T", { -.7, -1, .7, -1 }, { 0, -1, 0, 1 } },
  { "Z", { -.65, -1, .65, -1 }, { .65, -1, -.65, 1 }, { -.65, 1, .65, 1 } },
  { "V", { -.7, -1, 0, 1 }, { .7, -1, 0, 1 } },
  { "F", { -.5, -1, -.5, 1 }, { -.5, -1, .6, -1 }, { -.5, 0, .4, 0 } },
  { "P", { -.5, -1, -.5, 1 }, { -.5, -1, .5, -1 }, { .5, -1, .5, 0 }, { .5, 0, -.5, 0 } },
  { "h", { -.5, -1, -.5, 1 }, { -.5, 0, .5, 0 }, { .5, 0, .5, 1 } },
  { "A", { 0, -1, -.7, 1 }, { 0, -1, .7, 1 }, { -.4, .2, .4, .2 } },
  { "diamond", { 0, -1, .75, 0 }, { .75, 0, 0, 1 }, { 0, 1, -.75, 0 }, { -.75, 0, 0, -1 } },
  { "+", { -.8, 0, .8, 0 }, { 0, -1, 0, 1 } },
}

local MOST = 4

--   returns string[] names of the figures
function strokes.names()
  local list = {}
  for i, figure in ipairs(figures) do list[i] = figure[1] end
  return list
end

--   returns Tensor (10, 4, 4) float32: {x1, y1, x2, y2} of each stroke; a figure with fewer repeats its first
function strokes.figures()
  local rows = {}
  for i, figure in ipairs(figures) do
    rows[i] = {}
    for k = 1, MOST do rows[i][k] = figure[k + 1] or figure[2] end
  end
  return rp.tensor(rows)
end

-- The squared distance of each pixel centre to the nearest of S segments, in pixels.  With u = b - a:
--    t = clamp(<p - a, u> / |u|^2, 0, 1),   d^2 = |p - a - t u|^2
--   a_x Tensor (n, S, 1, 1) and likewise a_y, b_x, b_y: the ends
--   size integer pixels of a side
--   returns Tensor (n, size, size)
function strokes.squared_distance(a_x, a_y, b_x, b_y, size)
  local p_x, p_y = rp.arange(0, size - 1), rp.arange(0, size - 1):unsqueeze(2)
  local u_x, u_y = b_x - a_x, b_y - a_y
  local scale = (u_x:square() + u_y:square()):maximum(1e-6):reciprocal()
  local along_y = (p_y - a_y) * (u_y * scale)                              -- (n, S, size, 1)
  local t = (along_y + (p_x - a_x) * (u_x * scale)):clamp(0, 1)            -- (n, S, size, size)
  return ((p_x - a_x) - t * u_x):square():addcmul((p_y - a_y) - t * u_y, (p_y - a_y) - t * u_y):min(2)
end

return strokes
