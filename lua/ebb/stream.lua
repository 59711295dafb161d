--- Streams: lazy chains of items that are pulled one at a time. Nothing runs until a stream is
-- consumed; the sources are functions of this module, stages and sinks are methods of the streams.

require "ebb.stream.stage"
require "ebb.stream.timed"
require "ebb.stream.share"
require "ebb.stream.sink"

local combine = require "ebb.stream.combine"
local source = require "ebb.stream.source"

return {
  iter = source.iter, range = source.range, unfold = source.unfold, from = source.from,
  interval = source.interval, empty = source.empty, once = source.once, repeat_ = source.repeat_,
  merge = combine.merge, zip = combine.zip, concat = combine.concat,
}
