--- repro pin: writes the numbers of the last run into the script.
local console = require "repro.cli.console"
local failure = require "repro.failure"
local files = require "repro.files"
local literate = require "repro.literate"
local options = require "repro.cli.options"
local pins = require "repro.pin"
local rundir = require "repro.rundir"
local scripts = require "repro.cli.scripts"
local settings = require "repro.settings"

local pin = {
  name = "pin",
  usage = "SCRIPT [--scale S] [--from DIR] [--yes]",
  summary = "Writes the numbers that the last run measured into the script's P:pinned checks, and nothing else.",
  details = "The changed lines are shown first.  Without --yes, and without a terminal to ask on, nothing is written.",
  options = {
    { name = "scale", value = "S", choices = settings.scales, default = "small", help = "the scale to pin" },
    { name = "from", value = "DIR", help = "the run directory; otherwise the usual one of that scale" },
    { name = "yes", short = "y", help = "write without asking" },
  },
}

local function read_run(document, given)
  local header = literate.header(document)
  if not (header and header.id) then failure.raise("usage", "%s declares no paper", document.name) end
  local directory = given.from or rundir.usual(header.id, given.scale, header.seed)
  local result, message = rundir.read(directory)
  if not result then
    failure.raise("usage", "%s; first: repro run %s --scale %s", message, document.name, given.scale)
  end
  return result
end

local function check_run(result, document, given)
  if result.scale ~= given.scale then
    failure.raise("usage", "%s is a run at scale %s, not %s", result.directory, result.scale, given.scale)
  end
  if result.status ~= "complete" then
    failure.raise("usage", "the run in %s is not complete: %s", result.directory, result.status)
  end
  for _, check in ipairs(result.checks) do
    local note = check.kind == "pinned" and check.status == "not pinned" and check.note
    if note and not note:find "^no pin" then
      failure.raise("usage", "the run in %s is not the default one (%s); run it without --set and --seed",
        result.directory, note)
    end
  end
  if files.sha256(document.source) ~= result.hashes.script then
    io.stderr:write("note: the script has changed since the run in ", result.directory, "\n")
  end
end

local function show_changes(changes, name)
  local coloured = console.has_colour(1)
  local red, green, plain = "\27[31m", "\27[32m", "\27[0m"
  if not coloured then red, green, plain = "", "", "" end
  for _, change in ipairs(changes) do
    io.stdout:write(("%s:%d\n%s- %s%s\n%s+ %s%s\n"):format(name, change.line, red, change.before, plain, green,
      change.after, plain))
  end
end

-- A file that is marked read-only is left alone, though a new one could be put in its place.
local function check_writable(path)
  local file, message = io.open(path, "r+b")
  if not file then failure.raise("environment", "pin: %s", message) end
  file:close()
end

--- Runs the command.
---@return integer code
function pin.run(given, rest)
  options.expect(pin, rest, 1, 1)
  local path = scripts.find(rest[1])
  local source = assert(files.read(path))
  local document = literate.parse(source, path)
  local result = read_run(document, given)
  check_run(result, document, given)
  local text, skipped = pins.rewrite(document, result.checks, given.scale)
  for _, one in ipairs(skipped) do io.stderr:write(("cannot pin %s: %s\n"):format(one.id, one.reason)) end
  local changes = pins.diff(source, text)
  if #changes == 0 then
    io.stdout:write("nothing to change\n")
    return #skipped > 0 and 1 or 0
  end
  local whole, trouble = load(text:gsub("^#[^\n]*", ""), "@" .. path, "t", {})
  if not whole then failure.raise("usage", "nothing written: with these pins the script would not be Lua: %s", trouble) end
  show_changes(changes, path)
  local what = #changes == 1 and "1 line" or #changes .. " lines"
  if not (given.yes or console.confirm(("write %s of %s?"):format(what, path))) then
    io.stderr:write "nothing written; --yes writes without asking\n"
    return 2
  end
  check_writable(path)
  files.write(path, text)
  io.stdout:write(("%s of %s written\n"):format(what, path))
  return 0
end

return pin
