--- Small labelled images of several sets in one form.

local rp = require "repro"
local cifar = require "repro.data.cifar"
local digits = require "repro.data.digits"
local idx = require "repro.data.idx"
local images = require "repro.data.images"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local numerals = require "repro.data.numerals"
local options = require "repro.options"
local split = require "repro.data.split"

local labelled = {}

local sets = {}

local function drawn(o, side, colour)
  local function draw(name, n) return numerals.numerals { n = n, seed = o.seed, name = name, size = side, colour = colour } end
  local set = { train = draw("train", o.n_train), test = draw("test", o.n_test) }
  set.classes = set.train.classes
  return set
end

function sets.numerals(o) return drawn(o, o.drawn or o.side, false) end

function sets.colour(o) return drawn(o, o.drawn or 32, true) end

function sets.digits(o) return digits.digits { dir = o.dir or nil } end

function sets.mnist(o) return idx.mnist { n_train = o.n_train, n_test = o.n_test, dir = o.dir or nil } end

function sets.cifar10(o) return cifar.cifar10 { n_train = o.n_train, n_test = o.n_test, dir = o.dir or nil } end

-- What an autoencoder made of images: latents.npy (n, C, S, S) and labels.npy (n), every twentieth held out.
function sets.latents(o)
  local folder = rp.models.locate({ { "latents.npy", "images through an autoencoder, such as rp.models.read_stable_diffusion's" },
                                    { "labels.npy", "their classes, int64, from 1" } }, o.dir or nil)
  local x, y = rp.io.read_npy(folder .. "/latents.npy"):to "float32", rp.io.read_npy(folder .. "/labels.npy"):to "int64"
  local n = x:size(1)
  local scaled = { x = x / x:square():mean():sqrt():item(), y = y }
  local train, test = split.split(scaled, { n - n // 20, n // 20 }, "latents")
  return { train = train, test = test, classes = images.numbers(1, y:max():item()), latent = true,
           note = ("%d latents in %s: not verified"):format(n, folder) }
end

local names = { "numerals", "colour", "digits", "mnist", "cifar10", "latents" }

-- Means over k x k pixels, the side as small as it can be and not below `side`; 28 pixels become 32 where 28 is no multiple.
local function pooled(x, side)
  if x:size(3) == 28 and 28 % side ~= 0 then x = x:pad { 2, 2, 2, 2 } end
  local factor = x:size(3) // math.min(side, x:size(3))
  return factor > 1 and x:avg_pool2d(factor) or x
end

---Training and test images of a set by its name, averaged over k x k pixels to a side as small as it can be and not below `side`
---(MNIST is padded to 32x32 unless `side` divides 28).  Latents are scaled to a mean square of 1, not pooled, in no range.
---    data.labelled_images{name = "numerals", side = 12, n_train = 4000, n_test = 1000, seed = 1, range = {0, 1}, drawn = nil,
---                         measure = nil, dir = nil}
---numerals and colour are drawn from the seed, with `drawn` pixels a side (numerals: `side`, colour: 32); digits and latents are
---taken whole.  `measure(x)` is of the images before they are pooled, in [0, 1]; what it gives is `measured` of each split.
---@param given {name: "numerals"|"colour"|"digits"|"mnist"|"cifar10"|"latents", side: integer, n_train: integer, n_test: integer}
---@return table {train = {x (n, C, S, S), y (n) from 1, measured}, test, classes: their names, latent: true of latents, note}
function labelled.labelled_images(given)
  local o = options("labelled_images", given, { name = "numerals", side = 12, n_train = 4000, n_test = 1000, seed = 1,
                                                range = { 0, 1 }, drawn = false, measure = false, dir = false })
  local read = sets[o.name]
  if not read then misuse("labelled_images: no set is called %s%s", tostring(o.name), nearest.hint(tostring(o.name), names)) end
  local set = read(o)
  local function part(s)
    local measured = o.measure and o.measure(s.x) or nil
    return { x = set.latent and s.x or images.scaled(pooled(s.x, o.side), o.range, 1), y = s.y, measured = measured }
  end
  return { train = part(set.train), test = part(set.test), classes = set.classes, latent = set.latent or false, note = set.note }
end

return labelled
