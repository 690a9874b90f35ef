--- CIFAR-10 and CIFAR-100, binary version.  Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.

local rp = require "repro"
local catalogue = require "repro.data.catalogue"
local files = require "repro.data.files"
local images = require "repro.data.images"
local options = require "repro.options"
local split = require "repro.data.split"

local cifar = {}

local again = "re-encoded from JPEG copies, not the published bytes"

local ten = { name = "cifar10", folders = files.folders.cifar10,
  source = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (A. Krizhevsky)",
  classes = { "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck" },
  sums = catalogue.sums "cifar10" }
ten.sums["data_batch_1.bin"].f613ee62c594a007205e05ddd90fa1db907fd7961ec146c6b9209f0ca47496fc = again
ten.sums["test_batch.bin"].e6fc4f84915540c6312a37f11e1e8229484a5540fe83715ae5ab89b1a51692be = again

local hundred = { name = "cifar100", folders = files.folders.cifar100, sums = catalogue.sums "cifar100",
  source = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz (A. Krizhevsky)" }

local function finish(name, train, test, o, note)
  train, test = split.first(train, o.n_train, name .. ".train"), split.first(test, o.n_test, name .. ".test")
  train.x, test.x = images.scaled(train.x, o.range), images.scaled(test.x, o.range)
  return { name = name, train = train, test = test, note = note }
end

local function read_ten(folder, name, o)
  local path = files.find(folder, ten, { name })
  local seen = files.verify(ten, path, o.verify)
  local x, y = rp.io.read_cifar10(path)
  return x, y + 1, seen
end

-- The training batches that are there, of which the first must be.
local function training_batches(folder, o)
  local x, y, seen = {}, {}, {}
  for i = 1, 5 do
    local name = ("data_batch_%d.bin"):format(i)
    if i > 1 and not files.search(folder, ten, { name }) then break end
    x[i], y[i], seen[i] = read_ten(folder, name, o)
  end
  return { x = rp.concat(1, x), y = rp.concat(1, y) }, seen
end

local defaults = { dir = false, range = { 0, 1 }, verify = true, n_train = false, n_test = false }

---CIFAR-10: up to 50,000 and 10,000 images (n, 3, 32, 32) of ten classes; of the five training files the first must be there.
---    data.cifar10{dir = nil, range = {0, 1}, verify = true, n_train = nil, n_test = nil}
---Options and errors as data.mnist.
---@param given? table
---@return table {name, train = {x, y}, test = {x, y}, classes, note}
function cifar.cifar10(given)
  local o = options("data.cifar10", given, defaults)
  local folder = files.folder(o.dir or nil)
  local train, seen = training_batches(folder, o)
  local x, y, test_seen = read_ten(folder, "test_batch.bin", o)
  seen[#seen + 1] = test_seen
  local note = ("%d training and %d test images: "):format(train.x:size(1), x:size(1)) .. files.note(seen)
  local set = finish("cifar10", train, { x = x, y = y }, o, note)
  set.classes = ten.classes
  return set
end

local function read_hundred(folder, name, o)
  local path = files.find(folder, hundred, { name })
  local seen = files.verify(hundred, path, o.verify)
  local x, coarse, fine = rp.io.read_cifar100(path)
  return { x = x, y = fine + 1, coarse = coarse + 1 }, seen
end

---CIFAR-100: 50,000 and 10,000 images (n, 3, 32, 32) of a hundred classes in twenty groups.
---    data.cifar100{dir = nil, range = {0, 1}, verify = true, n_train = nil, n_test = nil}
---@param given? table
---@return table {name, train = {x, y, coarse}, test = {x, y, coarse}, note}; the classes have numbers only
function cifar.cifar100(given)
  local o = options("data.cifar100", given, defaults)
  local folder = files.folder(o.dir or nil)
  local train, train_seen = read_hundred(folder, "train.bin", o)
  local test, test_seen = read_hundred(folder, "test.bin", o)
  return finish("cifar100", train, test, o, files.note { train_seen, test_seen })
end

return cifar
