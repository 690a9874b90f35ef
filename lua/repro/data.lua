--- repro.data: data sets, drawn or read, and how they are served.
---
---   glyphs, glyph_pairs, glyph_names                      small images with nine attributes
---   numerals                                              drawn digits, grey or coloured
---   cells, poisson                                        counts of transcripts of cell types
---   gaussian_mixture, gaussian, two_moons, rings, spirals, checkerboard, swiss_roll, distance_from          points
---   shapes, cloud_set                                     clouds of points on chairs, airplanes, cars, drawn or ShapeNet's
---   mnist, fashion_mnist, kmnist, cifar10, cifar100, digits, image_folder                   files
---   labelled_images                                       several of these in one form, pooled to one side
---   load(name, options)                                   any of these by name
---   loader                                                batches in a pinned order
---   split, first, subset, count, standardise              parts of a set
---   augment                                               random changes of batches of images
---
--- A *split* is a table of tensors whose first dimensions agree: x (n, ...) the examples, y (n) int64 the classes from 1,
--- and what else there is.  Other fields (names, notes) are carried along.  What is drawn depends on {seed, name} only.
--- What is read comes from the folder of option `dir`, of --data, of REPRO_DATA, or else "data"; see data/files.lua.

local misuse = require "repro.misuse"
local nearest = require "repro.nearest"

local data = { augment = require "repro.data.augment" }

for _, part in ipairs { "glyphs", "numerals", "cells", "points", "shapes", "idx", "cifar", "digits", "ink", "image_folder",
                        "image_pairs", "labelled_images", "split", "loader" } do
  for name, value in pairs(require("repro.data." .. part)) do data[name] = value end
end

local names = { "glyphs", "numerals", "cells", "gaussian_mixture", "gaussian", "two_moons", "rings", "spirals", "checkerboard",
                "swiss_roll", "shapes", "mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100", "digits",
                "image_folder" }

---A data set by its name: load("mnist", {dir = "..."}) is mnist{dir = "..."}.
---@param name string
---@param given? table
---@return table
function data.load(name, given)
  for _, known in ipairs(names) do
    if known == name then return data[name](given) end
  end
  misuse("data.load: no data set is called %s%s", tostring(name), nearest.hint(tostring(name), names))
end

return data
