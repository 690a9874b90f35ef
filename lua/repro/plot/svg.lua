--- Writes a drawing list as SVG.
-- No ids, so that many figures can stand in one page. Inside a page a figure fills its container up to 4/3 of its natural
-- width; width and height only give <img> a natural size. Ink is currentColor: inside a page the figure takes the page's
-- text colour, and on its own it follows the reader's light or dark preference. A page may set --rp-paper, its background,
-- which legends inside a plot use.
local number = require "repro.plot.number"
local label = require "repro.plot.label"
local io_core = require("repro.core").io

local svg = {}

local c = number.coordinate

local STYLE = table.concat {
  "<style>",
  ".rp-plot{display:block;width:100%;max-width:var(--rp-width);height:auto;margin:0 auto}",
  ".rp-plot .rp-paper{fill:var(--rp-paper,#fff)}",
  "svg.rp-plot:root{color:#1d2025;background:#fff;max-width:100%;max-height:100vh}",
  "@media(prefers-color-scheme:dark){",
  ".rp-plot .rp-paper{fill:var(--rp-paper,#16181c)}",
  "svg.rp-plot:root{color:#e4e6ea;background:#16181c}}",
  "</style>\n",
}
local FAMILY = "Helvetica Neue,Helvetica,Arial,sans-serif" -- the metrics that layout assumes
local MUTED = 0.66
local NATURAL = 4 / 3 -- CSS pixels to a unit, where there is room

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- XML 1.0 has no place for control characters nor for bytes that are not UTF-8.
local function escape(text)
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", function(b) return utf8.char(b:byte()) end)
  end
  return (text:gsub("[%z\1-\8\11\12\14-\31]", " "):gsub('[&<>"]', ESCAPES))
end

local function paint(attribute, style)
  local colour, alpha = style.color, style.alpha or 1
  if colour == "muted" then colour, alpha = "ink", alpha * MUTED end
  local class = ""
  if colour == "paper" then colour, class = "none", ' class="rp-paper"' end
  if colour == "ink" then colour = "currentColor" end
  local opacity = alpha < 1 and string.format(' %s-opacity="%s"', attribute, c(alpha)) or ""
  return string.format('%s %s="%s"%s', class, attribute, colour, opacity)
end

local function path_of(points, closed)
  local parts = { "M", c(points[1]), " ", c(points[2]) }
  if #points == 2 then parts[5] = "h0" end
  for i = 3, #points - 1, 2 do
    parts[#parts + 1] = i == 3 and "L" or " "
    parts[#parts + 1] = c(points[i]) .. " " .. c(points[i + 1])
  end
  if closed then parts[#parts + 1] = "Z" end
  return table.concat(parts)
end

local function paths_of(list, closed)
  local parts = {}
  for i = 1, #list do parts[i] = path_of(list[i], closed) end
  return table.concat(parts)
end

local function dash_of(dash)
  if not dash then return "" end
  local parts = {}
  for i = 1, #dash do parts[i] = c(dash[i]) end
  return ' stroke-dasharray="' .. table.concat(parts, " ") .. '"'
end

local writers = {}

function writers.lines(item)
  local style = item.style
  local cap = style.butt and "" or ' stroke-linecap="round" stroke-linejoin="round"'
  return string.format('<path d="%s" fill="none"%s stroke-width="%s"%s%s/>\n', paths_of(item.lines),
    paint("stroke", style), c(style.width), dash_of(style.dash), cap)
end

function writers.polygons(item)
  local style = item.style
  local outline = style.outline and paint("stroke", { color = style.color }) ..
    string.format(' stroke-width="%s" stroke-linejoin="round"', c(style.outline)) or ""
  return string.format('<path d="%s"%s%s/>\n', paths_of(item.polygons, true), paint("fill", style), outline)
end

-- A dot is a line of no length with round ends: the shortest text for thousands of points.
function writers.dots(item)
  local parts, points = {}, item.points
  for i = 1, #points - 1, 2 do parts[#parts + 1] = "M" .. c(points[i]) .. " " .. c(points[i + 1]) .. "h0" end
  return string.format('<path d="%s" fill="none"%s stroke-width="%s" stroke-linecap="round"/>\n', table.concat(parts),
    paint("stroke", item.style), c(2 * item.radius))
end

function writers.rectangle(item)
  local radius = item.style.radius and string.format(' rx="%s"', c(item.style.radius)) or ' shape-rendering="crispEdges"'
  return string.format('<rect x="%s" y="%s" width="%s" height="%s"%s%s/>\n', c(item.x), c(item.y), c(item.width),
    c(item.height), paint("fill", item.style), radius)
end

-- A run that is raised or lowered moves the baseline by dy, and the next run moves it back.
local function spans(text, size)
  local parts, at = {}, 0
  for _, run in ipairs(label.parse(text)) do
    local attributes = ""
    if run.rise ~= at then attributes = string.format(' dy="%s"', c((at - run.rise) * size)) end
    if run.scale ~= 1 then attributes = attributes .. string.format(' font-size="%s"', c(run.scale * size)) end
    if run.italic then attributes = attributes .. ' font-style="italic"' end
    at = run.rise
    local inner = escape(run.text)
    parts[#parts + 1] = attributes == "" and inner or "<tspan" .. attributes .. ">" .. inner .. "</tspan>"
  end
  return table.concat(parts)
end

function writers.text(item)
  local style, x, y = item.style, c(item.x), c(item.y)
  local more = ""
  if style.anchor and style.anchor ~= "start" then more = string.format(' text-anchor="%s"', style.anchor) end
  if style.bold then more = more .. ' font-weight="600"' end
  if style.turn then more = more .. string.format(' transform="rotate(%s %s %s)"', c(-style.turn), x, y) end
  return string.format('<text x="%s" y="%s" font-size="%s"%s%s>%s</text>\n', x, y, c(style.size), paint("fill", style),
    more, spans(item.text, style.size))
end

function writers.image(item)
  return string.format('<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" ' ..
    'style="image-rendering:pixelated" data-pixels="%s" href="data:image/png;base64,%s"/>\n', c(item.x), c(item.y), c(item.width),
    c(item.height), io_core.sha256_text(item.picture.bytes), io_core.base64(io_core.encode_png(item.picture)))
end

function writers.open(item)
  return item.title and "<g><title>" .. escape(item.title) .. "</title>\n" or "<g>\n"
end

function writers.close()
  return "</g>\n"
end

--- The SVG text of a drawing list.
---@param canvas Canvas
---@param title string plain text
---@param description string plain text
---@return string
function svg.write(canvas, title, description)
  local w, h = c(canvas.width), c(canvas.height)
  local parts = {
    string.format('<svg xmlns="http://www.w3.org/2000/svg" class="rp-plot" viewBox="0 0 %s %s" width="%s" height="%s" ' ..
      'role="img" aria-label="%s" font-family="%s" style="--rp-width:%spx">\n', w, h, c(canvas.width * NATURAL),
      c(canvas.height * NATURAL), escape(title), FAMILY, c(canvas.width * NATURAL)),
    "<title>" .. escape(title) .. "</title>\n<desc>" .. escape(description) .. "</desc>\n", STYLE,
  }
  for _, item in ipairs(canvas.items) do parts[#parts + 1] = writers[item.kind](item) end
  parts[#parts + 1] = "</svg>\n"
  return table.concat(parts)
end

return svg
