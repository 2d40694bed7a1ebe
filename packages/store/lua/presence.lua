#!lua
--[[
  Tells that a process is there, and who else is.

  KEYS[1]  hash: process -> "<ms of the server's clock when it was last here> <JSON>"
  ARGV[1]  this process
  ARGV[2]  JSON of what it says of itself; "" takes it off, "?" only reads
  ARGV[3]  milliseconds after which a silent process is dropped

  Returns {ms of the server's clock, process, value, process, value...}.
]]
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if ARGV[2] == "" then
  redis.call("HDEL", KEYS[1], ARGV[1])
elseif ARGV[2] ~= "?" then
  redis.call("HSET", KEYS[1], ARGV[1], string.format("%.0f", now) .. " " .. ARGV[2])
end
local reply = { string.format("%.0f", now) }
local all = redis.call("HGETALL", KEYS[1])
for n = 1, #all, 2 do
  local seen = tonumber(string.match(all[n + 1], "^(%d+) "))
  if seen and now - seen <= tonumber(ARGV[3]) then
    reply[#reply + 1] = all[n]
    reply[#reply + 1] = all[n + 1]
  elseif ARGV[2] ~= "?" then
    redis.call("HDEL", KEYS[1], all[n])
  end
end
return reply
