--- The MNIST family: MNIST, Fashion-MNIST and KMNIST in IDX files.

local rp = require "repro"
local files = require "repro.data.files"
local images = require "repro.data.images"
local misuse = require "repro.misuse"
local options = require "repro.options"
local split = require "repro.data.split"

local idx = {}

-- SHA-256 of the four files as published, gzipped.
local function sums(train_images, train_labels, test_images, test_labels)
  return { ["train-images-idx3-ubyte.gz"] = { [train_images] = true }, ["train-labels-idx1-ubyte.gz"] = { [train_labels] = true },
           ["t10k-images-idx3-ubyte.gz"] = { [test_images] = true }, ["t10k-labels-idx1-ubyte.gz"] = { [test_labels] = true } }
end

local sets = {
  mnist = { name = "mnist", folders = { "mnist", "MNIST/raw", "" }, classes = images.numbers(0, 9),
    source = "https://ossci-datasets.s3.amazonaws.com/mnist/ (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0)",
    sums = sums("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6") },
  fashion_mnist = { name = "fashion_mnist", folders = { "fashion_mnist", "fashion-mnist", "FashionMNIST/raw", "" },
    classes = { "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot" },
    source = "https://github.com/zalandoresearch/fashion-mnist (Zalando SE; MIT)",
    sums = sums("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5") },
  kmnist = { name = "kmnist", folders = { "kmnist", "KMNIST/raw", "" },
    classes = { "o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo" },
    source = "http://codh.rois.ac.jp/kmnist/ (CODH; CC BY-SA 4.0)",
    sums = sums("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c") },
}

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
