-- No request is one that came before: each has a target of its own, all of the same length.
local number = 0
request = function()
  number = number + 1
  return wrk.format("GET", string.format("/%08d", number))
end
