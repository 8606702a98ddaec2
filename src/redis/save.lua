-- SPDX-License-Identifier: MIT
-- Replaces a record if the stored one is as the guard says. Returns 1 if it did, else 0.
-- KEYS[1]: where the record is. ARGV:
--   1 the head that the stored record must have: its status, attempt token and fingerprint, up to its deadline
--   2 what must be true of the stored deadline at the time in 3: 'any', 'live' or 'lapsed'
--   3 the time that 2 is judged by
--   4 milliseconds until the server may drop the new record, '' for never
--   5 the new record
--   6, 7, 8 only for a renewal, which keeps the later of the two deadlines: the new record's head, deadline and rest
-- Times are whole microseconds in decimal, without leading zeros; a deadline may be 'never'. They are compared as text:
-- a number here is a double, which can't tell 2^53 from 2^53 + 1.

local function is_less(a, b)
  local a_is_negative = string.byte(a) == 45
  if a_is_negative ~= (string.byte(b) == 45) then
    return a_is_negative
  end
  if a_is_negative then
    a, b = b, a -- of two negative times, the one with the greater digits is the lesser
  end
  if #a ~= #b then
    return #a < #b
  end
  for i = 1, #a do -- byte by byte: `<` goes by the server's locale
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return false
end

-- As much of the record as is judged, however long its result is. A deadline has at most 20 bytes.
local head = ARGV[1]
local stored = redis.call('GETRANGE', KEYS[1], 0, #head + 20)
if string.sub(stored, 1, #head) ~= head then
  return 0
end
local deadline = string.match(stored, '^(%-?%d+) ', #head + 1) or string.match(stored, '^(never) ', #head + 1)
if not deadline then
  return redis.error_reply('CORRUPT the stored record has no deadline')
end

local lapsed = deadline ~= 'never' and is_less(deadline, ARGV[3])
if (ARGV[2] == 'live' and lapsed) or (ARGV[2] == 'lapsed' and not lapsed) then
  return 0
end

local is_renewal = ARGV[6] ~= nil
if is_renewal and ARGV[7] ~= 'never' and (deadline == 'never' or is_less(ARGV[7], deadline)) then
  -- The stored deadline stays, and so does the time to drop it.
  redis.call('SET', KEYS[1], ARGV[6] .. deadline .. ARGV[8], 'KEEPTTL')
elseif ARGV[4] == '' then
  redis.call('SET', KEYS[1], ARGV[5])
else
  redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[4])
end
return 1
