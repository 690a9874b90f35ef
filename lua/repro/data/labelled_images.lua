--- Small labelled images of several sets in one form, for generators: what is trained on, and what nobody sees.

local rp = require "repro"
local cifar = require "repro.data.cifar"
local digits = require "repro.data.digits"
local idx = require "repro.data.idx"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local numerals = require "repro.data.numerals"
local options = require "repro.options"
local split = require "repro.data.split"

local labelled = {}

local sets = {}

function sets.numerals(o)
  local function draw(name, n) return numerals.numerals { n = n, seed = o.seed, name = name, size = o.side } end
  return { train = draw("train", o.n_train), test = draw("test", o.n_test) }
end

function sets.digits(o) return digits.digits { dir = o.dir or nil } end

function sets.mnist(o)                                      -- 28 -> 32, so that it can be halved
  local set = idx.mnist { n_train = o.n_train, n_test = o.n_test, dir = o.dir or nil }
  for _, part in ipairs { set.train, set.test } do part.x = part.x:pad { 2, 2, 2, 2 } end
  return set
end

function sets.cifar10(o) return cifar.cifar10 { n_train = o.n_train, n_test = o.n_test, dir = o.dir or nil } end

-- What an autoencoder made of images: latents.npy (n, C, S, S) and labels.npy (n), every twentieth held out.
function sets.latents(o)
  local folder = rp.models.locate({ { "latents.npy", "images through an autoencoder, such as rp.models.read_stable_diffusion's" },
                                    { "labels.npy", "their classes, int64, from 1" } }, o.dir or nil)
  local x, y = rp.io.read_npy(folder .. "/latents.npy"):to "float32", rp.io.read_npy(folder .. "/labels.npy"):to "int64"
  local n = x:size(1)
  local scaled = { x = x / x:square():mean():sqrt():item(), y = y }
  local train, test = split.split(scaled, { n - n // 20, n // 20 }, "latents")
  return { train = train, test = test, latent = true, note = ("%d latents in %s: not verified"):format(n, folder) }
end

local names = { "numerals", "digits", "mnist", "cifar10", "latents" }

---A set by its name, images in [-1, 1], which means over k x k pixels make as small as a side not below `side` allows.
---Latents are scaled to a mean square of 1 and not pooled.
---    data.labelled_images{name = "numerals", side = 12, n_train = 4000, n_test = 1000, seed = 1, dir = nil}
---@param given {name: "numerals"|"digits"|"mnist"|"cifar10"|"latents", side: integer, n_train: integer, n_test: integer}
---  numerals are drawn from the seed; digits and latents are taken whole
---@return table {x (n, C, S, S), y (n) from 1, unseen = {x, y}, classes: their number, latent: true of latents, note}
function labelled.labelled_images(given)
  local o = options("labelled_images", given, { name = "numerals", side = 12, n_train = 4000, n_test = 1000, seed = 1,
                                                dir = false })
  local read = sets[o.name]
  if not read then misuse("labelled_images: no set is called %s%s", tostring(o.name), nearest.hint(tostring(o.name), names)) end
  local set = read(o)
  local function prepared(x)
    if set.latent then return x end
    local factor = x:size(3) // math.min(o.side, x:size(3))
    return (factor > 1 and x:avg_pool2d(factor) or x) * 2 - 1
  end
  local y = set.train.y
  return { x = prepared(set.train.x), y = y, unseen = { x = prepared(set.test.x), y = set.test.y }, classes = y:max():item(),
           latent = set.latent or false, note = set.note }
end

return labelled
