--- The MNIST family: MNIST, Fashion-MNIST and KMNIST in IDX files.

local rp = require "repro"
local catalogue = require "repro.data.catalogue"
local files = require "repro.data.files"
local images = require "repro.data.images"
local misuse = require "repro.misuse"
local options = require "repro.options"
local split = require "repro.data.split"

local idx = {}

local sets = {
  mnist = { name = "mnist", classes = images.numbers(0, 9),
    source = "https://ossci-datasets.s3.amazonaws.com/mnist/ (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0)" },
  fashion_mnist = { name = "fashion_mnist",
    classes = { "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot" },
    source = "https://github.com/zalandoresearch/fashion-mnist (Zalando SE; MIT)" },
  kmnist = { name = "kmnist",
    classes = { "o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo" },
    source = "http://codh.rois.ac.jp/kmnist/ (CODH; CC BY-SA 4.0)" },
}

for name, set in pairs(sets) do set.folders, set.sums = files.folders[name], catalogue.sums(name) end

-- The names a file goes by: as published, unpacked, with a dot.
local function names(part, kind)
  local stem, dims = part .. "-" .. kind, kind == "images" and "idx3" or "idx1"
  return { stem .. "-" .. dims .. "-ubyte.gz", stem .. "-" .. dims .. "-ubyte", stem .. "." .. dims .. "-ubyte" }
end

local function read(set, folder, part, o)
  local image_path, label_path = files.find(folder, set, names(part, "images")), files.find(folder, set, names(part, "labels"))
  local seen = { files.verify(set, image_path, o.verify), files.verify(set, label_path, o.verify) }
  local x, y = rp.io.read_idx(image_path), rp.io.read_idx(label_path)
  if x.ndim ~= 3 or y.ndim ~= 1 or x:size(1) ~= y:size(1) then
    misuse("%s: %s and %s hold %d-dimensional images and %d labels that do not fit", set.name, image_path, label_path, x.ndim,
           y:numel())
  end
  return { x = x:unsqueeze(2), y = y:to("int64") + 1 }, seen
end

-- The published parts, or, where only the test images are there, four fifths and one fifth of them.
local function parts(set, folder, o)
  local test, seen = read(set, folder, "t10k", o)
  if not files.search(folder, set, names("train", "images")) then
    local n = test.x:size(1)
    local n_test = n // 5
    local train, held_out = split.split(test, { n - n_test, n_test }, set.name .. ".split")
    return train, held_out, ("the %d test images, split %d to %d in a pinned order, as the training images are not there: ")
      :format(n, n - n_test, n_test) .. files.note(seen)
  end
  local train, train_seen = read(set, folder, "train", o)
  return train, test, files.note { train_seen[1], train_seen[2], seen[1], seen[2] }
end

local function loader(name)
  local set = sets[name]
  return function(given)
    local o = options("data." .. name, given, { dir = false, range = { 0, 1 }, verify = true, n_train = false, n_test = false })
    local train, test, note = parts(set, files.folder(o.dir or nil), o)
    train = split.first(train, o.n_train, name .. ".train")
    test = split.first(test, o.n_test, name .. ".test")
    train.x, test.x = images.scaled(train.x, o.range), images.scaled(test.x, o.range)
    return { name = name, train = train, test = test, classes = set.classes, note = note }
  end
end

---MNIST: 60,000 and 10,000 images (n, 1, 28, 28) of digits, class = digit + 1.  With the test files alone these are split
---8,000 to 2,000 in a pinned order, which the note says.
---    data.mnist{dir = nil, range = {0, 1}, verify = true, n_train = nil, n_test = nil}
---range: what 0..255 is scaled to, or "bytes" for uint8; n_train, n_test: only so many, the first in a pinned order.
---Source: LeCun, Bottou, Bengio, Haffner 1998 (Proc. IEEE 86).  Errors (kind "data"): a file missing, or not as published.
---@param given? table
---@return table {name, train = {x, y}, test = {x, y}, classes: names, note: which files, and whether they are as published}
idx.mnist = loader "mnist"

---Fashion-MNIST, as mnist.  Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747.
---@param given? table
---@return table
idx.fashion_mnist = loader "fashion_mnist"

---KMNIST, as mnist.  Source: Clanuwat et al. 2018, arXiv:1812.01718.
---@param given? table
---@return table
idx.kmnist = loader "kmnist"

return idx
