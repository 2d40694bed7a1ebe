#!lua
--[[
  Gives back keys that a scheduler has seen to, and hands it the next ones, the longest waiting first.

  KEYS[1]  sorted set of waiting keys
  ARGV[1]  prefix of all keys, ends in ":"
  ARGV[2]  the scheduler's token
  ARGV[3]  most keys to hand out
  ARGV[4...]  keys to give back; those that are held by another token by now are left alone

  Returns {now, key, since, key, since...}; times are Unix ms by Redis' clock.
]]
local token, room = ARGV[2], tonumber(ARGV[3])
local queue = work_queue(ARGV[1])

local done = {}
if #ARGV > 3 then
  for n, holder in ipairs(redis.call("HMGET", queue.taken, unpack(ARGV, 4))) do
    if holder == token then
      done[#done + 1] = ARGV[n + 3]
    end
  end
end
if #done > 0 then
  queue.release(done)
end

local reply = { queue.now() }
if room == 0 then
  if #done > 0 and redis.call("EXISTS", KEYS[1]) == 1 then
    queue.ring()
  end
  return reply
end
-- What was given back and waits again is handed out at once, without a ring.
local popped = redis.call("ZPOPMIN", KEYS[1], room)
local held = {}
for n = 1, #popped, 2 do
  held[n], held[n + 1] = popped[n], token
  reply[n + 1], reply[n + 2] = popped[n], popped[n + 1]
end
if #held > 0 then
  redis.call("HSET", queue.taken, unpack(held))
end
if #popped == 2 * room and redis.call("EXISTS", KEYS[1]) == 1 then
  queue.ring()
end
return reply
