-- SPDX-License-Identifier: MIT
-- Stores a record if its key is free. Returns nil if it did, else the record that is there, unchanged.
-- KEYS[1]: where the record is. ARGV: 1 the record; 2 milliseconds until the server may drop it, '' for never.
-- It looks before it writes: a replay is answered even where writes are refused (full memory, no replica, no disk).
local stored = redis.call('GET', KEYS[1])
if stored then
  return stored
end
if ARGV[2] == '' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return false
