--- Folders of PNG files, one folder for each class.

local rp = require "repro"
local failure = require "repro.failure"
local files = require "repro.data.files"
local images = require "repro.data.images"
local inputs = require "repro.inputs"
local misuse = require "repro.misuse"
local options = require "repro.options"
local split = require "repro.data.split"

local image_folder = {}

-- Names of the PNG files, and of the other entries, of a folder.
local function entries(folder)
  local pictures, others = {}, {}
  for _, name in ipairs(rp.io.list(folder)) do
    local list = name:lower():find "%.png$" and pictures or others
    if name:sub(1, 1) ~= "." then list[#list + 1] = name end
  end
  return pictures, others
end

---A PNG file as (C, H, W) float32 in [0, 1]; alpha is dropped, gray is repeated if three channels are wanted.
---@param path string
---@param channels? integer 1 or 3 converts, default as they are
---@return Tensor
function image_folder.read_image(path, channels)
  local x = inputs.plain.read_png(path)
  local top = x.dtype == "uint8" and 255 or 65535
  x = x:to("float32"):permute(3, 1, 2) / top
  if x:size(1) % 2 == 0 then x = x:slice(1, 1, x:size(1) - 1) end
  if channels == 1 and x:size(1) == 3 then
    x = (x:slice(1, 1, 1) * 0.299 + x:slice(1, 2, 2) * 0.587) + x:slice(1, 3, 3) * 0.114    -- luma, ITU-R BT.601
  elseif channels == 3 and x:size(1) == 1 then
    x = x:expand(3, -1, -1)
  end
  return x
end

local function shape(x) return table.concat(x.shape, "x") end

-- All images of a folder with a folder for each class, or of a folder without.
local function read_all(folder, channels)
  local here, classes = entries(folder)
  if #here > 0 then classes = { "" } end
  local x, y, first = {}, {}, nil
  for c, class in ipairs(classes) do
    local place = class == "" and folder or folder .. "/" .. class
    for _, name in ipairs((entries(place))) do
      local path = place .. "/" .. name
      local image = image_folder.read_image(path, channels)
      first = first or { image = image, path = path }
      if shape(image) ~= shape(first.image) then
        failure.raise("data", "image_folder: %s has size %s (channels, rows, columns), but %s has %s", path, shape(image),
                      first.path, shape(first.image))
      end
      x[#x + 1], y[#y + 1] = image, c
    end
  end
  if #x == 0 then failure.raise("data", "image_folder: no PNG files in %s or in folders in it", folder) end
  inputs.note("data", folder)
  return { x = rp.stack(1, x), y = rp.tensor(y, "int64") }, classes
end

local function scaled(part, range)
  part.x = images.scaled(part.x, range, 1)
  return part
end

---Images of one size from DIR/CLASS/*.png, in ascending order of names; classes are numbered in that order too.  If DIR has
---folders "train" and "test" these are the parts, else a share `test` of the images in a pinned order is the test set.
---PNG files in DIR itself make one class.
---    data.image_folder{dir = "faces", range = {0, 1}, channels = nil, test = 0.2}
---@param given {dir: string, range: number[], channels: integer, test: number} channels: 1 or 3 converts, default as they are
---@return table {name, train = {x (n, C, H, W), y}, test = {x, y}, classes: names, note}
function image_folder.image_folder(given)
  local o = options("data.image_folder", given, { dir = false, range = { 0, 1 }, channels = false, test = 0.2 })
  if not (o.test >= 0 and o.test < 1) then misuse("image_folder: test = %g is no share in [0, 1)", o.test) end
  local folder = files.folder(o.dir or nil):gsub("/$", "")
  if not rp.io.exists(folder) then failure.raise("data", "image_folder: there is no folder %s", folder) end
  local train, test, classes
  if rp.io.exists(folder .. "/train") and rp.io.exists(folder .. "/test") then
    local test_classes
    train, classes = read_all(folder .. "/train", o.channels)
    test, test_classes = read_all(folder .. "/test", o.channels)
    if table.concat(classes, "/") ~= table.concat(test_classes, "/") then
      failure.raise("data", "image_folder: %s/train and %s/test have different folders of classes", folder, folder)
    end
  else
    local all
    all, classes = read_all(folder, o.channels)
    local n = all.x:size(1)
    local n_test = math.floor(n * o.test + 0.5)
    train, test = split.split(all, { n - n_test, n_test }, "image_folder.split")
  end
  return { name = "image_folder", train = scaled(train, o.range), test = scaled(test, o.range), classes = classes,
           note = ("%d images in %s: not verified"):format(train.x:size(1) + test.x:size(1), folder) }
end

return image_folder
