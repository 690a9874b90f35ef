--- Handwritten digits of 8x8 pixels.

local rp = require "repro"
local files = require "repro.data.files"
local images = require "repro.data.images"
local misuse = require "repro.misuse"
local options = require "repro.options"
local split = require "repro.data.split"

local digits = {}

local set = { name = "digits", folders = { "digits", "" },
  source = "scikit-learn's load_digits() (UCI optical recognition of handwritten digits, test set; CC BY 4.0), saved with "
    .. "numpy.save: images (1797, 8, 8) as float32 in images.npy, target (1797) as int64 in labels.npy",
  sums = { ["images.npy"] = { de898b14a53b49f2ddbc75934a1ffd4386b03f2d1b2c4dd47193d295c26b40c0 = true },
           ["labels.npy"] = { ["0e1c5e26d7ec59f910975e2cd61b6b76bc67b4bfaa8a4233726a6038d8e62a2c"] = true } } }

---1,797 images (n, 1, 8, 8), class = digit + 1, split four to one in a pinned order.
---    data.digits{dir = nil, range = {0, 1}, verify = true}
---Source: Alpaydin, Kaynak 1998, UCI Machine Learning Repository.  Options and errors as data.mnist.
---@param given? table range: what 0..16 is scaled to
---@return table {name, train = {x, y}, test = {x, y}, classes, note}
function digits.digits(given)
  local o = options("data.digits", given, { dir = false, range = { 0, 1 }, verify = true })
  local folder = files.folder(o.dir or nil)
  local image_path, label_path = files.find(folder, set, { "images.npy" }), files.find(folder, set, { "labels.npy" })
  local seen = { files.verify(set, image_path, o.verify), files.verify(set, label_path, o.verify) }
  local x, y = rp.io.read_npy(image_path), rp.io.read_npy(label_path):to("int64") + 1
  if x.ndim ~= 3 or y.ndim ~= 1 or x:size(1) ~= y:size(1) then
    misuse("digits: %s and %s do not hold images (n, 8, 8) and labels (n)", image_path, label_path)
  end
  local n = x:size(1)
  local all = { x = images.scaled(x:unsqueeze(2), o.range, 16), y = y }
  local train, test = split.split(all, { n - n // 5, n // 5 }, "digits.split")
  return { name = "digits", train = train, test = test, classes = images.numbers(0, 9), note = files.note(seen) }
end

return digits
