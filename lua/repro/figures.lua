--- Figures of a run: plots, images and files saved under figures/ of the run directory.
local rp = require "repro"
local files = require "repro.files"
local inputs = require "repro.inputs"
local misuse = require "repro.misuse"

local figures = {}

-- A file name from a figure's name: "Figure 2a" -> figure-2a; with a number behind it where another figure has it.
local function stem(name, outputs)
  local word, taken, n = name:lower():gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", ""), {}, 1
  if word == "" then word = "figure" end
  for _, output in ipairs(outputs or {}) do
    if output.type == "figure" then taken[output.path:match "([^/]+)%.%a+$"] = true end
  end
  while taken[n == 1 and word or word .. "-" .. n] do n = n + 1 end
  return n == 1 and word or word .. "-" .. n
end

local function is_svg(text) return text:find "^%s*<svg" or text:find "^%s*<%?xml" end

local function copy_file(directory, name, path, word)
  local kind = path:lower():match "%.(%a+)$"
  if kind ~= "svg" and kind ~= "png" then misuse("P:figure %s: %s is neither an .svg nor a .png file", name, path) end
  local text, message = files.read(path)
  if not text then misuse("P:figure %s: %s", name, message) end
  inputs.note("data", path)
  local target = ("figures/%s.%s"):format(word, kind)
  files.write(files.join(directory, target), text)
  return target
end

local function save_text(directory, name, text, word)
  if not is_svg(text) then return copy_file(directory, name, text, word) end
  local target = "figures/" .. word .. ".svg"
  files.write(files.join(directory, target), text)
  return target
end

local function save_image(directory, tensor, word)
  local target = "figures/" .. word .. ".png"
  rp.io.write_png(files.join(directory, target), tensor)
  return target
end

--- Saves a figure.
---@param directory string the run directory
---@param name string the figure's name
---@param content table|Tensor|string a plot (an object with a method svg), an image tensor, SVG text, or a path
---@param outputs table[]|nil what the run has made so far
---@return string path relative to the run directory
function figures.save(directory, name, content, outputs)
  local word = stem(name, outputs)
  if type(content) == "string" then return save_text(directory, name, content, word) end
  if type(content) == "userdata" then return save_image(directory, content, word) end
  if type(content) == "table" and content.svg then return save_text(directory, name, content:svg(), word) end
  misuse("P:figure %s: a figure is a plot, an image tensor, SVG text or a path, not a %s", name, type(content))
end

-- A picture inside an SVG of rp.plot carries the hash of its pixels.
local embedded = 'data%-pixels="(%x+)" href="data:image/png;base64,[%w+/=]*"'

--- SHA-256 of what a figure shows: the pixels of a PNG, the text of an SVG with its embedded pictures as pixels.  The
--- bytes of a PNG depend on the version of zlib that compressed it.
---@param path string
---@return string
function figures.content(path)
  if path:find "%.png$" then return rp.hash(inputs.plain.read_png(path)) end
  return files.sha256((assert(files.read(path)):gsub(embedded, "%1")))
end

return figures
