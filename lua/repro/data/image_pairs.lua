--- Pairs of images with a sentence for each, as in MMVP-VLM.

local rp = require "repro"
local failure = require "repro.failure"
local images = require "repro.data.images"
local inputs = require "repro.inputs"
local misuse = require "repro.misuse"
local options = require "repro.options"
local read_image = require "repro.data.image_folder".read_image

local image_pairs = {}

-- The file of a pair, or what is missing.
local function side(folder, name, k, kind)
  local path = ("%s/%s-%d.%s"):format(folder, name, k, kind)
  if not rp.io.exists(path) then
    failure.raise("data", "image_pairs: there is no file %s, which belongs to %s-0.png", path, name)
  end
  return path
end

local function read_pattern(folder, o)
  local result = { x = { {}, {} }, texts = { {}, {} } }
  for _, file in ipairs(rp.io.list(folder)) do
    local name = file:match "^(.+)%-0%.png$"
    for k = 0, name and 1 or -1 do
      local x = read_image(side(folder, name, k, "png"), o.channels)
      table.insert(result.x[k + 1], x)
      if table.concat(x.shape, "x") ~= table.concat(result.x[1][1].shape, "x") then
        failure.raise("data", "image_pairs: %s/%s-%d.png has size %s, others have %s", folder, name, k, table.concat(x.shape, "x"),
          table.concat(result.x[1][1].shape, "x"))
      end
      table.insert(result.texts[k + 1], (inputs.plain.read_text(side(folder, name, k, "txt")):gsub("^%s+", ""):gsub("%s+$", "")))
    end
  end
  if #result.x[1] == 0 then failure.raise("data", "image_pairs: no pair NAME-0.png, NAME-1.png in %s", folder) end
  for k = 1, 2 do result.x[k] = images.scaled(rp.stack(1, result.x[k]), o.range, 1) end
  return result
end

---Pairs from DIR/PATTERN/NAME-0.png, NAME-1.png and their sentences NAME-0.txt, NAME-1.txt, in ascending order of names.
---    data.image_pairs{dir = "pairs", range = {0, 1}, channels = 3}
---Source of the protocol: Tong et al. 2024, arXiv:2401.06209 (MMVP-VLM).  Errors (kind "data"): a file missing, another size.
---@param given {dir: string, range: number[], channels: integer}
---@return table[] of each pattern {name, x = {first (n, C, H, W), second}, texts = {string[], string[]}}
function image_pairs.image_pairs(given)
  local o = options("data.image_pairs", given, { dir = false, range = { 0, 1 }, channels = 3 })
  if not o.dir then misuse "image_pairs: give {dir = ...}" end
  if not rp.io.exists(o.dir) then failure.raise("data", "image_pairs: there is no folder %s", o.dir) end
  inputs.note("data", o.dir)
  local list = {}
  for _, name in ipairs(rp.io.list(o.dir)) do
    if name:sub(1, 1) ~= "." then
      local pattern = read_pattern(o.dir .. "/" .. name, o)
      pattern.name = name
      list[#list + 1] = pattern
    end
  end
  return list
end

return image_pairs
