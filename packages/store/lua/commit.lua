#!lua
--[[
  Applies transactions, each whole or not at all, in order.

  KEYS[1]  the cell's revision counter (every other key shares its hash tag)
  ARGV[1]  prefix of all keys, ends in ":"
  ARGV[2]  longest length of each watch stream (approximate)
  ARGV[3]  number of transactions
  then each transaction: number of operations, and its operations:
    c  resource key body              create; fails "exists"
    u  resource key rv body prev      update; rv "" = whatever is there; fails "missing", "stale"
    d  resource key rv                delete; rv as in u; fails "missing", "stale"
    ?  resource key rv                only checks; rv "-" = absent, "" = there
    +  suffix member                  adds to a set
    -  suffix member                  removes from a set
    m  key                            marks a sync key dirty, which puts it on the workqueue
    x  key count                      takes its mark away if it still has this count
    q  count queue now options id name data id name data...
                                      puts jobs on a BullMQ queue (count = 3 + 3 a job)
    r  count command suffix args...   any other command on one key of the cell (count = 2 + number of args)

  Returns for each transaction a list: {0, rv...} with one resourceVersion per c, u and d,
  or {code, n}: n = position of the operation that failed; code 1 exists, 2 missing, 3 stale.

  An object is kept as "<rv> <body>". A watch entry has: t (A, M or D), k key, b body, and
  p (what selectors saw before) where prev is given.

  Nobody sees what is between two commands of a script. So objects are read at once, transactions
  work on Lua tables, and what has become of them is written at the end with few commands.
]]
-- Every access to a global is a look-up.
local ARGV = ARGV
local prefix, maxlen = ARGV[1], ARGV[2]
local arity = { c = 3, u = 5, d = 3, ["?"] = 3, ["+"] = 2, ["-"] = 2, m = 1, x = 2 }
local EXISTS, MISSING, STALE = 1, 2, 3
local SPACE = string.byte(" ")

-- Elements that one command gets: they pass over Lua's stack.
local CHUNK = 2000

-- resource -> key -> value now, and as it was stored (false = absent).
local values, stored = {}, {}
local sets, marked, others, entries = {}, {}, {}, {}
local queue = work_queue(prefix)
-- Name of a queue of Pods -> {now, options, {id, name, data, id, ...}}.
local queued = {}
local revision = tonumber(redis.call("GET", KEYS[1]) or "0")

local function each_chunk(list, call)
  for first = 1, #list, CHUNK do
    call(unpack(list, first, math.min(first + CHUNK - 1, #list)))
  end
end

-- Where each operation of each transaction begins; notes the objects that they are about.
local function parse()
  local transactions, wanted = {}, {}
  local at = 4
  for t = 1, tonumber(ARGV[3]) do
    local operations = {}
    local count = tonumber(ARGV[at])
    at = at + 1
    for n = 1, count do
      local code = ARGV[at]
      operations[n] = at
      if code == "c" or code == "u" or code == "d" or code == "?" then
        local resource, key = ARGV[at + 1], ARGV[at + 2]
        if not values[resource] then
          values[resource], stored[resource], wanted[resource] = {}, {}, {}
        end
        if values[resource][key] == nil then
          values[resource][key] = false
          wanted[resource][#wanted[resource] + 1] = key
        end
      end
      at = at + 1 + (arity[code] or tonumber(ARGV[at + 1]) + 1)
    end
    transactions[t] = operations
  end
  return transactions, wanted
end

local function load(wanted)
  for resource, keys in pairs(wanted) do
    local now, before = values[resource], stored[resource]
    each_chunk(keys, function(...)
      local found = redis.call("HMGET", prefix .. "o:" .. resource, ...)
      for n, key in ipairs({ ... }) do
        now[key], before[key] = found[n], found[n]
      end
    end)
  end
end

-- 0 when the stored value meets what the operation expects of it.
local function mismatch(value, expected)
  if expected == "-" then
    return value and EXISTS or 0
  end
  if not value then
    return MISSING
  end
  local length = #expected
  if expected == "" then
    return 0
  end
  local same = string.sub(value, 1, length) == expected and string.byte(value, length + 1) == SPACE
  return same and 0 or STALE
end

local function check(operations)
  for n, i in ipairs(operations) do
    local code, failure = ARGV[i], 0
    if code == "c" then
      failure = mismatch(values[ARGV[i + 1]][ARGV[i + 2]], "-")
    elseif code == "u" or code == "d" or code == "?" then
      failure = mismatch(values[ARGV[i + 1]][ARGV[i + 2]], ARGV[i + 3])
    end
    if failure ~= 0 then
      return { failure, n - 1 }
    end
  end
  return nil
end

local function write(type, resource, key, body, prev)
  revision = revision + 1
  local rv = string.format("%d", revision)
  local value = values[resource][key]
  if type == "D" then
    body = string.sub(value, string.find(value, " ", 1, true) + 1)
    values[resource][key] = false
  else
    values[resource][key] = rv .. " " .. body
  end
  entries[#entries + 1] = { resource, rv, type, key, body, prev }
  return rv
end

local function enqueue(i)
  local name = ARGV[i + 2]
  local known = queued[name] or { ARGV[i + 3], ARGV[i + 4], {} }
  queued[name] = known
  local jobs = known[3]
  for n = i + 5, i + 1 + tonumber(ARGV[i + 1]) do
    jobs[#jobs + 1] = ARGV[n]
  end
end

-- Kept in order; pushes to one list that follow one another become one command.
local function other(i)
  local command, suffix = ARGV[i + 2], ARGV[i + 3]
  local last = others[#others]
  local args = { unpack(ARGV, i + 4, i + 1 + tonumber(ARGV[i + 1])) }
  if command == "RPUSH" and last and last[1] == command and last[2] == suffix and #last[3] < CHUNK then
    for _, arg in ipairs(args) do
      last[3][#last[3] + 1] = arg
    end
  else
    others[#others + 1] = { command, suffix, args }
  end
end

local function apply(operations)
  local result = { 0 }
  for _, i in ipairs(operations) do
    local code = ARGV[i]
    if code == "c" then
      result[#result + 1] = write("A", ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
    elseif code == "u" then
      result[#result + 1] = write("M", ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5])
    elseif code == "d" then
      result[#result + 1] = write("D", ARGV[i + 1], ARGV[i + 2])
    elseif code == "+" or code == "-" then
      local members = sets[ARGV[i + 1]] or {}
      sets[ARGV[i + 1]] = members
      members[ARGV[i + 2]] = code == "+"
    elseif code == "m" then
      -- Once is enough: no sync can have read the count in between.
      if not marked[ARGV[i + 1]] then
        marked[ARGV[i + 1]] = true
        others[#others + 1] = { "m", "", { ARGV[i + 1] } }
      end
    elseif code == "x" then
      marked[ARGV[i + 1]] = nil
      others[#others + 1] = { "x", "", { ARGV[i + 1], ARGV[i + 2] } }
    elseif code == "q" then
      enqueue(i)
    elseif code == "r" then
      other(i)
    end
  end
  return result
end

local function write_objects()
  for resource, now in pairs(values) do
    local before, put, gone, enter, leave = stored[resource], {}, {}, {}, {}
    for key, value in pairs(now) do
      if value and value ~= before[key] then
        put[#put + 1], put[#put + 2] = key, value
        if not before[key] then
          enter[#enter + 1], enter[#enter + 2] = 0, key
        end
      elseif not value and before[key] then
        gone[#gone + 1], leave[#leave + 1] = key, key
      end
    end
    local objects, index = prefix .. "o:" .. resource, prefix .. "i:" .. resource
    each_chunk(put, function(...) redis.call("HSET", objects, ...) end)
    each_chunk(gone, function(...) redis.call("HDEL", objects, ...) end)
    each_chunk(enter, function(...) redis.call("ZADD", index, ...) end)
    each_chunk(leave, function(...) redis.call("ZREM", index, ...) end)
  end
end

local function announce()
  for _, entry in ipairs(entries) do
    local resource, rv, type, key, body, prev = unpack(entry, 1, 6)
    local stream, id = prefix .. "w:" .. resource, rv .. "-0"
    if prev and prev ~= "" then
      redis.call("XADD", stream, "MAXLEN", "~", maxlen, id, "t", type, "k", key, "b", body, "p", prev)
    else
      redis.call("XADD", stream, "MAXLEN", "~", maxlen, id, "t", type, "k", key, "b", body)
    end
  end
end

local function write_sets()
  for suffix, members in pairs(sets) do
    local add, remove = {}, {}
    for member, present in pairs(members) do
      local list = present and add or remove
      list[#list + 1] = member
    end
    local set = prefix .. suffix
    each_chunk(add, function(...) redis.call("SADD", set, ...) end)
    each_chunk(remove, function(...) redis.call("SREM", set, ...) end)
  end
end

local function write_others()
  for _, one in ipairs(others) do
    local command, key, args = one[1], prefix .. one[2], one[3]
    if command == "m" then
      queue.mark(args[1])
    elseif command ~= "x" then
      redis.call(command, key, unpack(args))
    elseif redis.call("HGET", queue.dirty, args[1]) == args[2] then
      redis.call("HDEL", queue.dirty, args[1])
    end
  end
end

local transactions, wanted = parse()
load(wanted)
local results = {}
for n, operations in ipairs(transactions) do
  results[n] = check(operations) or apply(operations)
end
if #entries > 0 then
  redis.call("SET", KEYS[1], string.format("%d", revision))
  write_objects()
  announce()
end
write_sets()
for name, jobs in pairs(queued) do
  add_to_queue(prefix .. "q:" .. name .. ":", jobs[1], jobs[2], jobs[3])
end
write_others()
return results
