--- Figures of a run: plots, images and files saved under figures/ of the run directory.
local rp = require "repro"
local files = require "repro.files"
local inputs = require "repro.inputs"
local misuse = require "repro.misuse"

local figures = {}

-- A file name from a figure's name: "Figure 2a" -> figure-2a.
local function stem(name)
  local word = name:lower():gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  return word ~= "" and word or "figure"
end

local function is_svg(text) return text:find "^%s*<svg" or text:find "^%s*<%?xml" end

local function copy_file(directory, name, path)
  local kind = path:lower():match "%.(%a+)$"
  if kind ~= "svg" and kind ~= "png" then misuse("P:figure %s: %s is neither an .svg nor a .png file", name, path) end
  local text, message = files.read(path)
  if not text then misuse("P:figure %s: %s", name, message) end
  inputs.note("data", path)
  local target = ("figures/%s.%s"):format(stem(name), kind)
  files.write(files.join(directory, target), text)
  return target
end

local function save_text(directory, name, text)
  if not is_svg(text) then return copy_file(directory, name, text) end
  local target = "figures/" .. stem(name) .. ".svg"
  files.write(files.join(directory, target), text)
  return target
end

local function save_image(directory, name, tensor)
  local target = "figures/" .. stem(name) .. ".png"
  rp.io.write_png(files.join(directory, target), tensor)
  return target
end

--- Saves a figure.
---@param directory string the run directory
---@param name string the figure's name
---@param content table|Tensor|string a plot (an object with a method svg), an image tensor, SVG text, or a path
---@return string path relative to the run directory
function figures.save(directory, name, content)
  if type(content) == "string" then return save_text(directory, name, content) end
  if type(content) == "userdata" then return save_image(directory, name, content) end
  if type(content) == "table" and content.svg then return save_text(directory, name, content:svg()) end
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
