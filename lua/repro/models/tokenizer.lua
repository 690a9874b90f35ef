--- CLIP's words: byte-pair encoding of lower-case text.
--- Source: Sennrich, Haddow, Birch 2016, arXiv:1508.07909, alg. 1; Radford et al. 2021, arXiv:2103.00020, sec. 2.4.

local core = require "repro.core"
local failure = require "repro.failure"
local misuse = require "repro.misuse"

local models = {}

-- A printable character for each byte: itself where it has one, else the next from 256 on.
local function characters()
  local list, extra = {}, 256
  for byte = 0, 255 do
    local printable = byte >= 33 and byte <= 126 or byte >= 161 and byte <= 172 or byte >= 174
    list[byte] = utf8.char(printable and byte or extra)
    if not printable then extra = extra + 1 end
  end
  return list
end

local first_word, last_word = "<|startoftext|>", "<|endoftext|>"

---What text is made of, tried in this order at each place.  Bytes beyond ASCII count as letters.
local pieces = { "^<|startoftext|>", "^<|endoftext|>", "^'s", "^'t", "^'re", "^'ve", "^'m", "^'ll", "^'d", "^[%a\128-\255]+", "^%d",
                 "^[^%s%w\128-\255]+" }

local function next_piece(text, at)
  for _, pattern in ipairs(pieces) do
    local from, to = text:find(pattern, at)
    if from then return text:sub(from, to), to + 1 end
  end
end

---@class Tokenizer
local Tokenizer = {}
Tokenizer.__index = Tokenizer

local function read(path)
  local rp = require "repro"                               -- whose readers note what they read
  if not core.io.exists(path) then failure.raise("data", "Tokenizer: there is no file %s", path) end
  return rp.io.read_text(path)
end

---Texts to numbers of words, from a folder with CLIP's vocab.json and merges.txt.
---    local tokenizer = rp.models.Tokenizer("clip-vit-large-patch14")
---    clip:encode_text(tokenizer:encode{"a dog facing left", "a dog facing right"})
---Only ASCII letters are made lower case.  Errors (kind "data"): files that are missing or not of this kind.
---@param folder string
---@return Tokenizer
function models.Tokenizer(folder)
  local self = setmetatable({ ranks = {}, known = {}, characters = characters() }, Tokenizer)
  local path = folder .. "/vocab.json"
  local ok, words = pcall(core.io.json_decode, read(path))
  if not ok or type(words) ~= "table" or not (words[first_word] and words[last_word]) then
    failure.raise("data", "%s: no vocabulary with %s and %s", path, first_word, last_word)
  end
  self.words = words
  local n = 0
  for line in read(folder .. "/merges.txt"):gmatch "[^\r\n]+" do
    local a, b = line:match "^(%S+) (%S+)$"
    if a and not line:find "^#version" then
      n = n + 1
      self.ranks[a .. " " .. b] = n
    end
  end
  return self
end

-- The pair of neighbours that was merged first when the vocabulary was made; nil if none ever was.
local function best_pair(self, parts)
  local best, rank
  for i = 1, #parts - 1 do
    local pair = parts[i] .. " " .. parts[i + 1]
    local r = self.ranks[pair]
    if r and (not rank or r < rank) then best, rank = pair, r end
  end
  return best
end

local function merged(parts, pair)
  local result, i = {}, 1
  while i <= #parts do
    if parts[i + 1] and parts[i] .. " " .. parts[i + 1] == pair then
      result[#result + 1], i = parts[i] .. parts[i + 1], i + 2
    else
      result[#result + 1], i = parts[i], i + 1
    end
  end
  return result
end

-- The words that a piece of text consists of.
local function split(self, piece)
  if piece == first_word or piece == last_word then return { piece } end
  if self.known[piece] then return self.known[piece] end
  local parts = {}
  for i = 1, #piece do parts[i] = self.characters[piece:byte(i)] end
  parts[#parts] = parts[#parts] .. "</w>"
  local pair = best_pair(self, parts)
  while pair do
    parts = merged(parts, pair)
    pair = best_pair(self, parts)
  end
  self.known[piece] = parts
  return parts
end

---@param text string
---@return integer[] from 1, with the words that begin and end a text
function Tokenizer:numbers(text)
  local list, at = { self.words[first_word] + 1 }, 1
  text = text:gsub("%s+", " "):gsub("%u", string.lower)
  while at <= #text do
    local piece, after = next_piece(text, at)
    for _, word in ipairs(piece and split(self, piece) or {}) do
      list[#list + 1] = (self.words[word] or self.words[last_word]) + 1
    end
    at = after or at + 1
  end
  list[#list + 1] = self.words[last_word] + 1
  return list
end

---@param texts string[]
---@param limit? integer the most words of a text, default 77
---@return Tensor (n, L) int64, from 1; shorter texts end with several of the last word
function Tokenizer:encode(texts, limit)
  limit = limit or 77
  local rows, longest = {}, 0
  for i, text in ipairs(texts) do
    rows[i] = self:numbers(text)
    if #rows[i] > limit then misuse("Tokenizer: %d words are more than %d: '%s'", #rows[i], limit, text) end
    longest = math.max(longest, #rows[i])
  end
  for _, row in ipairs(rows) do
    for k = #row + 1, longest do row[k] = self.words[last_word] + 1 end
  end
  return core.tensor(rows, "int64")
end

return models
