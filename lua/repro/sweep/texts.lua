--- The texts that a sweep is of: its script, the modules that it had read when the cells were started, and which Lua library.
---
--- They lie in RUN/cells/SWEEP/texts.json while the cells run, and each cell is told the SHA-256 of that file.  A cell reads the
--- script and those modules from there, so that all are of one text though somebody edits the files meanwhile.  The library is too
--- large to be given on: a cell in which it is not the one of the sweep, where it begins or where it ends, fails, and the sweep
--- says so once.
local rp = require "repro"
local failure = require "repro.failure"
local files = require "repro.files"
local inputs = require "repro.inputs"
local json = require "repro.json"
local provenance = require "repro.provenance"

local texts = {}

local library                                             -- SHA-256 of the library that this process should run on

local function path_of(directory, sweep) return files.join(directory, "cells", sweep, "texts.json") end

--- Writes what the cells are given.
---@param directory string of the run
---@param sweep string its name
---@return string sum SHA-256, for the command lines of the cells
function texts.write(directory, sweep)
  library = provenance.library_at_start()
  local text = json.encode(json.object { { "library", library }, { "files", inputs.texts() } })
  files.write(path_of(directory, sweep), text)
  return files.sha256(text)
end

--- Removes it.
function texts.remove(directory, sweep) pcall(rp.io.remove, path_of(directory, sweep)) end

--- In the process of a cell: what it is given.
---@param given table options of the command line
---@return table files path -> text
function texts.read(given)
  local path = path_of(given.out or ".", given.cell:match "^[^/]+")
  local text = files.read(path)
  if not text or files.sha256(text) ~= given.texts then
    failure.raise("environment", "%s is not the one of this sweep; does another run write to this directory?", path)
  end
  local bundle = rp.io.json_decode(text)
  library = bundle.library
  texts.check()
  return bundle.files
end

--- Whether the library is still the one of the sweep.
---@return boolean
function texts.are_whole() return library == nil or library == provenance.library_hash() end

--- Raises if it is not.
function texts.check()
  if not texts.are_whole() then
    failure.raise("environment", "the Lua files of repro were replaced while the sweep ran")
  end
end

return texts
